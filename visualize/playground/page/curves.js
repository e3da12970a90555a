// The loss curves: training and test, over the steps.

import { $, css, fitted, number } from "./dom.js";

const MOST = 1000;

export function create() {
  const canvas = $("#curves");
  let points = [];

  function add(frame) {
    const last = points.at(-1);
    if (last && frame.steps < last.steps) points = [];
    if (last && frame.steps === last.steps) points.pop();
    points.push({ steps: frame.steps, train: frame.train, test: frame.test });
    if (points.length > MOST) points = points.filter((_, i) => i % 2 === 0 || i === points.length - 1);
  }

  function draw() {
    const { context, width, height } = fitted(canvas);
    context.clearRect(0, 0, width, height);
    const all = points.flatMap((p) => [p.train, p.test]).filter((x) => x !== null);
    const most = Math.max(1e-9, ...all);
    const span = Math.max(1, points.at(-1)?.steps ?? 1);
    for (const [name, colour] of [["test", "--faint"], ["train", "--ink"]]) {
      context.beginPath();
      context.strokeStyle = css(colour);
      context.lineWidth = 1.6;
      for (const p of points) {
        if (p[name] !== null) context.lineTo(2 + (p.steps / span) * (width - 4), height - 3 - (p[name] / most) * (height - 8));
      }
      context.stroke();
    }
    const { train, test } = points.at(-1) ?? {};
    canvas.setAttribute("aria-label", `Loss curves: training ${number(train)}, test ${number(test)}`);
  }

  return { add, draw, clear: () => (points = []) };
}
