"use strict";

/* A layered layout: every step stands after those it was computed from, in layers along the main axis `u`;
 * `v` is the axis across. Modules that are unfolded are laid out first, each by itself, and stand in the
 * layout around them as one big item, which lines enter and leave through ports on its border.
 *
 *   1. layer(): the longest path from the inputs gives the layer; inputs move close to their use.
 *   2. chain(): a line over several layers becomes a chain of points, one of which carries its numbers.
 *   3. order(): sweeps of barycenters, of which the one with the fewest crossings is kept.
 *   4. align(): positions across, as close to the neighbours as the distances between items allow.
 */

const GAP = { main: 26, cross: 12, lane: 5 };
const PAD = { side: 14, title: 26 };
const STRAIGHT = { through: 8, plain: 1, input: 0.1 }; // how much lines through frames, and those of inputs, pull
const FAR = 60; // layers; a longer line is drawn as one curve

/** Lay `items` ({id, main, cross, pin}) and `links` ({from, to, label, fromOffset, toOffset}) out, in place. */
function layered(items, links) {
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const item of items) Object.assign(item, { before: [], after: [] });
  layer(items, links, byId);
  const layers = [];
  for (const item of items) put(layers, item);
  for (const link of links) chain(link, byId, layers);
  for (let i = 0; i < layers.length; i++) layers[i] = layers[i] || [];
  order(layers);
  align(layers);
  return measure(layers);
}

function put(layers, item) {
  (layers[item.layer] = layers[item.layer] || []).push(item);
}

function layer(items, links, byId) {
  const waiting = new Map(items.map((item) => [item, 0]));
  const after = new Map(items.map((item) => [item, []]));
  for (const { from, to } of links) {
    after.get(byId.get(from)).push(byId.get(to));
    waiting.set(byId.get(to), waiting.get(byId.get(to)) + 1);
  }
  for (const item of items) item.isSource = waiting.get(item) === 0;
  const sorted = items.filter((item) => item.isSource);
  for (const item of items) item.layer = 0;
  for (const item of sorted) { // grows while it is being read
    for (const next of after.get(item)) {
      next.layer = Math.max(next.layer, item.layer + 2); // the layers between are for the numbers
      next.isFed = next.isFed || !item.isSource; // by other steps
      waiting.set(next, waiting.get(next) - 1);
      if (waiting.get(next) === 0) sorted.push(next);
    }
  }
  for (const item of sorted.reverse()) {
    if (item.isSource && after.get(item).length && item.pin !== "first") {
      item.layer = Math.min(...after.get(item).map((next) => next.layer)) - 2;
    }
  }
  const inner = items.filter((item) => !item.pin).map((item) => item.layer);
  const last = Math.max(0, ...inner) + 2;
  for (const item of items) {
    if (item.pin === "first") item.layer = 0;
    if (item.pin === "last") item.layer = Math.max(last, item.layer);
  }
}

function chain(link, byId, layers) {
  const from = byId.get(link.from), to = byId.get(link.to);
  const weight = STRAIGHT[from.pin || to.pin ? "through" : from.isSource && to.isFed ? "input" : "plain"];
  const far = to.layer - from.layer > FAR;
  link.points = [];
  let previous = from, offset = link.fromOffset || 0;
  for (let l = from.layer + 1; l < to.layer; l++) {
    const labelled = link.label && l === to.layer - 1;
    if (far && !labelled) continue;
    const size = labelled ? link.label : { main: 0, cross: 2 };
    const point = { ...size, layer: l, lane: !labelled, label: labelled, before: [], after: [] };
    put(layers, point);
    join(previous, point, offset, 0, weight);
    link.points.push(point);
    previous = point;
    offset = 0;
  }
  join(previous, to, offset, link.toOffset || 0, weight);
}

/** Neighbours: `a` reaches `b` when the two ends of the line between them are at one height. */
function join(a, b, aOffset, bOffset, factor) {
  const weight = factor * (a.lane && b.lane ? 4 : a.lane || b.lane ? 2 : 1);
  a.after.push({ item: b, shift: bOffset - aOffset, weight });
  b.before.push({ item: a, shift: aOffset - bOffset, weight });
}

