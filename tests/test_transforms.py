"""grad, vjp, jvp, jacobian, hessian, hvp: kinds, structures, nesting; users' own rules."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, ShapeError, UnsupportedError

A = np.random.default_rng(0).normal(size=(3, 3))


def test_results_are_of_the_kind_of_the_argument() -> None:
    f = np.square
    assert type(ag.grad(f)(3.0)) is float and ag.grad(f)(3) == 6.0
    assert type(ag.grad(f)(np.float32(3.0))) is np.float32
    assert isinstance(ag.grad(f)(np.array(3.0)), np.ndarray)
    assert isinstance(ag.grad(np.sum)(np.ones(2)), np.ndarray)
    g = ag.grad(f)(ag.Tensor(3.0))
    assert isinstance(g, ag.Tensor) and not g.requires_grad
    value, _ = ag.value_and_grad(f)(3.0)
    assert type(value) is float
    assert isinstance(ag.value_and_grad(np.sum)(np.ones(2))[0], np.float64)
    assert type(ag.jvp(f, (3.0,), (1.0,))[1]) is float


def test_argnums_aux_and_keyword_arguments() -> None:
    def f(x: Any, y: Any, *, scale: float = 1.0) -> Any:
        return scale * x * y * y, {"sum": x + y}

    assert ag.grad(f, argnums=1, has_aux=True)(2.0, 3.0, scale=10.0) == (120.0, {"sum": 5.0})
    assert ag.value_and_grad(f, (0, -1), has_aux=True)(2.0, 3.0) == ((18.0, {"sum": 5.0}), (9.0, 12.0))
    with pytest.raises(IndexError, match="argnums"):
        ag.grad(np.sin, 1)(1.0)


def test_nested_containers() -> None:
    Pair = namedtuple("Pair", "a b")
    params = {"w": [np.ones(2), 2.0], "p": Pair(3.0, (np.float32(4.0),)), "none": None}

    def f(p: Any) -> Any:
        return np.sum(p["w"][0]) * p["w"][1] * p["p"].a * p["p"].b[0]

    g = ag.grad(f)(params)
    assert g["w"][0].tolist() == [24.0, 24.0] and g["w"][1] == 24.0
    assert g["p"] == Pair(16.0, (12.0,)) and g["none"] is None and isinstance(g["p"], Pair)


@pytest.mark.parametrize("bad", [np.arange(3), np.array([True]), "text"])
def test_what_has_no_gradient_is_refused(bad: Any) -> None:
    with pytest.raises(DTypeError, match=r"astype\(float\)"):
        ag.grad(lambda x: 1.0)(bad)


@pytest.mark.parametrize("f", [lambda x: x, lambda x: x.numpy(), lambda x: (x, x), lambda x: "loss"])
def test_grad_wants_a_single_number(f: Any) -> None:
    with pytest.raises(ShapeError, match="ag.jacobian"):
        ag.grad(f)(np.ones(2))


def test_grad_wants_a_function_that_returns_something() -> None:
    with pytest.raises(ShapeError, match="return missing"):
        ag.grad(lambda x: None)(1.0)
    with pytest.raises(DTypeError, match=r"ag\.grad\(f\)\(x\)"):
        ag.grad(3.0)
    with pytest.raises(DTypeError, match="argnums"):
        ag.grad(np.sin, "x")(1.0)


def test_grad_wants_a_real_number() -> None:
    with pytest.raises(DTypeError, match="real"):
        ag.grad(np.exp)(1j)


def test_vjp_of_several_outputs() -> None:
    out, pullback = ag.vjp(lambda x, y: {"p": x * y, "q": [x + 1.0]}, np.ones(2), 3.0)
    assert out["p"].tolist() == [3.0, 3.0] and isinstance(out["q"][0], np.ndarray)
    for _ in range(2):
        gx, gy = pullback({"p": np.ones(2), "q": [np.array([1.0, 10.0])]})
        assert gx.tolist() == [4.0, 13.0] and gy == 2.0
    with pytest.raises(ShapeError, match="structure"):
        pullback(np.ones(2))
    with pytest.raises(ShapeError, match="must be equal"):
        pullback({"p": np.ones(3), "q": [np.ones(2)]})


def test_an_output_may_be_an_input_or_come_twice() -> None:
    out, pullback = ag.vjp(lambda x: (x, x, x * 2), 1.0)
    assert out == (1.0, 1.0, 2.0) and pullback((1.0, 10.0, 100.0)) == (211.0,)
    assert ag.jvp(lambda x: (x, x, 5.0), (1.0,), (3.0,))[1] == (3.0, 3.0, 0.0)


def test_jvp_checks_its_tangents() -> None:
    with pytest.raises(ShapeError, match="jvp"):
        ag.jvp(np.sin, (np.ones(2),), (np.ones(3),))
    with pytest.raises(ShapeError, match="structure"):
        ag.jvp(np.sin, (1.0,), (1.0, 2.0))
    with pytest.raises(DTypeError, match="tuples"):
        ag.jvp(np.sin, 1.0, 1.0)


def test_jacobian_and_hessian_of_known_functions() -> None:
    x = np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(ag.jacobian(lambda x: A @ x)(x), A)
    assert ag.jacobian(lambda x, y: np.outer(x, y), (0, 1))(x, x[:2])[1].shape == (3, 2, 2)
    np.testing.assert_allclose(ag.hessian(lambda x: x @ A @ x)(x), A + A.T, rtol=1e-14)
    blocks = ag.hessian(lambda x, y: x * y * y, (0, 1))(2.0, 3.0)
    assert blocks == ((0.0, 6.0), (6.0, 4.0))
    np.testing.assert_allclose(ag.hvp(lambda x: x @ A @ x, x, x), (A + A.T) @ x, rtol=1e-14)
    assert ag.hvp(lambda x, y: x * y * y, (2.0, 3.0), (1.0, 1.0)) == (6.0, 10.0)
    np.testing.assert_allclose(ag.jacobian(ag.jacobian(lambda x: x**3))(x)[1, 1, 1], 12.0)
    assert ag.jacobian(lambda x: np.ones(2))(x).tolist() == [[0.0] * 3] * 2


def test_jacobians_of_other_kinds() -> None:
    assert ag.jacobian(lambda x: x * np.arange(2.0))(3.0).tolist() == [0.0, 1.0]
    assert ag.hessian(lambda p: np.sum(p[0]) * p[1] ** 2)((np.ones(2), 3.0))[1][1] == 4.0
    assert ag.jacobian(lambda x: x * (1 + 2j))(np.array([1.0])).tolist() == [[1 + 2j]]
    assert ag.jacobian(lambda z: z**2)(np.array([1 + 2j])).tolist() == [[2 + 4j]]
    with pytest.raises(DTypeError, match="holomorphic"):
        ag.jacobian(np.conjugate)(np.array([1 + 2j]))


def test_mixed_derivatives_of_a_power() -> None:
    h = ag.hessian(lambda v: v[0] ** v[1])(np.array([3.0, 2.0]))
    log3 = np.log(3.0)
    np.testing.assert_allclose(h, [[2, 3 + 6 * log3], [3 + 6 * log3, 9 * log3**2]], rtol=1e-14)
    assert ag.grad(lambda b: ag.grad(lambda a, b: a**b)(3.0, b))(0.0) == pytest.approx(1 / 3, rel=1e-15)


def test_structures_must_agree() -> None:
    with pytest.raises(ShapeError, match="structure"):
        ag.jvp(lambda p: p["a"] * p["b"], ({"a": 2.0, "b": 3.0},), ({"b": 1.0, "x": 0.0},))
    with pytest.raises(ShapeError, match="structure"):
        ag.vjp(lambda x: {"a": x, "b": 2 * x}, 3.0)[1]({"c": 1.0, "d": 10.0})


def test_jvp_off_the_tape_and_of_a_result_that_comes_twice() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        return y, y

    with ag.no_grad():
        assert ag.jvp(f, (0.0,), (1.0,))[1] == (1.0, 1.0)


def test_results_of_constant_tensors_are_constants() -> None:
    value, gradient = ag.value_and_grad(lambda x: np.sum(x * x))(ag.Tensor([1.0, 2.0]))
    assert not value.requires_grad and not gradient.requires_grad


def test_a_pullback_remembers_its_point() -> None:
    x = np.array([1.0, 2.0])
    _, pullback = ag.vjp(np.sin, x)
    x *= 0
    np.testing.assert_allclose(pullback(np.ones(2))[0], np.cos([1.0, 2.0]))


TAILS = [
    (lambda x: ag.softmax(x)[0], [40.0, 0.0], [4.248354255291589e-18, -4.248354255291589e-18]),
    (lambda x: ag.log_softmax(x)[0], [40.0, 0.0], [4.248354255291589e-18, -4.248354255291589e-18]),
    (lambda x: ag.grad(ag.logsumexp)(x)[0], [40.0, 0.0], [4.248354255291589e-18, -4.248354255291589e-18]),
    (lambda x: ag.grad(np.arcsin)(x[0]), [1e-17], [1e-17]),
    (lambda x: ag.grad(np.arctanh)(x[0]), [1e-17], [2e-17]),
    (lambda x: np.arcsinh(x[0]), [1e200], [1e-200]),
    (lambda x: np.hypot(x[0], x[0]), [1e200], [2**0.5]),
    (lambda x: np.expm1(x[0]), [-40.0], [4.248354255291589e-18]),
    (lambda x: np.sqrt(x[0]), [5e-324], [2.2494568972715982e161]),
]


@pytest.mark.parametrize(("f", "x", "expected"), TAILS)
def test_tails_are_exact(f: Any, x: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(ag.grad(f)(np.array(x)), expected, rtol=2e-15)


NESTINGS = {
    "reverse over reverse": lambda f: lambda x: ag.grad(ag.grad(f))(x),
    "forward over reverse": lambda f: lambda x: ag.jvp(ag.grad(f), (x,), (1.0,))[1],
    "reverse over forward": lambda f: lambda x: ag.grad(lambda x: ag.jvp(f, (x,), (1.0,))[1])(x),
    "forward over forward": lambda f: lambda x: ag.jvp(lambda x: ag.jvp(f, (x,), (1.0,))[1], (x,), (1.0,))[1],
}


@pytest.mark.parametrize("nesting", NESTINGS)
@pytest.mark.parametrize(
    ("f", "second", "x"),
    [
        (np.sin, lambda x: -np.sin(x), 0.7),
        (np.tanh, lambda x: -2 * np.tanh(x) / np.cosh(x) ** 2, 20.0),
        (lambda x: x**4, lambda x: 12 * x**2, 1.5),
        (lambda x: np.exp(2 * x) * x, lambda x: np.exp(2 * x) * (4 + 4 * x), 0.3),
        (lambda x: np.sum(ag.softmax(np.stack([x, 2 * x, 0 * x]))[0]), None, 0.3),
    ],
)
def test_all_nestings_agree(nesting: str, f: Any, second: Any, x: float) -> None:
    expected = second(x) if second else NESTINGS["reverse over reverse"](f)(x)
    assert NESTINGS[nesting](f)(x) == pytest.approx(expected, rel=1e-13)


def test_what_the_function_closes_over_gets_its_derivative_too() -> None:
    w = ag.Tensor(3.0, requires_grad=True)
    inner = ag.grad(lambda x: w * x * x)(2.0)
    assert isinstance(inner, ag.Tensor) and inner.item() == 12.0
    inner.backward()
    assert w.grad.item() == 4.0
    with ag.no_grad():
        assert ag.grad(lambda x: w * x * x)(2.0) == 12.0
    assert w.grad.item() == 4.0


def test_a_loss_on_the_gradient_of_a_tensor() -> None:
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    g = ag.grad(lambda t: np.sum(t**3))(x)
    np.sum(g * g).backward()  # (3 x^2)^2 -> 36 x^3
    assert x.grad.tolist() == [36.0, 288.0]


def test_stop_gradient() -> None:
    assert ag.grad(lambda x: ag.stop_gradient(x * x) * x)(3.0) == 9.0
    assert ag.stop_gradient(2.0) == 2.0


# -- rules of one's own ----------------------------------------------------------------------------


def test_custom_vjp_in_both_orders() -> None:
    @ag.custom_vjp
    def cube(x: Any) -> Any:
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x**2 * g,))
    assert cube(2.0) == 8.0
    assert ag.grad(cube)(2.0) == 12.0 and ag.grad(ag.grad(cube))(2.0) == 12.0
    assert ag.jvp(cube, (2.0,), (1.0,)) == (8.0, 12.0)


def test_custom_vjp_of_two_arguments_and_results() -> None:
    @ag.custom_vjp
    def polar(x: Any, y: Any) -> Any:
        return np.hypot(x, y), np.arctan2(y, x)

    polar.defvjp(
        lambda x, y: ((np.hypot(x, y), np.arctan2(y, x)), (x, y)),
        lambda xy, g: (xy[0] / np.hypot(*xy) * g[0], None),
    )
    assert ag.grad(lambda x, y: polar(x, y)[0], (0, 1))(3.0, 4.0) == (0.6, 0.0)


def test_custom_vjp_refuses_what_it_cannot_see() -> None:
    w = ag.Tensor(2.0, requires_grad=True)

    @ag.custom_vjp
    def f(x: Any) -> Any:
        return x * w

    f.defvjp(lambda x: (x * w, None), lambda _, g: (g,))
    with pytest.raises(UnsupportedError, match="make it an argument"):
        f(ag.Tensor(1.0, requires_grad=True))
    with pytest.raises(UnsupportedError, match="container"):
        f([w])
    f.defvjp(lambda x: (x * 2.0, None), lambda _, g: (None,))
    assert ag.grad(f)(np.inf) == 0.0


def test_custom_vjp_counts_the_cotangents() -> None:
    @ag.custom_vjp
    def f(x: Any, y: Any) -> Any:
        return x * y

    f.defvjp(lambda x, y: (x * y, None), lambda _, g: g)
    with pytest.raises(ShapeError, match="2 arguments"):
        ag.grad(f)(1.0, 2.0)


def test_a_checkpoint_remembers_its_arguments() -> None:
    x = ag.Tensor(2.0, requires_grad=True)
    h = x * 1.0
    y = ag.checkpoint(lambda h: h**3)(h)
    h += 1
    y.backward()
    assert x.grad.item() == 12.0


def test_checkpoint_gives_the_same_gradients_and_forgets() -> None:
    w = ag.Tensor(A, requires_grad=True)

    def layer(x: Any) -> Any:
        return np.tanh(np.tanh(x @ w) @ w)

    def loss(x: Any, f: Any) -> Any:
        return np.sum(f(f(x)) ** 2)

    results = []
    for f in (layer, ag.checkpoint(layer)):
        w.grad = None
        x = ag.Tensor(np.ones((2, 3)), requires_grad=True)
        with ag.Tape() as tape:
            y = loss(x, f)
        results.append([x, len(tape)])
        y.backward()
        results[-1] += [x.grad.numpy(), w.grad.numpy()]
    np.testing.assert_allclose(results[0][2], results[1][2], rtol=1e-14)
    np.testing.assert_allclose(results[0][3], results[1][3], rtol=1e-14)
    assert ag.grad(ag.grad(ag.checkpoint(np.sin)))(0.5) == ag.grad(ag.grad(np.sin))(0.5)


def test_a_small_function_that_is_not_holomorphic_is_refused_too() -> None:
    for scale in (1.0, 1e-9, 1e-30):
        with pytest.raises(DTypeError, match="not holomorphic"):
            ag.jacobian(lambda z, scale=scale: scale * np.conj(z))(np.array([1 + 1j]))
    np.testing.assert_allclose(ag.jacobian(lambda z: 1e-30 * z * z)(np.array([1 + 1j])), [[2e-30 + 2e-30j]])
