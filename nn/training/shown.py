"""What notebooks show of a run: its curves as a picture, and the parts of a Trainer in a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from autograd_lite.notebook import BLUE, table

__all__ = ["curves", "described", "parts"]

ORANGE = "#d1660f"
WIDTH, HEIGHT = 300, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 38, 24
"""Around the field of the curves: numbers at its left and below, the title above."""

POINTS = 1000
"""Of a longer course so many epochs are drawn, evenly spaced."""


def curves(history: Mapping[str, Sequence[float]]) -> str:
    """A panel for each metric, with the curves of training and validation.

    Args:
        history: numbers by name, one for each epoch; the validation of "loss" is "val_loss".
    """
    metrics = dict.fromkeys(name.removeprefix("val_") for name, values in history.items() if len(values))
    panels = [
        _panel(
            metric,
            [
                (history.get(metric, ()), BLUE, "training "),
                (history.get(f"val_{metric}", ()), ORANGE, "validation "),
            ],
        )
        for metric in metrics
    ]
    return f'<div style="display: flex; flex-wrap: wrap; gap: 8px">{"".join(panels)}</div>'


def _panel(metric: str, courses: Sequence[tuple[Sequence[float], str, str]]) -> str:
    """One metric: its title, the last numbers, and a field with a line for each course."""
    numbers = [y for values, _, _ in courses for y in values if math.isfinite(y)]
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    middle, epochs = (low + high) / 2, max(len(values) for values, _, _ in courses)
    heights = [low, middle, high] if high > low else [low]
    field, bottom = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)

    def y(value: float) -> float:
        return bottom - field * ((value - low) / (high - low) if high > low else 0.5)

    lines, said = "", ""
    for values, colour, kind in courses:
        if values:
            lines += "".join(_course(values, x, y, colour))
            said += f'<tspan fill="{colour}" dx="10">{kind}{values[-1]:.4g}</tspan>'
    rules = "".join(
        f'<path d="M{LEFT},{y(h):.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity="0.18"/>'
        f'<text x="{LEFT - 6}" y="{y(h) + 4:.1f}" text-anchor="end">{h:.3g}</text>'
        for h in heights
    )
    below = "".join(
        f'<text x="{x(epoch):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{epoch}</text>'
        for epoch in sorted({1, epochs})
    )
    return (
        f'<svg role="img" aria-label="{escape(metric)} over {epochs} epochs" width="{WIDTH}" '
        f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" fill="currentColor" '
        'font-family="Helvetica, Arial, sans-serif" font-size="11">'
        f'<text x="{LEFT}" y="18" font-size="12" font-weight="600">{escape(metric)}'
        f'<tspan font-weight="400">{said}</tspan></text>{rules}{below}'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle" '
        f'fill-opacity="0.7">epoch</text>{lines}</svg>'
    )


def _course(values: Sequence[float], x: Any, y: Any, colour: str) -> Iterator[str]:
    """A line through what is finite; a number between two that are not is a dot."""
    every = -(-len(values) // POINTS)
    run: list[str] = []
    for i in [*range(0, len(values), every), None]:
        if i is not None and math.isfinite(values[i]):
            run.append(f"{x(i + 1):.1f},{y(values[i]):.1f}")
        elif run:
            if len(run) > 1:
                points = " ".join(run)
                yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
            else:
                cx, cy = run[0].split(",")
                yield f'<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>'
            run = []


def parts(trainer: Any) -> list[tuple[str, str]]:
    """What a Trainer consists of, and how far it is."""
    model, optimizer = trainer.model, trainer.optimizer
    rates = dict.fromkeys(f"{group['lr']:.4g}" for group in optimizer.param_groups)
    found = [
        ("model", f"{_name(model)}, {sum(p.size for p in model.parameters()):,} parameters"),
        ("loss", _name(trainer.loss)),
        ("optimizer", f"{_name(optimizer)}, learning rate {', '.join(rates)}"),
        ("schedule", _name(trainer.scheduler) if trainer.scheduler is not None else ""),
        ("metrics", ", ".join(trainer.metrics)),
        ("callbacks", ", ".join(map(_name, trainer.callbacks))),
        ("epochs done", str(trainer.epoch)),
    ]
    return [(name, said) for name, said in found if said]


def _name(part: Any) -> str:
    """Of a function its name, of an object that of its class."""
    return str(getattr(part, "__name__", type(part).__name__))


def described(trainer: Any) -> str:
    """The parts in a table, and the curves below."""
    return table(("Trainer", ""), parts(trainer), "ll") + (curves(trainer.history) if trainer.history else "")
