// The gradient check: backpropagation beside finite differences.

import { el, number } from "./dom.js";

export function create(app) {
  const said = el("p", { class: "said", "aria-live": "polite" });
  const table = el("table", { class: "plain" });
  const button = el("button", { onclick: check }, "Check the gradient");
  const content = el("div", {},
    el("p", { class: "hint" }, "Each weight is moved a little up and down, and the difference of the losses is divided by the way. Backpropagation must give the same number."),
    el("div", { class: "row" }, button), said, table);

  async function check() {
    button.disabled = true;
    said.textContent = "Checking …";
    const found = await app.send("check", {}, true);
    button.disabled = false;
    said.textContent = found ? `${found.verdict} ${found.count} weights and biases; those that differ most:` : "";
    table.replaceChildren();
    if (!found) return;
    const head = ["weight", "gradient", "finite difference", "distance"].map((text) => el("th", { scope: "col" }, text));
    const rows = found.rows.map((r) => el("tr", {},
      el("th", { scope: "row" }, `${r.name}[${r.index.join(", ")}]`), ...[r.gradient, r.quotient, r.distance].map((x) => el("td", {}, number(x)))));
    table.append(el("tr", {}, ...head), ...rows);
  }

  return {
    name: "check", title: "Gradient check", content,
    anew() {
      said.textContent = "";
      table.replaceChildren();
    },
  };
}
