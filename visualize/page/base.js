"use strict";

/* The data of the page, its state, and small helpers. The JSON beside this script enters the page as text, never
 * as markup. The ids of boxes: "v3" is a vertex, "v3@7" the copy of an input for edge 7, "c2" a module, "o5" the
 * end of an output's line. */

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const graph = byId("graph"), scene = byId("scene"), panel = byId("panel");
const state = { across: data.direction === "LR", folded: new Set(data.folded), wide: false, chosen: null,
  step: data.steps ? 0 : null, found: [], at: -1, view: null, fitted: true };
const shown = { boxes: new Map(), frames: [], lines: [], size: null };

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function html(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const canvas = document.createElement("canvas").getContext("2d");

/** The width of a text in the page's font; `style` is "", "bold" or "italic". */
function width(text, size, style = "") {
  canvas.font = `${style} ${size}px Helvetica, Arial, "DejaVu Sans", sans-serif`;
  return canvas.measureText(text).width;
}

/** A position or size (u, v), along and across the layers, as (x, y). */
const xy = (u, v) => (state.across ? [u, v] : [v, u]);

/** The index in `data` of the vertex or module of a box. */
const placeOf = (id) => parseInt(id.slice(1), 10);

/** The calls around a call and the call itself, outermost first. */
function around(call) {
  const path = [];
  for (let at = call; at !== null; at = data.calls[at].parent) path.unshift(at);
  return path;
}

const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
