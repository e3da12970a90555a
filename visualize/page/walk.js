"use strict";

/* Shows the walk forward and backward, step by step. */

function showStep() {
  if (state.step === null) return;
  const past = data.steps.slice(0, state.step + 1), step = data.steps[state.step];
  const known = { value: new Set(past.flatMap((s) => s.values)), grad: new Set(past.flatMap((s) => s.grads)) };
  const latest = { value: new Set(step.values), grad: new Set(step.grads), rounding: new Set() };
  known.rounding = known.grad;
  for (const line of scene.querySelectorAll(".line")) {
    const edges = line.dataset.edge.split(" ").map(Number);
    for (const kind of ["value", "grad", "rounding"]) {
      for (const text of line.querySelectorAll(`text.${kind}`)) {
        text.parentNode.classList.toggle("coming", !edges.some((e) => known[kind].has(e)));
        text.parentNode.classList.toggle("new", edges.some((e) => latest[kind].has(e)));
      }
    }
  }
  byId("slider").value = state.step;
  byId("caption").replaceChildren(
    html("b", "", `${state.step + 1} of ${data.steps.length}, ${step.phase}: ${step.title}`), `\n${step.rule}`);
}

function goTo(step) {
  state.step = Math.max(0, Math.min(data.steps.length - 1, step));
  showStep();
  follow();
}

/** Move the new numbers into view if they are outside. */
function follow() {
  const spots = [...scene.querySelectorAll(".new")].map((element) => element.getBoundingClientRect());
  const { left: west, right: east, top: north, bottom: south } = room();
  const inside = (r) => r.left >= west && r.right <= east && r.top >= north && r.bottom <= south;
  if (!spots.length || spots.some(inside)) return;
  const { left, right, top, bottom } = spots[0];
  look({ ...state.view, x: state.view.x + (west + east - left - right) / 2,
    y: state.view.y + (north + south - top - bottom) / 2 });
}

let playing = null;

function play(on) {
  clearInterval(playing);
  playing = null;
  if (on) {
    if (state.step === data.steps.length - 1) goTo(0);
    playing = setInterval(() => {
      goTo(state.step + 1);
      if (state.step === data.steps.length - 1) play(false);
    }, 1500);
  }
  byId("play").textContent = on ? "Stop" : "Play";
}
