"use strict";

/* The page of a graph. Everything shown comes from the JSON beside this script and is put in as text, never
 * as markup. The ids of boxes: "v3" a vertex, "v3@7" the copy of an input for edge 7, "c2" a module, "o5" the end
 * of an output's line. */

const data = JSON.parse(document.getElementById("data").textContent);
const across = data.direction === "LR";
const byId = (id) => document.getElementById(id);
const graph = byId("graph"), scene = byId("scene"), panel = byId("panel");
const state = { folded: new Set(), chosen: null, step: data.steps ? 0 : null, found: [], at: -1, view: null, fitted: true };
const READABLE = 0.75; // a scale
const shown = { boxes: new Map(), frames: [], lines: [] };

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
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

// -- what is seen ---------------------------------------------------------------------------------

const canvas = document.createElement("canvas").getContext("2d");

function width(text, size) {
  canvas.font = `${size}px Helvetica, Arial, "DejaVu Sans", sans-serif`;
  return canvas.measureText(text).width;
}

/** The modules around a call, itself included, the outermost first. */
function around(call) {
  const path = [];
  for (let at = call; at !== null; at = data.calls[at].parent) path.unshift(at);
  return path;
}

/** What stands for something inside of `call`: the outermost folded module, or else itself, `id`. */
function seen(id, call) {
  const folded = around(call).find((at) => state.folded.has(at));
  return folded === undefined ? { id, parent: call } : { id: `c${folded}`, parent: data.calls[folded].parent };
}

function box(id, parent) {
  const [main, cross] = extent(id);
  return { id, parent: parent === null ? null : `c${parent}`, main, cross };
}

/** The place in `data` of what a box stands for. */
const placeOf = (id) => parseInt(id.slice(1), 10);

function extent(id) {
  const [wide, high] = sizeOf(id);
  return across ? [wide, high] : [high, wide];
}

function sizeOf(id) {
  const i = placeOf(id);
  if (id[0] === "c") {
    const call = data.calls[i];
    return [Math.max(90, width(call.title, 14) + 44, width(call.about, 12) + 24), 50];
  }
  if (id[0] === "o") return [data.edges[i].end ? width(data.edges[i].end, 14) + 12 : 6, 24];
  const vertex = data.vertices[i];
  if (vertex.kind !== "step") return [width(vertex.label, 14) + 12, 26];
  const wide = Math.max(width(vertex.label, 14), vertex.output ? 0 : width(vertex.name, 11));
  return [Math.max(44, wide + 22), 44];
}

function layOut() {
  shown.boxes.clear();
  const used = new Set();
  const add = (id, call) => {
    const at = seen(id, call);
    if (!shown.boxes.has(at.id)) shown.boxes.set(at.id, box(at.id, at.parent));
    used.add(at.parent);
    return at.id;
  };
  const lines = new Map();
  data.vertices.forEach((vertex, i) => { if (!vertex.inside && !vertex.copied) add(`v${i}`, vertex.call); });
  data.edges.forEach((edge, e) => {
    const source = data.vertices[edge.source], target = edge.target === null ? null : data.vertices[edge.target];
    if (source.inside) return; // a number that is written in the circle of its step
    const from = source.copied && target ? add(`v${edge.source}@${e}`, target.call)
      : add(`v${edge.source}`, source.call);
    const to = target ? add(`v${edge.target}`, target.call) : add(`o${e}`, null);
    if (from === to) return;
    const id = to[0] === "c" ? `${edge.source}>${to}` : `${e}`;
    if (!lines.has(id)) lines.set(id, { id, from, to, source: edge.source, edges: [] });
    lines.get(id).edges.push(e);
  });
  shown.lines = [...lines.values()];
  for (const line of shown.lines) line.label = labelSize(line);
  const open = new Set([...used].flatMap((call) => (call === null ? [] : around(call))));
  shown.frames = [...open].sort((a, b) => a - b).map((call) => ({
    id: `c${call}`, parent: data.calls[call].parent === null ? null : `c${data.calls[call].parent}`,
    title: [width(data.calls[call].title, 14) + width(data.calls[call].about, 12) + 32, 14],
  }));
  shown.size = layoutGraph([...shown.boxes.values()], shown.frames, shown.lines, across, 26);
}

