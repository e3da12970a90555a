"""Products of vectors, matrices and arrays with more axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..apply import primitive, setitem
from ..arrays import asarray, shape_of, zeros
from ..errors import ShapeError
from ..known import Composition, defvjp, known
from ..sums import SHORT, contracted, total
from ..views import defview, handed_on
from .indexing import scatter
from .signal import LONG

__all__: list[str] = []

# -- conjugates and transposes ---------------------------------------------------------------------


def conj(x: Any) -> Any:
    """The complex conjugate; a real array is returned unchanged, without a step on the tape."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def adjoint(x: Any) -> Any:
    """The conjugate transpose of a matrix."""
    return conj(np.matrix_transpose(x))


known[np.linalg.matrix_transpose] = Composition(np.matrix_transpose)

# -- matrices --------------------------------------------------------------------------------------


def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g b^T for matrices; a vector a is a row, a vector b a column."""
    if len(b.shape) == 1:
        return np.expand_dims(g, -1) * b if len(a.shape) > 1 else g * b
    if len(a.shape) == 1:
        return contracted(b, np.expand_dims(g, -1))[..., 0]
    return contracted(g, np.matrix_transpose(b))


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    """a^T g for matrices.

    If b is one matrix for many matrices a, these are first stacked as rows: one product is faster than many
    products and a sum.
    """
    if len(a.shape) == 1:
        return np.expand_dims(a, -1) * np.expand_dims(g, -2) if len(b.shape) > 1 else g * a
    if len(b.shape) == 1:
        g = np.expand_dims(g, -1)
    if len(a.shape) > 2 and len(b.shape) <= 2:
        rows = math.prod(a.shape[:-1])
        a, g = np.reshape(a, (rows, a.shape[-1])), np.reshape(g, (rows, g.shape[-1]))
    gb = contracted(np.matrix_transpose(a), g)
    return gb[..., 0] if len(b.shape) == 1 else gb


def _matvec(x1: Any, x2: Any) -> Any:
    if len(shape_of(x1)) < 2:
        raise ValueError(f"the first argument has shape {shape_of(x1)}; expected a matrix")
    return np.matmul(x1, np.expand_dims(x2, -1))[..., 0]


def _vecmat(x1: Any, x2: Any) -> Any:
    if len(shape_of(x2)) < 2:
        raise ValueError(f"the second argument has shape {shape_of(x2)}; expected a matrix")
    return np.matmul(np.expand_dims(conj(asarray(x1)), -2), x2)[..., 0, :]


def _vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """The sum of conj(x1) x2 along an axis of each; the other axes are broadcast."""
    x1, x2 = _last(x1, axis), _last(x2, axis)
    if x1.shape[-1:] != x2.shape[-1:]:  # einsum would stretch an axis of size 1
        raise ValueError(f"axes of {x1.shape[-1:]} and {x2.shape[-1:]} entries; they must be equal")
    return np.einsum("...i,...i->...", conj(x1), x2)


def _last(x: Any, axis: int) -> Any:
    """An array with one of its axes moved to the end."""
    return asarray(x) if axis == -1 else np.moveaxis(asarray(x), axis, -1)


defvjp(np.matmul, _matmul_left, _matmul_right, broadcasts=True, flow="mixes")
known[np.linalg.matmul] = Composition(np.matmul)
known[np.vecdot] = known[np.linalg.vecdot] = Composition(_vecdot)
if hasattr(np, "matvec"):  # NumPy 2.2
    known[np.matvec] = Composition(_matvec)
    known[np.vecmat] = Composition(_vecmat)

# -- sums over chosen axes -------------------------------------------------------------------------


def _dot(a: Any, b: Any, out: None = None) -> Any:
    """A product with a number, or a matmul of vectors and matrices; else a sum over the last axis of a and
    the last but one of b."""
    m, n = len(shape_of(a)), len(shape_of(b))
    if m == 0 or n == 0:
        return np.multiply(a, b)
    if m <= 2 and n <= 2:
        return np.matmul(a, b)
    return np.tensordot(a, b, axes=(-1, max(n - 2, 0)))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """A sum over axes of a and axes of b; a number n means the last n axes of a and the first n of b.

    The axes are transposed for one product of two matrices, which BLAS computes fastest.
    """
    a, b = asarray(a), asarray(b)
    m, n = len(a.shape), len(b.shape)
    if isinstance(axes, (int, np.integer)):
        axes = range(-int(axes), 0), range(int(axes))
    left, right = ([k] if isinstance(k, (int, np.integer)) else list(k) for k in axes)
    fits = [a.shape[k] for k in left] == [b.shape[k] for k in right]
    left, right = [k % m for k in left], [k % n for k in right]
    if not fits:
        raise ValueError(f"the axes {left} of the first and {right} of the second differ in size")
    rows, columns = [k for k in range(m) if k not in left], [k for k in range(n) if k not in right]
    summed = math.prod(a.shape[k] for k in left)
    shape = tuple(a.shape[k] for k in rows) + tuple(b.shape[k] for k in columns)
    heights, widths = math.prod(shape[: len(rows)]), math.prod(shape[len(rows) :])
    one = np.reshape(np.transpose(a, (*rows, *left)), (heights, summed))
    other = np.reshape(np.transpose(b, (*right, *columns)), (summed, widths))
    return np.reshape(np.matmul(one, other), shape)


def _inner(a: Any, b: Any) -> Any:
    scalar = not shape_of(a) or not shape_of(b)
    return np.multiply(a, b) if scalar else np.tensordot(a, b, axes=(-1, -1))


def _vdot(a: Any, b: Any) -> Any:
    return np.matmul(conj(np.reshape(a, -1)), np.reshape(b, -1))


known[np.dot] = Composition(_dot)
known[np.inner] = Composition(_inner)
known[np.vdot] = Composition(_vdot)
known[np.tensordot] = known[np.linalg.tensordot] = Composition(_tensordot)

# -- outer products --------------------------------------------------------------------------------


def _outer(a: Any, b: Any, out: None = None) -> Any:
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


def _outer_of_vectors(x1: Any, x2: Any) -> Any:
    if len(shape_of(x1)) != 1 or len(shape_of(x2)) != 1:
        raise ValueError("np.linalg.outer takes two vectors; np.outer flattens other arrays")
    return _outer(x1, x2)


def _kron(a: Any, b: Any) -> Any:
    """A block matrix: each entry of a times the whole of b."""
    a, b = asarray(a), asarray(b)
    n = max(len(a.shape), len(b.shape))
    outer = (1,) * (n - len(a.shape)) + a.shape
    inner = (1,) * (n - len(b.shape)) + b.shape
    blocks = np.reshape(a, [k for i in outer for k in (i, 1)]) * np.reshape(
        b, [k for j in inner for k in (1, j)]
    )
    return np.reshape(blocks, [i * j for i, j in zip(outer, inner, strict=True)])


known[np.outer] = Composition(_outer)
known[np.linalg.outer] = Composition(_outer_of_vectors)
known[np.kron] = Composition(_kron)

# -- the cross product -----------------------------------------------------------------------------


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """a_1 b_2 - a_2 b_1 and so on, cyclically.

    A vector of two entries has 0 as its third. If both vectors have two entries, the result is the third
    entry of the product alone.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _last(a, axisa), _last(b, axisb)
    sizes = a.shape[-1], b.shape[-1]
    if not set(sizes) <= {2, 3}:
        raise ValueError(
            f"a cross product takes vectors of 2 or 3 entries, these have {sizes[0]} and {sizes[1]}"
        )
    if sizes == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (_in_space(x) for x in (a, b))
    product = np.roll(a, -1, axis=-1) * np.roll(b, -2, axis=-1) - np.roll(a, -2, axis=-1) * np.roll(
        b, -1, axis=-1
    )
    return product if axisc == -1 else np.moveaxis(product, -1, axisc)


