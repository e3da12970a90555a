"""Cell -> SVG: the cell of an LSTM as in the lecture, with the state's line above the gates."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..neurons.cell import PARTS, Cell
from ..words.label import number
from ..words.values import norm
from .look import Look
from .shapes import label, legend, plain, shape, sheet
from .stage import ALL, Stage, captioned
from .themes import THEMES, Theme

__all__ = ["Gates"]

LEFT, RIGHT = 150.0, 770.0
"""The x of the cell's sides, in points."""

STATE, MEET, GATE, BELOW, FLOOR = 120.0, 200.0, 285.0, 350.0, 430.0
"""The y of the state's line, of the products of gates, of the gates, of the input's line, and of x."""

COLUMN = {"f": 235.0, "i": 365.0, "g": 495.0, "o": 605.0, "h'": 725.0}
SAID = {"f": ("σ", "forget"), "i": ("σ", "input"), "g": ("tanh", "candidate"), "o": ("σ", "output")}

Point = tuple[float, float]


class Gates:
    """The picture of one cell.

    Attributes:
        width: the width in points.
        title: the title for browsers and screen readers.
    """

    width = 940.0

    def __init__(self, cell: Cell, look: Look, stage: Stage = ALL) -> None:
        self.cell, self.look, self.stage = cell, look, stage
        self.theme: Theme = THEMES[look.theme]
        self.title = f"The cell of an LSTM with {len(cell.values['c'])} units"

    def write(self) -> str:
        theme = self.theme
        said = self._legend() if self.look.legend is not False else []
        body = [*self._frame(), *self._wires(), *self._gates(), *self._ends()]
        moved = shape("g", "".join(body), transform=f"translate(0 {self.stage.height:.0f})")
        bottom = self.stage.height + FLOOR + 50
        parts = [*captioned(self.stage, theme), moved, *legend(said, bottom, theme)]
        return sheet(parts, self.width, bottom + 18 * len(said), self.title, theme)

    # -- parts -------------------------------------------------------------------------------------

    def _frame(self) -> list[str]:
        fill, border = self.theme.frame
        box: dict[str, Any] = {"x": LEFT, "y": 60.0, "width": RIGHT - LEFT, "height": BELOW - 30, "rx": 14.0}
        of = f"step {self.cell.step} of {self.cell.steps}" if self.cell.steps > 1 else "one step"
        head = label(
            f"LSTM, {of}", (LEFT + RIGHT) / 2, 42.0, self.theme.text, self.theme, 13, font_weight="bold"
        )
        return [shape("rect", **box, fill=fill, stroke=border, stroke_width=1.5), head]

    def _wires(self) -> list[str]:
        f, i, g, o, h = COLUMN.values()
        join = 180.0
        wide = 3.0
        ways: list[tuple[float, list[Point]]] = [
            (wide, [(60, STATE), (f - 14, STATE)]),
            (wide, [(f + 14, STATE), (g - 14, STATE)]),
            (wide, [(g + 14, STATE), (890, STATE)]),
            (1.4, [(60, BELOW), (o, BELOW), (o, GATE + 17)]),
            (1.4, [(join, FLOOR), (join, BELOW)]),
            (1.4, [(f, BELOW), (f, GATE + 17)]),
            (1.4, [(i, BELOW), (i, GATE + 17)]),
            (1.4, [(g, BELOW), (g, GATE + 17)]),
            (1.4, [(f, GATE - 17), (f, STATE + 14)]),
            (1.4, [(i, GATE - 17), (i, MEET), (g - 14, MEET)]),
            (1.4, [(g, GATE - 17), (g, MEET + 14)]),
            (1.4, [(g, MEET - 14), (g, STATE + 14)]),
            (1.4, [(o, GATE - 17), (o, MEET + 20), (h - 14, MEET + 20)]),
            (1.4, [(h, STATE), (h, STATE + 28)]),
            (1.4, [(h, STATE + 58), (h, MEET + 6)]),
            (1.4, [(h, MEET + 34), (h, BELOW), (890, BELOW)]),
        ]
        drawn = []
        for width, way in ways:
            d = "M" + " L".join(f"{x:.0f},{y:.0f}" for x, y in way)
            drawn.append(shape("path", d=d, fill="none", stroke=self.theme.line, stroke_width=width))
            drawn.append(self._tip(*way[-2:]))
        return drawn

    def _tip(self, a: Point, b: Point) -> str:
        """The tip of a horizontal or vertical arrow from a to b."""
        dx, dy = (float(np.sign(q - p)) for p, q in zip(a, b, strict=True))
        corners = [
            b,
            (b[0] - 8 * dx - 4 * dy, b[1] - 8 * dy - 4 * dx),
            (b[0] - 8 * dx + 4 * dy, b[1] - 8 * dy + 4 * dx),
        ]
        return shape("polygon", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in corners), fill=self.theme.line)

    def _gates(self) -> list[str]:
        theme = self.theme
        f, _, g, _, h = COLUMN.values()
        drawn = []
        for name, (symbol, said) in SAID.items():
            x = COLUMN[name]
            box = shape(
                "rect",
                x=x - 32,
                y=GATE - 17,
                width=64.0,
                height=34.0,
                rx=6.0,
                fill=theme.parameter[0],
                stroke=theme.parameter[1],
                stroke_width=1.4,
            )
            drawn += [box, plain(symbol, x, GATE, theme.text, 14)]
            drawn.append(
                label(f"{name}, {said}", x + 6, GATE + 30, theme.faint, theme, 11, text_anchor="start")
            )
        for x, y, symbol in ((f, STATE, "×"), (g, MEET, "×"), (g, STATE, "+"), (h, MEET + 20, "×")):
            circle = shape(
                "circle", cx=x, cy=y, r=14.0, fill=theme.input[0], stroke=theme.input[1], stroke_width=1.4
            )
            drawn += [circle, plain(symbol, x, y, theme.text, 16)]
        oval = shape(
            "ellipse",
            cx=h,
            cy=STATE + 43,
            rx=26.0,
            ry=15.0,
            fill=theme.input[0],
            stroke=theme.input[1],
            stroke_width=1.4,
        )
        drawn += [oval, plain("tanh", h, STATE + 43, theme.text, 12)]
        for name, x, y in (
            ("f", f, 235.0),
            ("i", COLUMN["i"], 235.0),
            ("g", g, 235.0),
            ("o", COLUMN["o"], 245.0),
        ):
            drawn.append(self._numbers(name, x + 6, y))
        return drawn

    def _ends(self) -> list[str]:
        """The names of inputs and outputs, with their numbers."""
        places = {
            "c": (38.0, STATE, "cₜ₋₁"),
            "h": (38.0, BELOW, "hₜ₋₁"),
            "x": (180.0, FLOOR + 14, "xₜ"),
            "c'": (910.0, STATE, "cₜ"),
            "h'": (910.0, BELOW, "hₜ"),
        }
        drawn = []
        for name, (x, y, said) in places.items():
            drawn.append(label(said, x, y, self.theme.text, self.theme, 14, font_style="italic"))
            beside = x + 16 if name == "x" else 66.0 if x < LEFT else RIGHT + 8
            drawn.append(self._numbers(name, beside, y))
        return drawn

    def _numbers(self, name: str, x: float, y: float) -> str:
        """The value of a part above its line, and the gradient below."""
        k, theme, cell, drawn = PARTS.index(name), self.theme, self.cell, ""
        given: list[tuple[str, Any, float, str, str]] = []
        if self.look.values:
            given.append(("value", cell.values[name], -9.0, theme.value, ""))
        if self.look.grads and name in cell.deltas:
            given.append(("delta", cell.deltas[name], 9.0, theme.grad, "δ " if name in SAID else "∂ "))
        for what, value, off, colour, sign in given:
            said = sign + _brief(value)
            colour = colour if np.isfinite(value).all() else theme.loud
            wide = 6.2 * len(said) + 8
            back = shape("rect", x=x - 4, y=y + off - 8, width=wide, height=16.0, rx=4.0, fill=theme.new)
            new = back + plain(said, x, y + off, colour, 11, text_anchor="start")
            body = label(said, x, y + off, colour, theme, 11, text_anchor="start")
            drawn += self.stage.staged((what, k, 0), body, new)
        return drawn

    def _legend(self) -> list[str]:
        said = [
            "f = σ(W x + U h + b), and so i and o; g = tanh(W x + U h + b); c' = f·c + i·g; h' = o·tanh(c')"
        ]
        if self.look.values:
            of = f" of the first of {self.cell.samples} samples" if self.cell.samples > 1 else ""
            said.append(f"green, above: the value{of}; of many units its norm")
        if self.look.grads and self.cell.deltas:
            said.append("red, below: δ of a gate is the gradient of its potential; ∂ that of a state")
        return said


def _brief(value: Any) -> str:
    """A vector of at most three entries in full, or the norm of a longer one."""
    return number(value) if np.size(value) <= 3 else f"norm {number(norm(value))}"