/** The numbers of a line: of one edge, or of all the uses that a folded module makes of a value. */
function numbers(line) {
  const edges = line.edges.map((e) => data.edges[e]), source = data.vertices[line.source];
  const grad = edges.length === 1 ? edges[0].grad : edges.length === source.uses ? source.brief : `${edges.length} uses`;
  return [edges[0].value, grad];
}

function labelSize(line) {
  const wide = Math.max(34, ...numbers(line).map((text) => width(text, 12))) + 12;
  return across ? { main: wide, cross: 36 } : { main: 24, cross: 2 * wide };
}

// -- drawing ---------------------------------------------------------------------------------------

const xy = (u, v) => (across ? [u, v] : [v, u]);

function draw() {
  layOut();
  scene.replaceChildren();
  for (const frame of shown.frames) scene.append(frameShape(frame));
  const wires = new Map(); // lines of one source share their way through frames
  for (const line of shown.lines) scene.append(lineShape(line, wires));
  for (const item of shown.boxes.values()) scene.append(boxShape(item));
  for (const frame of shown.frames) scene.append(frameTitle(frame));
  mark();
  showStep();
}

function frameShape(frame) {
  const [x, y] = corner(frame), [wide, high] = xy(frame.main, frame.cross);
  const i = placeOf(frame.id), label = `module ${data.calls[i].title}, unfolded`;
  return svg("g", { class: "frame", "data-call": i, tabindex: 0, role: "button", "aria-label": label },
    svg("rect", { class: "shape", x, y, width: wide, height: high, rx: 10 }));
}

/** Drawn last, for lines may run under it. */
function frameTitle(frame) {
  const [x, y] = corner(frame), i = placeOf(frame.id), { title, about } = data.calls[i];
  return svg("g", { class: "frame-title", "data-call": i },
    svg("text", { class: "toggle", x: x + 14, y: y + 14 }, "⊟"),
    svg("text", { class: "title", x: x + 30, y: y + 14 }, title),
    svg("text", { class: "about", x: x + 36 + 1.1 * width(title, 14), y: y + 14 }, about));
}

function corner(item) {
  return xy(item.u - item.main / 2, item.v - item.cross / 2);
}

function boxShape(item) {
  const i = placeOf(item.id), [x, y] = xy(item.u, item.v), [wide, high] = xy(item.main, item.cross);
  if (item.id[0] === "o") {
    return svg("g", { class: "end" }, svg("text", { class: "name", x, y }, data.edges[i].end || ""));
  }
  const rectangle = (rx) =>
    svg("rect", { class: "shape", x: x - wide / 2, y: y - high / 2, width: wide, height: high, rx });
  if (item.id[0] === "c") {
    const call = data.calls[i], label = `module ${call.title}, folded`;
    return svg("g", { class: "module", "data-call": i, tabindex: 0, role: "button", "aria-label": label },
      rectangle(8), svg("text", { class: "toggle", x: x - wide / 2 + 14, y: y - 9 }, "⊞"),
      svg("text", { x: x + 8, y: y - 9 }, call.title), svg("text", { class: "about", x, y: y + 11 }, call.about));
  }
  const vertex = data.vertices[i];
  const group = svg("g", { class: vertex.faults.length ? `${vertex.kind} bad` : vertex.kind, "data-vertex": i, tabindex: 0, role: "button", "aria-label": vertex.title });
  if (vertex.kind === "step") {
    const named = !vertex.output; // an output has its name at the end of its line
    group.append(rectangle(22), svg("text", { x, y: named ? y - 6 : y }, vertex.label));
    if (named) group.append(svg("text", { class: "name", x, y: y + 11 }, vertex.name));
  } else {
    group.append(rectangle(6), svg("text", { x, y }, vertex.label));
  }
  return group;
}

function lineShape(line, wires) {
  const group = svg("g", { class: "line", "data-edge": line.edges.join(" ") });
  for (const part of line.parts) {
    if (!part.arrow && wires.has(part)) continue;
    wires.set(part, group);
    const wire = path(part);
    group.append(svg("path", { class: "touch", d: wire }));
    group.append(svg("path", { class: "wire", d: wire, ...(part.arrow && { "marker-end": "url(#arrow)" }) }));
    const at = part.points.find((point) => point.label);
    if (at) group.append(...labels(line, at));
  }
  return group;
}

