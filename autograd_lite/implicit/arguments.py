"""The arguments of an equation: which of them can have a gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import tree
from ..arrays import dtype_of, is_array
from ..box import Box
from ..errors import UnsupportedError
from ..recording import State, is_recording
from ..transforms import vjp

__all__ = ["parted", "pulled", "require_arguments", "unheard"]


def unheard(outer: State) -> State:
    """Inside of a solver: nothing is recorded, and no tape hears the derivatives that the solver takes."""
    return State(None, (), outer.checks, outer.transforms, outer.recomputing)


def parted(args: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """The leaves of nested arguments that can have a gradient, and what puts others in their place."""
    leaves, rebuild = tree.flatten(args)
    real = [
        i for i, x in enumerate(leaves)
        if isinstance(x, float) or ((isinstance(x, Box) or is_array(x)) and dtype_of(x).kind in "fc")
    ]  # fmt: skip

    given = [leaves[i] for i in real]
    for i in real:
        leaves[i] = None  # what is put in their place is not kept

    def put(values: Iterable[Any]) -> Any:
        changed = list(leaves)
        for i, value in zip(real, values, strict=True):
            changed[i] = value
        return rebuild(changed)

    return given, put


def require_arguments(name: str, call: Callable[[], Any], repair: str) -> None:
    """Refuse a function that reads a Tensor on the tape which is no argument: its gradient would be lost.

    Args:
        name: of the solver.
        call: calls the function with constants.
        repair: the line that makes a Tensor `w` an argument.
    """
    if is_recording() and any(isinstance(x, Box) and x.requires_grad for x in tree.flatten(call())[0]):
        raise UnsupportedError(
            f"{name}: the function uses a Tensor on the tape that is not in args, so its gradient would be "
            f"lost; make it an argument: {repair}"
        )


def pulled(
    f: Callable[..., Any], args: Sequence[Any], needs: Sequence[bool], g: Any
) -> tuple[Any, list[Any]]:
    """The value of f(*args), and the cotangents of args from g, that of the value; None where not needed."""
    wanted = [i for i, need in enumerate(needs) if need]

    def of_wanted(*values: Any) -> Any:
        own = dict(zip(wanted, values, strict=True))
        return f(*(own.get(i, arg) for i, arg in enumerate(args)))

    value, pull = vjp(of_wanted, *(args[i] for i in wanted))
    sent = iter(pull(g))
    return value, [next(sent) if need else None for need in needs]
