"use strict";

/* Draws the picture: frames, lines with their numbers, boxes, and the legend. */

function draw() {
  layOut();
  scene.replaceChildren();
  for (const frame of shown.frames) scene.append(frameShape(frame));
  const wires = new Set(); // lines of one source share their way through frames
  for (const line of shown.lines) scene.append(lineShape(line, wires));
  for (const item of shown.boxes.values()) scene.append(boxShape(item));
  for (const frame of shown.frames) scene.append(frameTitle(frame));
  mark();
  showStep();
  drawMap();
  drawLegend();
}

function frameShape(frame) {
  const [x, y] = corner(frame), [wide, high] = xy(frame.main, frame.cross);
  const i = placeOf(frame.id), { kind, path } = data.calls[i];
  return svg("g", { class: "frame", "data-call": i, tabindex: 0, role: "button",
    "aria-label": `module ${kind} ${path}, unfolded`, "aria-expanded": true },
  svg("rect", { class: "shape", x, y, width: wide, height: high, rx: 10 }));
}

/** The title of a frame, clear of lines from above: left of the first line if there is room, else right of the last. */
function frameTitle(frame) {
  const [left, y] = corner(frame), [wide] = xy(frame.main, frame.cross), i = placeOf(frame.id);
  const { kind, path, about } = data.calls[i], long = width(kind, 13, "bold") + width(path, 12) + 34;
  const ports = [...frame.items.values()].filter((item) => item.pin === "first").map((item) => item.v);
  const free = state.across || !ports.length ? wide : Math.min(...ports) - left;
  const x = free >= long || left + wide - Math.max(...ports) < long ? left : Math.max(...ports);
  const room = (x === left ? free : left + wide - x) - long > width(about, 12) + 12;
  const text = (className, at, said) => svg("text", { class: className, x: x + at, y: y + 15 }, said);
  const after = 28 + width(kind, 13, "bold") + 6;
  return svg("g", { class: "frame-title", "data-call": i }, text("toggle", 15, "⊟"), text("title", 28, kind),
    text("path", after, path), ...(room ? [text("about", after + width(path, 12) + (path ? 8 : 0), about)] : []));
}

/** The top left corner of a box or frame. */
const corner = (item) => xy(item.u - item.main / 2, item.v - item.cross / 2);

function lineShape(line, wires) {
  const group = svg("g", { class: "line", "data-edge": line.edges.join(" ") });
  for (const part of line.parts) {
    if (!part.arrow && wires.has(part)) continue;
    wires.add(part);
    const wire = path(part);
    group.append(svg("path", { class: "touch", d: wire }));
    group.append(svg("path", { class: "wire", d: wire, ...(part.arrow && { "marker-end": "url(#arrow)" }) }));
    const at = part.points.find((point) => point.label);
    if (at) group.append(...labels(line, at));
  }
  return group;
}

/** The numbers of a line: the value above or left, the gradient below or right; a shape alone is right. The
 *  rounding is below the gradient. */
function labels(line, at) {
  const [x, y] = xy(at.u, at.v), texts = numbers(line), wide = labelSize(line);
  return Object.entries(texts).filter(([, text]) => text).map(([kind, text]) => {
    const sign = kind !== "value" || (!texts.grad && !state.across) ? 1 : -1, third = kind === "rounding" ? ROW : 0;
    const broad = state.across ? wide.main : wide.cross / 2 - 4, high = 17;
    const [left, middle] = state.across ? [x - broad / 2, y + sign * 10 + third] : [x + (sign > 0 ? 4 : -4 - broad), y + third];
    const place = state.across ? { x, "text-anchor": "middle" }
      : { x: x + sign * 6, "text-anchor": sign > 0 ? "start" : "end" };
    return svg("g", { class: "number" },
      svg("rect", { class: "backing", x: left, y: middle - high / 2, width: broad, height: high }),
      svg("text", { class: (data.shapes || data.plan) && kind === "value" ? "value shape-of" : kind, y: middle, ...place }, text));
  });
}

const TIP = 6; // the length of an arrow's tip
const NEAR = 40; // the largest distance from the middle of a border at which a line leaves

