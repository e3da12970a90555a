"use strict";

/* The picture as a file, and on paper. */

const PIXELS = 2; // for each of the picture's

/** The whole picture as the text of an SVG file, with the page's styles in it. */
function wholePicture() {
  const [wide, high] = xy(shown.size.main, shown.size.cross).map((size) => Math.ceil(size + 2 * MARGIN));
  const picture = graph.cloneNode(true);
  const attributes = { xmlns: SVG, width: wide, height: high,
    viewBox: `${-MARGIN} ${-MARGIN} ${wide} ${high}`, "data-theme": document.documentElement.dataset.theme };
  for (const [name, value] of Object.entries(attributes)) picture.setAttribute(name, value);
  picture.querySelector("#scene").removeAttribute("transform");
  for (const element of picture.querySelectorAll(".chosen, .found")) element.classList.remove("chosen", "found");
  picture.prepend(svg("style", {}, document.querySelector("style").textContent),
    svg("rect", { class: "paper", x: -MARGIN, y: -MARGIN, width: wide, height: high }));
  return { text: new XMLSerializer().serializeToString(picture), wide, high };
}

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
  const pixels = Math.min(PIXELS, 16000 / Math.max(wide, high)); // more is too much for browsers
  [paper.width, paper.height] = [wide * pixels, high * pixels];
  picture.onload = () => {
    paper.getContext("2d").drawImage(picture, 0, 0, paper.width, paper.height);
    paper.toBlob((content) => download(content, "png"), "image/png");
  };
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

// -- paper: all of the picture, as large as it gets, on white ------------------------------------------

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
