// The large map: what the output, or the neuron under the pointer, gives everywhere; and the points.

import { $, $$, css, el, fitted, number } from "./dom.js";
import { colour, paint } from "./colours.js";

const SIDE = 6;

export function create(app) {
  const canvas = $("#map"), under = $("#under-map");
  const picture = document.createElement("canvas");
  let other = null, otherName = "", cross = null, marks = null;
  $("#map-ticks").append(...[-6, -3, 0, 3, 6].map((t) => el("span", {}, number(t).replace(/\.000$/, ""))));

  const bytes = () => other?.() ?? app.frame.maps.subarray(app.frame.maps.length - app.cells);

  function draw() {
    const { context, width, height } = fitted(canvas);
    paint(picture, bytes(), app.view.discretize);
    context.imageSmoothingEnabled = !app.view.discretize;
    context.drawImage(picture, 0, 0, width, height);
    const place = (x, y) => [((x + SIDE) / (2 * SIDE)) * width, ((SIDE - y) / (2 * SIDE)) * height];
    if (app.view.test) dots(context, app.testPoints, place, true);
    dots(context, app.points, place, false);
    if (marks) arrow(context, place);
    if (cross) crosshair(context, ...place(...cross));
  }

  function dots(context, points, place, test) {
    context.lineWidth = 1;
    context.strokeStyle = css(test ? "--ink" : "--back");
    for (let i = 0; i < points.length; i += 3) {
      context.beginPath();
      context.arc(...place(points[i], points[i + 1]), test ? 2.6 : 3, 0, 7);
      context.fillStyle = colour(points[i + 2]);
      context.fill();
      context.stroke();
    }
  }

  function arrow(context, place) {
    const [a, b] = [place(...marks.from), place(...marks.to)];
    context.strokeStyle = context.fillStyle = css("--loud");
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(...a);
    context.lineTo(...b);
    context.stroke();
    for (const [at, size] of [[a, 5], [b, 3.5]]) {
      context.beginPath();
      context.arc(...at, size, 0, 7);
      at === a ? context.stroke() : context.fill();
    }
  }

  function crosshair(context, x, y) {
    context.strokeStyle = css("--ink");
    context.lineWidth = 1;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 3 * dx, y + 3 * dy);
      context.lineTo(x + 10 * dx, y + 10 * dy);
    }
    context.stroke();
  }

  function valueAt(x, y) {
    const map = bytes(), n = Math.round(Math.sqrt(map.length));
    const cell = (t) => Math.min(n - 1, Math.max(0, Math.floor(((t + SIDE) / (2 * SIDE)) * n)));
    return (map[cell(-y) * n + cell(x)] - 128) / 127;
  }

  function read([x, y]) {
    const value = valueAt(x, y);
    const bound = Math.abs(value) >= 1 ? (value > 0 ? "1 or more" : "−1 or less") : number(value);
    under.textContent = `(${x.toFixed(1)}, ${y.toFixed(1)}): ${otherName || "output"} ${bound}`.replaceAll("-", "−");
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const clip = (t) => Math.min(SIDE, Math.max(-SIDE, t));
    return [clip(((event.clientX - box.left) / box.width) * 2 * SIDE - SIDE), clip(SIDE - ((event.clientY - box.top) / box.height) * 2 * SIDE)];
  };

  const tool = () => $("[name=tool]:checked").value;

  function use(place) {
    const [x1, x2] = place.map((t) => Math.round(t * 100) / 100);
    const kind = tool();
    if (kind === "blue" || kind === "orange") add([x1, x2, kind === "blue" ? 1 : -1]);
    else if (kind === "remove") remove(x1, x2);
    else if (kind === "sample" || kind === "attack") app.inspect(kind, { x1, x2, target: nearest(x1, x2) });
    else read(place);
  }

  function add(point) {
    if (app.config.points.length >= app.choices.most.points) app.say("There is no room for more points.");
    else app.change({ points: [...app.config.points, point] });
  }

  function remove(x1, x2) {
    const distance = (p) => Math.hypot(p[0] - x1, p[1] - x2);
    const found = app.config.points.reduce((best, p) => (!best || distance(p) < distance(best) ? p : best), null);
    if (found && distance(found) < 0.6) app.change({ points: app.config.points.filter((p) => p !== found) });
    else app.say("Only points that you have added can be removed.");
  }

  /** The target of the training point that is nearest. */
  function nearest(x1, x2) {
    let best = Infinity, target = 1;
    for (let i = 0; i < app.points.length; i += 3) {
      const distance = Math.hypot(app.points[i] - x1, app.points[i + 1] - x2);
      if (distance < best) [best, target] = [distance, app.points[i + 2]];
    }
    return target;
  }

  canvas.addEventListener("pointermove", (event) => read(at(event)));
  canvas.addEventListener("click", (event) => use(at(event)));
  canvas.addEventListener("blur", () => {
    cross = null;
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    cross ??= [0, 0];
    if (move) cross = cross.map((t, i) => Math.min(SIDE, Math.max(-SIDE, t + move[i] * (event.shiftKey ? 1 : 0.2))));
    else use(cross);
    read(cross);
    draw();
  });
  for (const input of $$("[name=tool]")) input.addEventListener("change", () => canvas.classList.toggle("picks", tool() !== "look"));

  return {
    draw,
    mark(found) {
      marks = found;
      draw();
    },
    showOther(map, name = "") {
      [other, otherName] = [map, name];
      $("#output-title").textContent = map ? name[0].toUpperCase() + name.slice(1) : "Output";
      draw();
    },
  };
}
