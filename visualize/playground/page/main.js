// Starts the page: the state, what changes it, and the loop that asks for the next picture.

import { $, number, whole } from "./dom.js";
import { Gone, Refused, Silent, options, post } from "./api.js";
import { read, written } from "./address.js";
import { readTheme } from "./colours.js";
import { place } from "./editor.js";
import * as controls from "./controls.js";
import * as curves from "./curves.js";
import * as keys from "./keys.js";
import * as network from "./network.js";
import * as output from "./output.js";
import * as tabs from "./tabs.js";
import { panels } from "./panels.js";

const app = { frame: null, features: null, points: [], testPoints: [], cells: 2500 };

/** Ask the server for a frame and show it. Troubles are told in words. */
app.send = async (command, body, apart) => {
  try {
    const frame = await post(command, body, apart);
    if (frame.maps) show(frame);
    return frame;
  } catch (error) {
    return troubled(error);
  }
};

async function troubled(error) {
  if (error instanceof Gone) {
    app.say("This tab was silent for long, and its run is gone. A new one has begun.");
    return app.send("open", { config: app.config });
  }
  if (!(error instanceof Refused || error instanceof Silent)) throw error;
  if (error instanceof Silent && app.frame) {
    app.frame.running = false;
    draw();
  }
  app.say(error.message);
  return null;
}

app.say = (text) => {
  $("#message").hidden = !text;
  $("#message").textContent = text ?? "";
};

/** Choose other options. What the server refuses is taken back. */
app.change = async (changes) => {
  app.say(null);
  const before = app.config;
  const rebuilt = ["hidden", "features", "start"].some((name) => name in changes && !("edits" in changes));
  app.config = { ...before, ...(rebuilt ? { edits: [] } : {}), ...changes };
  app.controls.show();
  const frame = await app.send("change", { config: app.config });
  if (!frame) app.config = before;
  app.controls.show();
  remember();
};

/** Set a weight by hand. Before the first step this belongs to the choices, and so to the address. */
app.setWeight = async (layer, row, column, value) => {
  const frame = await app.send("weight", { layer, row, column, value });
  if (!frame || frame.steps) return;
  const place = [layer, row, column ?? -1];
  const others = app.config.edits.filter((edit) => place.some((x, i) => edit[i] !== x));
  app.config = { ...app.config, edits: [...others, [...place, value]] };
  remember();
};

app.setView = (name, value) => {
  app.view[name] = value;
  remember();
  if (name === "speed" && app.frame?.running) app.run();
  if (app.frame) draw();
};

const remember = () => history.replaceState(null, "", `#${written(app.config, app.view, app.choices.default)}`);

app.tip = (text, anchor) => {
  const tip = $("#tip");
  tip.hidden = !text;
  tip.textContent = text ?? "";
  if (text) place(tip, anchor);
};

app.run = () => {
  app.say(null);
  return app.send("run", app.view.speed ? { speed: Number(app.view.speed) } : {});
};
app.pause = () => app.send("pause");
app.toggle = () => (app.frame?.running ? app.pause() : app.run());
app.step = (epoch = false) => app.send("step", epoch ? { epoch } : {});
app.reset = () => {
  app.say(null);
  return app.send("reset");
};
app.inspect = (kind, point) => app.tabs.inspect(kind, point);

// -- frames ----------------------------------------------------------------------------------------

function show(frame) {
  const wasRunning = app.frame?.running;
  app.frame = frame;
  if (frame.problem) app.say(frame.problem);
  if (frame.points) {
    app.features = frame.features;
    [app.points, app.testPoints] = [frame.points, frame.test_points];
    app.output.mark(null);
    app.network.build();
    app.network.paintFeatures();
    const n = app.config.hidden.length;
    $("#layer-count").textContent = `${n} hidden ${n === 1 ? "layer" : "layers"}`;
    $("#less-layers").disabled = n === 0;
    $("#more-layers").disabled = n === app.choices.most.layers;
  }
  if (frame.anew || frame.session) {
    app.curves.clear();
    app.tabs.anew();
  }
  app.curves.add(frame);
  draw();
  if (frame.running && !wasRunning) requestAnimationFrame(loop);
}

function draw() {
  const { frame } = app;
  $("#epoch").textContent = whole(frame.epoch);
  $("#steps").textContent = whole(frame.steps);
  $("#train-loss").textContent = number(frame.train);
  $("#test-loss").textContent = number(frame.test);
  $("#run").textContent = frame.running ? "Pause" : "Run";
  $("#rate-now").textContent = app.config.schedule === "constant" ? "" : `now ${number(frame.rate)}`;
  app.network.draw();
  app.output.draw();
  app.curves.draw();
  app.tabs.draw();
}

async function loop() {
  if (!app.frame.running) return;
  await app.send("frame");
  if (app.frame.running) requestAnimationFrame(loop);
}

// -- beginning -------------------------------------------------------------------------------------

function buttons() {
  const click = (id, action) => $(id).addEventListener("click", action);
  click("#run", app.toggle);
  click("#step", () => app.step());
  click("#whole-epoch", () => app.step(true));
  click("#reset", app.reset);
  click("#theme", theme);
  click("#help", () => $("#about").showModal());
  click("#new-data", () => app.change({ seed: app.config.seed + 1 }));
  click("#new-weights", () => app.change({ start: app.config.start + 1 }));
  click("#less-layers", () => app.change({ hidden: app.config.hidden.slice(0, -1) }));
  click("#more-layers", () => app.change({ hidden: [...app.config.hidden, app.config.hidden.at(-1) ?? 2] }));
  click("#clear-points", () => app.change({ points: [] }));
  $("#csv").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    const found = file && (await app.send("csv", { text: await file.text(), problem: app.config.problem }));
    event.target.value = "";
    if (found) app.change({ points: found.points, dataset: "own" });
  });
}

function theme() {
  const dark = document.documentElement.dataset.theme === "dark";
  setTheme(dark ? "light" : "dark");
  app.controls.paintThumbs();
  app.network.paintFeatures();
  draw();
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  $("#theme").textContent = name === "dark" ? "Light" : "Dark";
  readTheme();
}

async function start() {
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  app.choices = await options();
  Object.assign(app, read(location.hash.slice(1), app.choices.default));
  app.controls = controls.create(app);
  app.curves = curves.create(app);
  app.output = output.create(app);
  app.network = network.create(app);
  app.tabs = tabs.create(app, panels(app));
  app.controls.show();
  app.controls.paintThumbs();
  buttons();
  keys.listen(app);
  if (!(await app.send("open", { config: app.config }))) {
    app.config = { ...app.choices.default };
    app.controls.show();
    await app.send("open", { config: app.config });
  }
  app.tabs.show();
  addEventListener("resize", () => {
    app.network.build();
    app.network.paintFeatures();
    draw();
    app.tabs.resized();
  });
  addEventListener("hashchange", () => {
    const { config, view } = read(location.hash.slice(1), app.choices.default);
    app.view = view;
    app.change(config);
    app.tabs.show();
  });
}

start();
