// Orange is negative, blue is positive, the middle is nothing: one table for bytes, one function for numbers.

import { css } from "./dom.js";

const table = new Uint32Array(256);
const dots = {};

function rgb(text) {
  const n = parseInt(text.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

const between = (a, b, t) => a.map((x, i) => Math.round(x + (b[i] - x) * t));

/** Read the theme's colours; to be called when the theme changes. */
export function readTheme() {
  const [low, middle, high] = ["--negative", "--middle", "--positive"].map((name) => rgb(css(name)));
  for (let i = 0; i < 256; i++) {
    const t = (i - 128) / 127;
    const [r, g, b] = i === 0 ? [128, 128, 128] : between(middle, t < 0 ? low : high, Math.min(1, Math.abs(t)));
    table[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  Object.assign(dots, { low, middle, high });
}

/** The colour of a number from -1 to 1, as CSS has it. */
export function colour(t) {
  const [r, g, b] = between(dots.middle, t < 0 ? dots.low : dots.high, Math.min(1, Math.abs(t)));
  return `rgb(${r},${g},${b})`;
}

/** Paint bytes, row by row, into a canvas of just as many pixels. */
export function paint(canvas, bytes, discretize = false) {
  const side = Math.round(Math.sqrt(bytes.length));
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < bytes.length; i++) pixels[i] = table[discretize && bytes[i] ? (bytes[i] >= 128 ? 255 : 1) : bytes[i]];
  context.putImageData(image, 0, 0);
}