def _in_space(x: Any) -> Any:
    """Vectors with three entries; a missing third entry is 0."""
    return x if x.shape[-1] == 3 else np.concatenate([x, zeros((*x.shape[:-1], 1), like=x)], axis=-1)


def _cross_in_space(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    sizes = [shape_of(x)[axis] for x in (x1, x2)]
    if sizes != [3, 3]:
        raise ValueError(f"np.linalg.cross takes vectors of 3 entries, these have {sizes[0]} and {sizes[1]}")
    return _cross(x1, x2, axis=axis)


known[np.cross] = Composition(_cross)
known[np.linalg.cross] = Composition(_cross_in_space)

# -- einsum ----------------------------------------------------------------------------------------

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""The letters for axes in the order of their codes, which is also the order of implicit outputs."""


def _einsum(*operands: Any, optimize: Any = False) -> Any:
    """Every form of einsum, converted to explicit subscripts with a letter for each axis."""
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0].replace(" ", ""), operands[1:]
    else:
        arrays, lists = operands[0 : len(operands) // 2 * 2 : 2], operands[1::2]
        subscripts = ",".join(map(_letters, lists))
        if len(operands) % 2:
            subscripts += "->" + _letters(operands[-1])
    subscripts = _explicit(subscripts, [len(shape_of(a)) for a in arrays])
    term, _, output = subscripts.partition("->")
    if len(arrays) == 1 and set(term) == set(output):
        return einsum_view(arrays[0], subscripts)
    return einsum(subscripts, *arrays, optimize=optimize)


@primitive
def einsum(subscripts: str, *arrays: Any, optimize: Any = False) -> Any:
    """numpy.einsum with explicit subscripts, a letter for each axis."""
    return np.einsum(subscripts, *arrays, optimize=optimize)


@primitive
def einsum_view(x: Any, subscripts: str) -> Any:
    """An einsum that sums nothing: the axes in another order, or a diagonal. It is a view, as in NumPy.

    NumPy lets a diagonal of a matrix without rows reach beyond the memory of the matrix.
    """
    sizes: dict[str, int] = {}
    for letter, size in zip(subscripts.partition("->")[0], x.shape, strict=False):
        if sizes.setdefault(letter, size) != size:
            raise ShapeError(
                f"einsum({subscripts!r}): axes of one letter must be of one length, got {x.shape}"
            )
    return np.einsum(subscripts, x)


def _written_back(value: Any, x: Any, subscripts: str) -> Any:
    """x with `value` in the entries that the view shows."""
    shown = np.einsum(subscripts, np.arange(x.size).reshape(x.shape))
    return setitem(x, value, np.unravel_index(shown, x.shape))


def _letters(axes: Any) -> str:
    return "".join("..." if axis is Ellipsis else LETTERS[axis] for axis in axes)


def _explicit(subscripts: str, ndims: list[int]) -> str:
    """Explicit subscripts, which the rule reads: `ij,j` becomes `ij,j->i`, and dots become letters."""
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum({subscripts!r}) names {len(terms)} operands, but got {len(ndims)}")
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
    """The einsum with the output and the i-th operand exchanged.

    Axes that only this operand has, and repeated axes, are restored afterwards.
    """
    k = i - 1
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    term, x = terms[k], arrays[k]
    others = [(t, a) for j, (t, a) in enumerate(zip(terms, arrays, strict=True)) if j != k]
    known = set(output).union(*(t for t, _ in others)) if others else set(output)
    once = "".join(dict.fromkeys(term))
    reachable = "".join(letter for letter in once if letter in known)
    operands = [(output, g), *others]
    result = _einsum_total(operands, reachable, optimize)
    # An axis that only this operand has was summed over: copy the cotangent along it. Sum over an axis that
    # was broadcast (size 1 here, larger elsewhere).
    sizes = [x.shape[term.index(letter)] for letter in once]
    for axis, letter in enumerate(once):
        if letter not in reachable:
            result = np.expand_dims(result, axis)
    shrink = tuple(ax for ax, n in enumerate(sizes) if n == 1 and result.shape[ax] != 1)
    if shrink:
        result = total(result, shrink, keepdims=True)
    result = np.broadcast_to(result, tuple(sizes))
    if len(once) == len(term):
        return result
    # A repeated letter reads a diagonal: add the cotangent to the diagonal of zeros.
    grids = np.ix_(*(np.arange(n) for n in sizes))
    return scatter(result, tuple(grids[once.index(letter)] for letter in term), x.shape)


def _einsum_total(operands: list[tuple[str, Any]], output: str, optimize: Any) -> Any:
    """The einsum of operands, each with its letters, as exact as a pairwise sum.

    NumPy adds the products one by one. If the products are at most twice as many as the entries of an
    operand, they are stored in an array and summed by `total`. Otherwise long sums are done in double
    precision.
    """
    sizes: dict[str, int] = {}
    for term, x in sorted(operands, key=lambda operand: -operand[1].size):  # axes in the order of the largest
        for letter, size in zip(term, x.shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    every, kept = "".join(sizes), "".join(letter for letter in sizes if letter in output)
    summed = [axis for axis, letter in enumerate(every) if letter not in output]
    many, entries = math.prod(sizes[every[axis]] for axis in summed), math.prod(sizes.values())
    terms, arrays = ",".join(term for term, _ in operands), [x for _, x in operands]
    if many > SHORT and entries <= 2 * max(x.size for x in arrays):
        products = np.einsum(f"{terms}->{every}", *arrays, optimize=optimize)
        return np.transpose(total(products, tuple(summed)), [kept.index(letter) for letter in output])
    if many > LONG:
        arrays = [x.astype(np.result_type(x.dtype, np.float64)) for x in arrays]
    return np.einsum(f"{terms}->{output}", *arrays, optimize=optimize)


known[np.einsum] = Composition(_einsum)
defvjp(einsum, each=_einsum_vjp)
defvjp(einsum_view, lambda g, y, x, subscripts: _einsum_vjp(1, g, y, subscripts, x))
defview(einsum_view, back=_written_back)
handed_on.add(np.einsum)
