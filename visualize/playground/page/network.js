// The picture of the network: features, neurons with their maps, weights as lines.

import { $, el, number, svg } from "./dom.js";
import { colour, paint } from "./colours.js";
import { close, edit } from "./editor.js";

const BOX = 38, ROW = 47, TOP = 38;
const WORDS = { x1: "x₁", x2: "x₂", "x1^2": "x₁²", "x2^2": "x₂²", x1x2: "x₁x₂", "sin(x1)": "sin x₁", "sin(x2)": "sin x₂" };

/** The layers of weights: how many go in and come out, and where they begin among all parameters. */
export function layersOf(config) {
  const sizes = [config.features.length, ...config.hidden, 1];
  let at = 0;
  return sizes.slice(1).map((out, l) => {
    const layer = { index: l, inputs: sizes[l], outputs: out, at, last: l === sizes.length - 2 };
    at += (sizes[l] + 1) * out;
    return layer;
  });
}

export const placeOf = (layer, row, column) =>
  layer.at + (column === null ? layer.inputs * layer.outputs + row : row * layer.inputs + column);

export function neuronName(config, l, j) {
  return l === config.hidden.length ? "the output" : `neuron ${j + 1} of layer ${l + 1}`;
}

export const inputName = (config, l, i) => (l === 0 ? WORDS[config.features[i]] : neuronName(config, l - 1, i));

