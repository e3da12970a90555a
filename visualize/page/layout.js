"use strict";

/* A layered layout (Sugiyama's method): every step stands after its inputs, in layers along the main axis `u`;
 * `v` is the axis across. `visualize/layout` has the same steps and the same arithmetic, so a picture looks like
 * the page.
 *
 *   1. layer(): the longest path from the inputs gives the layer; inputs move close to their use.
 *   2. chain(): a line over several layers becomes a chain of points; one point carries the numbers.
 *   3. order(): barycenter sweeps order each layer; the order with the fewest crossings is kept.
 *   4. align(): positions across, as close to the neighbours as the distances between items allow.
 *   5. straighten(): the points of a line come to stand at one height, where there is room.
 */

const GAP = { cross: 12, lane: 5 };
const STRAIGHT = { through: 8, plain: 1, input: 0.1 }; // the weights of lines through frames, of inputs, and others
const FAR = 60; // a line over more layers is drawn as one curve
const REACH = { least: 8, most: 28 }; // the extra space before a layer for lines that run across

/** Set the positions of `items` ({id, main, cross, pin}) and of the points of `links` ({from, to, label, fromOffset,
 *  toOffset}), with a distance between layers. */
function layered(items, links, gap) {
  const byId = new Map(items.map((item) => [item.id, item]));
  for (const item of items) Object.assign(item, { before: [], after: [] });
  layer(items, links, byId);
  const layers = [];
  for (const item of items) put(layers, item);
  for (const link of links) chain(link, byId, layers);
  for (let i = 0; i < layers.length; i++) layers[i] = layers[i] || [];
  order(layers);
  align(layers);
  for (const { points } of links) straighten(points, layers);
  return measure(layers, gap);
}

function put(layers, item) {
  (layers[item.layer] = layers[item.layer] || []).push(item);
}

function layer(items, links, byId) {
  for (const item of items) Object.assign(item, { layer: 0, isFed: false });
  const sorted = inOrder(items, links, byId), after = new Map(items.map((item) => [item, []]));
  const fed = new Set(links.map((link) => link.to));
  for (const item of items) item.isSource = !fed.has(item.id);
  for (const { from, to } of links) after.get(byId.get(from)).push(byId.get(to));
  for (const item of sorted) {
    for (const next of after.get(item)) {
      next.layer = Math.max(next.layer, item.layer + 2); // numbers stand in the layer between
      next.isFed = next.isFed || !item.isSource; // by other steps, not only by inputs
    }
  }
  for (const item of sorted.reverse()) {
    if (item.isSource && after.get(item).length && item.pin !== "first") {
      item.layer = Math.min(...after.get(item).map((next) => next.layer)) - 2;
    }
  }
  const last = Math.max(0, ...items.filter((item) => !item.pin).map((item) => item.layer)) + 1;
  for (const item of items) {
    if (item.pin === "first") item.layer = 0;
    if (item.pin === "last") item.layer = Math.max(last, item.layer);
  }
}

/** The items in topological order; a link that closes a circle is turned around. */
function inOrder(items, links, byId) {
  const after = new Map(items.map((item) => [item.id, []])), waiting = new Map(items.map((item) => [item.id, 0]));
  for (const { from, to } of links) {
    after.get(from).push(to);
    waiting.set(to, waiting.get(to) + 1);
  }
  const order = items.map((item) => item.id).filter((id) => waiting.get(id) === 0), done = new Set(order);
  const add = (id) => done.add(id) && order.push(id);
  const total = new Map(waiting);
  let read = 0;
  while (order.length < items.length || read < order.length) {
    if (read === order.length) { // a circle: an item with some of its inputs goes first
      const left = items.map((item) => item.id).filter((id) => !done.has(id));
      add(left.find((id) => waiting.get(id) < total.get(id)) || left[0]);
    }
    for (const next of after.get(order[read++])) {
      waiting.set(next, waiting.get(next) - 1);
      if (waiting.get(next) === 0 && !done.has(next)) add(next);
    }
  }
  const place = new Map(order.map((id, i) => [id, i]));
  for (const link of links) {
    if (place.get(link.from) > place.get(link.to)) {
      const { from, to, fromPort, toPort, fromOffset, toOffset } = link;
      Object.assign(link, { from: to, to: from, fromPort: toPort, toPort: fromPort, fromOffset: toOffset,
        toOffset: fromOffset, turned: true });
    }
  }
  return order.map((id) => byId.get(id));
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

/** Make two items neighbours; they stand well if the ends of the line between them have one height. */
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

/** The number of crossings: the inversions between layers, counted by a Fenwick tree. */
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

/** Set the positions nearest to the wishes (weighted squares) that keep order and distances. With the distances
 *  subtracted this is isotonic regression; violating neighbours are pooled. */
function place(items, wishes, weights) {
  const starts = [];
  let at = 0;
  items.forEach((item, i) => {
    if (i > 0) at += distance(items[i - 1], item);
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

/** The least distance between the middles of two items of a layer. */
function distance(a, b) {
  return (a.cross + b.cross) / 2 + (a.lane && b.lane ? GAP.lane : GAP.cross);
}

/** Move the points of a line to one position across near their mean, if their neighbours leave room. */
function straighten(points, layers) {
  let low = -Infinity, high = Infinity;
  for (const point of points) {
    const items = layers[point.layer], k = point.place;
    if (k > 0) low = Math.max(low, items[k - 1].v + distance(items[k - 1], point));
    if (k + 1 < items.length) high = Math.min(high, items[k + 1].v - distance(point, items[k + 1]));
  }
  if (points.length < 2 || low > high) return;
  const mean = points.reduce((sum, point) => sum + point.v, 0) / points.length;
  for (const point of points) point.v = Math.max(low, Math.min(high, mean));
}

function measure(layers, gap) {
  let u = 0, low = Infinity, high = -Infinity;
  layers.forEach((items, k) => {
    const main = Math.max(0, ...items.map((item) => item.main));
    if (k > 0) { // lines that run far across need more space
      const reach = items.flatMap((item) => item.before.filter((near) => near.item.layer === k - 1)
        .map((near) => Math.abs(item.v - near.item.v - near.shift)));
      const far = Math.max(0, ...reach);
      u += gap + (far > 1 ? Math.min(REACH.most, REACH.least + far / 8) : 0);
    }
    for (const item of items) {
      Object.assign(item, { u: u + main / 2, thick: main });
      low = Math.min(low, item.v - item.cross / 2);
      high = Math.max(high, item.v + item.cross / 2);
    }
    u += main;
  });
  for (const items of layers) for (const item of items) item.v -= low;
  return { main: u, cross: layers.length ? high - low : 0 };
}