function labels(line, at) {
  const [x, y] = xy(at.u, at.v), texts = numbers(line), wide = labelSize(line);
  return ["value", "grad"].map((kind, k) => {
    const sign = k ? 1 : -1;
    const place = across ? { x, y: y + sign * 10 } : { x: x + sign * (wide.cross / 4), y };
    const high = 17, broad = across ? wide.main : wide.cross / 2 - 4;
    return svg("g", { class: "number" },
      svg("rect", { class: "backing", x: place.x - broad / 2, y: place.y - high / 2, width: broad, height: high }),
      svg("text", { class: kind, ...place }, texts[k]));
  });
}

/** From the border of one box through the points of a line to the border of another, level at each point. */
function path({ a, b, points }) {
  const ends = [a, ...points, b];
  const stops = a.pin === "first" ? [[a.u, a.v], [a.u + a.thick, a.v]] : [[a.u + a.main / 2, a.v]];
  for (const point of points) {
    const half = point.thick / 2; // straight through the whole layer, clear of wider numbers and boxes in it
    stops.push([point.u - half, point.v], [point.u + half, point.v]);
  }
  stops.push(entry(b, ends.at(-2)));
  let d = `M${xy(...stops[0]).map(round)}`;
  for (let i = 1; i < stops.length; i++) {
    const [u0, v0] = stops[i - 1], [u, v] = stops[i], middle = (u0 + u) / 2;
    if (u === u0) continue;
    d += Math.abs(v - v0) < 0.5 ? `L${xy(u, v).map(round)}`
      : `C${xy(middle, v0).map(round)} ${xy(middle, v).map(round)} ${xy(u, v).map(round)}`;
  }
  return d;
}

const round = (x) => Math.round(x * 10) / 10;

/** Where a line meets a box: on the side it comes from, a little above or below the middle of a step's rim. */
function entry(b, from) {
  if (b.pin) return [b.u, b.v];
  const isStep = b.id[0] === "v" && data.vertices[placeOf(b.id)].kind === "step";
  if (b.id[0] === "o" && !data.edges[placeOf(b.id)].end) return [b.u + b.main / 2, b.v];
  const room = (isStep ? 0.62 : 0.8) * (b.cross / 2), shift = Math.max(-room, Math.min(room, (from.v - b.v) / 2.2));
  const radius = Math.min(22, b.cross / 2, b.main / 2), over = Math.max(0, Math.abs(shift) - (b.cross / 2 - radius));
  const inset = isStep ? radius - Math.sqrt(radius * radius - over * over) : 0;
  return [b.u - b.main / 2 + inset, b.v + shift];
}

// -- moving about ----------------------------------------------------------------------------------

function look(view) {
  state.view = view;
  state.fitted = false;
  scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
}

/** Show the whole graph; but not smaller than `least`, then from its beginning on. */
function fit(least = 0) {
  const { width: wide, height: high } = graph.getBoundingClientRect();
  const [w, h] = xy(shown.size.main + 28, shown.size.cross + 40);
  const scale = Math.max(least, Math.min(1.6, wide / w, high / h));
  const begin = shown.boxes.values().next().value, [beginX, beginY] = xy(begin.u, begin.v);
  const place = (room, size, start) => (size * scale > room ? start : (room - size * scale) / 2);
  const x = place(wide, w, across ? 0 : wide / 2 - beginX * scale);
  look({ scale, x, y: place(high, h, across ? high / 2 - beginY * scale : 0) });
  state.fitted = true;
}

function refit() {
  if (state.fitted) fit(READABLE);
}

function zoom(factor, x, y) {
  const { scale, x: dx, y: dy } = state.view;
  const next = Math.max(0.02, Math.min(8, scale * factor)), grown = next / scale;
  look({ scale: next, x: x - (x - dx) * grown, y: y - (y - dy) * grown });
}

function zoomMiddle(factor) {
  const { width: wide, height: high } = graph.getBoundingClientRect();
  zoom(factor, wide / 2, high / 2);
}

/** The box or frame of a vertex or module, or the first copy of it. */
function find(id) {
  return shown.boxes.get(id) || [...shown.boxes.values(), ...shown.frames].find((b) => b.id.split("@")[0] === id);
}

