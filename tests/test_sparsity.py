"""Sparse Jacobians and Hessians against dense ones, brute force, SciPy; and faults planted."""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import tree
from autograd_lite.arrays import to_host, unwrap
from autograd_lite.errors import (
    DTypeError,
    MissingPackageError,
    MistakeWarning,
    ShapeError,
    UnsupportedError,
)
from autograd_lite.sparsity import derivatives, indexed, pattern, store
from autograd_lite.sparsity.colouring import distance_2, star
from autograd_lite.sparsity.derivatives import pattern_of
from tests.helpers import by_op
from tests.programs.drawing import numbered
from tests.programs.program import Program
from tests.samples import SAMPLES, Sample

sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")

RNG = np.random.default_rng(5)


# -- the pattern holds every nonzero ----------------------------------------------------------------


def is_moved(x: Any) -> bool:
    return isinstance(x, (float, np.ndarray, np.generic)) and np.asarray(x).dtype.kind == "f"


def flat(call: Callable[..., Any], args: Any) -> tuple[Callable[[Any], Any], Any]:
    """A function of one vector, for all the arrays in arguments; and the vector."""
    leaves, rebuild = tree.flatten(args)
    places = [i for i, x in enumerate(leaves) if is_moved(x)]
    ends = np.cumsum([0, *(np.size(leaves[i]) for i in places)])

    def f(v: Any) -> Any:
        own = list(leaves)
        for i, start, stop in zip(places, ends, ends[1:], strict=False):
            own[i] = np.reshape(v[start:stop], np.shape(own[i])).astype(np.asarray(own[i]).dtype)
        outs = [y for y in tree.flatten(call(*rebuild(own)))[0] if isinstance(y, ag.Tensor)]
        parts = [part for y in outs for part in ((np.real(y), np.imag(y)) if np.iscomplexobj(y) else (y,))]
        return np.concatenate([np.zeros(0), *(np.ravel(part).astype(float) for part in parts)])

    return f, np.concatenate([np.ravel(leaves[i]).astype(float) for i in places])


def missing(f: Callable[[Any], Any], point: Any) -> int:
    """How many nonzeros of the dense Jacobian the pattern has not."""
    with np.errstate(all="ignore"):
        dense = to_host(ag.jacobian(f)(point))
        found = pattern_of(f, point, "sparse_jacobian").toarray()
    return int(np.count_nonzero(dense[~found.reshape(dense.shape)]))


def slope(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The gradient of a function that bends in each output."""
    return ag.grad(lambda v: np.sum(f(v) ** 2 / 4 + np.sin(f(v))))


def at_sample(sample: Sample) -> tuple[Callable[[Any], Any], Any]:
    return flat(lambda *args: sample.op(*args, **sample.kwargs), list(sample.args))


@pytest.mark.few(12)
@pytest.mark.parametrize("samples", by_op(SAMPLES))
def test_the_pattern_of_every_op_holds_all_nonzeros(samples: list[Sample]) -> None:
    """No warning: every op has a rule, also where it runs inside of another one."""
    for sample in samples:
        assert missing(*at_sample(sample)) == 0, str(sample)


@pytest.mark.slow
@pytest.mark.parametrize("samples", by_op(SAMPLES))
def test_the_pattern_of_every_gradient_holds_all_nonzeros(samples: list[Sample]) -> None:
    for sample in samples:
        f, point = at_sample(sample)
        if sample.op is not np.roots:
            assert missing(slope(f), point) == 0, str(sample)


def tried(program: Program) -> None:
    f, point = flat(lambda *xs: [program.values(xs)[i] for i in program.outputs], list(program.inputs))
    assert missing(f, point) == 0, str(program)
    assert missing(slope(f), point) == 0, str(program)


@pytest.mark.few(80)
@pytest.mark.parametrize("portion", range(80))
def test_the_patterns_of_random_programs_hold_all_nonzeros(portion: int) -> None:
    for number in range(6 * portion, 6 * (portion + 1)):
        program = numbered(11, number)
        if all(is_moved(x) for x in program.inputs):
            tried(program)


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the sum of a row has the set of its first entry."""
    f, point = lambda x: np.sum(np.reshape(x, (2, 3)), axis=1), np.arange(6.0)
    assert missing(f, point) == 0
    monkeypatch.setitem(
        indexed.patterns, np.sum, lambda store, value, x, axis: indexed.ids_of(x).take(0, axis)
    )
    assert missing(f, point) == 4
    with pytest.raises(UnsupportedError, match="nonzeros outside of its pattern"):
        ag.sparse_jacobian(f)(point)


# -- patterns that are exact ------------------------------------------------------------------------


def stencil(x: Any) -> Any:
    """The Laplacian and the square of a function on a grid."""
    u = np.pad(np.reshape(x, (5, 6)), 1)
    around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
    return np.ravel(around - 4 * u[1:-1, 1:-1] + u[1:-1, 1:-1] ** 2)


def assigned(x: Any) -> Any:
    y = ag.Tensor(np.zeros(6))
    y[1:3] = x[:2] * 2
    y[0] = x[3] * x[4]
    y += x
    return y


DIFFERENCES = np.eye(6, k=1) - np.eye(6)
NET = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(2, 1, 2)).double()

