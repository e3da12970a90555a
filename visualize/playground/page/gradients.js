// How much gradient reaches each layer, as bars over powers of ten; and which neurons are dead.

import { el, number } from "./dom.js";

const DECADES = 8;

export function create(app) {
  const bars = el("div", { class: "bars" });
  const said = el("p", { class: "said" });
  const content = el("div", {}, el("p", { class: "hint" },
    "The mean size of the gradient of each layer's weights, in the last step. Each mark is ten times the one before. If the first layers get far less than the last, the gradient vanishes on its way back."), said, bars);

  function draw() {
    const { flow, dead } = app.frame;
    bars.replaceChildren(...flow.map((size, l) => bar(l === flow.length - 1 ? "Output" : `Layer ${l + 1}`, size)));
    said.textContent = verdict(flow, dead.flat());
  }

  function bar(name, size) {
    const length = size ? Math.min(100, Math.max(1, ((Math.log10(size) + DECADES) / (DECADES + 1)) * 100)) : 0;
    const line = el("i", {});
    line.style.width = `${length}%`;
    return el("div", { class: "bar" }, el("span", {}, name), el("div", { class: "track" }, line), el("output", {}, number(size)));
  }

  function verdict(flow, dead) {
    const parts = [];
    if (flow.every((size) => size === null)) parts.push("No step has been made yet: press Step.");
    else if (Math.min(...flow) === 0) parts.push("Some layers get no gradient at all: they do not learn.");
    else if (flow[0] < flow.at(-1) / 100) parts.push(`The gradient vanishes: the first layer gets ${number(flow[0] / flow.at(-1))} of what the last one gets.`);
    else if (flow[0] > flow.at(-1) * 100) parts.push("The gradient explodes: the first layer gets far more than the last.");
    else parts.push("The gradient reaches all layers.");
    const n = dead.filter(Boolean).length;
    if (n) parts.push(`${n} ${n === 1 ? "neuron is" : "neurons are"} dead: the same output for every training point.`);
    return parts.join(" ");
  }

  return { name: "gradients", title: "Gradients", content, draw, shown: draw };
}