function centre(id) {
  const item = find(id);
  if (!item) return;
  const { width: wide, height: high } = graph.getBoundingClientRect(), [x, y] = xy(item.u, item.v);
  const scale = Math.max(state.view.scale, 0.8);
  look({ scale, x: wide / 2 - x * scale, y: high / 2 - y * scale });
}

/** Fold or unfold; what was clicked stays where it is. */
function toggle(call) {
  const place = () => {
    return corner(find(`c${call}`));
  };
  const before = place();
  if (!state.folded.delete(call)) state.folded.add(call);
  draw();
  const after = place(), { scale, x, y } = state.view;
  look({ scale, x: x + (before[0] - after[0]) * scale, y: y + (before[1] - after[1]) * scale });
  choose({ call });
}

function foldAll(calls) {
  state.folded = new Set(calls);
  draw();
  fit(READABLE);
}

/** Unfold what hides something inside of `call`. */
function reveal(call) {
  const hiding = around(call).filter((at) => state.folded.has(at));
  for (const at of hiding) state.folded.delete(at);
  if (hiding.length) draw();
}

// -- choosing, and what there is to say --------------------------------------------------------------

function choose(what) {
  state.chosen = what;
  panel.hidden = what === null;
  panel.replaceChildren();
  if (what !== null) tellAll(what);
  mark();
  refit(); // there is less room, or more
}

function tellAll(what) {
  const close = html("button", "close", "×");
  close.setAttribute("aria-label", "Close");
  close.onclick = () => choose(null);
  panel.append(close);
  if (what.vertex !== undefined) tellVertex(data.vertices[what.vertex], what.vertex);
  else if (what.call !== undefined) tellCall(data.calls[what.call], what.call);
  else what.edges.forEach((e) => tellEdge(data.edges[e]));
}

function mark() {
  for (const element of scene.querySelectorAll(".chosen, .found")) element.classList.remove("chosen", "found");
  const { vertex, call, edges } = state.chosen || {};
  const select = vertex !== undefined ? `[data-vertex="${vertex}"]` : call !== undefined ? `[data-call="${call}"]`
    : edges ? `[data-edge="${edges.join(" ")}"]` : null;
  if (select) for (const element of scene.querySelectorAll(select)) element.classList.add("chosen");
  for (const { vertex: v, call: c } of state.found) {
    const found = v === undefined ? `[data-call="${c}"]` : `[data-vertex="${v}"]`;
    for (const element of scene.querySelectorAll(found)) element.classList.add("found");
  }
}

function tell(heading, text, className) {
  if (text === null || text === undefined || text === "") return;
  panel.append(html("h3", "", heading));
  panel.append(html(text.includes("\n") ? "pre" : "p", className, text));
}

function tellVertex(vertex, i) {
  panel.append(html("h2", "", vertex.title));
  tell("value", vertex.value, "value");
  tell("gradient", vertex.grad, "grad");
  tell("shape", vertex.shape);
  tell("statistics", vertex.statistics);
  tell("fault", vertex.faults.join("\n"), "fault");
  tell("op", vertex.op);
  tell("module", vertex.call === null ? null : data.calls[vertex.call].title);
  tell("line", vertex.line);
  const rules = (heading, edges) => {
    if (!edges.length) return;
    panel.append(html("h3", "", heading));
    for (const edge of edges) panel.append(html("p", "rule", edge.rule));
  };
  rules("local derivatives", data.edges.filter((edge) => edge.target === i && edge.rule));
  rules("its gradient comes from", data.edges.filter((edge) => edge.source === i && edge.target !== null && edge.rule));
}

function tellEdge(edge) {
  panel.append(html("h2", "", edge.title));
  tell("value", edge.fullValue, "value");
  tell("gradient along this line", edge.fullGrad, "grad");
  tell("rule", edge.rule);
}

function tellCall(call, i) {
  panel.append(html("h2", "", call.title));
  tell("module", call.about || call.kind);
  const inside = data.vertices.filter((vertex) => vertex.call !== null && around(vertex.call).includes(i));
  tell("parameters", inside.filter((vertex) => vertex.kind === "input").map((v) => `${v.label} ${v.shape}`).join("\n"));
  const button = html("button", "", state.folded.has(i) ? "Unfold" : "Fold");
  button.onclick = () => toggle(i);
  panel.append(html("p", "", button));
}