export function create(app) {
  const root = $("#network");
  let label = 58, gap = 78;
  let neurons = [], lines = [], features = [], active = [], layers = [];

  function build() {
    close();
    const { config, choices } = app;
    const narrow = root.parentElement.clientWidth < 560;
    [label, gap] = narrow ? [50, 66] : [58, 78];
    layers = layersOf(config);
    const columns = config.hidden.length + 1;
    const least = label + BOX + columns * gap;
    const width = Math.max(least, root.parentElement.clientWidth - 4);
    const step = (width - label - BOX - 2) / columns;
    const most = Math.max(choices.features.length, ...config.hidden);
    const height = TOP + most * ROW + 4;
    Object.assign(root.style, { width: `${width}px`, height: `${height}px` });
    root.replaceChildren();
    const wires = svg("svg", { width, height, "aria-hidden": "true" });
    root.append(wires);
    const x = (l) => label + (l + 1) * step;
    const y = (n, j) => TOP + (most * ROW) / 2 + (j - (n - 1) / 2) * ROW;
    heading("Features", 0, label + BOX);
    features = choices.features.map((name, j) => feature(name, y(choices.features.length, j)));
    active = features.filter((f) => config.features.includes(f.name));
    neurons = [];
    lines = [];
    layers.forEach((layer, l) => {
      if (layer.last) heading("Output", x(l) - 12, BOX + 14);
      else layerHead(l, x(l));
      const before = l === 0 ? active : neurons[l - 1];
      neurons.push(Array.from({ length: layer.outputs }, (_, j) => neuron(l, j, x(l), y(layer.outputs, j))));
      for (const to of neurons[l]) before.forEach((from, i) => lines.push(line(wires, layer, to, from, i)));
    });
  }

  function heading(text, left, width) {
    root.append(el("div", { class: "column-name" }, text));
    Object.assign(root.lastChild.style, { left: `${left}px`, width: `${width}px` });
  }

  function layerHead(l, x) {
    const n = app.config.hidden[l];
    const set = (count) => app.change({ hidden: app.config.hidden.map((old, i) => (i === l ? count : old)) });
    const head = el("div", { class: "layer-head", role: "group", "aria-label": `Hidden layer ${l + 1}` },
      el("button", { "aria-label": `Remove a neuron from layer ${l + 1}`, disabled: n === 1, onclick: () => set(n - 1) }, "−"),
      el("span", { title: `${n} neurons` }, String(n)),
      el("button", { "aria-label": `Add a neuron to layer ${l + 1}`, disabled: n === app.choices.most.neurons, onclick: () => set(n + 1) }, "+"));
    head.style.left = `${x + BOX / 2}px`;
    root.append(head);
  }

  function feature(name, y) {
    const on = app.config.features.includes(name);
    const canvas = el("canvas", { class: "cell" });
    const button = el("button", { class: "feature", "aria-pressed": String(on), "aria-label": `Feature ${WORDS[name]}`, onclick: toggle },
      el("span", {}, WORDS[name]), canvas);
    function toggle() {
      const chosen = app.choices.features.filter((f) => (f === name ? !on : app.config.features.includes(f)));
      if (chosen.length) app.change({ features: chosen });
      else app.say("The network needs one feature at least.");
    }
    const index = app.choices.features.indexOf(name);
    hovers(button, () => app.features?.subarray(index * app.cells, (index + 1) * app.cells), WORDS[name]);
    Object.assign(button.style, { top: `${y - BOX / 2}px`, left: "0px", width: `${label + BOX}px` });
    root.append(button);
    return { name, canvas, x: label, y };
  }

  function neuron(l, j, x, y) {
    const canvas = el("canvas", { class: "cell" });
    const button = el("button", { class: "neuron", onclick: () => edit(app, layers[l], j, null, button) }, canvas);
    Object.assign(button.style, { left: `${x}px`, top: `${y - BOX / 2}px` });
    root.append(button);
    const found = { l, j, canvas, button, x, y };
    const name = neuronName(app.config, l, j);
    found.map = () => app.frame.maps.subarray(mapOf(l, j) * app.cells, (mapOf(l, j) + 1) * app.cells);
    hovers(button, found.map, name, () => `${name}, bias ${number(app.frame.weights[placeOf(layers[l], j, null)])}`);
    return found;
  }

  const mapOf = (l, j) => layers.slice(0, l).reduce((sum, layer) => sum + layer.outputs, 0) + j;

  function hovers(button, bytes, name, text = () => name) {
    button.addEventListener("pointerenter", () => {
      app.output.showOther(bytes, name);
      app.tip(text(), button);
    });
    button.addEventListener("pointerleave", () => {
      app.output.showOther(null);
      app.tip(null);
    });
  }

  function line(wires, layer, to, from, column) {
    const [x1, x2] = [from.x + BOX, to.x];
    const bend = (x2 - x1) / 2;
    const d = `M${x1},${from.y}C${x1 + bend},${from.y} ${x2 - bend},${to.y} ${x2},${to.y}`;
    const wire = svg("path", { d, class: "wire" });
    const touch = svg("path", { d, class: "touch", "data-weight": `${layer.index},${to.j},${column}` });
    const text = () => {
      const at = placeOf(layer, to.j, column);
      const name = `${inputName(app.config, layer.index, column)} → ${neuronName(app.config, layer.index, to.j)}`;
      return `${name}: weight ${number(app.frame.weights[at])}, gradient ${number(app.frame.gradients[at])}`;
    };
    touch.addEventListener("pointermove", (event) => app.tip(text(), event));
    touch.addEventListener("pointerenter", () => wire.classList.add("chosen"));
    touch.addEventListener("pointerleave", () => {
      wire.classList.remove("chosen");
      app.tip(null);
    });
    touch.addEventListener("click", (event) => edit(app, layer, to.j, column, event));
    wires.append(wire, touch);
    return { wire, layer, row: to.j, column };
  }

  function draw() {
    const { frame, view } = app;
    const values = view.lines === "gradients" ? frame.gradients : frame.weights;
    let scale = 1;
    if (view.lines === "gradients") scale = Math.max(1e-12, values.reduce((most, x) => Math.max(most, Math.abs(x) || 0), 0)) / 3;
    for (const { wire, layer, row, column } of lines) {
      const x = values[placeOf(layer, row, column)] / scale || 0;
      wire.setAttribute("stroke", colour(x));
      wire.setAttribute("stroke-width", (0.8 + Math.min(4, Math.abs(x)) * 1.8).toFixed(2));
    }
    neurons.forEach((column, l) => column.forEach((neuron, j) => {
      paint(neuron.canvas, neuron.map());
      const dead = Boolean(frame.dead[l]?.[j]);
      neuron.button.classList.toggle("dead", dead);
      const bias = number(frame.weights[placeOf(layers[l], j, null)]);
      neuron.button.setAttribute("aria-label", `${neuronName(app.config, l, j)}, bias ${bias}${dead ? ", dead" : ""}`);
    }));
  }

  function paintFeatures() {
    features.forEach(({ canvas }, i) => paint(canvas, app.features.subarray(i * app.cells, (i + 1) * app.cells)));
  }

  /** Numbers on the neurons: a value above a gradient, by "layer,place"; the layer of -1 are the features. */
  function numbers(shown, step) {
    for (const pair of root.querySelectorAll(".on-neuron")) pair.remove();
    for (const [key, { value, gradient }] of shown) {
      const [l, j] = key.split(",").map(Number);
      const at = l < 0 ? active[j] : neurons[l]?.[j];
      if (!at) continue;
      const pair = el("div", { class: "on-neuron", "aria-hidden": "true" },
        el("span", { class: "value" }, short(value)), el("span", { class: "gradient" }, short(gradient)));
      pair.classList.toggle("now", step?.layer === l && ["value", "gradient"].includes(step.kind));
      Object.assign(pair.style, { left: `${at.x}px`, top: `${at.y - BOX / 2}px` });
      root.append(pair);
    }
    for (const { wire, layer } of lines) wire.classList.toggle("now", step?.kind === "weight" && step.layer === layer.index);
  }

  const short = (x) => (x === undefined ? "" : Math.abs(x) < 0.005 && x !== 0 ? x.toExponential(0) : x.toFixed(2)).replaceAll("-", "−");

  return { build, draw, paintFeatures, numbers };
}
