"use strict";

/* Saves the picture as a file, and prints it. */

const PIXELS = 2; // pixels of the PNG for each pixel of the page

const LOOK = ["fill", "stroke", "stroke-width", "paint-order", "font-family", "font-size", "font-weight", "font-style",
  "text-anchor"];

/** The whole picture as the text of an SVG file; each element keeps its look on the page. */
function wholePicture() {
  const [wide, high] = xy(shown.size.main, shown.size.cross).map((size) => Math.ceil(size + 2 * MARGIN));
  for (const element of scene.querySelectorAll(".chosen, .found")) element.classList.remove("chosen", "found");
  const picture = svg("svg", { xmlns: SVG, width: wide, height: high, viewBox: `${-MARGIN} ${-MARGIN} ${wide} ${high}` },
    svg("rect", { x: -MARGIN, y: -MARGIN, width: wide, height: high, fill: getComputedStyle(document.body).backgroundColor }),
    copied(graph.querySelector("defs")), copied(scene));
  picture.querySelector("#scene").removeAttribute("transform");
  mark();
  return { text: new XMLSerializer().serializeToString(picture), wide, high };
}

/** A copy of the picture that needs no stylesheet. */
function copied(original) {
  const copy = original.cloneNode(true), there = [original, ...original.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, i) => {
    if (there[i].matches(".touch, .toggle")) return element.remove(); // a file has nothing to click
    const style = getComputedStyle(there[i]);
    if (["rect", "path", "text"].includes(element.tagName)) {
      for (const name of LOOK) element.setAttribute(name, plain(style.getPropertyValue(name)));
    }
    if (element.tagName === "text") element.setAttribute("dy", "0.35em"); // some programs ignore central baselines
    for (const name of ["class", "tabindex", "role"]) element.removeAttribute(name);
  });
  return copy;
}

/** A colour in the form that all programs read: rgb(...) from 0 to 255. */
const plain = (value) => value.replace(/color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)[^)]*\)/,
  (_, ...rgb) => `rgb(${rgb.slice(0, 3).map((part) => Math.round(255 * part)).join(", ")})`);

function download(content, ending) {
  const link = html("a", ""), name = document.title.split(":")[0].replace(/[^\w.-]+/g, "-") || "graph";
  link.href = URL.createObjectURL(content);
  link.download = `${name}.${ending}`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function saveSvg() {
  download(new Blob([wholePicture().text], { type: "image/svg+xml" }), "svg");
}

function savePng() {
  const { text, wide, high } = wholePicture(), picture = new Image(), paper = document.createElement("canvas");
  const pixels = Math.min(PIXELS, 16000 / Math.max(wide, high)); // browsers refuse larger canvases
  [paper.width, paper.height] = [wide * pixels, high * pixels];
  picture.onload = () => {
    paper.getContext("2d").drawImage(picture, 0, 0, paper.width, paper.height);
    paper.toBlob((content) => download(content, "png"), "image/png");
  };
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

// -- paper: the whole picture, as large as the sheet allows, on white ----------------------------------

let before = null;

addEventListener("beforeprint", () => {
  const { theme: name } = document.documentElement.dataset, [w, h] = xy(shown.size.main, shown.size.cross);
  before = { name, view: state.view, fitted: state.fitted };
  theme("light");
  graph.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${w + 2 * MARGIN} ${h + 2 * MARGIN}`);
  scene.removeAttribute("transform");
});
addEventListener("afterprint", () => {
  graph.removeAttribute("viewBox");
  theme(before.name);
  look(before.view);
  state.fitted = before.fitted;
});
