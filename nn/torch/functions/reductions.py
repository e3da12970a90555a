"""Sums, means, extremes and other numbers of many entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DTypeError, OptionError

from ..dtypes import inexact, of
from .registry import alias, axes_of, entry

__all__ = ["ValuesAndIndices"]


class ValuesAndIndices(NamedTuple):
    """Selected entries along an axis, and their indices."""

    values: Any
    indices: Any


def cast(input: Any, dtype: Any) -> Any:
    """A Tensor in a dtype, or as it is."""
    return input if dtype is None else input.astype(of(dtype).dtype)


def _whole(input: Any, dtype: Any) -> Any:
    """The Tensor of a sum: small integers and booleans are summed as int64."""
    return cast(input, dtype or (np.int64 if input.dtype.kind in "biu" else None))


def _over(function: Callable[..., Any], x: Any, dim: Any, keepdim: bool) -> Any:
    """A reduction of NumPy, called without the keywords that change nothing, which take time."""
    options: dict[str, Any] = {"keepdims": True} if keepdim else {}
    if (axes := axes_of(dim)) is not None:
        options["axis"] = axes
    return ag.apply(function, x, **options)


@entry(name="sum")
def _sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of all entries, or along axes."""
    return _over(np.sum, _whole(input, dtype), dim, keepdim)


@entry
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of the entries that are not NaN."""
    return _over(np.nansum, _whole(input, dtype), dim, keepdim)


@entry
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of all entries, or along axes."""
    x = cast(input, dtype)
    if x.dtype.kind not in "fc":
        raise DTypeError(f"mean: expected floating-point entries, got {of(x.dtype)}; write x.float().mean()")
    return _over(np.mean, x, dim, keepdim)


@entry
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of the entries that are not NaN."""
    return _over(np.nanmean, cast(input, dtype), dim, keepdim)


@entry
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product of all entries, or along an axis."""
    return np.prod(_whole(input, dtype), axis=dim, keepdims=keepdim)


def _spread(name: str) -> Callable[..., Any]:
    compute = getattr(np, name.split("_")[0])

    def function(
        input: Any, dim: Any = None, unbiased: Any = True, keepdim: bool = False, *, correction: Any = None
    ) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = int(unbiased) if correction is None else correction
        options = {"axis": axes_of(dim), "keepdims": keepdim}
        spread = compute(input, ddof=ddof, **options)
        return (spread, np.mean(input, **options)) if name.endswith("_mean") else spread

    function.__doc__ = f"The {name.replace('_', ' and ')}, divided by n - 1 if `unbiased`, else by n."
    return function


entry(_spread("std"), name="std")
entry(_spread("var"), name="var")
entry(_spread("std_mean"), name="std_mean", method=False)
entry(_spread("var_mean"), name="var_mean", method=False)


