// One sample's tape, forward and backward: its numbers here, and on the neurons of the picture.

import { el, number } from "./dom.js";

export function create(app) {
  let steps = [], at = 0, point = { x1: 1, x2: 1, target: 1 }, epochSteps = -1;
  const coordinate = (name, text) => {
    const input = el("input", { type: "number", step: "0.1", min: name === "target" ? -1 : -6, max: name === "target" ? 1 : 6, value: point[name] });
    input.addEventListener("change", () => {
      point = { ...point, [name]: Number(input.value) };
      record();
    });
    return [el("label", {}, text, " ", input), input];
  };
  const fields = Object.fromEntries(Object.entries({ x1: "x₁", x2: "x₂", target: "target" }).map(([name, text]) => [name, coordinate(name, text)]));
  const back = el("button", { onclick: () => go(at - 1) }, "◀ Back");
  const forth = el("button", { onclick: () => go(at + 1) }, "Forward ▶");
  const slider = el("input", { type: "range", min: 0, value: 0, "aria-label": "Place on the tape", oninput: () => go(Number(slider.value)) });
  const again = el("button", { onclick: record }, "Record again");
  const caption = el("p", { class: "caption", "aria-live": "polite" });
  const numbers = el("div", { class: "numbers" });
  const trace = el("pre", {});
  const content = el("div", {},
    el("p", { class: "hint" }, "One point goes through the network, its loss comes out, and the gradient goes back. Values are green, gradients red; the neurons above show them too. Choose “walks through” below the map to pick a point."),
    el("div", { class: "row" }, ...Object.values(fields).map(([label]) => label), again),
    el("div", { class: "row" }, back, slider, forth), caption, numbers,
    el("details", {}, el("summary", {}, "The whole tape"), trace));

  async function record() {
    const found = await app.send("sample", point);
    if (!found) return;
    [steps, at, epochSteps] = [found.steps, Math.min(at, found.steps.length - 1), app.frame.steps];
    trace.textContent = found.trace;
    slider.max = steps.length - 1;
    go(at);
  }

  function go(to) {
    if (!steps.length) return;
    at = Math.max(0, Math.min(steps.length - 1, to));
    const { phase, title, rule, numbers: rows } = steps[at];
    slider.value = at;
    back.disabled = at === 0;
    forth.disabled = at === steps.length - 1;
    caption.replaceChildren(el("b", {}, `${at + 1} of ${steps.length}, ${phase}: ${title}`), el("br"), rule);
    numbers.className = `numbers ${phase}`;
    numbers.replaceChildren(el("table", {}, ...rows.slice(0, 8).map((row) => el("tr", {}, ...row.map((x) => el("td", {}, number(x)))))));
    show();
  }

  /** The latest value and gradient of each neuron, up to the step that is shown. */
  function show() {
    const shown = new Map();
    for (const step of steps.slice(0, at + 1)) {
      if (step.kind !== "value" && step.kind !== "gradient") continue;
      step.numbers[0].forEach((x, j) => {
        const key = `${step.layer},${j}`;
        shown.set(key, { ...shown.get(key), [step.kind]: x });
      });
    }
    app.network.numbers(shown, steps[at]);
  }

  return {
    name: "sample", title: "One sample", content,
    shown: () => (steps.length && epochSteps === app.frame.steps ? show() : record()),
    left: () => app.network.numbers(new Map(), null),
    draw: () => {
      if (!app.frame.running && steps.length && epochSteps !== app.frame.steps) record();
      else if (app.frame.running && epochSteps !== app.frame.steps) app.network.numbers(new Map(), null);
    },
    take(found) {
      point = found;
      for (const [name, [, input]] of Object.entries(fields)) input.value = Number(point[name].toFixed(3));
      at = 0;
      record();
    },
    resized: () => content.hidden || show(),
    anew: () => (epochSteps = -1),
  };
}
