// The row of tabs below, as screen readers know them; a panel is told when it is shown.

import { $, el } from "./dom.js";

export function create(app, panels) {
  const row = $("#tabs"), below = $("#panels");
  const tabs = panels.map(({ name, title, content }) => {
    const tab = el("button", { role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => choose(name) }, title);
    content.id = `panel-${name}`;
    content.hidden = true;
    content.setAttribute("role", "tabpanel");
    content.setAttribute("aria-labelledby", tab.id);
    row.append(tab);
    below.append(content);
    return tab;
  });

  function choose(name) {
    const before = panels.find((panel) => panel.name === app.view.tab);
    if (before && before.name !== name) before.left?.();
    app.setView("tab", name);
    show();
  }

  function show() {
    const chosen = Math.max(0, panels.findIndex((panel) => panel.name === app.view.tab));
    panels.forEach((panel, i) => {
      tabs[i].setAttribute("aria-selected", String(i === chosen));
      tabs[i].tabIndex = i === chosen ? 0 : -1;
      panel.content.hidden = i !== chosen;
    });
    panels[chosen].shown?.();
  }

  row.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (tabs.indexOf(document.activeElement) + move + tabs.length) % tabs.length;
    tabs[next].focus();
    choose(panels[next].name);
  });

  return {
    show,
    choose,
    draw() {
      for (const panel of panels) if (!panel.content.hidden) panel.draw?.();
    },
    anew() {
      for (const panel of panels) panel.anew?.();
    },
    /** Look into a point of the map. */
    inspect(name, point) {
      choose(name);
      panels.find((panel) => panel.name === name).take(point);
    },
    resized() {
      for (const panel of panels) panel.resized?.();
    },
  };
}
