"use strict";

/* The page of a graph. Everything shown comes from the JSON beside this script and is put in as text, never
 * as markup. The ids of boxes: "v3" a vertex, "v3@7" the copy of an input for edge 7, "c2" a module, "o5" the end
 * of an output's line. */

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

/** The width of a text in the letters of the page; `style` is "", "bold" or "italic". */
function width(text, size, style = "") {
  canvas.font = `${style} ${size}px Helvetica, Arial, "DejaVu Sans", sans-serif`;
  return canvas.measureText(text).width;
}

/** From the axes along and across the layers to right and down. */
const xy = (u, v) => (state.across ? [u, v] : [v, u]);

/** The place in `data` of what a box stands for. */
const placeOf = (id) => parseInt(id.slice(1), 10);

/** The modules around a call, itself included, the outermost first. */
function around(call) {
  const path = [];
  for (let at = call; at !== null; at = data.calls[at].parent) path.unshift(at);
  return path;
}

const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