EXACT: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "band": (lambda x: x[1:] ** 2 * x[:-1], RNG.normal(size=8)),
    "stencil": (stencil, RNG.normal(size=30)),
    "running sum": (np.cumsum, RNG.normal(size=6)),
    "sum of rows": (lambda x: np.sum(x, 1) * x[:, 0], RNG.normal(size=(3, 4))),
    "constant matrix": (lambda x: DIFFERENCES @ np.sin(x), RNG.normal(size=6)),
    "constant matrix behind": (lambda x: x @ DIFFERENCES, RNG.normal(size=(2, 6))),
    "matrix product": (lambda x: x[:2] @ x[2:].T, RNG.normal(size=(4, 3))),
    "einsum": (lambda x: np.einsum("bij,bj->bi", x, x[:, 0]), RNG.normal(size=(2, 3, 3))),
    "assignment": (assigned, RNG.normal(size=6)),
    "network": (NET, RNG.normal(size=(1, 1, 6, 6))),
    "convolution": (lambda x: np.convolve(x, [1.0, 2.0, 3.0], "same"), RNG.normal(size=7)),
    "softmax of rows": (lambda x: ag.softmax(x), RNG.normal(size=(3, 4))),
    "vmap": (ag.vmap(lambda row: np.cumsum(row) * row[0]), RNG.normal(size=(3, 3))),
    "gradient": (ag.grad(lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 2)), RNG.normal(size=7)),
    "checkpoint": (ag.checkpoint(lambda x: np.sin(x) * x[::-1]), RNG.normal(size=5)),
    "scalar": (lambda x: np.sum(x[1:3] ** 2), RNG.normal(size=4)),
    "one number": (lambda x: x * np.ones(3), np.array(2.0)),
}


@pytest.mark.parametrize("name", EXACT)
def test_the_pattern_is_what_perturbation_finds(name: str) -> None:
    """Brute force: an output depends on an input if it moves with it."""
    f, x = EXACT[name]
    base = np.ravel(to_host(f(x)))
    moves = np.zeros((base.size, x.size), bool)
    for j in range(x.size):
        other = x.copy()
        other[np.unravel_index(j, x.shape)] += 0.37
        moves[:, j] = np.abs(np.ravel(to_host(f(other))) - base) > 1e-12
    assert np.array_equal(pattern_of(f, x, "sparse_jacobian").toarray(), moves)


@pytest.mark.parametrize("name", EXACT)
def test_the_sparse_jacobian_is_the_dense_one(name: str) -> None:
    f, x = EXACT[name]
    found = ag.sparse_jacobian(f)(x)
    assert isinstance(found, sparse.csr_matrix)
    dense = to_host(ag.jacobian(f)(x)).reshape(found.shape)
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-12, atol=1e-13)


def test_columns_are_taken_where_they_need_fewer_colours() -> None:
    wide = ag.sparse_jacobian(lambda x: np.concatenate([x**2, x[:1] * x[1:2], x[:1] * x[3:]]))
    tall = ag.sparse_jacobian(lambda x: x[0] * x[1:])
    x = np.arange(1.0, 6)
    np.testing.assert_allclose(tall(x).toarray(), ag.jacobian(lambda x: x[0] * x[1:])(x))
    assert (tall.pattern.by, tall.pattern.count) == ("columns", 2)
    assert wide(x).shape == (8, 5)


