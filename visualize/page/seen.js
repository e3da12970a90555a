"use strict";

/* Finds the visible part of the graph, boxes, frames and lines, and lays it out. */

const MOST_TRIED = 300; // with at most this many boxes, cards of one line and of several are both tried
const EDGES_SHOWN = 2;

/** The box that stands for `id` inside of `call`: the outermost folded module, or `id` itself. */
function seen(id, call) {
  const folded = around(call).find((at) => state.folded.has(at));
  return folded === undefined ? { id, parent: call } : { id: `c${folded}`, parent: data.calls[folded].parent };
}

/** The frame around the contents of `call`; the model itself has none, since the page is its frame. */
const frameOf = (call) => (call === null || data.calls[call].path === "" ? null : `c${call}`);

function collect() {
  shown.boxes.clear();
  const used = new Set(), lines = new Map();
  const add = (id, call) => {
    const at = seen(id, call);
    if (!shown.boxes.has(at.id)) shown.boxes.set(at.id, { id: at.id, parent: frameOf(at.parent) });
    used.add(at.parent);
    return at.id;
  };
  data.vertices.forEach((vertex, i) => { if (!vertex.inside && !vertex.copied) add(`v${i}`, vertex.call); });
  data.edges.forEach((edge, e) => {
    const source = data.vertices[edge.source], target = edge.target === null ? null : data.vertices[edge.target];
    if (source.inside) return; // the number stands in the circle of its step
    const from = source.copied && target ? add(`v${edge.source}@${e}`, target.call)
      : add(`v${edge.source}`, source.call);
    const to = target ? add(`v${edge.target}`, target.call) : add(`o${e}`, null);
    if (from === to) return;
    const id = to[0] === "c" ? `${edge.source}>${to}` : `${e}`;
    if (!lines.has(id)) lines.set(id, { id, from, to, source: edge.source, edges: [] });
    lines.get(id).edges.push(e);
  });
  shown.lines = [...lines.values()];
  const open = new Set([...used].flatMap((call) => (call === null ? [] : around(call))));
  shown.frames = [...open].sort((a, b) => a - b).filter((call) => frameOf(call))
    .map((call) => ({ id: `c${call}`, parent: frameOf(data.calls[call].parent) }));
}

function layOut() {
  collect();
  const few = !state.across && shown.boxes.size <= MOST_TRIED && shown.frames.length + shown.boxes.size > 1;
  const scales = few ? [true, false].map((wide) => [arrange(wide), wide]) : [[0, false]];
  const best = scales.reduce((a, b) => (b[0] > a[0] + 0.02 ? b : a))[1];
  if (!few || best !== state.wide) arrange(best);
}

/** Lay out with cards of one line, or of several. Returns a score: the scale at which all fits, or, if that is too
 *  small to read, the fraction that fits across. */
function arrange(wide) {
  state.wide = wide;
  for (const box of shown.boxes.values()) {
    const [w, h] = sizeOf(box.id);
    [box.main, box.cross] = state.across ? [w, h] : [h, w];
  }
  for (const frame of shown.frames) {
    const { kind, path } = data.calls[placeOf(frame.id)];
    const title = width(kind, 13, "bold") + width(path, 12) + 30;
    frame.title = [state.across ? title : 2 * title, 13]; // a line may enter beside the title
  }
  for (const line of shown.lines) line.label = labelSize(line);
  const gap = shown.lines.some((line) => line.label) ? (state.across ? 22 : 5) : 22;
  shown.size = layoutGraph([...shown.boxes.values()], shown.frames, shown.lines, state.across, gap);
  const whole = wholeScale();
  return whole >= READABLE ? 1 + whole : firstScale() + whole / 100;
}

/** The texts on a line: of one edge, or of all uses of a value in a folded module. The rounding is one for all. */
function numbers(line) {
  const edges = line.edges.map((e) => data.edges[e]), source = data.vertices[line.source];
  const values = [...new Set(edges.map((edge) => edge.value))].filter(Boolean);
  const more = values.length > EDGES_SHOWN ? ", …" : "";
  const value = values.slice(0, EDGES_SHOWN).join(", ") + more;
  const some = edges.some((edge) => edge.grad);
  const grad = edges.length === 1 ? edges[0].grad : !some ? ""
    : edges.length === source.uses ? source.brief : `${edges.length} uses`;
  return { value, grad, rounding: edges[0].rounding };
}

const LETTERS = 12, ROW = 16; // the size of letters, and the distance of a third number from the second

function labelSize(line) {
  const { value, grad, rounding } = numbers(line), texts = [value, grad, rounding].filter(Boolean);
  if (!texts.length) return null;
  const wide = Math.max(...texts.map((text) => width(text, LETTERS))) + 12, more = rounding ? 2 * ROW : 0;
  if (state.across) return { main: Math.max(46, wide), cross: 36 + more };
  return { main: (data.calls.length ? 14 : 17) + more, cross: 2 * Math.max(46, wide) };
}
