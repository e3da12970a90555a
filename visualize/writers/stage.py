"""The state of a picture of neurons at one step of a walk."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..computation import Step
from .shapes import label
from .themes import Theme

__all__ = ["ALL", "Part", "Stage", "captioned", "stage_of", "walking"]

Part = tuple[str, int, int]
"""A part of the picture, as (what, layer, neuron)."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The state of the picture at one step of a walk.

    Attributes:
        at: the step at which each part appears; None outside of walks, where all parts are shown.
        now: the current step; None on a page, where the reader chooses the step.
        caption: the lines of text above the picture.
        lines: the number of lines of the walk's longest caption.
    """

    at: Mapping[Part, int] | None = None
    now: int | None = None
    caption: Sequence[str] = ()
    lines: int = 0

    @property
    def height(self) -> float:
        """The height of the caption, the same at all steps."""
        return 24.0 + 17 * self.lines if self.lines else 0.0

    def staged(self, part: Part, body: str, new: str = "") -> str:
        """The element of a part, shown from its step on; `new` lies over it at that step."""
        if self.at is None:
            return body
        at = self.at.get(part, -1)
        if self.now is None:
            return f'<g data-at="{at}">{body}</g><g data-new="{at}">{new}</g>'
        return "" if at > self.now else body + (new if at == self.now else "")

    def lit(self, part: Part, light: str) -> str:
        """An element that is shown only at the step of a part."""
        if self.at is None:
            return ""
        at = self.at.get(part, -1)
        if self.now is None:
            return f'<g data-new="{at}">{light}</g>'
        return light if at == self.now else ""


ALL = Stage()
"""The state outside of walks: all parts are shown."""


def walking(steps: Sequence[Step]) -> Stage:
    """The stage of a page, where the reader chooses the step."""
    return Stage({part: i for i, step in enumerate(steps) for part in step.parts})


def stage_of(steps: Sequence[Step], i: int, width: float) -> Stage:
    """The stage of the i-th step; the caption fits the picture's width in points."""
    captions = [
        [f"{j + 1} of {len(steps)}: {step.title}", *textwrap.wrap(step.rule, max(30, int(width / 6.6)))]
        for j, step in enumerate(steps)
    ]
    return Stage(walking(steps).at, i, captions[i], max(map(len, captions)))


def captioned(stage: Stage, theme: Theme) -> list[str]:
    """The caption of a stage, at the top left of its picture."""
    return [
        label(line, 16.0, 20.0 + 17 * i, theme.faint if i else theme.text, theme, 12, text_anchor="start")
        for i, line in enumerate(stage.caption)
    ]