function order(layers) {
  const number = (items) => items.forEach((item, i) => (item.place = i));
  layers.forEach(number);
  let best = layers.map((items) => [...items]), fewest = crossings(layers);
  for (let sweep = 0; sweep < 12 && fewest > 0; sweep++) {
    const down = sweep % 2 === 0;
    const side = down ? "before" : "after";
    for (const items of down ? layers : [...layers].reverse()) {
      for (const item of items) {
        const near = item[side];
        const sum = near.reduce((total, { item: other, shift }) => total + other.place + shift / 1e4, 0);
        item.wish = near.length ? sum / near.length : item.place;
      }
      items.sort((a, b) => a.wish - b.wish);
      number(items);
    }
    const found = crossings(layers);
    if (found < fewest) [best, fewest] = [layers.map((items) => [...items]), found];
  }
  best.forEach((items, i) => { layers[i] = items; number(items); });
}

/** How often lines cross: for each pair of layers the inversions, counted by a Fenwick tree. */
function crossings(layers) {
  let count = 0;
  for (let i = 0; i + 1 < layers.length; i++) {
    const size = layers[i + 1].length, tree = new Array(size + 1).fill(0);
    let seen = 0;
    for (const item of layers[i]) {
      const ends = item.after.map(({ item: other }) => other).filter((other) => other.layer === i + 1);
      for (const { place } of ends) {
        let notAfter = 0;
        for (let k = place + 1; k > 0; k -= k & -k) notAfter += tree[k];
        count += seen - notAfter;
      }
      for (const { place } of ends) {
        for (let k = place + 1; k <= size; k += k & -k) tree[k]++;
        seen++;
      }
    }
  }
  return count;
}

function align(layers) {
  for (const items of layers) place(items, items.map(() => 0), items.map(() => 1));
  for (let sweep = 0; sweep < 24; sweep++) {
    const sides = sweep < 16 ? [sweep % 2 ? "after" : "before"] : ["before", "after"];
    for (const items of sweep % 2 ? [...layers].reverse() : layers) {
      const wishes = [], weights = [];
      for (const item of items) {
        const near = sides.flatMap((side) => item[side]);
        const weight = near.reduce((sum, n) => sum + n.weight, 0);
        wishes.push(weight ? near.reduce((sum, n) => sum + n.weight * (n.item.v + n.shift), 0) / weight : item.v);
        weights.push(weight || 0.1);
      }
      place(items, wishes, weights);
    }
  }
}

/** The positions nearest to the wishes (weighted squares) that keep the order and the distances:
 *  with the distances taken off, an isotonic regression, by pooling neighbours that violate it. */
function place(items, wishes, weights) {
  const starts = [];
  let at = 0;
  items.forEach((item, i) => {
    if (i > 0) {
      const other = items[i - 1];
      at += (other.cross + item.cross) / 2 + (other.lane && item.lane ? GAP.lane : GAP.cross);
    }
    starts.push(at);
  });
  const pools = [];
  items.forEach((_, i) => {
    let pool = { sum: weights[i] * (wishes[i] - starts[i]), weight: weights[i], count: 1 };
    while (pools.length && pools.at(-1).sum / pools.at(-1).weight > pool.sum / pool.weight) {
      const other = pools.pop();
      pool = { sum: pool.sum + other.sum, weight: pool.weight + other.weight, count: pool.count + other.count };
    }
    pools.push(pool);
  });
  let i = 0;
  for (const { sum, weight, count } of pools) {
    for (let k = 0; k < count; k++, i++) items[i].v = sum / weight + starts[i];
  }
}

function measure(layers) {
  let u = 0, low = Infinity, high = -Infinity;
  for (const items of layers) {
    const main = Math.max(0, ...items.map((item) => item.main));
    for (const item of items) {
      item.u = u + main / 2;
      item.thick = main;
      low = Math.min(low, item.v - item.cross / 2);
      high = Math.max(high, item.v + item.cross / 2);
    }
    u += main + GAP.main;
  }
  for (const items of layers) for (const item of items) item.v -= low;
  return { main: Math.max(0, u - GAP.main), cross: layers.length ? high - low : 0 };
}

/** Lay a whole graph out. `boxes`: {id, parent, main, cross} of all that is seen, `parent` being the id of the
 *  frame around it or null; `frames`: {id, parent} of unfolded modules; `lines`: {id, from, to, source, label}.
 *  Lines of one `source` share their way through a frame's border. Returns the size; sets positions, absolute,
 *  on boxes and frames, and on each line its `parts`, lists of points from end to end. */
