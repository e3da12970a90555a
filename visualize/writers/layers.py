"""Network -> SVG: neurons as circles in columns, weights on the lines between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..neurons.network import Layer, Network, shown
from ..words.label import number
from ..words.values import counted
from .look import Look
from .shapes import label, legend, plain, shape, sheet, told
from .stage import ALL, Part, Stage, captioned
from .themes import THEMES, Theme

__all__ = ["SIGNS", "Layers"]

RADIUS, GAP, MARGIN, HEAD = 23.0, 210.0, 62.0, 62.0
ASIDE = 150.0
"""The distance of the loss from the output layer."""

DOTS = 48.0
"""The height of the row of dots, which stands for the neurons that are not drawn."""

CROWDED = 40
"""Between two columns with more weights than this, weights have no numbers."""

SIGNS = {"light": ("#b84d00", "#1a54a0"), "dark": ("#ffa45e", "#74adff"), "print": ("#000000", "#000000")}
"""The colours of positive and negative weights, as in heat maps; in print negative weights are dashed."""

Point = tuple[float, float]


class Layers:
    """The picture of one network.

    Attributes:
        width: the width in points.
        title: the title for browsers and screen readers.
    """

    def __init__(self, net: Network, look: Look, stage: Stage = ALL) -> None:
        self.net, self.look, self.stage = net, look, stage
        self.theme: Theme = THEMES[look.theme]
        self.title = f"A network of {'-'.join(str(len(layer)) for layer in net.layers)} neurons"
        self.graded = self.look.grads and any(layer.delta is not None for layer in self.net.layers)
        self.row = 62.0 + 14 * bool(self.look.values) + 18 * self.graded
        self.gap = GAP + 50 * self.graded
        self.top = HEAD + stage.height
        tallest = max(self._height(len(layer)) for layer in self.net.layers)
        self.middle = self.top + tallest / 2
        self.spots = [self._column(k, len(layer)) for k, layer in enumerate(self.net.layers)]
        weights = [np.abs(layer.weight[np.isfinite(layer.weight)]) for layer in self.net.layers[1:]]
        self.largest = max((float(w.max(initial=0.0)) for w in weights), default=0.0) or 1.0
        beside = 0.0 if self.net.loss is None else ASIDE
        self.width = 2 * MARGIN + self.gap * (len(self.net.layers) - 1) + beside
        self.bottom = self.top + tallest

    # -- positions ---------------------------------------------------------------------------------

    def _height(self, n: int) -> float:
        rows = shown(n)
        return sum(DOTS if j is None else self.row for j in rows)

    def _column(self, k: int, n: int) -> dict[int | None, Point]:
        """The middle of each circle of a layer; the key None is the row of dots."""
        y = self.middle - self._height(n) / 2
        spots: dict[int | None, Point] = {}
        for j in shown(n):
            high = DOTS if j is None else self.row
            spots[j] = MARGIN + self.gap * k, y + high / 2
            y += high
        return spots

    # -- the whole ---------------------------------------------------------------------------------

    def write(self) -> str:
        layers = self.net.layers
        parts = captioned(self.stage, self.theme)
        for k in range(1, len(layers)):
            parts += self._weights(k)
        if self.net.loss is not None:
            parts += self._loss()
        for k, layer in enumerate(layers):
            parts.append(self._head(k, layer))
            parts += [self._neuron(k, layer, j) for j in self.spots[k] if j is not None]
            if None in self.spots[k]:
                parts.append(self._dots(k, layer))
        below = self._legend() if self.look.legend is not False else []
        height = self.bottom + 20 + 18 * len(below)
        return sheet([*parts, *below], self.width, height, self.title, self.theme)

    def _head(self, k: int, layer: Layer) -> str:
        """The text above a column: the layer, the number of neurons, and their activation."""
        x, last = MARGIN + self.gap * k, len(self.net.layers) - 1
        hidden = "hidden layer" if last == 2 else f"hidden layer {k}"
        title = "input" if k == 0 else "output" if k == last else hidden
        said = counted(len(layer), "input" if k == 0 else "neuron")
        y = self.top - HEAD + 22
        lines = [label(title, x, y, self.theme.text, self.theme, 13, font_weight="bold")]
        lines.append(label(said, x, y + 16, self.theme.faint, self.theme, 11))
        if k:
            made = layer.activation or "no activation"
            lines.append(label(made, x, y + 31, self.theme.text, self.theme, 11, font_style="italic"))
        return "".join(lines)

    # -- neurons -----------------------------------------------------------------------------------

    def _neuron(self, k: int, layer: Layer, j: int) -> str:
        theme, (x, y) = self.theme, self.spots[k][j]
        fill, border = theme.input if k == 0 else (theme.step, theme.line)
        inside = [
            told(self._told(k, layer, j)),
            shape("circle", cx=x, cy=y, r=RADIUS, fill=fill, stroke=border, stroke_width=1.4),
        ]
        bias = None if layer.bias is None else layer.bias[j]
        inside.append(
            plain(self.net.name(k, j), x, y - (0 if bias is None else 6), theme.text, 13, font_style="italic")
        )
        if bias is not None:
            inside.append(plain(_signed(bias), x, y + 9, self._colour(bias), 10))
        if self.look.values:
            inside.append(self._number(("value", k, j), layer.value[j], (x, y), -1, theme.value))
        if self.look.grads and layer.delta is not None:
            inside.append(self._number(("delta", k, j), layer.delta[j], (x, y), 1, theme.grad, "δ "))
        return shape("g", "".join(inside))

    def _number(self, part: Part, value: Any, at: Point, side: int, colour: str, sign: str = "") -> str:
        """A number above a circle, or below if `side` is 1."""
        theme, said, (x, y) = self.theme, sign + number(value), at
        colour = colour if np.isfinite(value) else theme.loud
        where = y + side * (RADIUS + 9.5)
        wide = 7.0 * len(said) + 8
        ring = shape("circle", cx=x, cy=y, r=RADIUS + 3, fill="none", stroke=theme.new, stroke_width=4.0)
        back = shape("rect", x=x - wide / 2, y=where - 8, width=wide, height=16.0, rx=4.0, fill=theme.new)
        new = ring + back + plain(said, x, where, colour, 12)
        return self.stage.staged(part, label(said, x, where, colour, theme, 12), new)

    def _told(self, k: int, layer: Layer, j: int) -> str:
        """The tooltip of a neuron."""
        name = self.net.name(k, j)
        if k == 0:
            return f"{name} = {number(layer.value[j])}" if self.look.values else name
        made = f"{layer.activation}(z)" if layer.activation else "z"
        bias = "" if layer.bias is None else f", bias {number(layer.bias[j])}"
        numbers = f": z = {number(layer.potential[j])}, {name} = {number(layer.value[j])}"
        return f"{name} = {made}{bias}{numbers if self.look.values else ''}"

    def _dots(self, k: int, layer: Layer) -> str:
        x, y = self.spots[k][None]
        out = f"{len(layer) - len(self.spots[k]) + 1:,} more"
        return label("⋮", x, y - 8, self.theme.text, self.theme, 20) + label(
            out, x, y + 14, self.theme.faint, self.theme, 11
        )

    # -- weights -----------------------------------------------------------------------------------

    def _weights(self, k: int) -> list[str]:
        """The lines into a layer, small weights first, then their numbers."""
        layer = self.net.layers[k]
        into = [j for j in self.spots[k] if j is not None]
        pairs = [(i, j) for i in self.spots[k - 1] if i is not None for j in into]
        pairs.sort(key=lambda pair: abs(float(np.nan_to_num(layer.weight[pair[1], pair[0]]))))
        ends = {pair: _between(self.spots[k - 1][pair[0]], self.spots[k][pair[1]]) for pair in pairs}
        lines = [self._line(k, layer, pair, ends[pair]) for pair in pairs]
        if len(pairs) > CROWDED:
            return lines
        return lines + [
            self._on_line(k, layer, pair, *spot)
            for pair, spot in _labels(ends, 28 if self.graded else 19).items()
        ]

    def _line(self, k: int, layer: Layer, pair: tuple[int, int], ends: tuple[Point, Point]) -> str:
        i, j = pair
        weight, theme = layer.weight[j, i], self.theme
        (x1, y1), (x2, y2) = ends
        share = min(abs(float(weight)) / self.largest, 1.0) if np.isfinite(weight) else 1.0
        dashed = "5 3" if self.look.theme == "print" and weight < 0 else None
        line: dict[str, Any] = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        about = f"{self.net.name(k - 1, i)} → {self.net.name(k, j)}: weight {number(weight)}"
        if layer.weight_grad is not None and self.look.grads:
            about += f", gradient {number(layer.weight_grad[j, i])}"
        wide = 0.7 + 4.3 * share
        body = shape(
            "line",
            told(about),
            **line,
            stroke=self._colour(weight),
            stroke_width=wide,
            stroke_opacity=0.35 + 0.6 * share,
            stroke_dasharray=dashed,
        )
        halo = shape("line", **line, stroke=theme.new, stroke_width=wide + 7)
        return self.stage.lit(("value", k, j), halo) + self.stage.lit(("weights", k, j), halo) + body

    def _on_line(self, k: int, layer: Layer, pair: tuple[int, int], x: float, y: float, turn: float) -> str:
        """The weight above its line, and the gradient below."""
        i, j = pair
        weight = number(layer.weight[j, i])
        turned = f"translate({x:.1f} {y:.1f}) rotate({turn:.1f})"
        said = label(weight, 0.0, -8.0, self._colour(layer.weight[j, i]), self.theme, 11)
        if layer.weight_grad is not None and self.look.grads:
            grad = layer.weight_grad[j, i]
            colour = self.theme.grad if np.isfinite(grad) else self.theme.loud
            below = label(number(grad), 0.0, 8.0, colour, self.theme, 11)
            wide = 6.4 * len(number(grad)) + 6
            new = shape("rect", x=-wide / 2, y=1.0, width=wide, height=14.0, rx=4.0, fill=self.theme.new)
            said += self.stage.staged(
                ("weights", k, j), below, new + plain(number(grad), 0.0, 8.0, colour, 11)
            )
        return shape("g", said, transform=turned)

    def _colour(self, weight: Any) -> str:
        if not np.isfinite(weight):
            return self.theme.loud
        return SIGNS[self.look.theme][0 if weight >= 0 else 1]

    # -- loss, legend ------------------------------------------------------------------------------

    def _loss(self) -> list[str]:
        theme, k = self.theme, len(self.net.layers) - 1
        x, y = MARGIN + self.gap * k + ASIDE, self.middle
        lines = []
        for j, spot in self.spots[k].items():
            if j is not None:
                (x1, y1), (x2, y2) = _between(spot, (x, y))
                lines.append(shape("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=theme.line, stroke_width=1.0))
        box = shape(
            "rect",
            x=x - RADIUS,
            y=y - RADIUS,
            width=2 * RADIUS,
            height=2 * RADIUS,
            rx=8,
            fill=theme.step,
            stroke=theme.line,
            stroke_width=1.4,
        )
        said = plain("E", x, y, theme.text, 14, font_style="italic")
        value = (
            self._number(("loss", 0, 0), self.net.loss, (x, y), -1, theme.value) if self.look.values else ""
        )
        head = label("loss", x, self.top - HEAD + 22, theme.text, theme, 13, font_weight="bold")
        return [*lines, box, said, value, head]

    def _legend(self) -> list[str]:
        """The meaning of the lines and colours of this picture."""
        layers, look = self.net.layers, self.look
        weights = "dashed is negative" if look.theme == "print" else "orange is positive, blue negative"
        said = [f"a line: a weight, wide where it is large; {weights}"]
        if any(layer.bias is not None for layer in layers):
            said.append("in a circle: the name of the neuron and its bias")
        if look.values:
            of = f" of the first of {self.net.samples} samples" if self.net.samples > 1 else ""
            said.append(f"green, above: the value{of}")
        if self.graded:
            of = ", summed over the samples" if self.net.samples > 1 else ""
            said.append(
                f"red, below: of a neuron δ = ∂E/∂z, z being its potential; of a weight its gradient{of}"
            )
        return legend(said, self.bottom + 18, self.theme)


def _signed(bias: Any) -> str:
    said = number(bias)
    return said if said.startswith(("-", "n")) else f"+{said}"


def _between(a: Point, b: Point) -> tuple[Point, Point]:
    """The line between two circles, from border to border."""
    long = math.dist(a, b)
    dx, dy = RADIUS * (b[0] - a[0]) / long, RADIUS * (b[1] - a[1]) / long
    return (a[0] + dx, a[1] + dy), (b[0] - dx, b[1] - dy)


def _labels(ends: Mapping[Any, tuple[Point, Point]], apart: float) -> dict[Any, tuple[float, float, float]]:
    """The position and the angle of the number on each line; lines without space have none.

    A number takes three discs in a row. The discs stay clear of other numbers' discs, and cross as few other
    lines as possible.
    """
    placed: dict[Any, tuple[float, float, float]] = {}
    discs: list[Point] = []
    for pair, (a, b) in sorted(ends.items()):
        turn = math.atan2(b[1] - a[1], b[0] - a[0])
        others = [line for other, line in ends.items() if other != pair]
        best: tuple[int, float] | None = None
        for t in (0.3, 0.22, 0.38, 0.7, 0.78, 0.62, 0.5):
            row = _row(a, b, t, turn)
            if any(math.dist(p, q) < apart for p in row for q in discs):
                continue
            crossed = sum(_distance(p, *line) < 8 for line in others for p in row)
            if best is None or crossed < best[0]:
                best = crossed, t
        if best is not None and best[0] < 3:
            x, y = a[0] + best[1] * (b[0] - a[0]), a[1] + best[1] * (b[1] - a[1])
            placed[pair] = x, y, math.degrees(turn)
            discs += _row(a, b, best[1], turn)
    return placed


def _row(a: Point, b: Point, t: float, turn: float) -> list[Point]:
    x, y = a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])
    return [(x + d * math.cos(turn), y + d * math.sin(turn)) for d in (-12, 0, 12)]


def _distance(p: Point, a: Point, b: Point) -> float:
    """The distance of a point from a line."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    t = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy)
    t = min(max(t, 0.0), 1.0)
    return math.dist(p, (a[0] + t * dx, a[1] + t * dy))
