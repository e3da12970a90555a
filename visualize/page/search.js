"use strict";

/* Searches: matches are marked and moved into view; Enter unfolds the match and moves to the next. */

function search(text) {
  const wanted = text.trim().toLowerCase();
  const has = (...texts) => texts.some((t) => t && t.toLowerCase().includes(wanted));
  state.found = [];
  state.at = -1;
  if (wanted) {
    data.vertices.forEach((v, vertex) => {
      if (!v.inside && has(v.name, v.op, v.label, v.line)) state.found.push({ vertex });
    });
    data.calls.forEach((c, call) => { if (has(c.title, c.kind)) state.found.push({ call }); });
  }
  byId("found").textContent = wanted ? `${state.found.length} found` : "";
  mark();
  if (state.found.length) bring(boxOf(state.found[0]));
}

function nextFound(direction) {
  if (!state.found.length) return;
  state.at = (state.at + direction + state.found.length) % state.found.length;
  byId("found").textContent = `${state.at + 1} of ${state.found.length}`;
  const what = state.found[state.at];
  reveal(what.vertex === undefined ? data.calls[what.call].parent : data.vertices[what.vertex].call);
  choose(what);
  centre(what.vertex === undefined ? `c${what.call}` : `v${what.vertex}`);
}

byId("search").addEventListener("input", (event) => search(event.target.value));
