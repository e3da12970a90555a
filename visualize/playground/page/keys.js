// The keys: those that a field or a button does not use itself.

import { $ } from "./dom.js";

export function listen(app) {
  const actions = {
    " ": () => app.toggle(),
    ArrowRight: (event) => app.step(event.shiftKey),
    r: () => app.reset(),
    d: () => $("#theme").click(),
    "?": () => $("#about").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const own = event.target.closest("input, select, textarea, dialog[open], #editor, [role=tablist]");
    const pressed = event.target.closest("button") && event.key === " ";
    if (own || pressed || event.ctrlKey || event.metaKey || event.altKey || !(event.key in actions)) return;
    event.preventDefault();
    actions[event.key](event);
  });
}
