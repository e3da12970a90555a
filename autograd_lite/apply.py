"""How an op gets on the tape: `apply`, which NumPy calls for `np.op(tensor)`, and the public door for ops.

An operator such as `x * y` and a call such as `apply(op, *args)` both compute with plain arrays. If an
input is on the tape, they then record one `Node`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from .arrays import (
    asarray,
    door,
    dtype_of,
    empty,
    on_host,
    owned,
    read_at,
    refuse_other_arithmetic,
    shape_of,
    stored,
)
from .box import HARMLESS, OPERANDS, PLAIN, Box, Value, answer, record, wrap
from .calls import (
    NUMPY_FUNCTION,
    before_out,
    boxes,
    deep_unwrap,
    named,
    positional,
    require_rule,
    stacked,
    takes,
    vetted,
    with_plain_options,
    with_stacks,
)
from .errors import AutogradLiteError, BatchError, DTypeError
from .kept import keep_constants
from .kin import as_kin, like
from .known import Composition, Constant, Refused, Rule, constant, known, rule_of
from .node import FIXED, Node, Op
from .recording import current
from .views import alone, handed_on, read_only, share, share_if_seen
from .words.advice import unsupported_call, unsupported_method
from .words.explain import describe, explain, missing_rule

__all__ = [
    "alias",
    "apply",
    "as_value",
    "astype",
    "compute",
    "nondifferentiable",
    "output",
    "output_of",
    "primitive",
    "record_kept",
    "record_result",
    "setitem",
    "stop_gradient",
    "unrecorded",
    "unrecorded_result",
    "viewed",
    "written",
]

_F = TypeVar("_F", bound=Callable[..., Any])


def apply(op: Op, *args: Any, **kwargs: Any) -> Any:
    """Compute `op(*args, **kwargs)` and record it if an argument is on the tape.

    Returns:
        A Tensor, or a tuple of Tensors; a plain array if `op` carries no gradient. The result is in the
        class of a subclass of Tensor among the arguments.

    Raises:
        NotDifferentiableError: an argument is on the tape, and `op` has no rule.
        UnsupportedError: `out=`, `where=` and other ways of calling that cannot be recorded.
    """
    by_keyword = False
    if kwargs:
        kwargs, by_keyword = with_plain_options(op, args, kwargs)
    rule = known.get(op) or rule_of(op)
    if rule.__class__ is not Rule:
        if rule.__class__ is Composition:
            return _composed(op, rule.function, args, kwargs)
        return _unruled(op, args, kwargs)
    if by_keyword:
        args, kwargs = positional(op, args, kwargs)
    if rule.joint is None and len(args) > len(rule.vjps) and op.__class__ is NUMPY_FUNCTION:
        args, kwargs = named(op, len(rule.vjps), args, kwargs)
    values: list[Any] = []
    inputs: list[Any] = []
    recorded, fixed = False, not kwargs
    for arg in args:
        kind = type(arg)
        if kind in PLAIN:
            values.append(arg._data)
            inputs.append(arg.node or arg)
            if arg.node is None:
                fixed = False
            else:
                recorded = True
            continue
        if kind not in HARMLESS:
            if isinstance(arg, Box):
                return as_kin(apply, op, *args, **kwargs)
            arg = vetted(op, arg)
            if isinstance(arg, Box):
                return apply(op, *map(stacked, args), **kwargs)
        if type(arg) not in FIXED:
            fixed = False
        values.append(arg)
        inputs.append(arg)
    try:
        value = read_at(*values) if op is operator.getitem else op(*values, **kwargs)
    except Exception as error:
        raise explain(op, values, error, kwargs) from error

    if not recorded or current().listeners is None or not _is_inexact(value):
        result = unrecorded_result(op, values, value)
    else:
        require_rule(op, rule, args, kwargs)
        kept, watched = (None, ()) if fixed else keep_constants(rule, inputs, values, kwargs)
        result = record_result(op, tuple(inputs), tuple(values), kept or None, value, watched)
    if rule.views and isinstance(args[0], Box):
        share_if_seen(args[0], result, value, op, tuple(values[1:]), kwargs)
    return result


def _composed(op: Op, composed: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function that is composed of other ops; these ops record themselves."""
    given: Any = args
    for arg in (*args, *kwargs.values()) if kwargs else args:
        if arg.__class__ not in HARMLESS:
            refuse_other_arithmetic(arg)
            if arg.__class__ is list or arg.__class__ is tuple:
                given = list(boxes((args, kwargs)))
                args, kwargs = with_stacks(op, args, kwargs)
                break
    if len(args) > 2 and op.__class__ is NUMPY_FUNCTION and (arrays := before_out(op)):
        args, kwargs = named(op, arrays, args, kwargs)
    for keyword in kwargs:
        if not takes(composed, keyword):
            raise unsupported_call(op, keyword, args, kwargs)
    try:
        result = composed(*args, **kwargs)
    except BatchError as error:  # a value decides: it is asked of one member of the batch at a time
        if error.level is None:
            raise
        return error.level.looped(op, args, kwargs)
    except Exception as error:
        raise explain(op, args, _numpys_own(op, args, kwargs, error)) from error
    return _as_numpys(op, args, kwargs, like((*given, *kwargs.values()), result))


