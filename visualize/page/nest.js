"use strict";

/* Lays out frames within frames. Each unfolded module is laid out first, and is one item in the layout around.
 * Lines enter and leave a frame through ports on its border. */

const PAD = { side: 14, title: 12 };

/** Lay out a graph; returns its size. Sets absolute positions on boxes and frames, and the `parts` of each line.
 *  `boxes`: {id, parent, main, cross} of all visible boxes; `parent` is the id of the frame around, or null.
 *  `frames`: {id, parent, title: [wide, high]} of unfolded modules, outer ones first.
 *  `lines`: {id, from, to, source, label}; lines of one `source` share their way through a frame's border. */
function layoutGraph(boxes, frames, lines, across, gap) {
  const root = { id: null, items: new Map(), links: new Map() };
  const all = new Map([[null, root]]);
  for (const frame of frames) {
    Object.assign(frame, { items: new Map(), links: new Map() });
    all.set(frame.id, frame);
  }
  const around = (id) => { // the frames around `id` and `id` itself, outermost first
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

  function start(frame) { // the position within a frame where the layout of its contents begins
    if (frame === root) return [0, 0];
    const above = PAD.title + frame.title[1];
    return across ? [PAD.side, above] : [above, PAD.side];
  }
  function size(frame) {
    for (const link of frame.links.values()) {
      link.fromOffset = offset(frame.items.get(link.from), link.fromPort);
      link.toOffset = offset(frame.items.get(link.to), link.toPort);
    }
    const inner = layered([...frame.items.values()], [...frame.links.values()], gap);
    if (frame === root) return Object.assign(root, inner);
    const [begin, top] = start(frame), wide = frame.title[0] + 2 * PAD.side;
    frame.main = Math.max(inner.main + begin + PAD.side, across ? wide : 0);
    frame.cross = Math.max(inner.cross + top + PAD.side, across ? 0 : wide);
    for (const item of frame.items.values()) { // ports lie on the border
      if (!item.pin) continue;
      item.u = item.pin === "first" ? -begin : frame.main - begin;
      item.thick += begin; // from the border to the end of the layer
    }
  }
  function offset(item, portId) {
    return portId ? start(item)[1] + item.items.get(portId).v - item.cross / 2 : 0;
  }
  for (const frame of [...frames].reverse()) size(frame); // inner frames first
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
      if (!item.items) continue;
      const [begin, top] = start(item);
      settle(item, item.u - item.main / 2 + begin, item.v - item.cross / 2 + top);
    }
  }
  settle(root, 0, 0);
  for (const frame of all.values()) {
    for (const link of frame.links.values()) {
      const ends = [[frame.items.get(link.from), link.fromPort], [frame.items.get(link.to), link.toPort]];
      const [a, b] = ends.map(([item, id]) => (id ? item.items.get(id) : item));
      const [[start], [end]] = ends;
      const leave = start.pin ? a.u + a.thick : start.u + start.thick / 2; // the end of its layer
      const arrive = end.pin ? b.u : end.u - end.thick / 2; // the beginning of its layer
      const part = { a, b, points: link.points, leave, arrive, arrow: link.arrow, turned: link.turned };
      for (const line of link.lines) line.parts.push(part);
    }
  }
  return { main: root.main, cross: root.cross };
}
