// The loss surface around the weights: bands of equal loss, and the path so far.

import { css, el, fitted, number } from "./dom.js";

const BANDS = 14;

export function create(app) {
  const canvas = el("canvas", { class: "surface", role: "img", "aria-label": "Loss surface" });
  const button = el("button", { onclick: compute }, "Draw the surface");
  const said = el("p", { class: "said" });
  const content = el("div", {},
    el("p", { class: "hint" }, "The training loss, if all weights move along two directions: those in which they have moved most. Dark is low. The line is the path so far; the dot is where the weights are."),
    el("div", { class: "row" }, button), canvas, said);
  let found = null;

  async function compute() {
    button.disabled = true;
    found = (await app.send("surface", {}, true)) ?? found;
    button.disabled = false;
    draw();
  }

  function draw() {
    if (!found || content.hidden) return;
    const { context, width, height } = fitted(canvas);
    const { heights, side, path, bounds: [left, right, bottom, top] } = found;
    const finite = [...heights].filter(Number.isFinite);
    const low = Math.min(...finite), span = Math.max(1e-12, Math.max(...finite) - low);
    const image = new ImageData(side * 8, side * 8);
    for (let y = 0; y < side * 8; y++) for (let x = 0; x < side * 8; x++) {
      const t = Math.sqrt(Math.max(0, (bilinear(heights, side, x / 8, y / 8) - low) / span));
      const band = Number.isFinite(t) ? Math.floor(t * BANDS) / BANDS : 1;
      const shade = [26, 115, 196].map((c, i) => c * (1 - band) + [238, 240, 242][i] * band);
      image.data.set([...shade, 255], 4 * (y * side * 8 + x));
    }
    const small = new OffscreenCanvas(side * 8, side * 8);
    small.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(small, 0, 0, width, height);
    const place = (i) => [((path[2 * i] - left) / (right - left)) * width, ((top - path[2 * i + 1]) / (top - bottom)) * height];
    const n = path.length / 2;
    context.strokeStyle = context.fillStyle = css("--loud");
    context.lineWidth = 2;
    context.beginPath();
    for (let i = 0; i < n; i++) context.lineTo(...place(i));
    context.stroke();
    context.beginPath();
    context.arc(...place(n - 1), 5, 0, 7);
    context.fill();
    said.textContent = `The loss on this surface is from ${number(low)} to ${number(low + span)}.`;
    canvas.setAttribute("aria-label", `Loss surface from ${number(low)} to ${number(low + span)}, with a path of ${n} points`);
  }

  function bilinear(heights, side, x, y) {
    const [u, v] = [Math.min(side - 1.001, x), Math.min(side - 1.001, y)];
    const [i, j] = [Math.floor(v), Math.floor(u)];
    const at = (a, b) => heights[a * side + b];
    return (at(i, j) * (1 - (u - j)) + at(i, j + 1) * (u - j)) * (1 - (v - i)) + (at(i + 1, j) * (1 - (u - j)) + at(i + 1, j + 1) * (u - j)) * (v - i);
  }

  return { name: "surface", title: "Loss surface", content, shown: () => (found ? draw() : compute()), resized: draw, anew: () => (found = null) };
}
