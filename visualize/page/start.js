"use strict";

/* Connects the buttons, and draws the first picture. */

function theme(name) {
  byId("dark").textContent = name === "dark" ? "Light" : "Dark";
  document.documentElement.dataset.theme = name;
}

/** Turn the picture: from left to right, or from top to bottom. */
function turn() {
  state.across = !state.across;
  draw();
  fit(firstScale());
}

byId("fit").onclick = () => fit();
byId("turn").onclick = turn;
byId("dark").onclick = keys.d;
byId("help").onclick = keys["?"];
byId("fold").onclick = () => foldAll(data.calls.flatMap((call, i) => (call.parent === null && !data.plan ? [] : [i])));
byId("unfold").onclick = unfoldAll;
byId("svg").onclick = saveSvg;
byId("png").onclick = savePng;
addEventListener("resize", () => {
  if (shown.boxes.size <= MOST_TRIED) draw(); // another width may fit other cards
  refit();
});

theme(data.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
for (const id of ["fold", "unfold"]) byId(id).hidden = !data.calls.length;
for (const element of document.querySelectorAll(data.steps ? ".graph-only" : ".steps-only")) element.hidden = true;
if (data.steps) {
  byId("walk").hidden = false;
  byId("slider").max = data.steps.length - 1;
  byId("slider").addEventListener("input", (event) => goTo(Number(event.target.value)));
  byId("back").onclick = () => goTo(state.step - 1);
  byId("next").onclick = () => goTo(state.step + 1);
  byId("play").onclick = () => play(!playing);
}
state.view = { x: 0, y: 0, scale: 1 };
draw();
fit(firstScale());
