"""Checks of the values that rules return, before the backward pass casts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..backward import play
from ..errors import user_line
from ..known import rule_of
from ..node import Node, op_name
from ..pull import Sweep, pulled
from ..tape import Tape, listening
from ..tensor import Tensor
from .directions import Array
from .report import CheckError

__all__ = ["check_rules", "recorded"]

__tracebackhide__ = True  # pytest shows the lines of the test, not of this file


def recorded(f: Callable[..., Any], points: list[Array]) -> tuple[Tape, list[Any]]:
    """The tape of f, with the user's line in the notes of each step, and the outputs of f."""

    def note_line(node: Node) -> None:
        node.note().line = user_line()

    leaves = [Tensor(x, requires_grad=True) for x in points]
    with listening(note_line), Tape() as tape:
        out = f(*leaves)
    return tape, tree.flatten(out)[0]


def check_rules(f: Callable[..., Any], points: list[Array]) -> None:
    """Check each rule on the tape of f.

    A rule must return arrays in the dtype of its inputs. It must not write into its arguments, nor return the
    same array of its own at every call.
    """
    try:
        tape, outputs = recorded(f, points)
        seeds = {y.node: np.ones(y.shape, y.dtype)[()] for y in outputs if isinstance(y, Tensor) and y.node}
        play(seeds, Sweep(retain=True, keep=True))
    except Exception as error:
        notes = " ".join(getattr(error, "__notes__", ()))
        raise CheckError(f"the backward pass fails: {type(error).__name__}: {error} {notes}") from error
    for node in tape.nodes:
        if node.adjoint is None or node.adjoint.__class__ is tuple or rule_of(node.op) is None:  # type: ignore[arg-type]
            continue
        kept = node.args, node.value, node.adjoint
        try:
            node.args = tuple(map(_read_only, node.args))
            node.value, node.adjoint = _read_only(node.value), _read_only(node.adjoint)
            sent, again = pulled(node, node.adjoint), pulled(node, node.adjoint)
        except ValueError as error:
            raise CheckError(f"the rule of {op_name(node.op)} writes into its arguments: {error}") from error
        finally:
            node.args, node.value, node.adjoint = kept
        for one, other in zip(sent, again, strict=True):
            owned = isinstance(one, np.ndarray) and one.base is None
            if owned and one is other and not any(one is x for x in (node.adjoint, node.value, *node.args)):
                raise CheckError(f"the rule of {op_name(node.op)} returns the same array at every call")
        dtypes = {
            np.asarray(x).dtype for x in (node.value, *node.args) if isinstance(x, (np.ndarray, np.generic))
        }
        floats = {dtype for dtype in dtypes if dtype.kind in "fc"}
        for i, gx in enumerate(sent):
            if gx is not None and len(floats) == 1 and getattr(gx, "dtype", *floats) not in floats:
                raise CheckError(
                    f"wrong dtype: the rule of {op_name(node.op)} for argument {i} returns {gx.dtype}, but "
                    f"its arrays are {next(iter(floats))}; use Python numbers in rules: np.float64 promotes"
                )


def _read_only(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x
