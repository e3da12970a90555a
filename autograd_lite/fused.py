"""Fused ops: fast kernels for the forward and the backward pass, beside a definition in plain ops.

A kernel takes arrays, returns arrays, and knows nothing of the tape. So it may use any fast code. The
backward kernel cannot be differentiated, but the definition can. The definition says what the op means: tests
compare the kernels with it, and second derivatives and forward mode go through it. Kernels take NumPy's own
arrays; on other array classes (see `arrays.py`) the definition runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .apply import record_result, unrecorded_result
from .arrays import at_once, door, on_host, refuse_other_arithmetic, unwrap
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

    The definition `f(*args, **options)` is composed of ops that have rules. The op takes the name and the
    docstring of the definition, and keeps the definition as `op.__wrapped__`. Tensors and arrays are
    positional, options are keywords.

    Args:
        forward: `forward(*args, **options)` on arrays returns the value, an array or a tuple of
            arrays, and the residuals: any object that `backward` needs.
        backward: `backward(g, residuals, needs)` returns one cotangent for each of `args`. `needs` holds
            one bool for each; where it is False the cotangent may be None.
        flow: how dead entries pass, see `defvjp`.
        work: `work(value, *args, **options)` returns the number of multiply-adds, for `nn.summary` and
            `visualize.profile`; the op keeps the function as `op.work`. Default: an elementwise op, with 0.

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
    if is_built_in(definition):  # intermediate overflow and underflow are harmless, whatever np.seterr says
        forward = np.errstate(all="ignore")(forward)

    @functools.wraps(definition)
    def op(*args: Any, **options: Any) -> Any:
        values, whole = list(map(unwrap, args)), None
        for x in values:
            if x.__class__ is not _ARRAY:
                if (whole := whole or door(x)) is None and not on_host(x):
                    return definition(*args, **options)
                refuse_other_arithmetic(x, op_name(op))
        tensors = [x for x in args if isinstance(x, Tensor)]
        recorded = is_recording() and any(x.node is not None for x in tensors)
        if recorded:  # first protect the constants, so that residuals are computed from the copies
            inputs = tuple([(x.node or x) if isinstance(x, Tensor) else x for x in args])
            kept, watched = keep_constants(known[op], inputs, values, options)
            options = kept or {}
        try:
            run = forward if whole is None else functools.partial(at_once, forward)
            value, residuals = run(*values, **options)
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

    # plain: the kernels follow PyTorch's convention for complex numbers themselves.
    known[op] = Rule(joint=joint, flow=flow, plain=True)
    return op
