"use strict";

/* Handles mouse, touch and keyboard. */

function whatIsAt(target) {
  const element = target.closest("[data-vertex], [data-call], [data-edge]");
  if (!element || !scene.contains(element)) return null;
  const { vertex, call, edge } = element.dataset;
  if (vertex !== undefined) return { vertex: Number(vertex) };
  return call !== undefined ? { call: Number(call) } : { edges: edge.split(" ").map(Number) };
}

const fingers = new Map(); // pointers that are down
let drag = null;

function spread() {
  const [a, b] = [...fingers.values()];
  return { wide: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

graph.addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  drag = { x: event.clientX, y: event.clientY, view: state.view, moved: fingers.size > 1 };
});
addEventListener("pointermove", (event) => {
  if (!drag || !fingers.has(event.pointerId)) return;
  const before = fingers.size === 2 ? spread() : null;
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (before) { // two fingers zoom
    const after = spread(), { left, top } = room();
    zoom(after.wide / Math.max(1, before.wide), after.x - left, after.y - top);
    return;
  }
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  drag.moved = drag.moved || Math.hypot(dx, dy) > 4;
  if (drag.moved) look({ ...drag.view, x: drag.view.x + dx, y: drag.view.y + dy });
});
addEventListener("pointerup", (event) => {
  const clicked = fingers.delete(event.pointerId) && drag && !drag.moved;
  drag = null;
  if (!clicked) return;
  if (event.target.closest(".toggle")) toggle(whatIsAt(event.target).call);
  else choose(whatIsAt(event.target));
});
addEventListener("pointercancel", (event) => {
  fingers.delete(event.pointerId);
  drag = null;
});
graph.addEventListener("dblclick", (event) => {
  const what = whatIsAt(event.target);
  if (what && what.call !== undefined && !event.target.closest(".toggle")) toggle(what.call);
});
graph.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { left, top } = room();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX - left, event.clientY - top);
}, { passive: false });

// -- keys that move from box to box ----------------------------------------------------------------

const whatIs = (id) => (id[0] === "c" ? { call: placeOf(id) } : { vertex: placeOf(id) });

/** The next box from the chosen one: along a line (forward, back), or beside. */
function neighbour(key) {
  const item = state.chosen && find(boxOf(state.chosen)), at = item && item.id, boxes = [...shown.boxes.values()].filter((b) => b.id[0] !== "o");
  if (!at || !shown.boxes.has(at)) return boxes[0] && boxes[0].id;
  const forward = state.across ? "ArrowRight" : "ArrowDown", back = state.across ? "ArrowLeft" : "ArrowUp";
  if (key === forward) return (shown.lines.find((line) => line.from === at && line.to[0] !== "o") || {}).to;
  if (key === back) return (shown.lines.find((line) => line.to === at) || {}).from;
  const mine = shown.boxes.get(at), step = key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1;
  const beside = boxes.filter((b) => step * (b.v - mine.v) > 1);
  const distance = (b) => Math.abs(b.v - mine.v) + 2 * Math.abs(b.u - mine.u);
  beside.sort((a, b) => distance(a) - distance(b));
  return beside.length ? beside[0].id : undefined;
}

function goAlong(key) {
  const id = neighbour(key);
  if (!id) return;
  choose(whatIs(id));
  bring(id);
  const element = scene.querySelector(".chosen");
  if (element) element.focus({ preventScroll: true }); // a screen reader says the box
}

const keys = {
  "+": () => zoomMiddle(1.25), "=": () => zoomMiddle(1.25), "-": () => zoomMiddle(0.8), 0: () => fit(),
  "/": () => byId("search").focus(),
  "?": () => byId("keys").showModal(),
  d: () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"),
  t: () => turn(),
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
keys[" "] = keys.Enter;
for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) keys[key] = () => goAlong(key);
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
  if (["BUTTON", "SUMMARY"].includes(target.tagName) && (event.key === " " || event.key === "Enter")) return;
  const action = keys[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
