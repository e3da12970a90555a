// Every choice stands in the address behind the #, if it is not the default: a link repeats the run.

const rows = ["points", "edits"];

export const VIEW = { speed: "1000", test: false, discretize: false, lines: "weights", tab: "gradients" };

/** The choices as text. */
export function written(config, view, defaults) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(config)) {
    const text = said(name, value);
    if (text !== said(name, defaults[name])) parts.set(name, text);
  }
  for (const [name, value] of Object.entries(view)) if (value !== VIEW[name]) parts.set(name, String(value));
  return parts.toString();
}

function said(name, value) {
  return rows.includes(name) ? value.map((row) => row.join(",")).join(";") : String(value);
}

/** The choices that a text makes, over the defaults; names that nobody knows are passed over. */
export function read(text, defaults) {
  const config = { ...defaults };
  const view = { ...VIEW };
  for (const [name, value] of new URLSearchParams(text)) {
    if (name in VIEW) view[name] = typeof VIEW[name] === "boolean" ? value === "true" : value;
    else if (name in defaults) config[name] = understood(name, value, defaults[name]);
  }
  return { config, view };
}

function understood(name, text, like) {
  if (rows.includes(name)) return text ? text.split(";").map((row) => row.split(",").map(Number)) : [];
  if (name === "hidden") return text ? text.split(",").map(Number) : [];
  if (name === "features") return text.split(",");
  if (typeof like === "boolean") return text === "true";
  return typeof like === "number" ? Number(text) : text;
}
