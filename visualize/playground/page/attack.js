// An adversarial step: a point moved a little, to where the loss grows.

import { el, number } from "./dom.js";

export function create(app) {
  let point = null;
  const eps = el("input", { type: "range", min: 0.1, max: 3, step: 0.1, value: 0.5, oninput: () => ((shown.textContent = eps.value), attack()) });
  const shown = el("output", {}, "0.5");
  const said = el("p", { class: "said", "aria-live": "polite" }, "No point has been chosen.");
  const content = el("div", {},
    el("p", { class: "hint" }, "Choose “attacks” below the map and click a point. It moves by the given distance along each axis, in the direction in which its loss grows: the fast gradient sign method."),
    el("label", { class: "row" }, "Distance ", eps, shown), said);

  async function attack() {
    if (!point) return;
    const found = await app.send("attack", { ...point, eps: Number(eps.value) });
    if (!found) return;
    app.output.mark(found);
    const [a, b] = [found.from, found.to].map((p) => `(${p.map((x) => x.toFixed(2)).join(", ")})`.replaceAll("-", "−"));
    const flipped = Math.sign(found.outputs[0]) !== Math.sign(found.outputs[1]) && app.config.problem === "classification";
    said.textContent = `From ${a} to ${b}: the output goes from ${number(found.outputs[0])} to ${number(found.outputs[1])}, the loss from ${number(found.losses[0])} to ${number(found.losses[1])}.${flipped ? " The class changes." : ""}`;
  }

  return {
    name: "attack", title: "Adversarial step", content,
    take(found) {
      point = found;
      attack();
    },
    left: () => app.output.mark(null),
    shown: attack,
    anew() {
      point = null;
      said.textContent = "No point has been chosen.";
    },
  };
}
