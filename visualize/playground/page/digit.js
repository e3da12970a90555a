// A pad of 28 x 28 pixels to draw a digit on, and what the network reads.

import { css, el, number } from "./dom.js";
import { colour } from "./colours.js";

const SIDE = 28;

export function create(app) {
  let pixels = new Float32Array(SIDE * SIDE), asking = false, stale = false, drawing = false, example = 0, timer = null;
  const pad = canvas("pad", "Pad: draw a digit with the mouse or a finger"), seen = canvas("small", "The drawing as the network gets it"), why = canvas("small", "What speaks for the digit: blue pixels would make it likelier");
  const bars = el("div", { class: "bars chances" });
  const answer = el("p", { class: "answer", "aria-live": "polite" });
  const said = el("p", { class: "hint" });
  const content = el("div", {},
    el("p", { class: "hint" }, "Draw a digit. A small convolutional network reads it; it learns from 1,500 digits of MNIST while you draw."),
    el("div", { class: "digit" },
      el("div", {}, pad, el("div", { class: "row" }, el("button", { onclick: () => put(new Float32Array(SIDE * SIDE)) }, "Clear"), el("button", { onclick: take }, "Take an example"))),
      el("div", {}, answer, bars, said),
      el("div", { class: "pictures" }, figure(seen, "as it gets it"), figure(why, "what speaks for it"))));

  function canvas(kind, label) {
    return el("canvas", { class: kind, width: SIDE, height: SIDE, role: "img", "aria-label": label });
  }

  function figure(picture, text) {
    return el("figure", {}, picture, el("figcaption", {}, text));
  }

  function put(values) {
    pixels = values;
    draw();
    read();
  }

  async function take() {
    const found = await app.send("digit", { example: example++ });
    if (!found) return;
    pixels = Float32Array.from(found.image);
    draw();
    show(found);
  }

  /** Ask what the drawing says; while an answer is on its way, the next question waits. */
  async function read() {
    stale = true;
    if (asking) return;
    asking = true;
    while (stale) {
      stale = false;
      const found = await app.send("digit", { pixels: [...pixels].map((x) => Math.round(x * 100) / 100) }, true);
      if (found) show(found);
    }
    asking = false;
  }

  function show(found) {
    const best = found.chances.indexOf(Math.max(...found.chances));
    answer.textContent = found.blank ? "Nothing is drawn yet." : `This is a ${best}, with ${Math.round(found.chances[best] * 100)} %.`;
    bars.replaceChildren(...Array.from(found.chances, (p, digit) => {
      const line = el("i", {});
      line.style.width = `${found.blank ? 0 : p * 100}%`;
      return el("div", { class: "bar" }, el("span", {}, String(digit)), el("div", { class: "track" }, line), el("output", {}, found.blank ? "–" : `${(p * 100).toFixed(1)} %`));
    }));
    const share = found.accuracy === null ? "–" : `${Math.round(found.accuracy * 100)} %`;
    said.textContent = `Epoch ${found.epoch} of ${found.epochs}: it reads ${share} of 500 test digits rightly.`;
    const most = Math.max(1e-9, ...found.slope.map(Math.abs));
    fill(seen, found.seen, (x) => ink(x));
    fill(why, found.slope, (x) => colour(found.blank ? 0 : x / most));
    clearTimeout(timer);
    if (found.epoch < found.epochs && !content.hidden) timer = setTimeout(read, 400);
  }

  const ink = (x) => `color-mix(in srgb, ${css("--ink")} ${Math.round(x * 100)}%, ${css("--back")})`;

  function fill(picture, values, shade) {
    const context = picture.getContext("2d");
    context.clearRect(0, 0, SIDE, SIDE);
    values.forEach((x, i) => {
      context.fillStyle = shade(x);
      context.fillRect(i % SIDE, Math.floor(i / SIDE), 1, 1);
    });
  }

  function draw() {
    fill(pad, pixels, ink);
  }

  function stroke(event) {
    const box = pad.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
    for (let i = Math.max(0, Math.floor(y - 2)); i < Math.min(SIDE, y + 2); i++) {
      for (let j = Math.max(0, Math.floor(x - 2)); j < Math.min(SIDE, x + 2); j++) {
        const shade = Math.max(0, Math.min(1, 1.9 - Math.hypot(j + 0.5 - x, i + 0.5 - y)));
        pixels[i * SIDE + j] = Math.max(pixels[i * SIDE + j], shade);
      }
    }
    draw();
  }

  pad.addEventListener("pointerdown", (event) => {
    drawing = true;
    pad.setPointerCapture(event.pointerId);
    stroke(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (drawing) for (const e of event.getCoalescedEvents?.() ?? [event]) stroke(e);
  });
  pad.addEventListener("pointerup", () => {
    drawing = false;
    read();
  });

  return {
    name: "digit", title: "Draw a digit", content,
    shown() {
      draw();
      read();
    },
  };
}
