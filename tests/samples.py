"""The table of inputs: for every op that has a derivative, where it is tried.

`SAMPLES` has one line for each rule. `tests/ops/test_samples.py` makes the tests from it and
asserts that this table and the registry list the same ops. Points are drawn away from kinks and
from the edges of domains; those have tests of their own.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.apply import alias, astype, setitem
from autograd_lite.ops.decompositions import eig, from_triangle
from autograd_lite.ops.elementwise import upright
from autograd_lite.ops.factors import others, pulled, running
from autograd_lite.ops.indexing import scatter
from autograd_lite.ops.linalg import cofactors, least_squares, pinv, slogdet
from autograd_lite.ops.norms import direction, power_norm, slope
from autograd_lite.ops.products import einsum, einsum_view
from autograd_lite.ops.running import diff
from autograd_lite.ops.selection import choose, clip, where
from autograd_lite.ops.shaping import concatenate, stack
from autograd_lite.ops.sinc import sinc_derivative
from autograd_lite.ops.singular import complement
from autograd_lite.ops.slopes import (
    arcsin_slope,
    arctan_slope,
    arctanh_slope,
    bessel_i,
    cbrt_slope,
    logistic_slope,
    plane_slope,
    power_partial,
    ratio,
    share,
    share_slope,
    times_gauss,
    times_sec2,
    times_sech2,
)
from autograd_lite.ops.statistics import std, var
from autograd_lite.ops.triangular import cholesky, qr
from autograd_lite.ops.wide import shifted
from autograd_lite.sums import total


@dataclass(frozen=True)
class Sample:
    """One call of an op."""

    op: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        words = [*map(shown, self.args), *(f"{key}={shown(value)}" for key, value in self.kwargs.items())]
        return f"{self.op.__name__}({', '.join(words)})"


def shown(value: Any) -> str:
    """An argument in the name of a test: the shape of an array, the name of a function."""
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return str(getattr(value, "shape", getattr(value, "__name__", value)))


def call(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, kwargs


_rng = np.random.default_rng(20)


def x(*shape: int, low: float = -1.9, high: float = 2.2) -> Any:
    """Numbers from low to high in random order, no two of them closer than their spacing."""
    n = int(np.prod(shape))
    values = np.linspace(low, high, n + 2)[1:-1]
    return _rng.permutation(values).reshape(shape)


def positive(*shape: int) -> Any:
    return x(*shape, low=0.1, high=3.0)


def unit(*shape: int) -> Any:
    return x(*shape, low=-0.95, high=0.95)


def square(*shape: int) -> Any:
    """Matrices far from singular, with singular values apart from each other."""
    return x(*shape) + np.diag(np.arange(3.0, 3.0 + shape[-1]))


def symmetric(*shape: int) -> Any:
    """Symmetric matrices with positive eigenvalues apart from each other. Off the diagonal nothing is near 0,
    where LAPACK turns eigenvectors around."""
    a = x(*shape, low=0.1, high=1.0)
    return (a + np.matrix_transpose(a)) / 2 + np.diag(np.arange(2.0, 2.0 + 2 * shape[-1], 2))


def unary(make: Callable[..., Any] = x) -> list[Any]:
    return [call(make()), call(make(3)), call(make(2, 3))]


def binary(left: Callable[..., Any] = x, right: Callable[..., Any] = x) -> list[Any]:
    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((2, 3), ()),
    ]  # fmt: skip
    return [call(left(*a), right(*b)) for a, b in shapes]


def reduction(make: Callable[..., Any] = x) -> list[Any]:
    return [
        call(make(4)),
        call(make(2, 3)),
        call(make(2, 3), axis=0),
        call(make(2, 3), axis=-1, keepdims=True),
        call(make(2, 2, 3), axis=(0, -1)),
        call(make()),
    ]


def narrow(values: Any) -> Any:
    """Constants that leave float32 as it is."""
    return np.array(values, np.float32)


def holed(*shape: int) -> Any:
    """Numbers with a NaN among them, in every row."""
    values = x(*shape)
    values[..., 1] = np.nan
    return values


def skipping() -> list[Any]:
    return [
        call(holed(5)),
        call(x(2, 3), axis=0),
        call(holed(2, 4), axis=-1, keepdims=True),
        call(holed(2, 2, 3), axis=(0, -1)),
    ]


def spread_out() -> list[Any]:
    return [
        *reduction()[:-1],
        call(x(2, 4), axis=1, ddof=1),
        call(x(2, 4), axis=(0, 1), correction=1, keepdims=True),
    ]


def transform(**options: Any) -> list[Any]:
    """Odd and even lengths, padded and cropped."""
    return [
        call(x(5), **options),
        call(x(2, 4), **options),
        call(x(4, 2), axis=0, **options),
        *(call(x(2, 4), n, **options) for n in (2, 3, 5, 6, 7)),
    ]


METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip
TRANSFORMS = (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft)
TRANSFORMS_2D = (
    np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn,
    np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2,
)  # fmt: skip


def bordered(line: Any, width: tuple[int, int], axis: int, options: dict[str, Any]) -> None:
    """For np.pad: the square of the first entry before a line, a number behind it."""
    line[: width[0]] = line[width[0]] ** 2
    line[len(line) - width[1] :] = options["with_value"] + axis


STATISTIC_MODES = ("maximum", "mean", "median", "minimum")
PAD_MODES = ("constant", "edge", "linear_ramp", *STATISTIC_MODES, "reflect", "symmetric", "wrap")


NUMPY = tuple(map(int, np.__version__.split(".")[:2]))
matrix = np.array([[True, False, True], [False, True, True]])
singular = np.array([[1.0, 2.0, 4.0], [0.5, -1.0, 3.0], [1.5, 1.0, 7.0]])  # the first two rows make the last

CALLS: dict[Callable[..., Any], list[Any]] = {
    # -- arithmetic --------------------------------------------------------------------------------
    np.add: binary(),
    np.subtract: binary(),
    np.multiply: binary(),
    np.divide: binary(x, positive),
    np.remainder: [call(x(3), positive(3)), call(np.array([5.5, -5.5]), np.array([2.0, -2.0]))],
    ratio: [call(x(3), positive(3), n) for n in (1, 2, 3)],
    np.fmod: [call(x(3), positive(3)), call(np.array([5.5, -5.5]), np.array([2.0, -2.0]))],
    np.ldexp: [call(x(3), np.array([1, -2, 0])), call(x(2, 1), 3)],
    np.negative: unary(),
    np.positive: unary(),
    np.reciprocal: unary(positive),
    np.square: unary(),
    np.power: [
        *binary(positive, x),
        *(call(x(3), n) for n in (0, 1, 2, 3, -1)),
        call(positive(3), 0.5),
        call(positive(3), 0.1),
        call(2.0, x(3)),
        call(3.0, 2.0),
        call(positive(3), np.array([0.0, 1.0, 2.0])),
    ],
    np.float_power: binary(positive, x),
    power_partial: [
        *(call(positive(3), x(3), n, m) for n, m in [(0, 1), (1, 0), (1, 1), (2, 1), (3, 2)]),
        *(call(x(3), b, n, 0) for b, n in [(3, 1), (3, 2), (3, 4), (-2, 2)]),
        call(positive(3), 0.1, 2, 1),
    ],
    np.sqrt: unary(positive),
    np.cbrt: [*unary(positive), call(-positive(3))],
    cbrt_slope: unary(positive),
    np.hypot: binary(),
    plane_slope: [call(x(4), x(4), *ijk) for ijk in [(1, 0, 1), (1, 1, 3), (1, 0, 2), (0, 2, 3), (2, 1, 1)]],
    # -- exponentials and logarithms ---------------------------------------------------------------
    np.exp: unary(),
    np.exp2: unary(),
    np.expm1: unary(),
    np.log: unary(positive),
    np.log2: unary(positive),
    np.log10: unary(positive),
    np.log1p: unary(positive),
    np.logaddexp: binary(),
    np.logaddexp2: binary(),
    share: [call(x(3), x(3), np.exp), call(x(2, 1), x(3), np.exp2)],
    share_slope: [call(x(3), x(3) + 0.3, np.exp), call(x(2, 1), x(3) - 0.3, np.exp2)],
    # -- trigonometric and hyperbolic functions ----------------------------------------------------
    np.sin: unary(),
    np.cos: unary(),
    np.tan: unary(unit),
    times_sec2: [call(x(3), unit(3)), call(x(2, 1), unit(3))],
    np.sinc: [*unary(), call(x(8, low=-5, high=5))],
    sinc_derivative: [call(x(8, low=-3, high=3), n) for n in range(4)],
    np.unwrap: [
        call(x(5, low=-20, high=20)),
        call(x(2, 4, low=-9, high=9), axis=0, period=2.5),
        call(x(7), period=1.0, discont=0.4),
    ],
    np.arcsin: unary(unit),
    np.arccos: unary(unit),
    np.arctan: unary(),
    np.arctan2: binary(x, positive),
    np.deg2rad: unary(),
    np.radians: unary(),
    np.rad2deg: unary(),
    np.degrees: unary(),
    np.sinh: unary(),
    np.cosh: unary(),
    np.tanh: unary(),
    np.arcsinh: unary(),
    np.arccosh: [call(x(3, low=1.2, high=3.0))],
    np.arctanh: unary(unit),
    times_sech2: binary(),
    arcsin_slope: unary(unit),
    arctan_slope: unary(),
    arctanh_slope: unary(unit),
    # -- the logistic function and its kin ---------------------------------------------------------
    ag.sigmoid: unary(),
    logistic_slope: unary(lambda *shape: x(*shape, low=0.1)),
    ag.softplus: unary(),
    ag.erf: unary(),
    times_gauss: binary(),
    np.i0: unary(),
    bessel_i: [call(x(3), n) for n in range(3)],
    # -- selection ---------------------------------------------------------------------------------
    np.maximum: binary(x, lambda *shape: x(*shape) + 0.01),
    np.minimum: binary(x, lambda *shape: x(*shape) + 0.01),
    np.fmax: [call(x(3), x(2, 1) + 0.01)],
    np.fmin: [call(x(3), x(2, 1) + 0.01)],
    np.heaviside: [call(x(4), x(4))],
    np.nan_to_num: [call(x(3)), call(x(2, 2), nan=1.0, posinf=2.0)],
    np.clip: [
        call(x(5), -1.05, 1.05),
        call(x(5), None, 0.93),
        call(x(2, 3), x(3, low=-1.0, high=-0.5), 1.1),
        *([call(x(5), min=-0.31)] if NUMPY >= (2, 1) else []),
    ],
    ag.relu: [call(x(4)), call(x(2, 4))],
    clip: [call(x(5), x(5, low=-0.4, high=-0.1), 0.93)],
    where: [call(matrix, x(2, 3), x(2, 3))],
    np.where: [call(matrix, x(3), x(2, 1)), call(matrix, x(2, 3), 0.0), call(True, x(), x(2))],
    choose: [call(np.array([1, 0, 1]), x(3), x(2, 1))],
    np.choose: [
        call(np.array([[1, 0, 2]]), [x(3), x(2, 1), x()]),
        call(np.array([3, -1]), [x(2), x(2)], mode="wrap"),
        call(np.array([3, -1]), x(2, 2), mode="clip"),
    ],
    np.select: [
        call([matrix, np.array([True, True, False])], [x(3), x(2, 1)], x()),
        call([np.array([True, False])], [x(2)]),
    ],
    np.piecewise: [
        call(np.array([-1.0, -0.5, 0.5, 2.0]), [np.array([1, 1, 0, 0], bool)], [np.sin, np.exp]),
        call(x(2, 3), [matrix, ~matrix], [2, lambda v, k: k * v * v], 3),
        call(x(), [True, False], [np.sin, np.cos]),
        call(x(3), np.array([True, False, True]), [np.exp]),
    ],
    np.absolute: [call(x(4)), call(x(2, 2))],
    np.fabs: [call(x(4))],
    np.copysign: binary(),
    np.angle: [call(x(4)), call(x(2), deg=True)],
    np.real_if_close: [call(x(3))],
    np.conjugate: unary(),
    np.real: unary(),
    np.imag: unary(),
    # -- reductions --------------------------------------------------------------------------------
    np.sum: [*reduction(), call(x(2, 3), axis=(0, 1), initial=2.0), call(x(3), dtype=None)],
    np.mean: reduction(),
    np.prod: [
        *reduction(),
        call(x(2, 3), axis=1, initial=2.0),
        call(np.array([0.0, 2.0, 3.0])),
        call(np.array([0.0, 2.0, 3.0, 0.0])),
        call(np.array([[0.0, 2.0], [0.0, 3.0]]), axis=0),
    ],
    **{op: [*reduction(), call(x(3), initial=0.7)] for op in (np.max, np.min, np.amax, np.amin)},
    np.ptp: [call(x(4)), call(x(2, 3), axis=1), call(x(2, 3), axis=(0, 1), keepdims=True)],
    total: reduction(),
    ag.logsumexp: reduction(),
    ag.softmax: [call(x(3)), call(x(2, 3)), call(x(2, 3), axis=0), call(x(2, 3), axis=None)],
    ag.log_softmax: [call(x(3)), call(x(2, 3)), call(x(2, 3), axis=0), call(x(2, 3), axis=(0, 1))],
    # -- reductions that skip NaNs -----------------------------------------------------------------
    np.nansum: [*skipping(), call(x(3), initial=2.0)],
    np.nanprod: [*skipping(), call(x(3), initial=2.0)],
    np.nanmean: skipping(),
    np.nanmax: skipping(),
    np.nanmin: skipping(),
    np.nanvar: [*skipping(), call(holed(2, 5), axis=1, ddof=1), call(holed(5), mean=0.15)],
    np.nanstd: [*skipping(), call(holed(2, 5), axis=1, ddof=1), call(holed(5), mean=0.15)],
    np.nancumsum: [call(holed(5)), call(holed(2, 4), axis=1)],
    np.nancumprod: [call(holed(5)), call(holed(2, 4), axis=1)],
    np.nanmedian: skipping(),
    np.nanquantile: [call(holed(7), q=0.4), call(holed(2, 5), q=narrow([0.2, 0.7]), axis=1)],
    np.nanpercentile: [call(holed(7), q=40.0), call(holed(2, 5), q=narrow([20, 70]), axis=1, keepdims=True)],
    # -- statistics --------------------------------------------------------------------------------
    np.var: [*spread_out(), call(x(2, 3), axis=1, mean=0.15)],
    np.std: [*spread_out(), call(x(2, 3), axis=1, mean=0.15)],
    var: [call(x(2, 3), axis=0)],
    std: [call(x(2, 3), axis=0)],
    np.average: [
        call(x(2, 3)),
        call(x(2, 3), axis=0, keepdims=True),
        call(x(2, 3), 0, positive(2)),
        call(x(2, 3), None, positive(2, 3)),
        call(x(2, 3), 1, positive(3), returned=True, keepdims=True),
        call(x(2, 3), 1, returned=True),
        call(x(2, 3, 2), (2, 0), positive(2, 2)),
    ],
    np.median: [*reduction(), call(x(6)), call(x(2, 6), axis=-1)],
    np.quantile: [
        call(x(5), q=0.3),
        call(x(6), q=0.5),
        call(x(2, 5), q=narrow([0.1, 0.5, 1.0]), axis=1),
        call(x(5, 2), q=0.77, axis=0, keepdims=True),
        call(x(2, 3, 3), q=narrow([0.31]), axis=(0, 2)),
        call(x(2, 3), q=narrow([[0.2, 0.9], [0.6, 0.0]])),
        call(x(5), q=0.3, method="inverted_cdf", weights=np.array([1.0, 2.0, 1.0, 3.0, 1.0])),
        *(call(x(7), q=0.41, method=method) for method in METHODS),
    ],
    np.percentile: [
        call(x(5), q=30.0),
        call(x(2, 5), q=narrow([10, 50]), axis=1),
        call(x(7), q=41, method="hazen"),
    ],
    np.cov: [
        call(x(5)),
        call(x(3, 4)),
        call(x(4, 2), rowvar=False, bias=True),
        call(x(4), x(2, 4), ddof=2),
        call(x(2, 4), fweights=np.array([1, 2, 1, 3])),
        call(x(2, 4), aweights=np.array([1.0, 0.5, 1.0, 2.0])),
        call(x(2, 4), None, True, False, None, np.array([1, 2, 1, 3]), positive(4)),
    ],
    np.corrcoef: [call(x(3, 4)), call(x(2, 5), x(5)), call(x(5, 2), rowvar=False)],
    np.bincount: [call(np.array([1, 0, 1, 3]), x(4)), call(np.array([1, 0]), x(2), minlength=4)],
    # -- along an axis -----------------------------------------------------------------------------
    np.cumsum: [call(x(4)), call(x(2, 3)), call(x(2, 3), axis=0), call(x(2, 3), axis=-1)],
    np.cumprod: [
        *(call(x(n)) for n in (1, 2, 3, 4, 7)),
        call(x(2, 3)),
        call(x(2, 3), axis=0),
        call(x(2, 3), axis=-1),
        call(np.array([2.0, 0.0, 3.0, -1.0])),
        call(np.array([2.0, 0.0, 3.0, 0.0, 0.7])),
    ],
    **(
        {
            op: [call(x(4)), call(x(2, 3), axis=-1, include_initial=True)]
            for op in (np.cumulative_sum, np.cumulative_prod)
        }
        if NUMPY >= (2, 1)
        else {}
    ),
    np.diff: [
        call(x(4)),
        call(x(2, 4), n=2),
        call(x(3, 2), axis=0),
        call(x(3), n=4),
        call(x(3), n=0),
        call(x(2, 3), 1, -1, x(), x(2, 2)),
        call(x(2, 3), 2, 0, x(1, 3)),
        call(x(3), append=np.float32(0.5)),
    ],
    diff: [call(x(2, 4), n=2)],
    np.ediff1d: [call(x(2, 3)), call(x(4), to_begin=0.5, to_end=[1.0, 2.0]), call(x(3), x(2), x())],
    np.gradient: [
        call(x(5)),
        call(x(5), 0.5),
        call(x(3, 4)),
        call(x(3, 4), 0.5, positive(), edge_order=2),
        call(x(5), np.array([0.0, 0.3, 1.0, 1.2, 2.0])),
        call(x(2, 4), np.array([0.0, 0.3, 1.0, 1.2]), axis=-1, edge_order=2),
        call(x(3, 2, 3), 2.0, axis=(0, 2)),
    ],
    np.trapezoid: [
        call(x(4)),
        call(x(3, 4), dx=0.5, axis=0),
        call(x(2, 4), x(4)),
        call(x(3, 2), x(3), axis=0),
        call(x(2, 3), x(2, 3)),
    ],
    # -- signals and polynomials -------------------------------------------------------------------
    np.convolve: [
        call(x(n), x(m), mode) for n, m in ((4, 2), (2, 5), (3, 3)) for mode in ("full", "same", "valid")
    ],
    np.correlate: [
        call(x(n), x(m), mode) for n, m in ((4, 2), (4, 5), (3, 3)) for mode in ("full", "same", "valid")
    ],
    np.interp: [
        call(np.array([0.1, 0.9, 1.7, 2.4]), np.array([0.0, 0.5, 1.5, 2.0]), x(4)),
        call(np.array([-0.5, 0.9, 2.7]), np.array([0.0, 0.5, 1.5, 2.0]), x(4), -1.0, 3.0),
        call(np.array([[-0.4, 0.9], [2.6, 5.3]]), np.array([1.5, 0.2, 0.7]), x(3), period=2.0),
        call(0.4, np.array([0.0, 1.0]), x(2)),
        call(0.4, np.array([0.0]), x(1)),
    ],
    np.polyval: [call(x(4), x(3)), call(x(3), x()), call(x(1), x(2))],
    np.polyder: [call(x(4)), call(x(4), 2), call(x(2), m=0)],
    np.polyint: [call(x(3)), call(x(3), 2, x(2)), call(x(3), m=2, k=0.5)],
    np.polyadd: [call(x(3), x(2)), call(x(2), x(3))],
    np.polysub: [call(x(3), x(2)), call(x(), x(3))],
    np.polymul: [call(x(3), x(2))],
    np.polydiv: [call(x(4), x(2)), call(x(3), x(3)), call(x(3), x(1))],
    np.polyfit: [
        call(x(5), x(5), deg=2),
        call(x(5), x(5, 2), deg=1, w=np.float32([1, 2, 1, 0.5, 3])),
        call(x(4), x(4), deg=0),
    ],
    np.poly: [call(x(3)), call(x(1))],
    np.roots: [call(np.array([1.0, -1.3, -2.2])), call(np.array([0.5, 0.2, 0.7, 2.0]))],
    # -- Fourier transforms ------------------------------------------------------------------------
    **{op: [*transform(), *transform(norm="ortho"), call(x(2, 4), norm="forward")] for op in TRANSFORMS},
    **{
        op: [
            call(x(3, 4)),
            call(x(2, 3, 5), norm="ortho"),
            call(x(3, 4), (2, 6), (0, 1)),
            call(x(3, 4, 2), s=(5, 3), axes=(1, 0), norm="forward"),
        ]
        for op in TRANSFORMS_2D
    },
    np.fft.fftshift: [call(x(5)), call(x(3, 4)), call(x(3, 4), 1), call(x(3, 4), (0,))],
    np.fft.ifftshift: [call(x(5)), call(x(3, 4)), call(x(3, 4), -1)],
    # -- shape -------------------------------------------------------------------------------------
    np.reshape: [
        call(x(2, 3), (3, 2)),
        call(x(2, 3), -1),
        *(call(y, (3, 2), order=order) for y in (x(2, 3), x(3, 2).T) for order in "FA"),
    ],
    np.ravel: [
        *(call(y, order=order) for y in (x(2, 3), x(3, 2).T) for order in "CFAK"),
        *(call(x(2, 3, 2)[:, ::-1].T, order=order) for order in "CFK"),
    ],
    np.transpose: [call(x(2, 3)), call(x(2, 3, 4), (2, 0, 1)), call(x(2, 3, 4), axes=(-1, 0, 1))],
    np.matrix_transpose: [call(x(2, 3, 4))],
    np.swapaxes: [call(x(2, 3, 4), 0, -1)],
    np.moveaxis: [call(x(2, 3, 4), 0, 2), call(x(2, 3, 4), (0, 1), (-1, 0))],
    np.rollaxis: [call(x(2, 3, 4), 2), call(x(2, 3, 4), 0, start=-1)],
    np.expand_dims: [call(x(2, 3), 1), call(x(2, 3), (0, -1))],
    np.squeeze: [call(x(1, 3, 1)), call(x(1, 3, 1), axis=0), call(x(1, 3, 1), axis=(0, -1))],
    np.flip: [call(x(2, 3)), call(x(2, 3), axis=1), call(x(2, 3), axis=(0, -1))],
    np.fliplr: [call(x(2, 3))],
    np.flipud: [call(x(2, 3))],
    np.rot90: [*(call(x(2, 3), k) for k in (0, 1, 2, 3, -1)), call(x(2, 3, 2), axes=(-1, 1))],
    np.roll: [call(x(4), 1), call(x(2, 3), (1, -1), axis=(0, 1)), call(x(2, 3), 2), call(x(4), [1], axis=-1)],
    np.broadcast_to: [call(x(3), (2, 3)), call(x(2, 1), (4, 2, 3)), call(x(), (2, 2))],
    np.broadcast_arrays: [call(x(3), x(2, 1))],
    np.atleast_1d: [call(x()), call(x(2), x())],
    np.atleast_2d: [call(x(3)), call(x())],
    np.atleast_3d: [call(x()), call(x(2), x(2, 3), x(2, 1, 2))],
    np.copy: [call(x(2, 3)), call(x(2, 3), order="F")],
    alias: [call(x(2, 3))],
    astype: [call(x(2, 3), np.float64)],
    np.astype: [call(x(2, 3), np.float64)],
    # -- several arrays in one, and one in several -------------------------------------------------
    concatenate: [call(x(2, 3), x(1, 3))],
    np.concatenate: [
        call([x(2, 3), x(1, 3)]),
        call((x(2, 3), x(2, 1), x(2, 0)), axis=-1),
        call([x(2), x(2, 2)], axis=None),
        call([x(2), x(3)], casting="safe"),
    ],
    stack: [call(x(2), x(2))],
    np.stack: [call([x(2, 3), x(2, 3)]), call([x(2, 3), x(2, 3)], axis=-1), call([x(), x()])],
    np.vstack: [call([x(3), x(2, 3)])],
    np.hstack: [call([x(3), x(2)]), call([x(2, 3), x(2, 1)])],
    np.dstack: [call([x(3), x(1, 3)]), call([x(2, 1), x(2, 1, 2)])],
    np.column_stack: [call([x(3), x(3, 2)])],
    np.append: [call(x(2, 2), x(3)), call(x(2, 2), x(2, 1), axis=-1)],
    np.block: [call([[x(2, 2), x(2, 1)], [x(1, 2), x()]]), call([x(2), x()]), call(x(2))],
    np.insert: [
        call(x(4), 1, x()),
        call(x(4), [3, 0, 0], x(3)),
        call(x(2, 3), 1, x(2), axis=1),
        call(x(2, 3), [1], x(2, 2), axis=-1),
        call(x(2, 3), slice(None), x(3), axis=0),
        call(x(2, 2), 2, x(2)),
    ],
    np.meshgrid: [call(x(2), x(3)), call(x(2), x(3), x(), indexing="ij"), call(x(2), x(3), sparse=True)],
    np.array_split: [call(x(5), 3), call(x(2, 5), [1, 3], axis=-1)],
    np.split: [call(x(6), 3), call(x(2, 4), 2, axis=1), call(x(4), [1, 1, 9])],
    np.hsplit: [call(x(4), 2), call(x(2, 4), [1])],
    np.vsplit: [call(x(4, 2), 2)],
    np.dsplit: [call(x(1, 2, 3), [1])],
    **({np.unstack: [call(x(2, 3)), call(x(2, 3), axis=-1)]} if NUMPY >= (2, 1) else {}),
    # -- entries several times, or not at all ------------------------------------------------------
    np.tile: [call(x(3), 2), call(x(2, 3), (2, 1, 2)), call(x(2, 2, 1), (1, 3)), call(x(), (2, 2))],
    np.repeat: [
        call(x(3), 2),
        call(x(2, 3), 2, axis=1),
        call(x(2, 3), [2, 0, 1], axis=-1),
        call(x(2, 2), np.array([3])),
    ],
    np.resize: [call(x(2, 3), (2, 4)), call(x(2, 3), 4), call(x(2), (2, 0))],
    np.delete: [call(x(5), 1), call(x(2, 4), [0, -1], axis=1), call(x(4, 2), slice(None, None, 2), axis=0)],
    np.trim_zeros: [call(x(4)), call(x(4), trim="f")],
    np.pad: [
        *(call(x(3, 3), ((1, 2), (0, 4)), mode) for mode in PAD_MODES),
        *(call(x(3), (5, 7), mode, reflect_type="odd") for mode in ("reflect", "symmetric")),
        *(call(x(3, 5), 1, mode, stat_length=((1, 3), (3, 9))) for mode in STATISTIC_MODES),
        call(x(2, 3), 1, constant_values=((1.0, 2.0), (3.0, 4.0))),
        call(x(2, 3), (1, 2), "linear_ramp", end_values=(1.0, 2.0)),
        call(x(1, 3), 3, "reflect", reflect_type="odd"),
        call(x(2, 2), 1, bordered, with_value=0.5),
        *([call(x(2, 3), {-1: (1, 2)}, "edge")] if NUMPY >= (2, 2) else []),
    ],
    # -- triangles and diagonals -------------------------------------------------------------------
    np.diagonal: [call(x(3, 4)), call(x(2, 3, 4), 1, axis1=1, axis2=-1), call(x(3, 2), offset=-1)],
    np.trace: [call(x(3, 3)), call(x(2, 3, 3), 0, 1, 2), call(x(2, 3), offset=1)],
    np.diag: [call(x(3)), call(x(2), k=-1), call(x(2), k=2), call(x(3, 3)), call(x(3, 3), 1)],
    np.diagflat: [call(x(2, 2)), call(x(), 1)],
    np.tril: [call(x(3, 3)), call(x(2, 3, 4), k=1)],
    np.triu: [call(x(3, 3)), call(x(3, 4), -1)],
    np.vander: [call(x(3)), call(x(2), 4, increasing=True), call(np.array([0.0, 1.5]), 3)],
    # -- order -------------------------------------------------------------------------------------
    np.sort: [
        call(x(5)),
        call(x(2, 4)),
        call(x(3, 2), axis=0),
        call(x(2, 2), axis=None),
        call(x(4), stable=True),
    ],
    np.partition: [call(x(7), 3), call(x(2, 4), [1, -1], axis=-1), call(x(2, 3), 2, axis=None)],
    # -- ranges ------------------------------------------------------------------------------------
    np.linspace: [
        call(x(), x(), 5),
        call(x(2), x(), num=3, endpoint=False),
        call(x(2, 1), x(3), 4, axis=-1),
        call(x(), x(), 1),
    ],
    np.geomspace: [
        call(positive(), positive(), 5),
        call(positive(2), positive(), num=3, axis=-1),
        call(-positive(), -positive(), 4, False),
    ],
    np.logspace: [
        call(unit(), unit(), 5),
        call(unit(2), unit(), num=3, base=2.0),
        call(unit(2), 1.0, 3, True, positive(2), axis=1),
    ],
    np.full_like: [call(x(2, 3), x()), call(x(2, 3), x(3)), call(x(2), x(), shape=(3,))],
    # -- indexing ----------------------------------------------------------------------------------
    operator.getitem: [
        call(x(4), 1),
        call(x(4), slice(None, None, -2)),
        call(x(3, 4), (slice(1, None), 2)),
        call(x(3, 4), (Ellipsis, None, -1)),
        call(x(4), np.array([0, 0, 2, -1])),
        call(x(3, 4), ([0, 2, 0], [1, 1, 1])),
        call(x(3, 4), (slice(None), [1, 1])),
        call(x(2, 3), matrix),
        call(x(2, 3, 2), (matrix[0, :2], 0)),
        call(x(3, 4), np.ix_([2, 0], [1, 1])),
        call(x(2, 3, 4), ([1, 0], slice(None), [2, 2])),
        call(x(200), np.arange(300) % 7),
        call(x(20), np.arange(-100, 0).reshape(4, 25) % 9 - 5),
        call(x(2, 20), (slice(None), np.arange(60) % 7 - 3)),
        call(x(3, 2), (np.arange(70) % 3, np.arange(70) % 2)),
        call(x(3, 4), (slice(None), None, True, np.arange(80) % 3)),
        call(x(2, 2), ()),
        call(x(), (Ellipsis, None)),
    ],
    scatter: [call(x(3), np.array([0, 0, 2]), (4,)), call(x(2), slice(1, 3), (4,))],
    setitem: [
        call(x(4), x(), 1),
        call(x(3, 4), x(4), slice(0, 2)),
        call(x(4), x(3), np.array([0, 0, 2])),
        call(x(2, 3), x(), matrix),
        call(x(2, 3), x(4), matrix),
        call(x(3, 4), x(1, 1, 2), (Ellipsis, [1, 2])),
        call(x(), x(), ()),
        call(x(3, 4), x(2, 1), np.ix_([2, 0], [1, 1])),
    ],
    np.take: [
        call(x(2, 3), np.array([5, 0, 0])),
        call(x(2, 3), np.array([1, 1]), axis=1),
        call(x(2, 3), [[7, -8], [2, 3]], axis=-1, mode="wrap"),
        call(x(2, 3), [7, -8], mode="clip"),
        call(x(3), 1),
    ],
    np.take_along_axis: [
        call(x(2, 3), np.array([[2, 0], [1, 1]]), axis=1),
        call(x(2, 3), np.array([[1], [0], [1]]).T, axis=0),
        call(x(2, 2), np.array([3, 0, 3]), axis=None),
    ],
    np.compress: [call([True, False, True], x(4)), call([0, 1], x(2, 3), axis=-1)],
    np.extract: [call(matrix, x(2, 3))],
    # -- functions that write into their first argument --------------------------------------------
    np.put: [call(x(2, 3), [5, -5, 5], x(2)), call(x(4), 7, x(), mode="wrap")],
    np.put_along_axis: [
        call(x(2, 3), np.array([[2, 0], [1, 1]]), x(2, 1), axis=1),
        call(x(2, 2), np.array([3, 0]), x(2), axis=None),
    ],
    np.place: [call(x(2, 3), matrix, x(3)), call(x(2, 3), matrix, x())],
    np.putmask: [call(x(2, 3), matrix, x(4)), call(x(2, 3), matrix, x())],
    np.copyto: [call(x(2, 3), x(3)), call(x(2, 3), x(3), where=matrix)],
    np.fill_diagonal: [call(x(3, 3), x()), call(x(5, 2), x(2), wrap=True), call(x(2, 2, 2), x(3))],
    # -- products ----------------------------------------------------------------------------------
    np.matmul: [
        call(x(3), x(3)),
        call(x(2, 3), x(3)),
        call(x(3), x(3, 2)),
        call(x(2, 3), x(3, 2)),
        call(x(4, 2, 3), x(3, 2)),
        call(x(2, 1, 2, 3), x(4, 3, 1)),
        call(x(2, 2, 3), x(3)),
        call(x(3), x(2, 3, 2)),
    ],
    np.dot: [
        call(x(3), x(3)),
        call(x(2, 3), x(3)),
        call(x(2, 2, 3), x(4, 3, 2)),
        call(x(), x(3)),
        call(x(3), x(2, 3, 2)),
    ],
    np.outer: [call(x(2), x(3)), call(x(2, 2), x(3))],
    np.inner: [call(x(3), x(3)), call(x(2, 3), x(4, 3)), call(x(), x(3))],
    np.tensordot: [
        call(x(2, 3, 4), x(3, 4, 2)),
        call(x(2, 3), x(3, 2), axes=1),
        call(x(2, 3), x(3, 2), axes=(0, 1)),
    ],
    np.vdot: [call(x(2, 2), x(2, 2))],
    einsum: [call("ij,jk->ik", x(2, 3), x(3, 2))],
    einsum_view: [call(x(3, 3), "ii->i"), call(x(2, 3, 2), "iji->ji"), call(x(2, 3, 1), "ijk->kij")],
    np.einsum: [
        call("ij,jk->ik", x(2, 3), x(3, 2)),
        call("ij,jk", x(2, 3), x(3, 2)),
        call("ii", x(3, 3)),
        call("ii->i", x(3, 3)),
        call("iij->j", x(2, 2, 3)),
        call("ij->j", x(2, 3)),
        call("ij->", x(2, 3)),
        call("...ij,...jk->...ik", x(2, 2, 3), x(3, 2)),
        call("i...,i", x(2, 3), x(2)),
        call("a,b,c->abc", x(2), x(3), x(2)),
        call("bi,bj,ij->b", x(2, 3), x(2, 2), x(3, 2)),
        call("ij,ij->i", x(2, 1), x(2, 3)),
        call(x(2, 3), [0, 1], x(3), [1], [0]),
        call(x(2, 3), [0, 1], x(3, 2), [1, 2]),
        call(x(2, 3), [26, 0]),
        call("ij,jk,kl->il", x(2, 3), x(3, 2), x(2, 2), optimize=True),
        call("ij,jk,kl", x(2, 3), x(3, 2), x(2, 2), optimize=["einsum_path", (1, 2), (0, 1)]),
        call("...ii->...i", x(2, 3, 3)),
        call("i...i", x(2, 3, 2)),
        call("iij,jk->ik", x(2, 2, 3), x(3, 2)),
        call("ij,ij,ij->", x(2, 2), x(2, 2), x(2, 2)),
        call("...,...", x(2, 3), x(3)),
        call("ij->ji", x(2, 3)),
        call(",i->i", x(), x(2)),
        call(x(2, 3, 3), [Ellipsis, 0, 0], [Ellipsis]),
    ],
    np.vecdot: [call(x(3), x(3)), call(x(2, 3), x(4, 1, 3)), call(x(3, 2), x(3), axis=0)],
    **({
        np.matvec: [call(x(2, 3), x(3)), call(x(4, 2, 3), x(3)), call(x(2, 3), x(4, 3))],
        np.vecmat: [call(x(3), x(3, 2)), call(x(4, 3), x(3, 2)), call(x(3), x(4, 3, 2))],
    } if NUMPY >= (2, 2) else {}),
    np.kron: [call(x(2, 3), x(3, 2)), call(x(2), x(2, 2)), call(x(2, 1, 2), x(2)), call(x(), x(3))],
    np.cross: [
        call(x(3), x(3)),
        call(x(2, 3), x(3)),
        call(x(3, 2), x(2, 3), axisa=0, axisc=0),
        call(x(3, 2), x(3, 2), axis=0),
    ],
    np.linalg.matrix_transpose: [call(x(2, 3, 4))],
    np.linalg.matmul: [call(x(4, 2, 3), x(3, 2))],
    np.linalg.vecdot: [call(x(2, 3), x(3)), call(x(3, 2), x(3, 2), axis=-2)],
    np.linalg.outer: [call(x(2), x(3))],
    np.linalg.tensordot: [call(x(2, 3), x(3, 2), axes=1)],
    np.linalg.cross: [call(x(2, 3), x(3)), call(x(3, 2), x(3, 2), axis=0)],
    # -- matrices ----------------------------------------------------------------------------------
    np.linalg.diagonal: [call(x(2, 3, 4), offset=1)],
    np.linalg.trace: [call(x(2, 3, 3)), call(x(3, 4), offset=-1)],
    np.linalg.inv: [call(square(2, 2)), call(square(3, 2, 2))],
    pinv: [call(square(3, 3)), call(x(2, 4, 3))],
    np.linalg.pinv: [
        call(x(4, 3)),
        call(x(2, 2, 3)),
        call(x(3, 4), rcond=1e-10),
        call(np.diag([3.0, 2.0, 0.5])[:, [1, 0, 2]] + 0.01 * x(3, 3), rcond=0.5),
        call(symmetric(3, 3), hermitian=True),
    ],
    np.linalg.tensorinv: [call(np.reshape(square(4, 4), (2, 2, 4)) , ind=2), call(square(3, 3), ind=1)],
    np.linalg.solve: [
        call(square(3, 3), x(3)),
        call(square(3, 3), x(3, 2)),
        call(square(2, 2, 2), x(2, 1)),
        call(square(2, 2, 2), x(2)),
        call(square(2, 2), x(3, 2, 1)),
    ],
    np.linalg.tensorsolve: [
        call(np.reshape(square(4, 4), (2, 2, 4)), x(2, 2)),
        call(np.reshape(square(4, 4), (2, 4, 2)), x(4), axes=(0,)),
    ],
    least_squares: [call(x(4, 2), x(4, 3), None), call(x(2, 4), x(2, 1), None)],
    np.linalg.lstsq: [
        call(x(4, 2), x(4)),
        call(x(4, 2), x(4, 2)),
        call(x(2, 3), x(2)),
        call(np.diag([3.0, 2.0, 0.5])[:, [1, 0, 2]] + 0.01 * x(3, 3), x(3), rcond=0.5),
    ],
    np.linalg.det: [call(square(3, 3)), call(square(2, 2, 2)), call(x(1, 1))],
    cofactors: [call(square(3, 3)), call(singular), call(square(2, 2, 2))],
    slogdet: [call(square(3, 3))],
    np.linalg.slogdet: [call(square(3, 3)), call(-square(2, 3, 3))],
    np.linalg.matrix_power: [call(square(2, 2), n) for n in (1, 2, 3, 6, -2)],
    np.linalg.multi_dot: [
        call([x(2, 3), x(3, 4)]),
        call([x(3), x(3, 4), x(4, 2), x(2)]),
        call([x(2, 4), x(4, 1), x(1, 3)]),
    ],
    # -- decompositions ----------------------------------------------------------------------------
    from_triangle: [call(symmetric(3, 3)), call(symmetric(2, 2, 2), uplo="U")],
    np.linalg.eigh: [call(symmetric(3, 3)), call(symmetric(3, 3)), call(symmetric(2, 3, 3), UPLO="U")],
    np.linalg.eigvalsh: [call(symmetric(3, 3)), call(symmetric(2, 2, 2), "U")],
    eig: [call(symmetric(3, 3) + 0.1 * x(3, 3))],
    np.linalg.eig: [call(symmetric(3, 3) + 0.1 * x(3, 3)), call(symmetric(2, 3, 3) + 0.1 * x(3, 3))],
    np.linalg.eigvals: [call(symmetric(3, 3) + 0.1 * x(3, 3))],
    np.linalg.svd: [
        call(square(3, 3)),
        call(x(4, 2), full_matrices=False),
        call(x(2, 2, 3), full_matrices=False),
        call(square(3, 3)),
        call(x(4, 3), full_matrices=False),
        call(x(2, 2, 4), full_matrices=False),
        call(x(3, 2)),
        call(x(2, 3)),
        call(x(3, 2), compute_uv=False),
        call(symmetric(3, 3) - 3 * np.eye(3), hermitian=True),
    ],
    complement: [call(np.eye(3)[:, :2], near=np.eye(3)[:, 2:])],
    np.linalg.svdvals: [call(x(2, 3)), call(x(2, 3, 3))],
    qr: [call(x(3, 2)), call(square(3, 3))],
    np.linalg.qr: [
        call(x(4, 2)),
        call(square(2, 3, 3)),
        call(x(2, 3)),
        call(x(3, 2), mode="complete"),
        call(x(4, 2), mode="r"),
    ],
    cholesky: [call(symmetric(3, 3))],
    np.linalg.cholesky: [call(symmetric(3, 3)), call(symmetric(2, 2, 2), upper=True)],
    # -- norms -------------------------------------------------------------------------------------
    power_norm: [call(x(2, 3), order=2.0, axis=None), call(x(2, 3), order=3.0, axis=(1,), keepdims=True)],
    direction: [
        call(x(2, 3), order=2.0, axis=(1,)),
        *(call(x(3), order=p, axis=None) for p in (1.5, 3.0, -1.0)),
    ],
    np.linalg.norm: [
        call(x(4)),
        call(x(2, 3)),
        call(x(2, 2, 3)),
        *(call(x(4), ord=p) for p in (1, 2, 3, 1.5, 0.5, -1, -2, np.inf, -np.inf)),
        *(call(x(2, 3) ** 3, ord=p) for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)),
        call(x(2, 3), axis=1, keepdims=True),
        call(x(2, 3), 3, 0, True),
        call(x(3, 2, 3), "nuc", axis=(2, 0), keepdims=True),
        call(x(3, 2, 3) ** 3, 1, axis=(0, -1)),
        call(x(3, 2, 3) ** 3, ord=np.inf, axis=(2, 0), keepdims=True),
    ],
    np.linalg.vector_norm: [
        call(x(2, 3)),
        call(x(2, 2, 3), axis=(0, 2), ord=3),
        call(x(2, 3), axis=-1, keepdims=True, ord=1),
    ],
    np.linalg.matrix_norm: [call(x(2, 2, 3)), call(x(2, 3, 3), ord=2, keepdims=True)],
    np.linalg.cond: [call(square(3, 3), p=p) for p in (None, 2, -2, "fro", 1, np.inf)],
    # -- what other rules are made of ----------------------------------------------------------------
    shifted: [call(x(3), np.array([1, -2, 0])), call(x(2, 1), 3)],
    upright: unary(),
    others: [call(x(5)), call(np.array([0.0, 2.0, 0.0])), call(x(3, 2), x(3, 2), x(3, 2))],
    running: [call(x(5)), call(np.array([2.0, 0.0, 3.0])), call(x(3, 2), x(3, 2), x(3, 2))],
    pulled: [call(x(5), x(5)), call(x(3), np.array([2.0, 0.0, 3.0])), call(x(3, 2), x(3, 2), x(3, 2))],
    slope: [call(x(2, 3), order=p, axis=axis) for p, axis in [(3.0, None), (0.5, (1,)), (-1.0, None)]],
}  # fmt: skip

with contextlib.suppress(ModuleNotFoundError):  # where SciPy is not installed
    from tests.scipy_samples import SPECIAL

    CALLS.update({op: [call(*args) for args in rows] for op, rows in SPECIAL.items()})

HERMITIAN = {cholesky, from_triangle, np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh}
"""Ops of symmetric and hermitian matrices: their derivatives are along such matrices only."""

GENERAL = {eig, np.linalg.eig, np.linalg.eigvals}
"""Ops of other matrices. From NumPy 2.5 on, their results are complex, also where the numbers are real."""


def without_phase(op: Callable[..., Any], result: Any) -> Any:
    """A result without choices: the phase of a complex eigenvector is one; a real one has a sign, which small
    changes keep."""
    if op not in GENERAL:
        return result
    return tuple(map(np.real, result)) if isinstance(result, tuple) else np.real(result)


WRITES = (np.put, np.put_along_axis, np.place, np.putmask, np.copyto, np.fill_diagonal)


def is_numpys(op: Callable[..., Any]) -> bool:
    """Whether an op is a function of NumPy; a ufunc may be one of SciPy."""
    return op in vars(np).values() or (getattr(op, "__module__", None) or "").startswith("numpy")


def written(op: Callable[..., Any]) -> Callable[..., Any]:
    """What a function that writes into its first argument leaves there."""

    def left(target: Any, *args: Any, **kwargs: Any) -> Any:
        target = target.copy()
        op(target, *args, **kwargs)
        return target

    left.__name__ = op.__name__
    return left


SAMPLES = [
    Sample(written(op) if op in WRITES else op, args, kwargs)
    for op, calls in CALLS.items()
    for args, kwargs in calls
]

HOLOMORPHIC = [
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.reciprocal, np.exp, np.log,
    np.sqrt, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arctan, np.arcsinh, np.arcsin, np.arccos,
    np.arctanh, np.exp2, np.expm1, np.log2, np.log10, np.log1p, np.sinc, np.float_power, np.positive,
    np.sum, np.mean, np.prod, np.nansum, np.nanmean, np.nanprod, np.average,
    np.cumsum, np.cumprod, np.diff, np.ediff1d, np.gradient, np.trapezoid,
    np.convolve, np.polyval, np.polyder, np.polyint, np.polyadd, np.polysub, np.polymul, np.polydiv,
    np.fft.fft, np.fft.ifft, np.fft.fftn, np.fft.ifftn, np.fft.fft2, np.fft.ifft2,
    np.fft.fftshift, np.fft.ifftshift,
    np.matmul, np.einsum, np.tensordot, np.dot, np.inner, np.outer, np.kron, np.cross,
    np.linalg.inv, np.linalg.solve, np.linalg.det, cofactors, np.linalg.matrix_power,
    np.linalg.multi_dot, np.linalg.tensorinv, np.linalg.tensorsolve,
    np.reshape, np.ravel, np.transpose, operator.getitem, setitem, np.concatenate, np.power,
    np.block, np.insert, np.tile, np.repeat, np.diag, np.diagonal, np.trace, np.take, np.choose, np.select,
]  # fmt: skip
NOT_HOLOMORPHIC = [
    np.absolute, np.conjugate, np.real, np.imag, np.angle, np.real_if_close, np.nan_to_num,
    np.vdot, np.vecdot,
    pinv, least_squares, slogdet, qr, np.linalg.qr,
    direction, power_norm, slope, np.linalg.norm, np.linalg.cond,
    np.linalg.svdvals, np.linalg.lstsq,
    np.var, np.std, np.nanvar, np.nanstd, np.cov, np.corrcoef, np.correlate,
    np.fft.irfft, np.fft.irfftn, np.fft.irfft2, np.fft.hfft,
]  # fmt: skip
"""Ops that are tried on complex numbers too."""