def test_both_sides_of_where_count_and_so_do_products_with_zero() -> None:
    f = lambda x: np.where(x > 0, x, x[::-1] * 0)
    assert pattern_of(f, np.array([1.0, -1.0, 2.0]), "f").toarray().tolist() == [
        [True, False, True],
        [False, True, False],
        [True, False, True],
    ]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sort(x, axis=1),
        lambda x: np.partition(x, 1, axis=1),
        lambda x: np.take_along_axis(x, np.argsort(x, axis=1), 1),
        lambda x: x[np.arange(2)[:, None], np.argsort(x, axis=1)],
        lambda x: x[np.arange(2), np.argmax(x, axis=1)][:, None] * np.ones(3),
        lambda x: np.max(x, axis=1, keepdims=True) * np.ones(3),
        lambda x: nn.functional.max_pool1d(x[None], 3)[0] * np.ones(3),
    ],
)
def test_what_is_chosen_by_rank_depends_on_all_that_was_ranked(f: Callable[[Any], Any]) -> None:
    rows = np.kron(np.eye(2), np.ones((3, 3)))
    assert np.array_equal(pattern_of(f, RNG.normal(size=(2, 3)), "f").toarray(), rows)


# -- Hessians ----------------------------------------------------------------------------------------


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


HESSIANS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "rosenbrock": (rosenbrock, 3),
    "arrow": (lambda x: np.sum(x[0] * x[1:] ** 2), 2),
    "diagonal": (lambda x: np.sum(np.cos(x)), 1),
    "linear": (lambda x: np.sum(x * np.arange(9.0)), 1),
    "grid": (lambda x: np.sum(np.sin(np.diff(np.reshape(x, (3, 3)), axis=0))) + np.sum(x[1:] * x[:-1]), 5),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_the_sparse_hessian_is_the_dense_one(name: str) -> None:
    f, most = HESSIANS[name]
    x = RNG.normal(size=9)
    hessian = ag.sparse_hessian(f)
    np.testing.assert_allclose(hessian(x).toarray(), ag.hessian(f)(x), rtol=1e-11, atol=1e-11)
    assert hessian.pattern.count <= most


# -- colours -----------------------------------------------------------------------------------------


def graphs() -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.random((n, n)) < share for n in (1, 5, 9) for share in (0.0, 0.2, 0.4, 1.0) for _ in range(3)]


def is_star_colouring(graph: Any, colours: Any) -> bool:
    """The definition, by all paths of four."""
    n = len(graph)
    near = [[j for j in range(n) if graph[i, j] and i != j] for i in range(n)]
    proper = all(colours[i] != colours[j] for i in range(n) for j in near[i])
    return proper and all(
        len({colours[i] for i in (a, b, c, d)}) > 2
        for b in range(n)
        for c in near[b]
        for a in near[b]
        for d in near[c]
        if a != c and d != b and a != d
    )


def test_no_row_has_two_columns_of_one_colour() -> None:
    for graph in graphs():
        colours = distance_2(sparse.csc_matrix(graph))
        for row in graph:
            assert len(set(colours[row])) == row.sum()


def test_star_colourings_keep_to_their_definition_and_tell_all_entries() -> None:
    rng = np.random.default_rng(1)
    for graph in graphs():
        both = graph | graph.T
        colours = star(sparse.csr_matrix(both))
        assert is_star_colouring(both, colours)
        n = len(both)
        half = rng.normal(size=(n, n))
        matrix = (half + half.T) * both
        found = pattern.Pattern(sparse.csr_matrix(both), "both", colours)
        products = found.seeds(range(found.count), float) @ matrix
        assert np.array_equal(found.filled(products).toarray().round(9), matrix.round(9))


def test_the_definition_refuses_a_wrong_star_colouring() -> None:
    path = np.eye(4, k=1, dtype=bool) | np.eye(4, k=-1, dtype=bool)
    assert is_star_colouring(path, [0, 1, 0, 2])
    assert not is_star_colouring(path, [0, 1, 0, 1])
    assert not is_star_colouring(path, [0, 0, 1, 2])


def test_a_band_needs_as_many_colours_as_it_is_wide() -> None:
    for width in (1, 2, 3):
        band = sparse.diags([np.ones(50)] * (2 * width + 1), range(-width, width + 1), (50, 50), "csc")
        assert distance_2(band).max() == 2 * width


