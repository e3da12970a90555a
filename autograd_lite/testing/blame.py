"""Which op is to blame: the tape is replayed, and each op is checked alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..apply import output
from ..errors import AutogradLiteError
from ..node import Node, op_name
from ..words.explain import describe
from .comparison import Check, Function
from .report import CheckError, Row
from .rules import recorded

__all__ = ["culprit"]

__tracebackhide__ = True  # pytest shows the lines of the test, not of this file


def culprit(check: Check, order: int, no_slope: bool) -> list[Row]:
    """Replay the tape and check each op alone; the rows of the report name the first op that fails."""
    label, of = ("it comes from", "") if no_slope else ("to blame", "the rule of ")
    try:
        tape, _ = recorded(check.f, check.points)
    except AutogradLiteError as error:
        return [("to blame", f"f itself, which fails on Tensors: {error}")]
    for node in tape.nodes:
        moving = [i for i, x in enumerate(node.inputs) if isinstance(x, Node) and x.op is not output]
        if node.op is output or not all(isinstance(node.args[i], (np.ndarray, np.generic)) for i in moving):
            continue
        points = [np.asarray(node.args[i]) for i in moving]
        names = [f"argument {i}" for i in moving]
        try:
            replace(check, f=_alone(node, moving), points=points, names=names).run(order)
        except CheckError as failure:
            came = ", ".join(describe(x) for x in node.args)
            return [
                (label, f"{of}{op_name(node.op)}({came}), recorded at {node.note().line}"),
                ("checked alone", str(failure)),
            ]
        except TypeError:
            continue  # an op that cannot be called alone
    if no_slope:
        return [(label, "no recorded op, but a comparison, a rounding, or a choice made in Python")]
    return [
        (
            label,
            "no single rule. Does f leave the tape (x.numpy(), stop_gradient), change arrays in place, or "
            "depend on more than its arguments?",
        )
    ]


def _alone(node: Node, moving: list[int]) -> Function:
    """One step of the tape as a function of its recorded inputs."""
    op = node.op
    assert op is not None
    # Residuals belong to one forward pass: another call saves its own.
    kwargs = {key: option for key, option in (node.kwargs or {}).items() if key != "_residuals"}

    def step(*xs: Any) -> Any:
        args = list(node.args)
        for i, x in zip(moving, xs, strict=True):
            args[i] = x
        return op(*args, **kwargs)

    return step
