"use strict";

/* Folds modules, and describes the chosen box in the panel. */

/** Fold or unfold a module; the clicked box stays at its position. */
function toggle(call) {
  const before = find(`c${call}`) ? corner(find(`c${call}`)) : [0, 0];
  if (!state.folded.delete(call)) state.folded.add(call);
  draw();
  const after = find(`c${call}`) ? corner(find(`c${call}`)) : before, { scale, x, y } = state.view;
  look({ scale, x: x + (before[0] - after[0]) * scale, y: y + (before[1] - after[1]) * scale });
  choose({ call });
}

function foldAll(calls) {
  state.folded = new Set(calls);
  draw();
  fit(firstScale());
}

/** Unfold all modules; on a page of layers, layers stay folded until all other modules are open. */
function unfoldAll() {
  const layers = data.calls.flatMap((call, i) => (call.inner ? [] : [i]));
  const open = data.shapes && [...state.folded].some((call) => data.calls[call].inner);
  foldAll(open ? layers : []);
}

/** Unfold the modules that hide the contents of `call`. */
function reveal(call) {
  const hiding = around(call).filter((at) => state.folded.has(at));
  for (const at of hiding) state.folded.delete(at);
  if (hiding.length) draw();
}

function choose(what) {
  state.chosen = what;
  panel.hidden = what === null;
  panel.replaceChildren();
  if (what !== null) tellAll(what);
  mark();
  if (state.fitted && wholeScale() >= SMALLEST) fit(); // the panel changes the room
  else if (what !== null && boxOf(what)) bring(boxOf(what));
  showWindow();
}

/** The id of the visible box of a vertex or module: its own box, or that of the folded module around. */
function boxOf({ vertex, call, edges }) {
  if (edges) return (shown.lines.find((line) => line.edges.includes(edges[0])) || {}).to;
  return vertex === undefined ? seen(`c${call}`, data.calls[call].parent).id
    : seen(`v${vertex}`, data.vertices[vertex].call).id;
}

function mark() {
  for (const element of scene.querySelectorAll(".chosen, .found")) element.classList.remove("chosen", "found");
  const { vertex, call, edges } = state.chosen || {};
  const select = vertex !== undefined ? `[data-vertex="${vertex}"]` : call !== undefined ? `[data-call="${call}"]`
    : edges ? `[data-edge="${edges.join(" ")}"]` : null;
  if (select) for (const element of scene.querySelectorAll(select)) element.classList.add("chosen");
  for (const what of state.found) {
    for (const element of scene.querySelectorAll(standsFor(what))) element.classList.add("found");
  }
}

/** A selector for the visible elements of a vertex or module. */
function standsFor(what) {
  const id = boxOf(what);
  return id[0] === "c" ? `[data-call="${placeOf(id)}"]` : `[data-vertex="${placeOf(id)}"]`;
}

// -- the text of the panel -------------------------------------------------------------------------

function tellAll(what) {
  const close = html("button", "close", "×");
  close.setAttribute("aria-label", "Close");
  close.onclick = () => choose(null);
  panel.append(close);
  if (what.vertex !== undefined) tellVertex(data.vertices[what.vertex], what.vertex);
  else if (what.call !== undefined) tellCall(data.calls[what.call], what.call);
  else what.edges.forEach((e) => tellEdge(data.edges[e]));
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
  tell(data.plan ? "group" : "module", vertex.call === null ? null : data.calls[vertex.call].title);
  tell("memory", vertex.buffer === null ? null : `buffer ${vertex.buffer}`);
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
  tell("the rounding of the value may move the output by", edge.rounding, "rounding");
  tell("rule", edge.rule);
}

function tellCall(call, i) {
  const inside = (at) => at !== null && data.vertices[at].call !== null && around(data.vertices[at].call).includes(i);
  const shapes = (edges) => [...new Set(edges.map((edge) => data.vertices[edge.source].shape))].join("\n");
  const enters = ({ source, target }) => inside(target) && !inside(source) && data.vertices[source].kind !== "constant";
  panel.append(html("h2", "", call.title));
  tell("module", call.path ? call.kind : null);
  tell("options", call.settings);
  tell("size", call.about);
  tell("input", shapes(data.edges.filter(enters)));
  tell("output", shapes(data.edges.filter(({ source, target }) => inside(source) && !inside(target))));
  const vertices = data.vertices.filter((_, at) => inside(at));
  tell("parameters", vertices.filter((vertex) => vertex.kind === "input").map((v) => `${v.label} ${v.shape}`).join("\n"));
  tell("fault", [...new Set(vertices.flatMap((vertex) => vertex.faults))].join("\n"), "fault");
  const button = html("button", "", state.folded.has(i) ? "Unfold" : "Fold");
  button.onclick = () => toggle(i);
  panel.append(html("p", "", button));
}
