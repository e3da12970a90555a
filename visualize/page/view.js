"use strict";

/* Moves and scales the picture, and draws the map. */

const READABLE = 0.76, SMALLEST = 0.6, LARGEST = 1.35; // scales
const MARGIN = 12;

function look(view) {
  state.view = view;
  state.fitted = false;
  scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  showWindow();
}

const room = () => graph.getBoundingClientRect();

/** The scale at which the whole graph is visible. */
function wholeScale() {
  const { width: wide, height: high } = room(), [w, h] = xy(shown.size.main, shown.size.cross);
  return Math.min(LARGEST, (wide - 2 * MARGIN) / w, (high - 2 * MARGIN) / h);
}

/** The first scale: of the whole graph if that can be read, else of its full width across. */
function firstScale() {
  const whole = wholeScale(), { width: wide, height: high } = room();
  const across = ((state.across ? high : wide) - 2 * MARGIN) / shown.size.cross;
  return whole >= READABLE ? whole : Math.max(whole, SMALLEST, Math.min(1, across));
}

/** Show the whole graph, or its beginning at a scale. */
function fit(scale = wholeScale()) {
  const { width: wide, height: high } = room(), [w, h] = xy(shown.size.main, shown.size.cross);
  const begin = shown.boxes.values().next().value, [beginX, beginY] = xy(begin.u, begin.v);
  const place = (space, size, start) => (size * scale > space - MARGIN ? start : (space - size * scale) / 2);
  const aside = (space, size, at) => // center the beginning, but leave no empty space at the sides
    Math.min(MARGIN, Math.max(space - size * scale - MARGIN, space / 2 - at * scale));
  const x = place(wide, w, state.across ? MARGIN : aside(wide, w, beginX));
  look({ scale, x, y: place(high, h, state.across ? aside(high, h, beginY) : MARGIN) });
  state.fitted = true;
}

function refit() {
  if (state.fitted) fit(firstScale());
}

function zoom(factor, x, y) {
  const { scale, x: dx, y: dy } = state.view;
  const next = Math.max(0.02, Math.min(8, scale * factor)), grown = next / scale;
  look({ scale: next, x: x - (x - dx) * grown, y: y - (y - dy) * grown });
}

function zoomMiddle(factor) {
  const { width: wide, height: high } = room();
  zoom(factor, wide / 2, high / 2);
}

/** The box, frame or first copy of a vertex or module. */
function find(id) {
  return shown.boxes.get(id) || [...shown.boxes.values(), ...shown.frames].find((b) => b.id.split("@")[0] === id);
}

/** Move a point of the picture to the middle. */
function centreAt(x, y, scale = state.view.scale) {
  const { width: wide, height: high } = room();
  look({ scale, x: wide / 2 - x * scale, y: high / 2 - y * scale });
}

function centre(id) {
  const item = find(id);
  if (item) centreAt(...xy(item.u, item.v), Math.max(state.view.scale, READABLE));
}

/** Move a box into view if it is outside, or enlarge it if it is too small to read. */
function bring(id) {
  const item = find(id);
  if (!item) return;
  const { x, y, scale } = state.view, { width: wide, height: high } = room();
  const [left, top] = corner(item), [w, h] = xy(item.main, item.cross);
  const inside = x + left * scale >= 0 && y + top * scale >= 0
    && x + (left + w) * scale <= wide && y + (top + h) * scale <= high;
  if (!inside || scale < READABLE * 0.7) centre(id);
}

// -- the map ---------------------------------------------------------------------------------------

const map = byId("map");

function drawMap() {
  const [w, h] = xy(shown.size.main, shown.size.cross), scale = Math.min(200 / w, 160 / h);
  map.setAttribute("viewBox", `0 0 ${w} ${h}`);
  map.setAttribute("width", Math.max(24, w * scale));
  map.setAttribute("height", Math.max(24, h * scale));
  const spot = (item, className) => {
    const [x, y] = corner(item), [wide, high] = xy(item.main, item.cross);
    return svg("rect", { class: className, x, y, width: wide, height: high });
  };
  const kind = ({ id }) => (id[0] === "c" ? `k-${data.calls[placeOf(id)].family}` : "spot");
  map.replaceChildren(...shown.frames.map((frame) => spot(frame, "land")),
    ...[...shown.boxes.values()].map((box) => spot(box, kind(box))), svg("rect", { class: "window" }));
}

/** The map with the visible part; hidden if all is visible. */
function showWindow() {
  const { width: wide, height: high } = room(), { x, y, scale } = state.view;
  const [w, h] = xy(shown.size.main, shown.size.cross), slack = 4;
  map.toggleAttribute("hidden", x >= -slack && y >= -slack && x + w * scale <= wide + slack && y + h * scale <= high + slack);
  const frame = map.querySelector(".window");
  if (!frame) return;
  const place = { x: -x / scale, y: -y / scale, width: wide / scale, height: high / scale,
    "stroke-width": 2 * Math.max(w / 200, h / 160) };
  for (const [name, value] of Object.entries(place)) frame.setAttribute(name, value);
}

function goOnMap(event) {
  const { left, top, width: wide, height: high } = map.getBoundingClientRect();
  const [w, h] = xy(shown.size.main, shown.size.cross);
  centreAt(((event.clientX - left) / wide) * w, ((event.clientY - top) / high) * h);
}

map.addEventListener("pointerdown", (event) => {
  map.setPointerCapture(event.pointerId);
  goOnMap(event);
});
map.addEventListener("pointermove", (event) => { if (event.buttons) goOnMap(event); });
