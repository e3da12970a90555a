// Menus, sliders and ticks: each is bound to one option of the config, or to one of the view.

import { $, $$, css, el } from "./dom.js";
import { colour } from "./colours.js";

const DATASETS = {
  circle: "Circle", xor: "Exclusive or", gauss: "Gaussian", spiral: "Spiral",
  "reg-plane": "Plane", "reg-gauss": "Multi-Gaussian", own: "Own points only",
};
const WORDS = {
  regularization: { none: "None" },
  problem: { classification: "Classification", regression: "Regression" },
  schedule: { constant: "Constant" },
};

export function create(app) {
  const { choices } = app;
  fill("rate", choices.rates);
  fill("strength", choices.strengths);
  fill("activation", Object.keys(choices.activations), choices.activations);
  fill("regularization", choices.regularizations);
  fill("problem", choices.problems);
  fill("optimizer", choices.optimizers);
  fill("schedule", choices.schedules);
  const buttons = datasetButtons(app);
  for (const control of $$("[data-option]")) {
    control.addEventListener("change", () => changed(app, control));
    if (control.type === "range") control.addEventListener("input", () => say(control));
  }
  for (const control of $$("[data-view]")) {
    control.addEventListener("change", () => {
      app.setView(control.dataset.view, control.type === "checkbox" ? control.checked : control.value);
    });
  }
  return {
    show() {
      for (const control of $$("[data-option]")) put(control, app.config[control.dataset.option]);
      for (const control of $$("[data-view]")) put(control, app.view[control.dataset.view]);
      $('[data-option="momentum"]').disabled = !["SGD", "RMSprop"].includes(app.config.optimizer);
      $('[data-option="strength"]').disabled = app.config.regularization === "none";
      for (const [name, { button, input }] of Object.entries(buttons)) {
        button.hidden = ![app.config.problem, "both"].includes(choices.datasets[name]);
        input.checked = name === app.config.dataset;
      }
      $("#clear-points").hidden = app.config.points.length === 0;
    },
    paintThumbs() {
      for (const [name, { canvas }] of Object.entries(buttons)) thumb(canvas, choices.previews[name]);
    },
  };
}

function fill(name, values, words = WORDS[name] ?? {}) {
  $(`[data-option="${name}"]`).append(...values.map((v) => el("option", { value: v }, String(words[v] ?? v))));
}

function put(control, value) {
  if (control.type === "checkbox") control.checked = value;
  else {
    if (control.tagName === "SELECT" && ![...control.options].some((o) => o.value === String(value))) {
      control.append(el("option", { value }, String(value)));
    }
    control.value = value;
  }
  if (control.type === "range") say(control);
}

const say = (control) => ($("output", control.parentElement).textContent = control.value);

function changed(app, control) {
  const name = control.dataset.option;
  const numeric = typeof app.choices.default[name] === "number";
  const value = control.type === "checkbox" ? control.checked : numeric ? Number(control.value) : control.value;
  if (name === "problem") app.change({ problem: value, dataset: value === "regression" ? "reg-plane" : "circle" });
  else app.change({ [name]: value });
}

function datasetButtons(app) {
  const buttons = {};
  for (const name of Object.keys(app.choices.datasets)) {
    const input = el("input", { type: "radio", name: "dataset", value: name, onchange: () => app.change({ dataset: name }) });
    const canvas = el("canvas", { width: 56, height: 56, "aria-hidden": "true" });
    const button = el("label", { title: DATASETS[name] }, input, canvas, el("span", {}, DATASETS[name]));
    buttons[name] = { button, input, canvas };
    $("#datasets").append(button);
  }
  return buttons;
}

function thumb(canvas, points) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, 56, 56);
  if (!points.length) {
    context.fillStyle = css("--faint");
    context.fillRect(20, 27, 16, 2);
    context.fillRect(27, 20, 2, 16);
  }
  for (const [x, y, t] of points) {
    context.fillStyle = colour(t);
    context.beginPath();
    context.arc(28 + x * 4.4, 28 - y * 4.4, 1.8, 0, 7);
    context.fill();
  }
}