function layoutGraph(boxes, frames, lines, across) {
  const root = { id: null, items: new Map(), links: new Map() };
  const all = new Map([[null, root]]);
  for (const frame of frames) {
    Object.assign(frame, { items: new Map(), links: new Map() });
    all.set(frame.id, frame);
  }
  const around = (id) => { // the frames from the whole graph down to `id`
    const path = [];
    for (let at = id; at !== null; at = all.get(at).parent) path.unshift(at);
    return [null, ...path];
  };
  for (const box of boxes) all.get(box.parent).items.set(box.id, box);
  for (const frame of frames) all.get(frame.parent).items.set(frame.id, frame);
  const boxOf = new Map(boxes.map((box) => [box.id, box]));

  function connect(frame, from, to, line, isLast) {
    const key = `${from.id}:${from.port || ""}>${to.id}:${to.port || ""}#${isLast ? line.id : ""}`;
    if (!frame.links.has(key)) {
      frame.links.set(key, { from: from.id, to: to.id, fromPort: from.port, toPort: to.port, lines: [],
        label: isLast ? line.label : null, arrow: isLast });
    }
    frame.links.get(key).lines.push(line);
  }
  function port(frame, pin, source) {
    const id = `${pin}:${source}`;
    if (!frame.items.has(id)) frame.items.set(id, { id, pin, main: 0, cross: 8 });
    return id;
  }
  for (const line of lines) {
    line.parts = [];
    const start = around(boxOf.get(line.from).parent), end = around(boxOf.get(line.to).parent);
    let common = 0;
    while (common < start.length && common < end.length && start[common] === end[common]) common++;
    let from = { id: line.from };
    for (const id of start.slice(common).reverse()) {
      const frame = all.get(id), out = port(frame, "last", line.source);
      connect(frame, from, { id: out }, line, false);
      from = { id, port: out };
    }
    for (let k = common - 1; k < end.length; k++) {
      const frame = all.get(end[k]), isLast = k === end.length - 1;
      const inner = isLast ? null : port(all.get(end[k + 1]), "first", line.source);
      connect(frame, from, isLast ? { id: line.to } : { id: end[k + 1], port: inner }, line, isLast);
      from = { id: inner };
    }
  }

  const start = across ? PAD.side : PAD.title, top = across ? PAD.title : PAD.side;
  function size(frame) {
    for (const link of frame.links.values()) {
      link.fromOffset = offset(frame.items.get(link.from), link.fromPort);
      link.toOffset = offset(frame.items.get(link.to), link.toPort);
    }
    const inner = layered([...frame.items.values()], [...frame.links.values()]);
    frame.main = Math.max(inner.main + start + PAD.side, across ? frame.title || 0 : 0);
    frame.cross = Math.max(inner.cross + top + PAD.side, across ? 0 : frame.title || 0);
    for (const item of frame.items.values()) { // ports lie on the border
      if (item.pin) item.u = item.pin === "first" ? -start : frame.main - start;
    }
  }
  function offset(item, portId) {
    return portId ? top + item.items.get(portId).v - item.cross / 2 : 0;
  }
  for (const frame of [...frames].reverse()) size(frame); // a frame stands after the one around it
  size(root);

  function settle(frame, u, v) {
    for (const item of frame.items.values()) {
      item.u += u;
      item.v += v;
    }
    for (const link of frame.links.values()) {
      for (const point of link.points) {
        point.u += u;
        point.v += v;
      }
    }
    for (const item of frame.items.values()) {
      if (item.items) settle(item, item.u - item.main / 2 + start, item.v - item.cross / 2 + top);
    }
  }
  settle(root, start, top);
  for (const frame of all.values()) {
    for (const link of frame.links.values()) {
      const ends = [[frame.items.get(link.from), link.fromPort], [frame.items.get(link.to), link.toPort]];
      const [a, b] = ends.map(([item, id]) => (id ? item.items.get(id) : item));
      const part = { a, b, points: link.points, arrow: link.arrow, label: link.label };
      for (const line of link.lines) line.parts.push(part);
    }
  }
  return { main: root.main, cross: root.cross };
}
