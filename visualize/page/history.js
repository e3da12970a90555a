"use strict";

/* A run step by step. The JSON beside this script enters the page as text, never as markup. Maps of numbers come as
 * base64 of 32-bit floats, in the order of the cells; each cell of a map is one weight. */

const data = JSON.parse(document.getElementById("data").textContent), root = document.documentElement;
const byId = (id) => document.getElementById(id);
const state = { a: 0, b: data.frames.length - 1, two: false, layer: null, cell: 0 };

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const floats = (text) => new Float32Array(bytes(text).buffer);
const number = (x) => (x === null ? "not finite" : Number.isFinite(x) ? (x === 0 ? "0" : Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5 ? x.toExponential(2) : x.toPrecision(4)) : String(x));

for (const layer of data.layers) layer.places = new Int32Array(bytes(layer.places).buffer);
for (const frame of data.frames) {
  for (const map of frame.maps) {
    map.weights = floats(map.weights);
    map.gradients = map.gradients && floats(map.gradients);
    map.who = map.who && new Uint16Array(bytes(map.who).buffer);
    map.parts = map.parts && floats(map.parts);
  }
}

/* -- colours ---------------------------------------------------------------------------------------------------- */

function rgb(name) {
  const hex = getComputedStyle(root).getPropertyValue(name).trim();
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** Paint numbers on a canvas, a pixel for each; `chosen` gets a frame by its own colour. */
function paint(canvas, values, columns, largest) {
  const rows = values.length / columns, zero = rgb("--zero"), ends = [rgb("--neg"), rgb("--pos")];
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d"), image = context.createImageData(columns, rows);
  values.forEach((x, i) => {
    const t = Math.min(Math.abs(x) / (largest || 1), 1) || 0, end = ends[x > 0 ? 1 : 0];
    const odd = Number.isFinite(x) ? null : [212, 0, 143];
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = odd ? odd[k] : zero[k] + (end[k] - zero[k]) * t;
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

/** Bars of a histogram. */
function bars(counts) {
  const picture = svg("svg", { class: "bars", viewBox: `0 0 ${counts.length} 1`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const most = Math.max(...counts, 1);
  counts.forEach((n, i) => picture.append(svg("rect", { x: i + 0.05, width: 0.9, y: 1 - n / most, height: n / most })));
  return picture;
}

/* -- the curve of the loss -------------------------------------------------------------------------------------- */

const WIDE = 1000, HIGH = 100, curve = byId("curve");
const across = (step) => ((step - data.first) / Math.max(data.last - data.first, 1)) * WIDE;

function drawCurve() {
  const seen = data.losses.map(([, y]) => y).filter(Number.isFinite);
  const low = Math.min(...seen), high = Math.max(...seen), span = high - low || 1;
  const points = data.losses.filter(([, y]) => Number.isFinite(y)).map(([x, y]) => `${across(x)},${HIGH - 6 - ((y - low) / span) * (HIGH - 12)}`);
  curve.setAttribute("viewBox", `0 0 ${WIDE} ${HIGH}`);
  curve.replaceChildren();
  const line = (step, kind, y1) => curve.append(svg("line", { class: kind, x1: across(step), x2: across(step), y1, y2: HIGH }));
  for (const frame of data.frames) line(frame.step, "kept", HIGH - 6);
  curve.append(svg("polyline", { points: points.join(" ") }));
  if (state.two) line(data.frames[state.b].step, "b", 0);
  line(data.frames[state.a].step, "a", 0);
}

function near(event) {
  const box = curve.getBoundingClientRect(), step = data.first + ((event.clientX - box.left) / box.width) * (data.last - data.first);
  const far = data.frames.map((frame) => Math.abs(frame.step - step));
  return far.indexOf(Math.min(...far));
}

/* -- the layers ------------------------------------------------------------------------------------------------- */

/** The maps of a layer: [title, numbers, the largest number, histogram]. */
function mapsOf(l) {
  const layer = data.layers[l], a = data.frames[state.a].maps[l], b = data.frames[state.b].maps[l];
  const weights = [`weights, up to ±${number(layer.largest)}`, a.weights, layer.largest, a.histogram];
  if (!state.two) return [weights, ...(a.gradients ? [[`gradients, up to ±${number(layer.steepest)}`, a.gradients, layer.steepest, a.slopes]] : [])];
  const change = b.weights.map((x, i) => x - a.weights[i]), most = change.reduce((m, x) => Math.max(m, Math.abs(x) || 0), 0);
  return [
    [`step ${data.frames[state.a].step}`, a.weights, layer.largest, a.histogram],
    [`step ${data.frames[state.b].step}`, b.weights, layer.largest, b.histogram],
    [`difference, up to ±${number(most)}`, change, most, null],
  ];
}

function drawLayers() {
  const focused = document.activeElement;
  data.layers.forEach((layer, l) => {
    const box = layer.box, found = mapsOf(l);
    while (box.children.length > found.length) box.lastChild.remove();
    found.forEach(([title, values, largest, counts], i) => {
      if (!box.children[i]) box.append(figure(l));
      const part = box.children[i], canvas = part.firstChild;
      paint(canvas, values, layer.columns, largest);
      canvas.setAttribute("aria-label", `${layer.name}, ${title}. Arrow keys choose a weight.`);
      part.replaceChildren(canvas, ...(state.layer === l ? [spot(canvas, layer)] : []), ...(counts ? [bars(counts)] : []), element("figcaption", "", title));
    });
  });
  if (focused !== document.activeElement && focused.isConnected) focused.focus();  // moved in the page, it lost the focus
}

/** A frame around the chosen cell of a map. */
function spot(canvas, layer) {
  const mark = element("div", "spot"), rows = layer.places.length / layer.columns;
  const size = [100 / layer.columns, canvas.offsetHeight / rows], row = Math.floor(state.cell / layer.columns);
  Object.assign(mark.style, { left: `${(state.cell % layer.columns) * size[0]}%`, width: `${size[0]}%`, top: `${row * size[1]}px`, height: `${size[1]}px` });
  return mark;
}

function figure(l) {
  const canvas = element("canvas"), layer = data.layers[l];
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.style.aspectRatio = `${layer.columns} / ${layer.places.length / layer.columns}`;
  canvas.onclick = (event) => {
    const box = canvas.getBoundingClientRect(), rows = layer.places.length / layer.columns;
    const column = Math.floor(((event.clientX - box.left) / box.width) * layer.columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    choose(l, Math.min(Math.max(row, 0), rows - 1) * layer.columns + Math.min(Math.max(column, 0), layer.columns - 1));
  };
  canvas.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layer.columns, ArrowDown: layer.columns }[event.key];
    if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const from = state.layer === l ? state.cell + by : 0;
    if (from >= 0 && from < layer.places.length) choose(l, from);
  };
  return element("figure", "", canvas);
}

/* -- the chosen weight ------------------------------------------------------------------------------------------ */

function choose(layer, cell) {
  Object.assign(state, { layer, cell });
  drawLayers();
  drawChosen();
}

/** The index of a weight in its array, from its index in the flat array. */
function indexOf(layer, flat) {
  const index = [];
  for (const n of [...layer.shape].reverse()) {
    index.unshift(flat % n);
    flat = Math.floor(flat / n);
  }
  return index.join(", ");
}

function sample(position, part, gradient) {
  const image = data.images && data.images[position], row = element("li");
  if (image) {
    const canvas = element("canvas"), [height, width] = data.size, grey = bytes(image), context = canvas.getContext("2d");
    canvas.width = width;
    canvas.height = height;
    const pixels = context.createImageData(width, height);
    grey.forEach((x, i) => pixels.data.set([x, x, x, 255], 4 * i));
    context.putImageData(pixels, 0, 0);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Sample ${position}`);
    row.append(canvas);
  }
  const share = gradient ? `, ${((part / gradient) * 100).toFixed(0)} %` : "";
  const text = element("span", "", element("b", "", `sample ${position}`), element("br"), `${number(part)}${share}`);
  if (data.inputs && data.inputs[position]) text.append(element("br"), element("span", "faint", data.inputs[position]));
  row.append(text);
  return row;
}

function drawChosen() {
  if (state.layer === null) return;
  const layer = data.layers[state.layer], frame = data.frames[state.a], map = frame.maps[state.layer], cell = state.cell;
  const say = (text, className = "") => element("p", className, text);
  const found = [element("h2", "", `${layer.name}[${indexOf(layer, layer.places[cell])}]`)];
  found.push(say(`step ${frame.step}: ${number(map.weights[cell])}`));
  if (state.two) {
    const other = data.frames[state.b], now = other.maps[state.layer].weights[cell];
    found.push(say(`step ${other.step}: ${number(now)}, a change of ${number(now - map.weights[cell])}`));
  }
  const gradient = map.gradients ? map.gradients[cell] : null;
  if (gradient !== null) found.push(say(`gradient of step ${frame.step}: ${number(gradient)}`));
  if (map.who) {
    const list = element("ol"), top = data.top;
    for (let i = 0; i < top && i < frame.samples.length; i++) {
      const at = cell * top + i;
      if (map.parts[at]) list.append(sample(frame.samples[map.who[at]], map.parts[at], gradient));
    }
    const some = `Of ${frame.samples.length} samples, these have the largest parts in the gradient:`;
    found.push(say(list.children.length ? some : `None of ${frame.samples.length} samples has a part in the gradient.`, "faint"), list);
    if (list.children.length) found.push(say(data.said, "faint"));
  } else {
    found.push(say(frame.end ? "The run ends before this step: no sample moved the weight." : data.why, "faint"));
  }
  byId("chosen").replaceChildren(...found);
}

/* -- outputs ---------------------------------------------------------------------------------------------------- */

function drawProbe() {
  const a = data.frames[state.a], b = data.frames[state.b], section = byId("probe");
  section.hidden = !a.outputs;
  if (!a.outputs) return;
  const table = element("table"), head = element("tr", "", element("th", "", "sample"));
  a.outputs[0].forEach((_, j) => head.append(element("th", "", `output ${j}`)));
  table.append(head);
  a.outputs.forEach((row, i) => {
    const line = element("tr", "", element("th", "", String(i)));
    row.forEach((x, j) => {
      const cell = element("td", "", state.two ? `${number(x)} → ${number(b.outputs[i][j])}` : number(x));
      line.append(cell);
    });
    table.append(line);
  });
  section.replaceChildren(element("h2", "", "Outputs for the probe"), table);
}

/* -- time ------------------------------------------------------------------------------------------------------- */

function draw() {
  for (const k of ["a", "b"]) {
    const frame = data.frames[state[k]];
    byId(k).value = state[k];
    byId(`at-${k}`).textContent = frame.end ? `${frame.step}, the end` : `${frame.step}, epoch ${frame.epoch + 1}, loss ${number(frame.loss)}`;
    byId(k).setAttribute("aria-valuetext", byId(`at-${k}`).textContent);
  }
  drawCurve();
  drawLayers();
  drawChosen();
  drawProbe();
}

function go(k, i) {
  state[k] = Math.min(Math.max(i, 0), data.frames.length - 1);
  draw();
}

function compare(two) {
  state.two = two;
  byId("two").setAttribute("aria-pressed", two);
  byId("second").hidden = !two;
  draw();
}

function dress(dark) {
  root.dataset.theme = dark ? "dark" : "light";
  byId("dark").textContent = dark ? "Light" : "Dark";
  draw();
}

for (const k of ["a", "b"]) {
  byId(k).max = data.frames.length - 1;
  byId(k).oninput = () => go(k, +byId(k).value);
  byId(k).setAttribute("aria-label", k === "a" ? "Step" : "The other step");
}
curve.onpointerdown = (event) => {
  curve.setPointerCapture(event.pointerId);
  go("a", near(event));
};
curve.onpointermove = (event) => event.buttons && go("a", near(event));
byId("two").onclick = () => compare(!state.two);
byId("dark").onclick = () => dress(root.dataset.theme !== "dark");
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "INPUT") return;
  const act = { ArrowLeft: () => go("a", state.a - 1), ArrowRight: () => go("a", state.a + 1), Home: () => go("a", 0),
    End: () => go("a", data.frames.length - 1), c: () => compare(!state.two), d: () => byId("dark").click() }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
data.layers.forEach((layer) => {
  layer.box = element("div", "maps");
  const about = layer.places.length < layer.size ? `${layer.shape.join(" × ")}: ${layer.places.length} of ${layer.size.toLocaleString("en")}` : layer.shape.join(" × ");
  byId("layers").append(element("section", "layer", element("h2", "", layer.name, " ", element("span", "faint", about)), layer.box));
});
dress(data.theme ? data.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