def _as_numpys(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    """The result of a composition: a view, or a read-only view, exactly where NumPy gives one."""
    if read_only(op):
        if isinstance(result, Box) and args and isinstance(args[0], Box):
            share(args[0], alone(result), op, args[1:], kwargs)
    elif op not in handed_on:
        for view in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(view, Box) and view._views is not None and not any(view is x for x in args):
                alone(view)
    return result


def _numpys_own(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception) -> Exception:
    """NumPy's own error for a call, if the composition failed with an error of another class."""
    if not isinstance(error, (AutogradLiteError, ValueError)):
        try:
            op(*deep_unwrap(args), **deep_unwrap(kwargs))
        except Exception as own:
            return own
    return error


def _unruled(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call an op that is constant or has no rule; an op without a rule refuses recorded Tensors."""
    entry = known.get(op)
    if not isinstance(entry, Constant) and any(t.node is not None for t in boxes((args, kwargs))):
        reason = entry.reason if isinstance(entry, Refused) else None
        raise missing_rule(op, known.all(Rule, Composition), reason)
    for arg in args:
        if arg.__class__ not in HARMLESS:
            refuse_other_arithmetic(arg)
    return _constant(op, args, kwargs)


def _constant(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of an op without a gradient: plain arrays, or constants of a subclass of Tensor."""
    given = list(boxes((args, kwargs)))
    args, kwargs = deep_unwrap(args), deep_unwrap(kwargs)
    try:
        return like(given, answer(op(*args, **kwargs)))
    except Exception as error:
        raise explain(op, args, error) from error


def compute(op: np.ufunc, function: Callable[[Any], Any], x: Any) -> Any:
    """Apply a ufunc to one Tensor: `apply` without its work for other arguments and keywords."""
    if type(x) not in PLAIN:
        return as_kin(compute, op, function, x)
    a, node = x._data, x.node
    try:
        value = function(a)
    except Exception as error:
        raise explain(op, (a,), error) from error
    if node is None or (listeners := current().listeners) is None:
        return unrecorded(op, (a,), value)
    return record(op, (node,), (a,), None, value, listeners)


def viewed(op: Op, x: Any, args: tuple[Any, ...], value: Value) -> Any:
    """Record an op that gives a view of one Tensor: `apply` without its work for other arguments.

    Args:
        op: e.g. `operator.getitem`.
        x, args: the Tensor, and the other arguments of the op, which nobody can change.
        value: the result of the op on plain arrays.
    """
    made, node, a = value, x.node, x._data
    if not value.ndim:
        value = stored(value)
    if node is None or (listeners := current().listeners) is None:
        result = unrecorded(op, (a, *args), value)
    else:
        result = record(op, (node, *args), (a, *args), None, value, listeners)
    if made.__class__ is np.ndarray or (made.__class__ not in FIXED and door(made) is not None):
        share_if_seen(x, result, made, op, args, _NO_OPTIONS)
    return result


_NO_OPTIONS: dict[str, Any] = {}


def written(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Let a ufunc write into a plain array, as in `array -= tensor`.

    A Tensor on the tape is refused: a plain array cannot record what is written into it.
    """
    targets = kwargs["out"] if "out" in kwargs else args[:1]
    taped = current().listeners is not None and any(t.node is not None for t in boxes((args, kwargs)))
    if taped or any(isinstance(target, Box) for target in targets):
        if method != "__call__":
            raise unsupported_method(ufunc, method, args, kwargs)
        raise unsupported_call(ufunc, "out", args, kwargs)
    values = deep_unwrap(args)
    try:
        return getattr(ufunc, method)(*values, **deep_unwrap(kwargs))
    except Exception as error:
        raise explain(ufunc, values, error) from error


# -- results ---------------------------------------------------------------------------------------


def record_result(
    op: Op,
    inputs: tuple[Any, ...],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    value: Any,
    watched: Any = (),
) -> Any:
    """Record one step; for an op with several results also one step per result, which selects it."""
    listeners = current().listeners or ()
    value = tuple(map(as_value, value)) if value.__class__ is tuple else as_value(value)
    whole = record(op, inputs, args, kwargs, value, listeners)
    if watched:
        cast(Node, whole.node).note().watched = watched
    if value.__class__ is not tuple:
        return whole
    return tuple(output_of(whole, i) for i in range(len(value)))


def record_kept(op: Op, inputs: tuple[Any, ...], args: list[Any], value: Value) -> Any:
    """Record one step, and protect its constants from later changes by the program."""
    _, watched = keep_constants(known[op], inputs, args)
    return record_result(op, inputs, tuple(args), None, value, watched)


def unrecorded(op: Op, args: Any, value: Value) -> Any:
    """The result of a step that is not recorded; `detect_anomaly` checks it nevertheless."""
    if (check := current().checks) is not None:
        check(op, args, value)
    return wrap(value)


def unrecorded_result(op: Op, args: Any, value: Any) -> Any:
    """`record_result` for a step that is not recorded: the results are constants."""
    if value.__class__ is tuple:
        return tuple(unrecorded(op, args, as_value(v)) for v in value)
    return unrecorded(op, args, as_value(value))


def as_value(value: Any) -> Value:
    """The result of an op as the tape stores it: an array, or a NumPy scalar if the result is 0-d."""
    kind = value.__class__
    if (kind is np.ndarray and value.ndim) or kind is np.float64:
        return value
    refuse_other_arithmetic(value)
    array = asarray(value)
    if array.dtype.kind not in "biufc":
        raise DTypeError(f"an op returned {describe(value)}; it returns an array, or a tuple of arrays")
    return stored(array)


def _is_inexact(value: Any) -> bool:
    """Whether a result can carry a gradient; integers and booleans cannot."""
    return value.__class__ is tuple or getattr(value, "dtype", np.dtype(float)).kind in "fc"


def output(outputs: tuple[Any, ...], i: int) -> Any:
    """The i-th result of an op with several: a step of its own, so that every node has one cotangent."""
    return outputs[i]


def output_of(whole: Any, i: int) -> Any:
    """The i-th result of a step with several results, as a Tensor."""
    args = (whole._data, i)
    return record(output, (whole.node, i), args, None, whole._data[i], current().listeners or ())


def _output_vjp(g: Any, y: Any, outputs: tuple[Any, ...], i: int) -> tuple[Any, ...]:
    return tuple(g if j == i else None for j in range(len(outputs)))


known[output] = Rule((_output_vjp,), plain=True)


# -- the public door for ops -----------------------------------------------------------------------


@overload
def primitive(function: _F) -> _F: ...
@overload
def primitive(function: None = None, *, broadcasts: bool = False) -> Callable[[_F], _F]: ...
def primitive(function: Any = None, *, broadcasts: bool = False) -> Any:
    """Make an op, which takes Tensors and can have a rule, of a function of plain arrays.

    Args:
        function: computes with arrays, and returns an array or a tuple of arrays. Tensors are
            arguments of their own, not items of a list.
        broadcasts: the function broadcasts its arguments, entry by entry; cotangents are summed back.

    Returns:
        The op; give it a rule with `defvjp`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.primitive(broadcasts=True)
        ... def softclip(x, width):
        ...     return width * np.tanh(x / width)
        >>> ag.defvjp(softclip, lambda g, y, x, width: g / np.cosh(x / width)**2)
        >>> ag.grad(softclip)(0.0, 2.0)
        1.0
    """
    if function is None:
        return functools.partial(primitive, broadcasts=broadcasts)

    @functools.wraps(function)
    def op(*args: Any, **kwargs: Any) -> Any:
        whole = None
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if arg.__class__ not in OPERANDS:
                if isinstance(arg, Box):
                    return apply(op, *args, **kwargs)
                if ask := getattr(arg, "__array_op__", None):
                    return ask(op, function, args, kwargs)
                refuse_other_arithmetic(arg)
                whole = whole or door(arg)
        return function(*args, **kwargs) if whole is None else whole(function, args, kwargs)

    known[op] = Rule(broadcasts=broadcasts, flow="elementwise" if broadcasts else "mixes")
    return op


def nondifferentiable(function: _F) -> _F:
    """Declare that a function carries no gradient: on Tensors it returns plain arrays.

    Args:
        function: a NumPy function, which is then registered, or a function of your own.

    Returns:
        The NumPy function itself, or your function in a wrapper that takes Tensors.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.nondifferentiable
        ... def bucket(x):
        ...     return np.digitize(x, [0.0, 1.0])
        >>> bucket(ag.Tensor([-1.0, 0.5, 2.0], requires_grad=True))
        array([0, 1, 2])
    """
    if isinstance(function, (np.ufunc, NUMPY_FUNCTION)):
        constant(function)
        return cast(_F, function)

    @functools.wraps(function)
    def op(*args: Any, **kwargs: Any) -> Any:
        return _constant(function, args, kwargs)

    return cast(_F, op)


def stop_gradient(x: Any) -> Any:
    """The same value as a constant: nothing flows back through it.

    >>> import autograd_lite as ag
    >>> ag.grad(lambda x: x * ag.stop_gradient(x))(3.0)
    3.0
    """
    return x.detach() if isinstance(x, Box) else x


# -- ops of the engine itself ----------------------------------------------------------------------


@primitive
def setitem(x: Any, value: Any, index: Any) -> Any:
    """A copy of `x` with `x[index] = value`."""
    if on_host(value) or not on_host(x):
        result = owned(x)
    else:  # an array of NumPy's takes the class of what is assigned
        result = empty(shape_of(x), dtype_of(x), like=value)
        result[...] = x
    result[index] = value
    return result if result.ndim else result[()]


@primitive
def astype(x: Any, dtype: npt.DTypeLike, **options: Any) -> Any:
    """`x` in another dtype."""
    return asarray(x).astype(dtype, **options)


@primitive
def alias(x: Any) -> Any:
    """`x` under a new node: a nested `grad` differentiates with respect to this node."""
    return x
