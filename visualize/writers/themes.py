"""The colours of the pictures, by their meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["FONT", "THEMES", "Theme", "flow_colour", "heat_colours"]

FONT = "Helvetica,Arial,sans-serif"


@dataclass(frozen=True)
class Theme:
    """Colours by their meaning.

    Values and gradients differ in lightness too, and so do the two ends of a ramp: readers who see few
    colours, and grey paper, keep them apart.
    """

    background: str
    text: str
    faint: str
    line: str
    step: str
    module: tuple[str, str]  # fill and border
    frame: tuple[str, str]
    input: tuple[str, str]
    parameter: tuple[str, str]
    value: str
    grad: str
    rounding: str
    loud: str
    new: str  # behind the new numbers of a walk's step
    flow: tuple[str, ...]  # from the smallest gradients to the largest
    buffers: tuple[str, ...]  # behind results that share memory


THEMES = {
    "light": Theme(
        background="#ffffff",
        text="#1b2027",
        faint="#5d6773",
        line="#3d4652",
        step="#f3f6fa",
        module=("#dfe9f7", "#456a9e"),
        frame=("#f8fafc", "#b4bdc9"),
        input=("#dff2ec", "#00705a"),
        parameter=("#fbf0d9", "#8f6a14"),
        value="#00705a",
        grad="#c2300b",
        rounding="#4a4fb0",
        loud="#b8007a",
        new="#ffe9a8",
        flow=("#8fbce6", "#5a78b0", "#63548c", "#9c3f5e", "#c2300b"),
        buffers=("#ffd9a0", "#b5dcf5", "#c9e8b0", "#f3c1d9", "#d9cdf2", "#f0e49a", "#a9e3d8", "#e0c9b4"),
    ),
    "dark": Theme(
        background="#14181f",
        text="#eef1f5",
        faint="#a4aebb",
        line="#b3bdc9",
        step="#252d39",
        module=("#24364f", "#86aadd"),
        frame=("#191f28", "#4b5665"),
        input=("#163d35", "#4cc9a8"),
        parameter=("#3d3319", "#dcb65f"),
        value="#56d3b2",
        grad="#ff9378",
        rounding="#a9b4ff",
        loud="#ff6bcb",
        new="#5c4d14",
        flow=("#3f6ea3", "#6f8fd0", "#a58fd6", "#e08ba6", "#ff9378"),
        buffers=("#7a4d12", "#1d5a80", "#3f6b22", "#7d2e58", "#51408a", "#6b6112", "#146358", "#64452c"),
    ),
    "print": Theme(
        background="#ffffff",
        text="#000000",
        faint="#404040",
        line="#000000",
        step="#ffffff",
        module=("#ececec", "#000000"),
        frame=("#ffffff", "#7d7d7d"),
        input=("#ffffff", "#000000"),
        parameter=("#ffffff", "#000000"),
        value="#000000",
        grad="#555555",
        rounding="#333333",
        loud="#000000",
        new="#d9d9d9",
        flow=("#b5b5b5", "#8f8f8f", "#6a6a6a", "#3f3f3f", "#000000"),
        buffers=("#d9d9d9",),
    ),
}
"""The themes that `draw` knows."""


def flow_colour(theme: Theme, share: float) -> str:
    """The colour of a gradient, from 0 (the picture's smallest) to 1 (the largest)."""
    x = min(max(share, 0.0), 1.0) * (len(theme.flow) - 1)
    i = min(math.floor(x), len(theme.flow) - 2)
    low, high = (np.array(_rgb(theme.flow[j])) for j in (i, i + 1))
    return _hex(low + (x - i) * (high - low))


def heat_colours(values: Any, loud: str) -> list[list[str]]:
    """The colours of a matrix: white is 0, dark is large; blue is negative, orange positive.

    A matrix without negative entries is grey, like an image. NaN and inf have the loud colour.
    """
    values = np.asarray(values, float)
    finite = np.isfinite(values)
    size = np.max(np.abs(values[finite]), initial=0.0)
    share = np.where(finite, values, 0.0) / (size or 1.0)
    white = np.array([255.0, 255.0, 255.0])
    positive = (200, 82, 0) if (values[finite] < 0).any() else (20, 24, 31)
    ends = np.where(share[..., None] < 0, (26, 84, 160), positive)
    colours = white + np.abs(share)[..., None] * (ends - white)
    return [
        [_hex(c) if good else loud for c, good in zip(row, fine, strict=True)]
        for row, fine in zip(colours, finite, strict=True)
    ]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(colour: Any) -> str:
    r, g, b = (round(float(c)) for c in colour)
    return f"#{r:02x}{g:02x}{b:02x}"
