"""Does a function depend on its arguments? If not, a check of its derivatives checks nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import tree
from .arrays import to_host, unwrap
from .box import wrap
from .errors import GradientCheckError
from .node import Node, tape_order
from .recording import enable_grad, no_grad
from .tensor import Tensor
from .words.explain import describe

__all__ = ["check_dependence"]

Array = npt.NDArray[Any]

REPAIR = (
    "check_grads checks the arguments of f, so let f compute with them: "
    "check_grads(lambda w: f(w), (w,)), and for a module with its parameters "
    "check_grads(lambda p: loss(nn.functional_call(model, p, x), y), (dict(model.named_parameters()),))"
)


def check_dependence(
    f: Callable[..., Any], points: Sequence[Array], names: Sequence[str], given: Sequence[Any]
) -> None:
    """Refuse a function that depends on Tensors other than its arguments.

    A function may be independent of one argument, or constant between jumps. So it is refused only in two
    cases. Its value is the same for all arguments. Or an argument has no influence, and the function reads an
    equal Tensor that requires a gradient.

    Args:
        f: a function of Tensors.
        points: an array for each argument.
        names: the name of each argument in messages.
        given: the object that the user gave for each argument.

    Raises:
        GradientCheckError: the message gives the line to write.
    """
    leaves = [Tensor(x, requires_grad=True) for x in points]
    try:
        with enable_grad():
            outputs = tree.flatten(f(*leaves))[0]
    except Exception:
        return  # the gradient check itself reports the error
    ends = [y.node for y in outputs if isinstance(y, Tensor) and y.node is not None]
    read = {*ends, *(x for step in tape_order(ends) for x in step.inputs if isinstance(x, Node))}
    unused = [i for i, x in enumerate(leaves) if x.node not in read]
    others = [x for x in read if x.op is None and x not in {leaf.node for leaf in leaves}]
    if len(unused) == len(leaves) and (others or not _moves(f, points, outputs)):
        reads = f"; it computes with {_listed(others)}, which it was not given" if others else ""
        raise GradientCheckError(
            f"check_grads: f depends on none of its arguments, so nothing would be checked{reads}; {REPAIR}"
        )
    for i in unused:
        if any(_is_same(x, given[i]) for x in others):
            raise GradientCheckError(
                f"check_grads: f does not depend on {names[i]}, but on the Tensor itself that was given for "
                f"it, {describe(points[i])}, so its derivative would not be checked; {REPAIR}"
            )


def _moves(f: Callable[..., Any], points: Sequence[Array], outputs: Sequence[Any]) -> bool:
    """Whether f has another value, or raises, far away from the point."""
    for factor, step in ((-1.5, 0.75), (1e3, 1e3)):
        far = [wrap((x * factor + step).astype(x.dtype)[()]) for x in points]
        try:
            with no_grad(), np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                there = tree.flatten(f(*far))[0]
            pairs = zip(outputs, there, strict=True)
            if not all(np.array_equal(unwrap(y), unwrap(z), equal_nan=True) for y, z in pairs):
                return True
        except Exception:
            return True
    return False


def _is_same(leaf: Node, given: Any) -> bool:
    """Whether a leaf is the object given for an argument: the Tensor itself, its memory, or an equal array.

    Equal arrays of one repeated number do not count.
    """
    if isinstance(given, Tensor) and given.node is leaf:
        return True
    value = to_host(given)
    if np.may_share_memory(leaf.value, value):
        return True
    return bool((value != value.flat[:1]).any()) and np.array_equal(leaf.value, value)


def _listed(leaves: Sequence[Node]) -> str:
    shown = [f"{x.name} {describe(x.value)}" if x.name else describe(x.value) for x in leaves[:3]]
    more = [f"{len(leaves) - 3} more"] if len(leaves) > 3 else []
    return "Tensors that require gradients, " + ", ".join([*shown, *more])
