"""The table of inputs: for every op that has a derivative, where it is tried.

`SAMPLES` has one line for each rule. `tests/ops/test_samples.py` makes the tests from it and
asserts that this table and the registry list the same ops. Points are drawn away from kinks and
from the edges of domains; those have tests of their own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.ops.elementwise import (
    arcsin_slope,
    arctanh_slope,
    clip,
    logistic_slope,
    times_sech2,
    where,
)
from autograd_lite.ops.indexing import scatter
from autograd_lite.ops.products import einsum
from autograd_lite.ops.shaping import concatenate, stack
from autograd_lite.tensor import alias, astype, setitem


@dataclass(frozen=True)
class Sample:
    """One call of an op."""

    op: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shapes = [getattr(arg, "shape", arg) for arg in self.args]
        words = [*map(str, shapes), *(f"{key}={value}" for key, value in self.kwargs.items())]
        return f"{self.op.__name__}({', '.join(words)})"


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


NUMPY = tuple(map(int, np.__version__.split(".")[:2]))
matrix = np.array([[True, False, True], [False, True, True]])

CALLS: dict[Callable[..., Any], list[Any]] = {
    # -- arithmetic --------------------------------------------------------------------------------
    np.add: binary(),
    np.subtract: binary(),
    np.multiply: binary(),
    np.divide: binary(x, positive),
    np.remainder: [call(x(3), positive(3)), call(np.array([5.5, -5.5]), np.array([2.0, -2.0]))],
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
    np.sqrt: unary(positive),
    np.cbrt: unary(positive),
    np.hypot: binary(),
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
    # -- trigonometric and hyperbolic functions ----------------------------------------------------
    np.sin: unary(),
    np.cos: unary(),
    np.tan: unary(unit),
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
    arctanh_slope: unary(unit),
    # -- the logistic function and its kin ---------------------------------------------------------
    ag.sigmoid: unary(),
    logistic_slope: unary(lambda *shape: x(*shape, low=0.1)),
    ag.softplus: unary(),
    ag.erf: unary(),
    # -- selection ---------------------------------------------------------------------------------
    np.maximum: binary(x, lambda *shape: x(*shape) + 0.01),
    np.minimum: binary(x, lambda *shape: x(*shape) + 0.01),
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
    np.absolute: [call(x(4)), call(x(2, 2))],
    np.fabs: [call(x(4))],
    np.conjugate: unary(),
    np.real: unary(),
    np.imag: unary(),
    # -- reductions --------------------------------------------------------------------------------
    np.sum: reduction(),
    np.mean: reduction(),
    np.prod: [
        *reduction(),
        call(np.array([0.0, 2.0, 3.0])),
        call(np.array([[0.0, 2.0], [0.0, 3.0]]), axis=0),
    ],
    np.cumsum: [call(x(4)), call(x(2, 3)), call(x(2, 3), axis=0), call(x(2, 3), axis=-1)],
    np.diff: [call(x(4)), call(x(2, 4), n=2), call(x(3, 2), axis=0)],
    np.average: [
        call(x(2, 3)),
        call(x(2, 3), 0, positive(2)),
        call(x(2, 3), None, positive(2, 3)),
    ],
    np.ptp: [call(x(4)), call(x(2, 3), axis=1)],
    np.var: [*reduction()[:-1], call(x(2, 4), axis=1, ddof=1)],
    np.std: [*reduction()[:-1], call(x(2, 4), axis=1, ddof=1)],
    np.max: reduction(),
    np.min: reduction(),
    ag.logsumexp: reduction(),
    ag.softmax: [call(x(3)), call(x(2, 3)), call(x(2, 3), axis=0), call(x(2, 3), axis=None)],
    ag.log_softmax: [call(x(3)), call(x(2, 3)), call(x(2, 3), axis=0), call(x(2, 3), axis=(0, 1))],
    # -- shape -------------------------------------------------------------------------------------
    np.reshape: [call(x(2, 3), (3, 2)), call(x(2, 3), -1), call(x(2, 3), (3, 2), order="F")],
    np.ravel: [call(x(2, 3)), call(x(2, 3), order="F")],
    np.transpose: [call(x(2, 3)), call(x(2, 3, 4), (2, 0, 1)), call(x(2, 3, 4), axes=(-1, 0, 1))],
    np.matrix_transpose: [call(x(2, 3, 4))],
    np.swapaxes: [call(x(2, 3, 4), 0, -1)],
    np.moveaxis: [call(x(2, 3, 4), 0, 2), call(x(2, 3, 4), (0, 1), (-1, 0))],
    np.expand_dims: [call(x(2, 3), 1), call(x(2, 3), (0, -1))],
    np.squeeze: [call(x(1, 3, 1)), call(x(1, 3, 1), axis=0)],
    np.flip: [call(x(2, 3)), call(x(2, 3), axis=1)],
    np.broadcast_to: [call(x(3), (2, 3)), call(x(2, 1), (4, 2, 3)), call(x(), (2, 2))],
    np.broadcast_arrays: [call(x(3), x(2, 1))],
    concatenate: [call(x(2, 3), x(1, 3))],
    np.concatenate: [
        call([x(2, 3), x(1, 3)]),
        call((x(2, 3), x(2, 1), x(2, 0)), axis=-1),
        call([x(2), x(2, 2)], axis=None),
    ],
    stack: [call(x(2), x(2))],
    np.stack: [call([x(2, 3), x(2, 3)]), call([x(2, 3), x(2, 3)], axis=-1), call([x(), x()])],
    np.roll: [call(x(4), 1), call(x(2, 3), (1, -1), axis=(0, 1)), call(x(2, 3), 2)],
    np.atleast_1d: [call(x()), call(x(2), x())],
    np.atleast_2d: [call(x(3)), call(x())],
    np.vstack: [call([x(3), x(2, 3)])],
    np.hstack: [call([x(3), x(2)]), call([x(2, 3), x(2, 1)])],
    np.column_stack: [call([x(3), x(3, 2)])],
    np.array_split: [call(x(5), 3), call(x(2, 5), [1, 3], axis=-1)],
    np.split: [call(x(6), 3), call(x(2, 4), 2, axis=1)],
    np.diagonal: [call(x(3, 4)), call(x(2, 3, 4), 1, axis1=1, axis2=-1), call(x(3, 2), offset=-1)],
    np.trace: [call(x(3, 3)), call(x(2, 3, 3), 0, 1, 2)],
    np.diag: [call(x(3)), call(x(2), k=-1), call(x(3, 3)), call(x(3, 3), 1)],
    np.tril: [call(x(3, 3)), call(x(2, 3, 4), k=1)],
    np.triu: [call(x(3, 3)), call(x(3, 4), -1)],
    np.take: [call(x(2, 3), np.array([5, 0, 0])), call(x(2, 3), np.array([1, 1]), axis=1)],
    np.sort: [call(x(5)), call(x(2, 4)), call(x(3, 2), axis=0), call(x(2, 2), axis=None)],
    np.copy: [call(x(2, 3))],
    alias: [call(x(2, 3))],
    astype: [call(x(2, 3), np.float64)],
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
    ],
    scatter: [call(x(3), np.array([0, 0, 2]), (4,)), call(x(2), slice(1, 3), (4,))],
    setitem: [
        call(x(4), x(), 1),
        call(x(3, 4), x(4), slice(0, 2)),
        call(x(4), x(3), np.array([0, 0, 2])),
        call(x(2, 3), x(), matrix),
        call(x(2, 3), x(4), matrix),
        call(x(3, 4), x(1, 1, 2), (Ellipsis, [1, 2])),
    ],
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
    np.linalg.inv: [call(x(2, 2) + 3 * np.eye(2)), call(x(3, 2, 2) + 4 * np.eye(2))],
    np.linalg.solve: [
        call(x(3, 3) + 3 * np.eye(3), x(3)),
        call(x(3, 3) + 3 * np.eye(3), x(3, 2)),
        call(x(2, 2, 2) + 3 * np.eye(2), x(2, 1)),
    ],
    einsum: [call("ij,jk->ik", x(2, 3), x(3, 2))],
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
    ],
}  # fmt: skip

SAMPLES = [Sample(op, args, kwargs) for op, calls in CALLS.items() for args, kwargs in calls]

HOLOMORPHIC = [
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.reciprocal, np.exp, np.log,
    np.sqrt, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arctan, np.arcsinh,
    np.sum, np.mean, np.prod,
    np.matmul, np.einsum, np.reshape, np.transpose, operator.getitem, np.concatenate, np.power,
]  # fmt: skip
NOT_HOLOMORPHIC = [np.absolute, np.conjugate, np.real, np.imag]
"""Ops that are tried on complex numbers too."""
