"""`gradcheck` and `gradgradcheck`, on the checks of `autograd_lite.testing`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import GradientCheckError, OptionError
from autograd_lite.testing import check_grads

from ..tensors import torched

__all__ = ["gradcheck", "gradgradcheck"]


def _check(
    who: str,
    func: Callable[..., Any],
    inputs: Any,
    order: int,
    raises: bool,
    modes: Sequence[str],
    **options: Any,
) -> bool:
    args = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    moving = [i for i, x in enumerate(args) if isinstance(x, ag.Tensor) and x.requires_grad]
    if not moving:
        raise OptionError(
            f"{who}: no input requires a gradient; make one with requires_grad=True and dtype=torch.float64"
        )

    def of_moving(*xs: Any) -> Any:
        changed = list(args)
        for i, x in zip(moving, xs, strict=True):
            changed[i] = torched(x)
        out = func(*changed)
        outputs = out if isinstance(out, (tuple, list)) else (out,)
        return tuple([y for y in outputs if np.issubdtype(y.dtype, np.inexact)])

    try:
        check_grads(of_moving, tuple([args[i].detach() for i in moving]), order, modes, **options)
    except GradientCheckError:
        if raises:
            raise
        return False
    return True


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the first derivatives of `func` with finite differences.

    Args:
        func: takes Tensors, and returns a Tensor or a tuple of Tensors.
        inputs: a Tensor, or a tuple; those that require a gradient are checked, best in float64.
        eps: not used: the step is found for each entry.
        atol, rtol: a derivative d passes if it is within atol + rtol |d| of its reference.
        raise_exception: raise GradientCheckError, which names the op to blame; else return False.
        check_forward_ad, check_backward_ad: the modes to check.
        fast_mode: check along random directions instead of entry by entry.
        nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad, check_batched_forward_grad,
            masked: not used.

    Raises:
        GradientCheckError: a derivative is wrong.
        OptionError: no input requires a gradient.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(lambda x: x.sin(), (x,))
        True
    """
    modes = [mode for mode, wanted in (("rev", check_backward_ad), ("fwd", check_forward_ad)) if wanted]
    directions = 4 if fast_mode else "all"
    return _check(
        "gradcheck", func, inputs, 1, raise_exception, modes, atol=atol, rtol=rtol, directions=directions
    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare the first and second derivatives of `func` with finite differences.

    The options are those of `gradcheck`; the cotangents of the outputs are drawn at random.

    Example:
        >>> import nn.torch as torch
        >>> x = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradgradcheck(lambda x: x.sin(), (x,))
        True
    """
    modes = ("rev", "fwd") if check_fwd_over_rev else ("rev",)
    directions = 4 if fast_mode else "all"
    return _check(
        "gradgradcheck", func, inputs, 2, raise_exception, modes, atol=atol, rtol=rtol, directions=directions
    )
