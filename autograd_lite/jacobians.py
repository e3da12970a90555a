"""All the partial derivatives of a function: rows by pullbacks, columns by tangents, many at once by `vmap`.

The pullback of a function is linear, and computes one row of the Jacobian from one unit cotangent. On a
batch of all unit cotangents it computes all rows in the time of a few: a product of a matrix and a vector
becomes one of two matrices, and Python goes through the steps of the tape once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import tree
from .aliases import Call, Function, like_primal
from .arrays import asarray, dtype_of, every, on_host, shape_of, unwrap, zeros
from .arrays import owned as copied
from .batching import vmap
from .batching.mapping import quietly
from .errors import BatchError, DTypeError
from .node import tape_order
from .tensor import Tensor
from .transforms import are_several, argnums_of, cotangent_of, grad, jvp

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev"]

ROOM = 1 << 24
"""So many numbers a batch of cotangents may hold at one step of the tape."""


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """A function that returns all the partial derivatives of an array-valued `f`, from its rows.

    There is one backward pass, for a batch of all the entries of the output; where a rule cannot take a
    batch, one for each entry. `jacrev` is another name for it.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays.
        argnums: as in `grad`.

    Returns:
        A function whose result has, for each output and argument, the shape
        `output.shape + argument.shape`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
    """
    several = are_several(argnums)

    @functools.wraps(f)
    def partials(*args: Any, **kwargs: Any) -> Any:
        call = Call(f, args, kwargs, argnums_of(argnums, args))
        nested = call.is_nested()
        blocks = []
        for k, y in enumerate(call.outputs):
            rows = functools.partial(_rows, call, k, nested)
            columns = rows(1)
            if dtype_of(unwrap(y)).kind == "c":
                columns = [_partial(x, a, b) for x, a, b in zip(call.aliases, columns, rows(1j), strict=True)]
            block = call.like_primals(
                np.reshape(g, (*shape_of(y), *x.shape)) for g, x in zip(columns, call.aliases, strict=True)
            )
            blocks.append(tuple(block) if several else block[0])
        return call.rebuild_out(blocks)

    return partials


jacrev = jacobian


def _rows(call: Call, k: int, nested: bool, unit: complex) -> list[Any]:
    """For each argument, the cotangents from `unit` at each entry of the k-th output, in one array.

    Args:
        call: of the function.
        k: which output.
        nested: whether an outer tape takes part.
        unit: 1, or 1j for the imaginary part.
    """
    none = [np.zeros_like(cotangent_of(y)) for y in call.outputs]
    n = none[k].size
    if not n:
        return [zeros((0, *x.shape), like=x) for x in call.aliases]

    def pull(one: Any) -> list[Any]:
        seeds = [*none[:k], np.reshape(one, none[k].shape), *none[k + 1 :]]
        return call.pull([g if nested else unwrap(g)[()] for g in seeds], record=nested, retain=True)

    def one_by_one() -> list[Any]:
        rows = []
        for place in np.ndindex(none[k].shape):
            one = copied(none[k])
            one[place] = unit
            rows.append(pull(one[()]))
        return [np.stack(row) for row in zip(*rows, strict=True)]

    if n == 1 or not all(map(_batches, none)):
        return one_by_one()
    try:
        parts = [quietly(vmap(pull), unit * units) for units in _units(n, none[k].dtype, _largest(call))]
    except BatchError:
        return one_by_one()
    return parts[0] if len(parts) == 1 else [np.concatenate(part) for part in zip(*parts, strict=True)]


def _batches(x: Any) -> bool:
    """Whether a batch can hold an array of this class."""
    return on_host(x) or getattr(x, "__array_several__", None) is not None


def _units(n: int, dtype: Any, largest: int) -> Iterator[Any]:
    """The rows of the identity matrix, so many at a time as there is room for."""
    step = max(ROOM // max(largest, n), 1)
    return (np.eye(min(step, n - i), n, i, dtype) for i in range(0, n, step))


def _largest(call: Call) -> int:
    """The most numbers that one step of a call holds."""
    ends = [y.node for y in call.outputs if isinstance(y, Tensor) and y.node is not None]
    values = [step.value for step in tape_order(ends, call.since)]
    return max((math.prod(shape_of(v)) for v in values if v.__class__ is not tuple), default=1)


def _partial(x: Tensor, real: Any, imaginary: Any) -> Any:
    """dy/dx of one complex output from the gradients of its real and its imaginary part."""
    if x.dtype.kind != "c":
        return real + 1j * imaginary
    one, other = unwrap(imaginary), 1j * unwrap(real)
    near = 1e-8 * np.max(np.abs(other), initial=0)
    if not every(np.isclose(one, other, atol=near, equal_nan=True)):
        raise DTypeError(
            "jacobian: the function is not holomorphic, so its complex derivative does not exist; "
            "differentiate its real and imaginary parts by themselves"
        )
    return np.conjugate(real)


def jacfwd(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The Jacobian of `f` from its columns, in forward mode: a batch of all the entries of the arguments.

    For a function of few numbers that returns many this is faster than `jacobian`.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays.
        argnums: as in `grad`; the arguments are real.

    Returns:
        A function whose result has, for each output and argument, the shape
        `output.shape + argument.shape`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jacfwd(lambda t: np.stack([np.cos(t), np.sin(t)]))(0.0)
        array([0., 1.])
    """
    several = are_several(argnums)

    @functools.wraps(f)
    def partials(*args: Any, **kwargs: Any) -> Any:
        places = argnums_of(argnums, args)
        primals, rebuild = tree.flatten([args[i] for i in places])
        values = [asarray(unwrap(x)) for x in primals]
        if any(x.dtype.kind == "c" for x in values):
            raise DTypeError("jacfwd: an argument is complex; write ag.jacobian(f)")

        def of_leaves(*leaves: Any) -> Any:
            changed = list(args)
            for i, value in zip(places, rebuild(leaves), strict=True):
                changed[i] = value
            return f(*changed, **kwargs)

        columns = [_columns(of_leaves, primals, j, x) for j, x in enumerate(values)]
        outputs = tree.flatten(columns[0])[1]
        blocks = []
        for each in zip(*(tree.flatten(column)[0] for column in columns), strict=True):
            block = rebuild([like_primal(g[()], x) for g, x in zip(each, primals, strict=True)])
            blocks.append(tuple(block) if several else block[0])
        return outputs(blocks)

    return partials


