// The box in which weights and biases are changed by hand.

import { $, el } from "./dom.js";
import { inputName, neuronName, placeOf } from "./network.js";

let opener = null;

/** Show the weights of one neuron; the one of `column`, or else the bias, is in focus. */
export function edit(app, layer, row, column, anchor) {
  const box = $("#editor");
  const name = neuronName(app.config, layer.index, row);
  const field = (text, c) => {
    const input = el("input", { type: "number", step: "0.1", value: Number(app.frame.weights[placeOf(layer, row, c)].toPrecision(5)) });
    input.addEventListener("change", () => {
      if (input.value !== "") app.setWeight(layer.index, row, c, Number(input.value));
    });
    input.dataset.column = String(c);
    return el("label", {}, el("span", {}, text), input);
  };
  const inputs = Array.from({ length: layer.inputs }, (_, i) => field(`from ${inputName(app.config, layer.index, i)}`, i));
  box.replaceChildren(el("h3", {}, `Weights of ${name}`), field("bias", null), ...inputs, el("button", { onclick: close }, "Close"));
  box.hidden = false;
  place(box, anchor);
  opener = anchor instanceof Element ? anchor : null;
  const focused = $(`[data-column="${column}"]`, box);
  focused.focus({ preventScroll: true });
  focused.select();
}

export function close() {
  const box = $("#editor");
  if (box.hidden) return;
  box.hidden = true;
  opener?.focus({ preventScroll: true });
  opener = null;
}

/** Put a box beside an element, or beside where the pointer is, inside of the window. */
export function place(box, anchor) {
  const at = anchor instanceof Element ? anchor.getBoundingClientRect() : { left: anchor.clientX, right: anchor.clientX, top: anchor.clientY, bottom: anchor.clientY };
  const { offsetWidth: w, offsetHeight: h } = box;
  const right = at.right + 12 + w <= innerWidth ? at.right + 12 : Math.max(4, at.left - 12 - w);
  const left = Math.min(right, Math.max(4, innerWidth - w - 4));
  const top = Math.min(Math.max(4, at.top), Math.max(4, innerHeight - h - 4));
  Object.assign(box.style, { left: `${left + scrollX}px`, top: `${top + scrollY}px` });
}

document.addEventListener("keydown", (event) => event.key === "Escape" && close());
document.addEventListener("pointerdown", (event) => {
  if (!$("#editor").contains(event.target)) close();
});
