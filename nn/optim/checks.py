"""Checks of the options of optimizers, by name: one table for all optimizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from numbers import Real

from autograd_lite.errors import OptionError

from ..options import check_number, check_whole

__all__ = ["CHECKS", "check_options"]


def check_options(call: str, options: Mapping[str, object]) -> None:
    """Refuse options with invalid values.

    Args:
        call: the name of the optimizer.
        options: the options by name; options that are not in the table are not checked.

    Raises:
        OptionError: a value is invalid; the message gives a valid one.

    Example:
        >>> check_options("Adam", {"lr": 0.1, "betas": (0.9, 1.0)})
        Traceback (most recent call last):
        autograd_lite.errors.OptionError: Adam(betas=(0.9, 1.0)): expected two numbers from 0 to below 1, e.g.
        betas=(0.9, 0.999)
    """
    for option, check in CHECKS.items():
        if option in options:
            check(call, option, options[option])


def _check_betas(call: str, option: str, value: object) -> None:
    betas = _pair(value)
    if betas is None or not all(0 <= beta < 1 for beta in betas):
        raise OptionError(
            f"{call}({option}={value!r}): expected two numbers from 0 to below 1, e.g. {option}=(0.9, 0.999)"
        )


def _check_etas(call: str, option: str, value: object) -> None:
    etas = _pair(value)
    if etas is None or not 0 < etas[0] < 1 < etas[1]:
        raise OptionError(f"{call}: {option}={value}; expected 0 < {option}[0] < 1 < {option}[1]")


def _check_differentiable(call: str, option: str, value: object) -> None:
    if value:
        raise OptionError(
            f"{call}({option}=True): steps are not recorded; write the update with recorded ops, e.g. "
            "w = w - lr * ag.grad(loss)(w)"
        )


def _pair(value: object) -> tuple[float, float] | None:
    """The two numbers of an option, or None if it is something else."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return None
    first, second = value
    return (float(first), float(second)) if isinstance(first, Real) and isinstance(second, Real) else None


def _number(example: float) -> Callable[[str, str, object], None]:
    """The check for a number of at least 0."""
    return partial(check_number, example=example)


def _whole(example: int) -> Callable[[str, str, object], None]:
    """The check for an integer of at least 1."""
    return partial(check_whole, example=example)


CHECKS: dict[str, Callable[[str, str, object], None]] = {
    "lr": _number(1e-3),
    "weight_decay": _number(1e-4),
    "momentum": _number(0.9),
    "eps": _number(1e-8),
    "alpha": _number(0.99),
    "lr_decay": _number(1e-4),
    "momentum_decay": _number(4e-3),
    "rho": _number(0.9),
    "tolerance_change": _number(1e-9),
    "tolerance_grad": _number(1e-7),
    "betas": _check_betas,
    "etas": _check_etas,
    "differentiable": _check_differentiable,
    "lambd": _number(1e-4),
    "t0": _number(1e6),
    "max_iter": _whole(20),
    "max_eval": _whole(25),
    "history_size": _whole(100),
}
"""The check of each option, with a usual value for the message."""