def _extreme(name: str) -> Callable[..., Any]:
    whole, pair, place = getattr(np, name), getattr(np, name + "imum"), getattr(np, "arg" + name)

    def function(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if other is None and isinstance(dim, (ag.Tensor, np.ndarray)):
            other = dim
        if other is not None:
            return pair(input, other)
        return whole(input) if dim is None else chosen(input, place, dim, keepdim)

    function.__doc__ = f"The {name}imum of all entries, or along `dim` with its index, or of two Tensors."
    return function


def chosen(input: Any, place: Callable[..., Any], dim: int, keepdim: bool) -> ValuesAndIndices:
    """One entry along an axis and its index; `place(x, axis=, keepdims=True)` finds the index."""
    x = input if input.ndim else input.reshape(1)
    indices = place(x.detach(), axis=dim, keepdims=True)
    values = np.take_along_axis(x, indices, dim)
    shape = values.shape if keepdim else tuple(np.delete(values.shape, dim))
    shape = shape if input.ndim else ()
    return ValuesAndIndices(values.reshape(shape), indices.reshape(shape))


entry(_extreme("max"), name="max")
entry(_extreme("min"), name="min")


@entry
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The maximum along axes; its gradient is split among equal entries."""
    return _over(np.max, input, dim, keepdim)


@entry
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The minimum along axes; its gradient is split among equal entries."""
    return _over(np.min, input, dim, keepdim)


class _Extremes(NamedTuple):
    """The least and the largest entry."""

    min: Any
    max: Any


@entry
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """The least and the largest entry, of all or along an axis."""
    return _Extremes(*(f(input, axis=dim, keepdims=keepdim) for f in (np.min, np.max)))


@entry
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the largest entry, of all or along an axis."""
    return _over(np.argmax, input.detach(), dim, keepdim)


@entry
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The index of the least entry, of all or along an axis."""
    return _over(np.argmin, input.detach(), dim, keepdim)


@entry(name="all")
def _all(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether all entries are true, along axes or at all."""
    return _over(np.all, input.detach(), dim, keepdim)


@entry(name="any")
def _any(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """Whether any entry is true, along axes or at all."""
    return _over(np.any, input.detach(), dim, keepdim)


@entry
def count_nonzero(input: Any, dim: Any = None) -> Any:
    """The number of entries that are not 0."""
    return np.asarray(np.count_nonzero(input.detach().numpy(), axis=axes_of(dim)))


@entry
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """log(sum(exp(x))) along axes, without overflow."""
    return ag.logsumexp(inexact(input), axes_of(dim), keepdims=keepdim)


@entry
def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """exp(x) along an axis, divided by its sum."""
    return ag.softmax(cast(input, dtype), axis=-1 if dim is None else dim)


@entry
def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Any:
    """The logarithm of the softmax along an axis."""
    return ag.log_softmax(cast(input, dtype), axis=-1 if dim is None else dim)


def p_norm(x: Any, order: Any, axes: Any, keepdim: bool) -> Any:
    """The p-norm of the entries along axes; of all entries if `axes` is None."""
    if axes is None:
        size = np.linalg.vector_norm(x.reshape(-1), ord=order)
        return size.reshape((1,) * x.ndim) if keepdim else size
    return np.linalg.vector_norm(x, ord=order, axis=axes, keepdims=keepdim)


@entry
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The p-norm of all entries, or of the entries along axes."""
    x, axes = cast(input, dtype), axes_of(dim)
    if p == "nuc":
        return np.linalg.norm(x, "nuc", axis=axes, keepdims=keepdim)
    return p_norm(x, 2 if p in ("fro", None) else p, axes, keepdim)


@entry(method=True)
def dist(input: Any, other: Any, p: Any = 2) -> Any:
    """The p-norm of the difference of two Tensors."""
    return np.linalg.vector_norm((input - other).reshape(-1), ord=p)


# -- along an axis ---------------------------------------------------------------------------------


@entry(in_place=True)
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The sums of the first entries along an axis."""
    return np.cumsum(_whole(input, dtype), axis=dim) if input.ndim else _whole(input, dtype)


@entry(in_place=True)
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The products of the first entries along an axis."""
    return np.cumprod(_whole(input, dtype), axis=dim) if input.ndim else _whole(input, dtype)


def _running(name: str) -> Callable[..., Any]:
    compute = np.maximum if name == "cummax" else np.minimum

    def function(input: Any, dim: int) -> Any:
        array = input.detach().numpy()
        best = compute.accumulate(array, axis=dim)
        positions = np.arange(array.shape[dim]).reshape((-1,) + (1,) * (array.ndim - 1 - dim % array.ndim))
        hit = (array == best) | (np.isnan(array) & np.isnan(best) if array.dtype.kind == "f" else False)
        places = np.maximum.accumulate(np.where(hit, positions, 0), axis=dim)
        return ValuesAndIndices(np.take_along_axis(input, places, dim), places)

    function.__doc__ = f"The {name[3:]}imum of the first entries along an axis, and its index."
    return function


entry(_running("cummax"), name="cummax")
entry(_running("cummin"), name="cummin")


@entry
def logcumsumexp(input: Any, dim: int) -> Any:
    """log(sum(exp)) of the first entries along an axis, without overflow."""
    x = np.moveaxis(input, dim, -1)
    n = x.shape[-1]
    earlier = np.where(np.tri(n, dtype=bool), np.expand_dims(x, -2), -np.inf)
    return np.moveaxis(ag.logsumexp(earlier, -1), -1, dim)


@entry
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along an axis, n times."""
    ends = [x for x in (prepend, input, append) if x is not None]
    return np.diff(np.concatenate(ends, axis=dim) if len(ends) > 1 else input, n, axis=dim)


@entry(method=False)
def trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """The integral along an axis by the trapezoid rule."""
    return np.trapezoid(y, x, dx=dx, axis=dim)


@entry(method=False)
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = 1, dim: int = -1) -> Any:
    """The integrals up to each entry along an axis by the trapezoid rule."""
    y = np.moveaxis(y, dim, -1)
    steps = dx if x is None else np.diff(x)
    return np.moveaxis(np.cumsum(steps * (y[..., 1:] + y[..., :-1]) / 2, axis=-1), -1, dim)


alias(trapz="trapezoid")


@entry
def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    return np.trace(input)


@entry
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariance matrix of variables, one in each row."""
    matrix = np.cov(input, ddof=correction, fweights=fweights, aweights=aweights)
    return matrix.astype(input.dtype)


@entry
def corrcoef(input: Any) -> Any:
    """The matrix of correlations of variables, one in each row."""
    return np.corrcoef(input).astype(input.dtype)


# -- quantiles -------------------------------------------------------------------------------------


def _middle(skip: bool) -> Callable[..., Any]:
    def place(array: Any, axis: int, keepdims: bool) -> Any:
        x = np.asarray(array)
        order = np.argsort(x, axis=axis, kind="stable")
        missing = np.isnan(x).sum(axis=axis, keepdims=True) if x.dtype.kind == "f" else 0
        n = x.shape[axis]
        middle = (n - 1 - (missing if skip else 0)) // 2
        places = np.where((missing > 0) & (not skip), n - missing, np.maximum(middle, 0))
        return np.take_along_axis(
            order, np.broadcast_to(places, np.sum(x, axis=axis, keepdims=True).shape), axis
        )

    def function(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None:
            return chosen(input.reshape(-1), place, 0, False).values
        return chosen(input, place, dim, keepdim)

    function.__doc__ = "The median: of an even number of entries the lower one; along an axis with its index."
    return function


entry(_middle(False), name="median")
entry(_middle(True), name="nanmedian")


@entry
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent entry along an axis, of several the least; and the index of its last occurrence."""

    def place(array: Any, axis: int, keepdims: bool) -> Any:
        def last(row: Any) -> int:
            values, counts = np.unique(row, return_counts=True)
            return int(np.flatnonzero(row == values[np.argmax(counts)])[-1])

        return np.expand_dims(np.apply_along_axis(last, axis, np.asarray(array)), axis)

    return chosen(input, place, dim, keepdim)


def _quantile(compute: Callable[..., Any]) -> Callable[..., Any]:
    def function(
        input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
    ) -> Any:
        part = q if isinstance(q, float) else np.asarray(q, dtype=float)
        if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
            raise OptionError(
                f"quantile(interpolation={interpolation!r}): expected 'linear', 'lower' or the like"
            )
        result = compute(input, part, axis=dim, keepdims=keepdim, method=interpolation)
        return result.astype(input.dtype)

    function.__doc__ = f"`np.{compute.__name__}`: the value below which a part q of the entries lies."
    return function


entry(_quantile(np.quantile), name="quantile")
entry(_quantile(np.nanquantile), name="nanquantile")
