"""`jet`: the Taylor coefficients of a function along a line, and their way back through the tape.

Two ops lead into a series and out of it:

    joined(level, x_0, x_1, ...)    the series x_0 + x_1 t + ...
    term(y, k, level)               the coefficient of t^k

The derivative of one is the other. Let a cotangent of a series y be a series whose term of order n - k is the
cotangent of y_k. Then the cotangent of a in y = a b is g b, cut after order n, as for numbers. So the
backward pass runs the rules of the ops on such series, and gradients through `jet` need no more rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..aliases import NUMBERS, Function
from ..apply import primitive
from ..arrays import asarray, dtype_of, is_array, is_batched, owned, unwrap
from ..box import wrap
from ..errors import DTypeError, OptionError, ShapeError
from ..given import as_numbers
from ..kin import like
from ..known import defvjp
from ..node import next_index
from ..tensor import Tensor
from ..transforms import _fitted
from ..words.explain import describe
from .series import Level, Series, levels_of, through

__all__ = ["jet", "joined", "solution", "term"]


@primitive
def joined(level: Level, *terms: Any) -> Any:
    """The series with some terms; the others are 0."""
    batches = [x.__array_level__ for x in terms if is_batched(x)]
    if batches:
        inner = max(batches, key=lambda batch: batch.since)
        return inner.make(joined(level, *map(inner.full, terms)))
    return level.made(list(terms))


@primitive
def term(y: Any, k: int, level: Level) -> Any:
    """The coefficient of t^k; a constant has no others than the first."""
    if is_batched(y):
        return y.__array_level__.make(term(y.__array_several__, k, level))
    if isinstance(y, Series) and y._level is not level and y._level.since > level.since:
        return y._level.made([term(own, k, level) for own in y._terms])
    terms = y._terms if level.holds(y) else [asarray(y)]
    return terms[k][()] if k < len(terms) else np.zeros_like(terms[0])


def _term_rule(g: Any, y: Any, x: Any, k: int, level: Level) -> Any:
    place = level.order - k
    return joined(level, *[np.zeros_like(unwrap(g))] * place, g)


defvjp(
    joined,
    each=lambda i, g, y, level, *terms: term(g, level.order - (i - 1), level),
    flow="moves",
    reads=False,
)
defvjp(term, _term_rule, flow="moves", reads=False)
through.update({joined, term})


def _shared(self: Series, g: Any, parent: int, step: int) -> Any:
    """The cotangent of an input from outside of `jet`, which is a constant there.

    Args:
        g: what a step sends to an input: self, or a Tensor that holds it.
        parent, step: where the input and the step stand on the tape.
    """
    for level in levels_of(self):
        if parent <= level.since < step:
            g = term(g, level.order, level)
    return g


Series.__array_shared__.give(_shared)


def jet(f: Function, x: Any, v: Any, order: int) -> Any:
    """The Taylor coefficients of `f` along a line: those of f(x + t v) as a polynomial in t.

    The result has a new first axis: entry k is the coefficient c_k of t^k. The k-th derivative of f(x + t v)
    at t = 0 is k! c_k. So c_0 = f(x), c_1 is the tangent of `ag.jvp`, and 2 c_2 = v^T H v for a scalar f
    with the Hessian H. All coefficients up to order n cost about n^2 / 2 times as much as f.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays. It computes with functions of NumPy
            and of this library, and with any op that has a derivative rule.
        x: the argument, or a tuple of arguments: arrays, or nested tuples, lists and dicts of arrays. A list
            is one argument.
        v: the direction, with the structure and shapes of x.
        order: the highest order, an int from 0.

    Returns:
        An array of shape `(order + 1, *shape)` for each array of shape `shape` that f returns; a Tensor for
        Tensors.

    Raises:
        ShapeError: v has another shape or structure than x.
        DTypeError: x holds integers.
        OptionError: the order is negative, or no int.
        NotDifferentiableError: f calls an op without a derivative rule.

    Source:
        A. Griewank, A. Walther, "Evaluating Derivatives", 2nd ed. 2008, chapter 13.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jet(lambda x: 1 / (1 - x), 0.0, 1.0, 4)
        array([1., 1., 1., 1., 1.])
        >>> ag.jet(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0), 2)  # (2 + t) (3 + 10 t)
        array([ 6., 23., 10.])
    """
    _require_order(order, "jet")
    if not callable(f):
        raise DTypeError(f"jet takes a function, not {describe(f)}: ag.jet(f, x, v, 3)")
    several = isinstance(x, tuple) and not hasattr(x, "_fields")
    points, directions = (x, v) if several else ((x,), (v,))
    leaves, rebuild = tree.flatten(points)
    values = [_point(leaf, "jet(f, x, v, order)") for leaf in leaves]
    steps = _fitted(directions, points, values, "jet", "direction v", "point x")
    level = Level(int(order), next_index())
    lines = [_given(leaf, level, *pair) for leaf, *pair in zip(leaves, values, steps, strict=True)]
    results, rebuild_out = tree.flatten(f(*rebuild(lines)))
    tensors = any(isinstance(leaf, Tensor) for leaf in leaves)
    return rebuild_out([_coefficients(y, level, tensors) for y in results])


def solution(f: Function, y: Any, order: int) -> Any:
    """The Taylor coefficients of the solution of the differential equation dy/dt = f(y).

    If y is known up to t^k, then f(y) is, and gives the coefficient of t^(k + 1), divided by k + 1. The
    polynomial is a step of a Taylor method: `np.polynomial.polynomial.polyval(h, coefficients)` is y(h).

    Args:
        f: returns an array of the shape of y.
        y: the value at t = 0, an array.
        order: the highest order, an int from 0. f is called so many times.

    Returns:
        An array of shape `(order + 1, *y.shape)`; a Tensor for a Tensor.

    Raises:
        ShapeError: f returns an array of another shape than y.
        DTypeError, OptionError: as in `jet`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.series.solution(lambda y: y, 1.0, 4)  # exp(t)
        array([1.        , 1.        , 0.5       , 0.16666667, 0.04166667])
    """
    _require_order(order, "solution")
    value = _point(y, "solution(f, y, order)")
    terms = [value]
    for k in range(order):
        level = Level(k, next_index())
        slope = f(_given(y, level, *terms))
        if np.shape(unwrap(slope)) != value.shape:
            raise ShapeError(f"solution: f returns {describe(unwrap(slope))}, but y has shape {value.shape}")
        terms.append(term(slope, k, level) / (k + 1))
    return _as_given(np.stack(terms), isinstance(y, Tensor))


def _require_order(order: Any, name: str) -> None:
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 0:
        raise OptionError(f"{name}(order={order!r}): the highest order is an int from 0, e.g. order=3")


def _point(x: Any, line: str) -> Any:
    """An argument as an array or Tensor of floating-point numbers; Python's integers become floats."""
    value = x
    if not isinstance(x, Tensor):
        value = owned(as_numbers(float(x) if isinstance(x, int) else x, line), "C")[()]
    if value.dtype.kind not in "fc":
        raise DTypeError(
            f"{line}: got {describe(unwrap(x))}, and only floating-point or complex values have derivatives; "
            "write x.astype(float)"
        )
    return value


def _given(x: Any, level: Level, *terms: Any) -> Any:
    """A series as f gets it: a Tensor, in the class of the argument x."""
    line = joined(level, *terms[: level.order + 1])
    return like((x,), line if isinstance(line, Tensor) else wrap(line))


def _coefficients(y: Any, level: Level, tensors: bool) -> Any:
    """The coefficients of a result, along a new first axis."""
    value = unwrap(y)
    if not (is_array(value) or isinstance(value, NUMBERS)):
        return y
    if not isinstance(y, Tensor) and not is_array(y):
        y = np.asarray(y, None if dtype_of(y).kind in "fc" else float)
    return _as_given(np.stack([term(y, k, level) for k in range(level.order + 1)]), tensors)


def _as_given(stack: Any, tensors: bool) -> Any:
    """A Tensor if Tensors came in, or if a tape needs the result; else an array."""
    if isinstance(stack, Tensor):
        return stack if tensors or stack.node is not None else stack._data
    return wrap(stack) if tensors else stack