// -- search ----------------------------------------------------------------------------------------

function search(text) {
  const wanted = text.trim().toLowerCase();
  const has = (...texts) => texts.some((t) => t && t.toLowerCase().includes(wanted));
  state.found = [];
  state.at = -1;
  if (wanted) {
    data.vertices.forEach((v, vertex) => {
      if (!v.inside && has(v.name, v.op, v.label, v.line)) state.found.push({ vertex });
    });
    data.calls.forEach((c, call) => { if (has(c.title, c.kind)) state.found.push({ call }); });
  }
  byId("found").textContent = wanted ? `${state.found.length} found` : "";
  mark();
}

function nextFound(direction) {
  if (!state.found.length) return;
  state.at = (state.at + direction + state.found.length) % state.found.length;
  byId("found").textContent = `${state.at + 1} of ${state.found.length}`;
  const what = state.found[state.at];
  reveal(what.vertex === undefined ? data.calls[what.call].parent : data.vertices[what.vertex].call);
  choose(what);
  centre(what.vertex === undefined ? `c${what.call}` : `v${what.vertex}`);
}

// -- the walk --------------------------------------------------------------------------------------

function showStep() {
  if (state.step === null) return;
  const past = data.steps.slice(0, state.step + 1), step = data.steps[state.step];
  const known = { value: new Set(past.flatMap((s) => s.values)), grad: new Set(past.flatMap((s) => s.grads)) };
  const latest = { value: new Set(step.values), grad: new Set(step.grads) };
  for (const line of scene.querySelectorAll(".line")) {
    const edges = line.dataset.edge.split(" ").map(Number);
    for (const kind of ["value", "grad"]) {
      for (const text of line.querySelectorAll(`text.${kind}`)) {
        text.parentNode.classList.toggle("coming", !edges.some((e) => known[kind].has(e)));
        text.parentNode.classList.toggle("new", edges.some((e) => latest[kind].has(e)));
      }
    }
  }
  byId("slider").value = state.step;
  byId("caption").replaceChildren(
    html("b", "", `${state.step + 1} of ${data.steps.length}, ${step.phase}: ${step.title}`), `\n${step.rule}`);
}

function goTo(step) {
  state.step = Math.max(0, Math.min(data.steps.length - 1, step));
  showStep();
  follow();
}

/** Bring what is new into view, where it is not. */
function follow() {
  const spots = [...scene.querySelectorAll(".new")].map((element) => element.getBoundingClientRect());
  const room = graph.getBoundingClientRect();
  const inside = (r) => r.left >= room.left && r.right <= room.right && r.top >= room.top && r.bottom <= room.bottom;
  if (!spots.length || spots.some(inside)) return;
  const { left, right, top, bottom } = spots[0];
  look({ ...state.view, x: state.view.x + (room.left + room.right - left - right) / 2,
    y: state.view.y + (room.top + room.bottom - top - bottom) / 2 });
}

let playing = null;

function play(on) {
  clearInterval(playing);
  playing = null;
  if (on) {
    if (state.step === data.steps.length - 1) goTo(0);
    playing = setInterval(() => {
      goTo(state.step + 1);
      if (state.step === data.steps.length - 1) play(false);
    }, 1500);
  }
  byId("play").textContent = on ? "Stop" : "Play";
}

// -- mouse and keyboard ----------------------------------------------------------------------------

function whatIsAt(target) {
  const element = target.closest("[data-vertex], [data-call], [data-edge]");
  if (!element || !scene.contains(element)) return null;
  const { vertex, call, edge } = element.dataset;
  if (vertex !== undefined) return { vertex: Number(vertex) };
  return call !== undefined ? { call: Number(call) } : { edges: edge.split(" ").map(Number) };
}

let drag = null;

