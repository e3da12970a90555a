// Small helpers for elements and numbers.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const SVG = "http://www.w3.org/2000/svg";

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const el = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/** Three digits of a number; a dash where there is none. */
export function number(x) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  const size = Math.abs(x);
  let text = size >= 100 ? x.toFixed(1) : x.toFixed(3);
  if (size && size < 1e-3) text = size < 1e-5 ? x.toExponential(2) : x.toPrecision(2);
  if (size >= 1e5) text = x.toExponential(2);
  return text.replace("-", "−");
}

export const whole = (n) => n.toLocaleString("en-US");

/** A canvas as large as its box, in pixels of the screen; drawing is in pixels of the page. */
export function fitted(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return { context, width, height };
}

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
