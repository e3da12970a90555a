"""Fused ops: fast kernels for the forward and the backward pass, beside a definition in plain ops.

A kernel takes arrays, returns arrays, and knows nothing of the tape. So it may use any fast code. The
backward kernel cannot be differentiated, but the definition can. The definition says what the op means: tests
compare the kernels with it, and second derivatives and forward mode go through it. Kernels take NumPy's own
arrays; on other array classes (see `arrays.py`) the definition runs. On the batches of `vmap` a kernel runs
too, if `samples` says which axes count samples (see `folding.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .apply import record_result, unrecorded_result
from .arrays import at_once, door, is_batched, on_host, refuse_other_arithmetic, unwrap
from .box import Box
from .errors import ShapeError
from .folding import Folded, Kernel, forward_of, pull_of
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
    samples: Any = None,
    each: Callable[..., Any] | None = None,
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
        samples: the axes that count samples, for `vmap`, which adds its members there:
            `(axes of args, axis of the result, {option: axis})`. An axis is an int, `...` if the kernel
            takes any axes in front, or None for weights. The axes of several results are a tuple, and the
            options may be left out. `samples(*args, **options)` returns the axes if they depend on the call.
            Default: on a batch the definition runs.
        each: `each(g, *args, needs=needs, **options)` returns the cotangents of the weights for each member
            of a batch, which is an axis in front of all arrays but the weights. Default: the definition.

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
        op = _op(definition, Kernel(forward, backward, samples, each), flow)
        op.work = work  # type: ignore[attr-defined]
        return op

    return decorate


def _op(definition: Callable[..., Any], kernel: Kernel, flow: Flow) -> Callable[..., Any]:
    if is_built_in(definition):  # intermediate overflow and underflow are harmless, whatever np.seterr says
        kernel = kernel._replace(forward=np.errstate(all="ignore")(kernel.forward))
    forward = kernel.forward

    @functools.wraps(definition)
    def op(*args: Any, **options: Any) -> Any:
        values, whole, many = list(map(unwrap, args)), None, False
        for x in values:
            if x.__class__ is not _ARRAY:
                if (whole := whole or door(x)) is None and not on_host(x):
                    if kernel.samples is None or not is_batched(x):
                        return definition(*args, **options)
                    many = True
                refuse_other_arithmetic(x, op_name(op))
        tensors = [x for x in args if isinstance(x, Tensor)]
        recorded = is_recording() and any(x.node is not None for x in tensors)
        if recorded:  # first protect the constants, so that residuals are computed from the copies
            inputs = tuple([(x.node or x) if isinstance(x, Tensor) else x for x in args])
            kept, watched = keep_constants(known[op], inputs, values, options)
            options = kept or {}
        try:
            if many:
                made = forward_of(kernel, values, options, [_place(x) for x in args])
            else:
                made = (forward if whole is None else functools.partial(at_once, forward))(*values, **options)
            value, residuals = (None, None) if made is NotImplemented else made
        except Exception as error:
            raise explain(op, values, error) from error
        if made is NotImplemented:
            return definition(*args, **options)
        if recorded:
            options["_residuals"] = residuals
            return like(tensors, record_result(op, inputs, tuple(values), options, value, watched))
        if not tensors:
            return value
        return like(tensors, unrecorded_result(op, values, value))

    # plain: the kernels follow PyTorch's convention for complex numbers themselves.
    known[op] = Rule(joint=_joint(op, definition, kernel), flow=flow, plain=True)
    return op


def _place(x: Any) -> int | None:
    """The place of an argument on the tape, or None."""
    return x.node.index if isinstance(x, Tensor) and x.node is not None else None


def _joint(
    op: Callable[..., Any], definition: Callable[..., Any], kernel: Kernel
) -> Callable[..., tuple[Any, ...]]:
    """The rule of a fused op: the backward kernel, and the definition where the kernel cannot run."""
    backward = kernel.backward

    def by_definition(g: Any, args: tuple[Any, ...], options: dict[str, Any], needs: Any) -> list[Any]:
        wanted = [i for i, need in enumerate(needs) if need]

        def of_wanted(*xs: Any) -> Any:
            changed = list(args)
            for i, x in zip(wanted, xs, strict=True):
                changed[i] = x
            return definition(*changed, **options)

        sent = iter(vjp(of_wanted, *(args[i] for i in wanted))[1](g))
        return [next(sent) if need else None for need in needs]

    def joint(
        g: Any, y: Any, *args: Any, needs: tuple[bool, ...], _residuals: Any = None, **options: Any
    ) -> tuple[Any, ...]:
        parts = g if g.__class__ is tuple else (g,)
        if _residuals.__class__ is not Folded and all(map(on_host, parts)):  # not recorded, and no batch
            pulled = backward(g, _residuals, needs)
        elif any(isinstance(x, Box) for x in (*parts, *args)) or not (
            _residuals.__class__ is Folded or any(map(is_batched, parts))
        ):
            pulled = by_definition(g, args, options, needs)
        else:
            pulled = pull_of(kernel, g, _residuals, args, options, needs)
            left = [gx is NotImplemented for gx in pulled]
            if any(left):
                others = by_definition(g, args, options, left)
                pulled = [other if own else gx for gx, other, own in zip(pulled, others, left, strict=True)]
        if not isinstance(pulled, (tuple, list)) or len(pulled) != len(args):
            raise ShapeError(
                f"the backward kernel of {op_name(op)} returned {how_many(pulled)} cotangents for "
                f"{len(args)} arguments; return one for each, or None"
            )
        return tuple(pulled)

    return joint
