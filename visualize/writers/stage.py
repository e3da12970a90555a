"""How far a walk through a picture of neurons has come, and what is shown of the picture then."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..computation import Step
from .shapes import label
from .themes import Theme

__all__ = ["ALL", "Part", "Stage", "captioned", "stage_of", "walking"]

Part = tuple[str, int, int]
"""What, in which layer, of which neuron."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a walk has come.

    Attributes:
        at: when each part of the picture appears; None outside of walks, where all is shown.
        now: the step that is shown; None on a page, which shows one after the other.
        caption: lines of text above the picture.
        lines: how many lines the longest caption of the walk has.
    """

    at: Mapping[Part, int] | None = None
    now: int | None = None
    caption: Sequence[str] = ()
    lines: int = 0

    @property
    def height(self) -> float:
        """How high the caption is, the same at all steps."""
        return 24.0 + 17 * self.lines if self.lines else 0.0

    def staged(self, part: Part, body: str, new: str = "") -> str:
        """What is shown from a step on, with `new` over it at that step."""
        if self.at is None:
            return body
        at = self.at.get(part, -1)
        if self.now is None:
            return f'<g data-at="{at}">{body}</g><g data-new="{at}">{new}</g>'
        return "" if at > self.now else body + (new if at == self.now else "")

    def lit(self, part: Part, light: str) -> str:
        """What is shown at one step alone."""
        if self.at is None:
            return ""
        at = self.at.get(part, -1)
        if self.now is None:
            return f'<g data-new="{at}">{light}</g>'
        return light if at == self.now else ""


ALL = Stage()
"""No walk: everything is shown."""


def walking(steps: Sequence[Step]) -> Stage:
    """The stage of a page that shows one step after the other."""
    return Stage({part: i for i, step in enumerate(steps) for part in step.parts})


def stage_of(steps: Sequence[Step], i: int, width: float) -> Stage:
    """The stage of the i-th step, with its caption in a picture of a width in points."""
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