@pytest.mark.parametrize("which", [ag.sparse_jacobian, ag.sparse_hessian])
def test_a_wrong_colouring_is_found(which: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: all columns have one colour."""
    for name in ("distance_2", "star"):
        monkeypatch.setattr(pattern, name, lambda graph: np.zeros(graph.shape[1], int))
    f = rosenbrock if which is ag.sparse_hessian else stencil
    with pytest.raises(UnsupportedError, match="outside of its pattern"):
        which(f)(RNG.normal(size=30))


# -- kept and found anew -----------------------------------------------------------------------------


def test_the_pattern_is_kept_and_a_new_branch_is_found() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(type(unwrap(x)).__name__)
        return x[1:] * x[:-1] if x[0] > 0 else x[1:] * x[0]

    jacobian = ag.sparse_jacobian(f).prepare(np.array([1.0, 2.0, 3.0]))
    first = jacobian.pattern
    jacobian(np.array([4.0, 5.0, 6.0]))
    assert runs.count("Indexed") == 1
    assert jacobian.pattern is first
    other = jacobian(np.array([-1.0, 2.0, 3.0]))
    assert other.toarray().tolist() == [[2.0, -1.0, 0.0], [3.0, 0.0, -1.0]]
    assert runs.count("Indexed") == 2
    jacobian(np.array([1.0, 2.0, 3.0, 4.0]))
    assert jacobian.pattern.matrix.shape == (3, 4)


def test_dtypes_other_arguments_and_words() -> None:
    jacobian = ag.sparse_jacobian(lambda t, y, by: t * y[1:] * y[:-1] * by, argnums=1)
    assert repr(jacobian) == "<sparse_jacobian of <lambda>, not prepared>"
    y = np.array([1, 2, 3], np.float32)
    found = jacobian(2.0, y, by=3.0)
    assert found.dtype == np.float32
    assert found.toarray().tolist() == [[12.0, 6.0, 0.0], [0.0, 18.0, 12.0]]
    assert jacobian(2.0, ag.Tensor(y), by=3.0).toarray().tolist() == found.toarray().tolist()
    assert jacobian(2, [1, 2, 3], by=3).dtype == np.float64
    assert repr(jacobian.pattern) == "<Pattern 2 x 3, 4 nonzeros, 2 colours of rows>"


def test_nan_and_inf_stay_where_they_are() -> None:
    found = ag.sparse_jacobian(lambda x: np.sqrt(x[1:]) * x[:-1])
    found.prepare(np.ones(4))
    with np.errstate(all="ignore"):
        matrix = found(np.array([1.0, 2.0, 0.0, 4.0])).toarray()
    assert np.isinf(matrix[1, 2])
    assert np.isfinite(matrix[0]).all()


def test_a_parameter_that_requires_a_gradient_is_a_constant() -> None:
    w = ag.Tensor(np.array([2.0, 3.0]), requires_grad=True)
    found = ag.sparse_jacobian(lambda x: x * w)(np.ones(2))
    assert found.toarray().tolist() == [[2.0, 0.0], [0.0, 3.0]]
    assert w.grad is None


def test_many_colours_are_computed_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivatives, "ROOM", 14)
    x = RNG.normal(size=7)
    for f in (np.cumsum, lambda x: np.cumsum(x) ** 2, lambda x: x**2):
        np.testing.assert_allclose(ag.sparse_jacobian(f)(x).toarray(), ag.jacobian(f)(x), atol=1e-14)


# -- errors ------------------------------------------------------------------------------------------


def test_errors_say_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DTypeError, match="real numbers"):
        ag.sparse_jacobian(np.sin)(np.ones(2) * 1j)
    with pytest.raises(DTypeError, match="give an int"):
        ag.sparse_jacobian(np.sin, argnums=(0, 1))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"np\.concatenate"):
        ag.sparse_jacobian(lambda x: (x, x))(np.ones(2))
    with pytest.raises(DTypeError, match="complex"):
        ag.sparse_jacobian(lambda x: x * 1j)(np.ones(2))
    monkeypatch.setattr(store, "MOST", 50)
    with pytest.raises(UnsupportedError, match=r"ag\.jacobian"):
        ag.sparse_jacobian(lambda x: np.cumsum(x[1:]))(np.ones(30))
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(MissingPackageError, match=r"autograd-lite\[scipy\]"):
        ag.sparse_jacobian(np.sin)(np.ones(2))


def test_an_op_without_a_rule_is_dense_and_says_so_once() -> None:
    @ag.primitive
    def squares(x: Any) -> Any:
        return np.array([float(v) ** 2 for v in x])

    ag.defvjp(squares, lambda g, y, x: g * 2 * x)
    x = np.arange(1.0, 4)
    indexed._named.discard("squares")
    with pytest.warns(MistakeWarning, match="squares has no rule for its sparsity pattern"):
        assert np.array_equal(ag.sparse_jacobian(squares)(x).toarray(), np.diag(2 * x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ag.sparse_jacobian(squares).prepare(x).pattern.matrix.nnz == 9


# -- SciPy's solvers ---------------------------------------------------------------------------------


def bratu(u: Any) -> Any:
    """-u'' = exp(u) by finite differences."""
    h = 1 / (len(u) + 1)
    inner = np.pad(u, 1)
    return (inner[2:] - 2 * u + inner[:-2]) / h**2 + np.exp(u)


def test_scipys_solvers_take_the_derivatives() -> None:
    from scipy.integrate import solve_ivp
    from scipy.sparse.linalg import spsolve

    residuals = lambda x: np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])
    fit = optimize.least_squares(residuals, np.full(20, 0.5), jac=ag.sparse_jacobian(residuals))
    np.testing.assert_allclose(fit.x, 1, rtol=1e-6)

    jacobian = ag.sparse_jacobian(bratu)
    solved = optimize.root(bratu, np.zeros(20), jac=lambda u: jacobian(u).toarray()).x
    u = np.zeros(20)
    for _ in range(6):
        u = u - spsolve(jacobian(u).tocsc(), bratu(u))
    np.testing.assert_allclose(u, solved, rtol=1e-9)

    flow = lambda t, u: bratu(u)
    slopes = ag.sparse_jacobian(flow, argnums=1)
    ours = solve_ivp(flow, (0, 1), np.zeros(20), "BDF", jac=slopes, rtol=1e-6)
    theirs = solve_ivp(flow, (0, 1), np.zeros(20), "BDF", rtol=1e-6)
    np.testing.assert_allclose(ours.y[:, -1], theirs.y[:, -1], rtol=1e-4)
    assert slopes.pattern.count == 3


def test_scipys_minimizers_take_products_of_the_hessian() -> None:
    start, hessian = np.full(4, 0.8), ag.sparse_hessian(rosenbrock)
    products = lambda x, v: hessian(x) @ v
    least = optimize.minimize(rosenbrock, start, jac=ag.grad(rosenbrock), hessp=products, method="trust-ncg")
    np.testing.assert_allclose(least.x, 1, rtol=1e-4)


@pytest.mark.slow
def test_scipys_minimizers_take_the_hessian() -> None:
    hessian = ag.sparse_hessian(rosenbrock)
    least = optimize.minimize(
        rosenbrock, np.full(20, 0.5), jac=ag.grad(rosenbrock), hess=hessian, method="trust-constr"
    )
    np.testing.assert_allclose(least.x, 1, rtol=1e-4)


@pytest.mark.slow
def test_a_hundred_thousand_inputs() -> None:
    x = RNG.normal(size=100_000)
    hessian, slopes = ag.sparse_hessian(rosenbrock), ag.sparse_jacobian(bratu)
    v = RNG.normal(size=x.size)
    np.testing.assert_allclose(hessian(x) @ v, ag.hvp(rosenbrock, x, v), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(slopes(x) @ v, ag.jvp(bratu, (x,), (v,))[1], rtol=1e-9, atol=1e-3)
    assert hessian.pattern.count == slopes.pattern.count == 3


# -- the picture -------------------------------------------------------------------------------------


def test_the_picture_shows_each_nonzero_in_the_colour_of_its_product() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    import visualize
    from autograd_lite.errors import DataError

    jacobian = ag.sparse_jacobian(lambda x: x[1:] * x[:-1])
    with pytest.raises(DataError, match=r"prepare\(x\)"):
        visualize.sparsity(jacobian)
    jacobian.prepare(np.ones(6))
    axes = visualize.sparsity(jacobian).axes[0]
    cells = np.asarray(axes.images[0].get_array())
    drawn = (cells != 1).any(axis=-1)
    assert np.array_equal(drawn, jacobian.pattern.matrix.toarray())
    shades = [{tuple(cells[i, j]) for j in np.flatnonzero(drawn[i])} for i in range(5)]
    assert all(len(shade) == 1 for shade in shades)
    assert [a == b for a, b in itertools.pairwise(shades)] == [False] * 4
    assert axes.get_title() == "5 x 6, 10 nonzeros\n2 colours of rows"
    assert visualize.sparsity(sparse.eye(5000).tocsr()).axes[0].get_title() == "5000 x 5000, 5000 nonzeros"