graph.addEventListener("pointerdown", (event) => {
  drag = { x: event.clientX, y: event.clientY, view: state.view, moved: false };
});
addEventListener("pointermove", (event) => {
  if (!drag) return;
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  drag.moved = drag.moved || Math.hypot(dx, dy) > 4;
  if (drag.moved) look({ ...drag.view, x: drag.view.x + dx, y: drag.view.y + dy });
});
addEventListener("pointerup", (event) => {
  const clicked = drag && !drag.moved;
  drag = null;
  if (!clicked) return;
  if (event.target.closest(".toggle")) toggle(whatIsAt(event.target).call);
  else choose(whatIsAt(event.target));
});
addEventListener("pointercancel", () => (drag = null));
graph.addEventListener("dblclick", (event) => {
  const what = whatIsAt(event.target);
  if (what && what.call !== undefined && !event.target.closest(".toggle")) toggle(what.call);
});
graph.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { left, top } = graph.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - left, event.clientY - top);
}, { passive: false });

/** The vertex next to the chosen one, along a line (1 forward, -1 back) or beside it. */
function neighbour(key) {
  const at = state.chosen && state.chosen.vertex;
  if (at === undefined || at === null) return data.vertices.findIndex((v) => !v.inside);
  const ends = data.edges.filter((e) => e.target !== null && !data.vertices[e.source].inside);
  const forward = across ? "ArrowRight" : "ArrowDown", back = across ? "ArrowLeft" : "ArrowUp";
  if (key === forward) return (ends.find((e) => e.source === at) || {}).target;
  if (key === back) return (ends.find((e) => e.target === at) || {}).source;
  const mine = find(`v${at}`);
  if (!mine) return undefined;
  const step = key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1;
  const beside = [...shown.boxes.values()].filter((b) => b.id[0] === "v" && step * (b.v - mine.v) > 1);
  const distance = (b) => Math.abs(b.v - mine.v) + 2 * Math.abs(b.u - mine.u);
  beside.sort((a, b) => distance(a) - distance(b));
  return beside.length ? placeOf(beside[0].id) : undefined;
}

const keys = {
  "+": () => zoomMiddle(1.25), "=": () => zoomMiddle(1.25), "-": () => zoomMiddle(0.8), 0: () => fit(),
  "/": () => byId("search").focus(),
  "?": () => byId("keys").showModal(),
  d: () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
  Escape: () => choose(null),
  f: () => {
    const { call, vertex } = state.chosen || {};
    const which = call !== undefined ? call : vertex !== undefined ? data.vertices[vertex].call : null;
    if (which !== null) toggle(which);
  },
  Enter: () => {
    const what = whatIsAt(document.activeElement);
    if (what) choose(what);
  },
};
for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
  keys[key] = () => {
    const vertex = neighbour(key);
    if (vertex === undefined) return;
    reveal(data.vertices[vertex].call);
    choose({ vertex });
    centre(`v${vertex}`);
  };
}
if (data.steps) {
  Object.assign(keys, {
    ArrowRight: () => goTo(state.step + 1), ArrowLeft: () => goTo(state.step - 1),
    Home: () => goTo(0), End: () => goTo(data.steps.length - 1), " ": () => play(!playing),
  });
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  const { target } = event;
  if (target === byId("search")) {
    if (event.key === "Enter") nextFound(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") target.blur();
    return;
  }
  if (target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

function theme(name) {
  byId("dark").textContent = name === "dark" ? "Light" : "Dark";
  document.documentElement.dataset.theme = name;
}

byId("search").addEventListener("input", (event) => search(event.target.value));
byId("fit").onclick = () => fit();
byId("dark").onclick = keys.d;
byId("help").onclick = keys["?"];
byId("fold").onclick = () => foldAll(data.calls.flatMap((call, i) => (call.parent === null ? [] : [i])));
byId("unfold").onclick = () => foldAll([]);
addEventListener("resize", refit);

// -- the first picture -----------------------------------------------------------------------------

theme(data.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
for (const element of document.querySelectorAll(across ? ".TB" : ".LR")) element.hidden = true;
for (const id of ["fold", "unfold"]) byId(id).hidden = !data.calls.length;
for (const element of document.querySelectorAll(data.steps ? ".graph-only" : ".steps-only")) element.hidden = true;
if (data.steps) {
  byId("walk").hidden = false;
  byId("slider").max = data.steps.length - 1;
  byId("slider").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("back").onclick = () => goTo(state.step - 1);
  byId("next").onclick = () => goTo(state.step + 1);
  byId("play").onclick = () => play(!playing);
}
state.folded = new Set(data.folded);
draw();
fit(READABLE);
