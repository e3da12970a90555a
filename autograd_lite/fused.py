"""Fused ops: hot code forward and backward, with a definition in plain ops beside it.

A kernel takes arrays and gives arrays, and knows nothing of the tape. So it can be as fast as it
likes, and its derivative, another kernel, cannot be differentiated. The definition can: it says
what the op means, tests hold the kernels against it, and derivatives of second order and forward
mode go through it. Kernels are for NumPy's own arrays: on arrays of another class, which is what
`arrays.py` says, the definition runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .apply import record_result, unrecorded_result
from .arrays import on_host, refuse_other_arithmetic, unwrap
from .errors import ShapeError
from .kept import keep_constants
from .kin import like
from .known import Flow, Rule, is_built_in, known
from .node import op_name
from .recording import is_recording
from .tensor import Tensor
from .transforms import vjp
from .words.explain import explain, how_many

__all__ = ["fused"]

_ARRAY = np.ndarray


def fused(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *,
    flow: Flow = "mixes",
    work: Callable[..., int] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the definition of an op that is computed by kernels.

    The definition `f(*args, **options)` is composed of ops that have rules; the op takes its name and its
    docstring, and keeps it as `op.__wrapped__`. Tensors and arrays go in by position, options by keyword.

    Args:
        forward: `forward(*args, **options)` on arrays returns the value, an array or a tuple of
            arrays, and residuals: whatever `backward` wants to know.
        backward: `backward(g, residuals, needs)` returns a cotangent for each of `args`; `needs` says of
            which it is wanted, and for the others it may be None.
        flow: how dead entries pass, see `defvjp`.
        work: `work(value, *args, **options)` returns how many products the op adds up, for `nn.summary` and
            `visualize.profile`; the op keeps it as `op.work`. Left out: the op works entry by entry.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.fused(
        ...     forward=lambda x, by: (np.multiply(x, by), by),
        ...     backward=lambda g, by, needs: (np.multiply(g, by),),
        ... )
        ... def scaled(x, *, by):
        ...     return x * by
        >>> ag.grad(lambda x: np.sum(scaled(x, by=3.0) ** 2))(np.array([1.0, 2.0]))
        array([18., 36.])
    """

    def decorate(definition: Callable[..., Any]) -> Callable[..., Any]:
        op = _op(definition, forward, backward, flow)
        op.work = work  # type: ignore[attr-defined]
        return op

    return decorate


def _op(
    definition: Callable[..., Any], forward: Callable[..., Any], backward: Callable[..., Any], flow: Flow
) -> Callable[..., Any]:
    if is_built_in(definition):  # overflow and underflow midway do no harm, whatever np.seterr says
        forward = np.errstate(all="ignore")(forward)

    @functools.wraps(definition)
    def op(*args: Any, **options: Any) -> Any:
        values = list(map(unwrap, args))
        for x in values:
            if x.__class__ is not _ARRAY:
                if not on_host(x):
                    return definition(*args, **options)
                refuse_other_arithmetic(x, op_name(op))
        tensors = [x for x in args if isinstance(x, Tensor)]
        recorded = is_recording() and any(x.node is not None for x in tensors)
        if recorded:  # residuals are made of what is kept of the constants
            inputs = tuple([(x.node or x) if isinstance(x, Tensor) else x for x in args])
            kept, watched = keep_constants(known[op], inputs, values, options)
            options = kept or {}
        try:
            value, residuals = forward(*values, **options)
        except Exception as error:
            raise explain(op, values, error) from error
        if recorded:
            options["_residuals"] = residuals
            return like(tensors, record_result(op, inputs, tuple(values), options, value, watched))
        if not tensors:
            return value
        return like(tensors, unrecorded_result(op, values, value))

    def joint(
        g: Any, y: Any, *args: Any, needs: tuple[bool, ...], _residuals: Any = None, **options: Any
    ) -> tuple[Any, ...]:
        if all(map(on_host, g if g.__class__ is tuple else (g,))):  # not recorded, and no batch
            pulled = backward(g, _residuals, needs)
        else:
            wanted = [i for i, need in enumerate(needs) if need]

            def of_wanted(*xs: Any) -> Any:
                changed = list(args)
                for i, x in zip(wanted, xs, strict=True):
                    changed[i] = x
                return definition(*changed, **options)

            sent = iter(vjp(of_wanted, *(args[i] for i in wanted))[1](g))
            pulled = tuple(next(sent) if need else None for need in needs)
        if not isinstance(pulled, (tuple, list)) or len(pulled) != len(args):
            raise ShapeError(
                f"the backward kernel of {op_name(op)} returned {how_many(pulled)} cotangents for "
                f"{len(args)} arguments; return one for each, or None"
            )
        return tuple(pulled)

    # The kernels keep PyTorch's convention for complex numbers themselves, hence plain.
    known[op] = Rule(joint=joint, flow=flow, plain=True)
    return op