def _columns(f: Function, primals: list[Any], j: int, x: Any) -> Any:
    """The derivatives with respect to the j-th argument x, which has the last axes of each output."""
    still = [np.zeros(shape_of(p)) for p in primals]

    def along(tangent: Any) -> Any:
        return jvp(f, primals, [*still[:j], np.reshape(tangent, x.shape), *still[j + 1 :]])[1]

    if x.size == 0:
        like = jvp(f, primals, still)[1]
        return tree.map_leaves(lambda y: np.zeros((*shape_of(y), *x.shape), dtype_of(y)), like)
    units = np.eye(x.size, dtype=x.dtype if x.dtype.kind == "f" else float)
    try:
        columns = quietly(vmap(along, out_axes=-1), units)
    except BatchError:
        results = [tree.flatten(along(unit)) for unit in units]
        stacks = [np.stack(each, axis=-1) for each in zip(*(leaves for leaves, _ in results), strict=True)]
        columns = results[0][1](stacks)
    return tree.map_leaves(lambda y: np.reshape(y, (*shape_of(y)[:-1], *x.shape)), columns)


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """A function that returns the second partial derivatives of a scalar `f`.

    Args:
        f: returns a single real number.
        argnums: as in `grad`; for a tuple, a tuple of tuples of blocks comes back.

    Returns:
        A function whose result has the shape `argument.shape + argument.shape`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)
