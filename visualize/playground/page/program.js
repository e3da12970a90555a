// The run as a Python program: to read, to copy, to save.

import { el } from "./dom.js";

export function create(app) {
  const text = el("pre", { tabindex: "0", "aria-label": "The program" });
  const said = el("span", { role: "status" });
  const content = el("div", {},
    el("p", { class: "hint" }, "This program makes the same run from its beginning, with the same numbers. It needs autograd-lite and nothing else."),
    el("div", { class: "row" },
      el("button", { onclick: copy }, "Copy"), el("button", { onclick: save }, "Save as playground.py"), said), text);

  async function fetchText() {
    said.textContent = "";
    const found = await app.send("program");
    if (found) text.textContent = found.text;
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(text);
      said.textContent = "Selected: press Ctrl+C.";
    }
  }

  function save() {
    const address = URL.createObjectURL(new Blob([text.textContent], { type: "text/x-python" }));
    el("a", { href: address, download: "playground.py" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  let steps = -1;
  return {
    name: "program", title: "Export as Python", content,
    shown: fetchText,
    draw() {
      if (app.frame.running || steps === app.frame.steps) return;
      steps = app.frame.steps;
      fetchText();
    },
    anew: () => (steps = -1),
  };
}
