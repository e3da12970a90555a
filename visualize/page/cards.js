"use strict";

/* Draws boxes: cards of folded modules, pills of steps, names of inputs. */

const CARD = { pad: 10, stripe: 5, line: 15, most: 250 };

const BUFFERS = 8; // the number of colours of buffers

const texts = new Map();

/** The lines of a card, each a list of {text, size, style, className, wide}; a wide card has one line. */
function cardLines(i) {
  const key = `${i}:${state.wide}`;
  if (!texts.has(key)) texts.set(key, makeLines(data.calls[i]));
  return texts.get(key);
}

function makeLines(call) {
  const run = (text, size, className, style = "") =>
    ({ text, size, className, style, wide: width(text, size, style) });
  const title = [run(call.kind, 13, "kind", "bold"), run(call.path, 12, "path")];
  const rest = [call.settings, call.about].filter(Boolean).map((text) => run(text, 12, "about"));
  const whole = (line) => line.filter((part) => part.text);
  if (state.wide) return [whole([...title, ...rest])];
  const options = wrap(call.settings).map((text) => [run(text, 12, "about")]);
  return [whole(title), ...options, ...(call.about ? [[run(call.about, 12, "about")]] : [])];
}

/** Options as lines of a card's width; a line breaks between two options. */
function wrap(settings) {
  const lines = [];
  for (const part of settings ? settings.split(/(?<=,) (?![^(]*\))/) : []) {
    const longer = lines.length ? `${lines.at(-1)} ${part}` : part;
    if (lines.length && width(longer, 12) <= CARD.most) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

const lineWidth = (line) => line.reduce((sum, part) => sum + part.wide, 0) + 9 * (line.length - 1);

/** The width and height of a box. */
function sizeOf(id) {
  const i = placeOf(id);
  if (id[0] === "c") {
    const lines = cardLines(i), sign = data.calls[i].inner ? 18 : 0;
    return [Math.max(60, ...lines.map(lineWidth)) + 2 * CARD.pad + CARD.stripe + sign, lines.length * CARD.line + 8];
  }
  if (id[0] === "o") return [data.edges[i].end ? width(data.edges[i].end, 14) + 12 : 6, 24];
  const vertex = data.vertices[i];
  if (vertex.kind !== "step") return [width(vertex.label, 14) + 12, 26];
  if (data.shapes) return [Math.max(40, width(vertex.label, 13) + 22), 26];
  const wide = Math.max(width(vertex.label, 14), vertex.output ? 0 : width(vertex.name, 12));
  return [Math.max(44, wide + 22), 44];
}

function boxShape(item) {
  const i = placeOf(item.id), [x, y] = xy(item.u, item.v), [wide, high] = xy(item.main, item.cross);
  if (item.id[0] === "o") {
    return svg("g", { class: "end" }, svg("text", { class: "name", x, y }, data.edges[i].end || ""));
  }
  const rectangle = (rx) =>
    svg("rect", { class: "shape", x: x - wide / 2, y: y - high / 2, width: wide, height: high, rx });
  if (item.id[0] === "c") return card(i, x - wide / 2, y - high / 2, wide, high, rectangle(6));
  const vertex = data.vertices[i], parameter = vertex.kind === "input" && vertex.call !== null && !vertex.role;
  const memory = vertex.buffer === null ? "" : ` buffer-${vertex.buffer % BUFFERS}`, role = vertex.role ? ` is-${vertex.role}` : "";
  const group = svg("g", { class: `${vertex.kind}${parameter ? " parameter" : ""}${memory}${role}${!vertex.faults.length ? "" : vertex.failed ? " failed" : " bad"}`,
    "data-vertex": i, tabindex: 0, role: "button", "aria-label": vertex.title });
  if (vertex.kind === "step") {
    const named = !vertex.output && !data.shapes; // an output's name is at the end of its line
    group.append(rectangle(data.shapes ? 13 : 22), svg("text", { x, y: named ? y - 6 : y }, vertex.label));
    if (named) group.append(svg("text", { class: "name", x, y: y + 11 }, vertex.name));
  } else {
    group.append(rectangle(6), svg("text", { x, y }, vertex.label));
  }
  return group;
}

/** The modules that contain a failed step. */
const faulty = new Set(data.vertices.flatMap((vertex) => (vertex.faults.length ? around(vertex.call) : [])));

/** The card of a folded module: a stripe in the colour of its family, and lines of text. */
function card(i, left, top, wide, high, rectangle) {
  const call = data.calls[i], said = [call.kind, call.path, call.settings, call.about].filter(Boolean).join(", ");
  const label = call.inner ? `module ${said}, folded` : `layer ${said}`;
  const group = svg("g", { class: `module k-${call.family}${faulty.has(i) ? " bad" : ""}`, "data-call": i, tabindex: 0,
    role: "button", "aria-label": label, "aria-expanded": false }, rectangle,
    svg("path", { class: "stripe", d: `M${left + 6},${top}h-1a5,5 0 0 0 -5,5v${high - 10}a5,5 0 0 0 5,5h1z` }));
  const start = left + CARD.stripe + CARD.pad;
  cardLines(i).forEach((line, k) => {
    let x = start;
    const y = top + 4 + CARD.line * (k + 0.5);
    for (const { text, className, wide: length } of line) {
      group.append(svg("text", { class: className, x, y }, text));
      x += length + 9;
    }
  });
  if (call.inner) group.append(svg("text", { class: "toggle", x: left + wide - 14, y: top + 4 + CARD.line / 2 }, "⊞"));
  return group;
}