/** The path of a line from border to border through its points; the path is level at each point. */
function path({ a, b, points, leave, arrive, arrow }) {
  const start = exit(a, points[0] || b), end = entry(b, points.at(-1) || a);
  const stops = [start, [Math.max(start[0], leave), start[1]]];
  for (const point of points) {
    const half = point.thick / 2; // straight through the layer, clear of its wider numbers and boxes
    stops.push([point.u - half, point.v], [point.u + half, point.v]);
  }
  stops.push([Math.min(end[0] - (arrow ? TIP : 0), arrive), end[1]], end);
  let d = `M${xy(...stops[0]).map(round)}`;
  for (let i = 1; i < stops.length; i++) {
    const [u0, v0] = stops[i - 1], [u, v] = stops[i], middle = (u0 + u) / 2;
    if (Math.abs(v - v0) < 0.5) d += `L${xy(u, v).map(round)}`;
    else if (u !== u0) d += `C${xy(middle, v0).map(round)} ${xy(middle, v).map(round)} ${xy(u, v).map(round)}`;
  }
  return d;
}

const round = (x) => Math.round(x * 10) / 10;

/** The stop where a line leaves a box: straight on if near the middle of a straight border, else the middle. */
function exit(a, to) {
  const shift = to.v - a.v, isCard = a.id[0] === "c" && Math.abs(shift) <= Math.min(NEAR, 0.3 * a.cross);
  return [a.u + (a.pin ? 0 : a.main / 2), a.v + (isCard ? shift : 0)];
}

/** The stop where a line meets a box: straight on, or at the nearest end of the border. */
function entry(b, from) {
  if (b.pin) return [b.u, b.v];
  const isStep = b.id[0] === "v" && data.vertices[placeOf(b.id)].kind === "step";
  if (b.id[0] === "o" && !data.edges[placeOf(b.id)].end) return [b.u + b.main / 2, b.v];
  const room = (isStep ? 0.62 : 0.8) * (b.cross / 2), shift = Math.max(-room, Math.min(room, from.v - b.v));
  const radius = Math.min(22, b.cross / 2, b.main / 2), over = Math.max(0, Math.abs(shift) - (b.cross / 2 - radius));
  const inset = isStep ? radius - Math.sqrt(radius * radius - over * over) : 0;
  return [b.u - b.main / 2 + inset, b.v + shift];
}

// -- the legend ------------------------------------------------------------------------------------

/** The meaning of the colours and numbers of this page. */
function drawLegend() {
  const entries = [], spots = [...shown.boxes.keys()].filter((id) => id[0] === "c");
  const families = new Set(spots.map((id) => data.calls[placeOf(id)].family));
  for (const [family, name] of Object.entries(data.families)) {
    if (families.has(family)) entries.push(html("span", `entry k-${family}`, html("i", "swatch"), name));
  }
  const [here, there] = state.across ? ["above", "below"] : ["left of", "right of"];
  const texts = shown.lines.map(numbers), some = (kind) => texts.some((text) => text[kind]);
  const said = (className, name, where) => html("span", "entry", html("b", className, name), ` ${where}`);
  if ((data.shapes || data.plan) && some("value")) entries.push(said("", "(2, 3)", "the shape of what flows along a line"));
  else if (some("value")) entries.push(said("value", "value", `${some("grad") ? here : "beside"} the line`));
  if (some("grad")) entries.push(said("grad", "gradient", `${there} the line`));
  if (texts.some((text) => text.grad === "–")) entries.push(said("grad", "–", "no gradient there"));
  if (some("rounding")) entries.push(said("rounding", "±", "how far the rounding of the value may move the output"));
  const buffers = [...new Set(data.vertices.map((vertex) => vertex.buffer).filter((buffer) => buffer !== null))].sort((a, b) => a - b);
  if (buffers.length) {
    const swatches = buffers.slice(0, BUFFERS).map((buffer) => html("i", `swatch buffer-${buffer % BUFFERS}`));
    entries.push(html("span", "entry", ...swatches, "equal colours share memory"));
  }
  const roles = new Set(data.vertices.map((vertex) => vertex.role)), role = (name, said) =>
    roles.has(name) && entries.push(html("span", "entry", html("i", `swatch is-${name}`), said));
  role("place", "what outlives the call");
  role("store", "a value is stored there");
  role("update", "an update");
  role("draw", "a draw of random numbers");
  role("check", "a check");
  role("register", "exists only inside of its group");
  byId("legend").replaceChildren(...entries);
}
