"""Products of vectors, matrices and arrays of more axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import compositions, defvjp
from ..tensor import primitive, unwrap
from .indexing import scatter

__all__: list[str] = []

# -- matmul and dot --------------------------------------------------------------------------------


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g b^T, for matrices; vectors are rows on the left and columns on the right."""
    if len(b.shape) == 1:
        return np.expand_dims(g, -1) * b if len(a.shape) > 1 else g * b
    if len(a.shape) == 1:
        return np.matmul(b, np.expand_dims(g, -1))[..., 0]
    return np.matmul(g, np.matrix_transpose(b))


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    """a^T g."""
    if len(a.shape) == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2) if len(b.shape) > 1 else g * a
    if len(b.shape) == 1:
        return np.matmul(np.matrix_transpose(a), np.expand_dims(g, -1))[..., 0]
    return np.matmul(np.matrix_transpose(a), g)


defvjp(np.matmul, _matmul_left, _matmul_right, broadcasts=True, flow="mixes")


def _dot(a: Any, b: Any, out: None = None) -> Any:
    """A product with numbers, a matmul of vectors and matrices, else a sum over the last axis of a
    and the last but one of b."""
    m, n = np.ndim(unwrap(a)), np.ndim(unwrap(b))
    if m == 0 or n == 0:
        return np.multiply(a, b)
    if m <= 2 and n <= 2:
        return np.matmul(a, b)
    left, inner = list(range(m - 1)), m - 1
    right = [m + i for i in range(n)]
    right[-2 if n > 1 else -1] = inner
    return np.einsum(a, [*left, inner], b, right, [*left, *(i for i in right if i != inner)])


def _outer(a: Any, b: Any, out: None = None) -> Any:
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """A sum over axes of a and axes of b; a number n stands for the last n and the first n."""
    m, n = np.ndim(unwrap(a)), np.ndim(unwrap(b))
    if isinstance(axes, (int, np.integer)):
        axes = list(range(m - int(axes), m)), list(range(int(axes)))
    left, right = ([k] if isinstance(k, (int, np.integer)) else list(k) for k in axes)
    one, other = list(range(m)), list(range(m, m + n))
    for i, j in zip(left, right, strict=True):
        other[j] = one[i]
    summed = {one[i] for i in left}
    return np.einsum(a, one, b, other, [i for i in (*one, *other) if i not in summed])


def _inner(a: Any, b: Any) -> Any:
    scalar = not np.ndim(unwrap(a)) or not np.ndim(unwrap(b))
    return np.multiply(a, b) if scalar else np.tensordot(a, b, axes=(-1, -1))


compositions[np.dot] = _dot
compositions[np.outer] = _outer
compositions[np.inner] = _inner
compositions[np.tensordot] = _tensordot
compositions[np.vdot] = lambda a, b: np.sum(np.conjugate(np.reshape(a, -1)) * np.reshape(b, -1))

# -- einsum ----------------------------------------------------------------------------------------

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""In the order of their codes, which is that of implicit outputs."""


def _einsum(*operands: Any, optimize: Any = False) -> Any:
    """Every form of einsum brought to one: explicit subscripts with a letter for each axis."""
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0].replace(" ", ""), operands[1:]
    else:
        arrays, lists = operands[0 : len(operands) // 2 * 2 : 2], operands[1::2]
        subscripts = ",".join(map(_letters, lists))
        if len(operands) % 2:
            subscripts += "->" + _letters(operands[-1])
    ndims = [np.ndim(unwrap(a)) for a in arrays]
    return einsum(_explicit(subscripts, ndims), *arrays, optimize=optimize)


@primitive
def einsum(subscripts: str, *arrays: Any, optimize: Any = False) -> Any:
    """numpy.einsum with explicit subscripts, a letter for each axis."""
    return np.einsum(subscripts, *arrays, optimize=optimize)


def _letters(axes: Any) -> str:
    return "".join("..." if axis is Ellipsis else LETTERS[axis] for axis in axes)


def _explicit(subscripts: str, ndims: list[int]) -> str:
    """`ij,j` -> `ij,j->i` and `...i,i` -> letters for the dots: the form that the rule reads."""
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum({subscripts!r}) names {len(terms)} operands, {len(ndims)} came")
    free = [letter for letter in LETTERS if letter not in subscripts]
    widths = [n - len(t.replace("...", "")) if "..." in t else 0 for t, n in zip(terms, ndims, strict=True)]
    dots = "".join(free[: max(widths, default=0)])
    terms = [t.replace("...", dots[len(dots) - w :]) for t, w in zip(terms, widths, strict=True)]
    if not arrow:
        named = "".join(terms)
        output = "..." if dots else ""
        output += "".join(sorted(c for c in set(named) - set(dots) if named.count(c) == 1))
    return ",".join(terms) + "->" + output.replace("...", dots)


def _einsum_vjp(i: int, g: Any, y: Any, subscripts: str, *arrays: Any, optimize: Any = False) -> Any:
    """Swap the output with the i-th operand; axes it has alone or repeated are put back after."""
    k = i - 1
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    term, x = terms[k], arrays[k]
    others = [(t, a) for j, (t, a) in enumerate(zip(terms, arrays, strict=True)) if j != k]
    known = set(output).union(*(t for t, _ in others)) if others else set(output)
    once = "".join(dict.fromkeys(term))
    reachable = "".join(letter for letter in once if letter in known)
    spec = ",".join([output, *(t for t, _ in others)]) + "->" + reachable
    result = np.einsum(spec, g, *(a for _, a in others), optimize=optimize)
    # An axis of the operand that stands nowhere else was summed over: copy along it. One that was
    # broadcast (size 1 here, more elsewhere) is summed.
    sizes = [x.shape[term.index(letter)] for letter in once]
    for axis, letter in enumerate(once):
        if letter not in reachable:
            result = np.expand_dims(result, axis)
    shrink = tuple(ax for ax, n in enumerate(sizes) if n == 1 and result.shape[ax] != 1)
    if shrink:
        result = np.sum(result, axis=shrink, keepdims=True)
    result = np.broadcast_to(result, tuple(sizes))
    if len(once) == len(term):
        return result
    # A repeated letter reads a diagonal: write the cotangent onto the diagonal of zeros.
    grids = np.ix_(*(np.arange(n) for n in sizes))
    return scatter(result, tuple(grids[once.index(letter)] for letter in term), x.shape)


compositions[np.einsum] = _einsum
defvjp(einsum, each=_einsum_vjp)
