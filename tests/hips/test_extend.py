"""Primitives with derivatives of their own, vector spaces, and the checks of derivatives."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as onp
import pytest

import autograd_lite as ag
from autograd_lite.errors import (
    AutogradLiteError,
    GradientCheckError,
    NotDifferentiableError,
    OptionError,
    UnsupportedError,
)
from autograd_lite.hips import elementwise_grad, grad, hessian, holomorphic_grad, jacobian, make_jvp, make_vjp
from autograd_lite.hips import numpy as np
from autograd_lite.hips.extend import (
    def_linear,
    defjvp,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    vspace,
)
from autograd_lite.hips.numpy.numpy_vjps import match_complex, replace_zero, unbroadcast_f
from autograd_lite.hips.test_util import check_equivalent, check_grads, check_jvp, check_vjp, combo_check


@pytest.fixture(autouse=True)
def _same_directions() -> Iterator[None]:
    """The checks draw random directions. One in some ten thousand hides a fault below the tolerance."""
    before = onp.random.get_state()
    onp.random.seed(0)
    yield
    onp.random.set_state(before)


def product() -> Any:
    """x y, entry by entry, with plain arithmetic that the tape does not see."""

    @primitive
    def multiply(x: Any, y: Any) -> Any:
        return onp.asarray(x) * onp.asarray(y)

    return multiply


def checked(multiply: Any) -> None:
    """First and second order of a product, against finite differences."""
    x, y = onp.array([0.5, -1.5]), onp.array([2.0, 3.0])
    for argnum in (0, 1, (0, 1)):
        check_grads(multiply, argnum, order=2)(x, y)


def test_rules_for_each_argument() -> None:
    multiply = product()
    defvjp(multiply, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
    checked(multiply)


def test_one_rule_by_the_index_of_the_argument() -> None:
    multiply = product()
    defvjp_argnum(multiply, lambda argnum, ans, args, kwargs: lambda g: g * args[1 - argnum])
    checked(multiply)


def test_one_rule_for_all_arguments() -> None:
    multiply = product()

    def maker(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        return lambda g: [g * args[1 - i] for i in argnums]

    defvjp_argnums(multiply, maker)
    checked(multiply)


def test_rules_of_forward_mode_alone_give_reverse_mode() -> None:
    multiply = product()
    defjvp(multiply, lambda g, ans, x, y: g * y, lambda g, ans, x, y: x * g)
    checked(multiply)
    multiply = product()
    defjvp_argnums(
        multiply,
        lambda argnums, gs, ans, args, kwargs: sum(g * args[1 - i] for i, g in zip(argnums, gs, strict=True)),
    )
    checked(multiply)


def test_a_primitive_broadcasts_with_unbroadcast() -> None:
    multiply = product()
    defvjp(
        multiply,
        lambda ans, x, y: unbroadcast_f(x, lambda g: g * y),
        lambda ans, x, y: unbroadcast_f(y, lambda g: g * x),
    )
    for shapes in (((2, 3), (3,)), ((), (2,)), ((2, 1), (1, 3)), ((3,), (2, 1))):
        x, y = (onp.cos(onp.arange(1.0 + onp.prod(s))[1:]).reshape(s) for s in shapes)
        check_grads(multiply, (0, 1), order=2)(x, y)


def test_containers_are_arguments_and_results() -> None:
    @primitive
    def both(params: Any, x: Any, how: str) -> Any:
        assert how == "sum" and isinstance(params["w"][0], onp.ndarray)
        return [params["w"][0] * x, {"sum": onp.sum(params["w"][1])}]

    def maker(ans: Any, params: Any, x: Any, how: str) -> Any:
        return lambda g: {"w": [g[0] * x, g[1]["sum"] * np.ones(2)], "unused": 0.0}

    defvjp(both, maker, lambda ans, params, x, how: lambda g: np.sum(g[0] * params["w"][0]))

    def loss(params: Any, x: Any) -> Any:
        first, second = both(params, x, "sum")
        return np.sum(first**2) + second["sum"] ** 2

    params = {"w": [onp.array([1.0, 2.0]), onp.array([3.0, -1.0])], "unused": onp.ones(3)}
    check_grads(loss, (0, 1), order=2)(params, 1.5)
    assert grad(loss)(params, 1.5)["unused"].tolist() == [0.0, 0.0, 0.0]


def test_arguments_without_gradient() -> None:
    @primitive
    def scaled(x: Any, n: Any) -> Any:
        return x * n

    defvjp(scaled, lambda ans, x, n: lambda g: g * n, None)
    assert grad(scaled, (0, 1))(2.0, 3.0) == (3.0, 0.0)
    defvjp(scaled, lambda ans, x, n: lambda g: 0, argnums=(0,))
    assert elementwise_grad(scaled)(onp.ones(2), 3.0).tolist() == [0.0, 0.0]


def test_constants_may_change_before_the_backward_pass() -> None:
    multiply, y = product(), onp.array([1.0, 2.0])
    defvjp(multiply, lambda ans, x, y: lambda g: g * y)
    pullback, _ = make_vjp(multiply)(onp.ones(2), y)
    y[:] = 100.0
    assert pullback(onp.ones(2)).tolist() == [1.0, 2.0]


def test_keyword_arguments_are_options() -> None:
    @primitive
    def power(x: Any, n: Any = 2) -> Any:
        return x**n

    defvjp(power, lambda ans, x, n=2: lambda g: g * n * x ** (n - 1))
    assert grad(power)(3.0) == 6.0 and grad(lambda x: power(x, n=3))(2.0) == 12.0
    with pytest.raises(UnsupportedError, match="positional arguments of a primitive"):
        grad(lambda x: power(x, n=x))(2.0)


def test_complex_rules_have_the_convention_of_autograd() -> None:
    @primitive
    def square(z: Any) -> Any:
        return z**2

    defvjp(square, lambda ans, z: lambda g: g * 2 * z)
    assert holomorphic_grad(square)(1.0 + 2.0j) == 2.0 + 4.0j

    def real(z: Any) -> Any:
        return np.real(square(z)) + np.imag(z)

    assert grad(real)(1.0 + 2.0j) == grad(lambda z: np.real(z**2) + np.imag(z))(1.0 + 2.0j) == 2.0 + 3.0j
    assert ag.grad(real)(1.0 + 2.0j) == 2.0 - 3.0j
    assert jacobian(lambda z: np.array([np.real(z), np.imag(z)]))(1j).tolist() == [1.0, -1j]


ERRORS = {
    "no rule": (lambda f: None, "the primitive f has no derivative; write defvjp"),
    "other argument": (
        lambda f: defvjp(f, lambda ans, x: lambda g: g, argnums=[1]),
        "no derivative for argument 0",
    ),
    "no function": (lambda f: defvjp(f, 3), "the rule of f is 3; a rule is a function"),
    "linear": (def_linear, '"same" of f is for forward mode alone'),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_to_write(case: str) -> None:
    define, message = ERRORS[case]

    @primitive
    def f(x: Any) -> Any:
        return 2 * x

    with pytest.raises(NotDifferentiableError, match=message):
        define(f)
        grad(f)(1.0)


def test_more_errors() -> None:
    with pytest.raises(AutogradLiteError, match="real results"):
        elementwise_grad(lambda z: z)(1j)
    with pytest.raises(AutogradLiteError, match="argument and result are complex"):
        jacobian(lambda z: np.array([z]) ** 2)(1j)
    with pytest.raises(NotDifferentiableError, match="no derivatives with respect to str"):
        vspace("text")
    with pytest.raises(OptionError, match="make_diagonal"):
        np.make_diagonal(onp.ones(2))
    with pytest.warns(UserWarning, match="not complex"):
        assert holomorphic_grad(lambda z: z**2)(2.0) == 4.0


def test_a_function_of_plain_values() -> None:
    rounded = notrace_primitive(lambda x: round(float(x)))
    assert grad(lambda x: x * rounded(x))(2.4) == 2.0


def test_integers_are_differentiated_as_floats() -> None:
    assert grad(lambda x: np.sum(x**-1.0))(onp.array([1, 2])).tolist() == [-1.0, -0.25]
    assert hessian(lambda x: x**3)(2) == 12.0


def test_jacobians_of_several_arguments_and_of_containers() -> None:
    x, y = onp.array([1.0, 2.0]), onp.array([[3.0], [4.0], [5.0]])
    by_x, by_y = jacobian(lambda x, y: x * y, (0, 1))(x, y)
    assert by_x.shape == (3, 2, 2) and by_y.shape == (3, 2, 3, 1) and by_x[1, 1].tolist() == [0.0, 4.0]
    assert jacobian(lambda p: p["a"] * x)({"a": 3.0})["a"].tolist() == [1.0, 2.0]
    assert elementwise_grad(lambda x: [x, {"y": x**2}])(3.0) == 7.0


def test_tangents_go_through_a_primitive() -> None:
    multiply = product()
    defvjp(multiply, lambda ans, x, y: lambda g: g * y, lambda ans, x, y: lambda g: g * x)
    value, tangent = make_jvp(multiply)(3.0, 2.0)(10.0)
    assert (value, tangent) == (6.0, 20.0)


# -- vector spaces ---------------------------------------------------------------------------------


def test_vector_spaces() -> None:
    value = {"a": onp.ones((2, 1)), "b": [1.0, 2.0 + 1.0j]}
    space = vspace(value)
    assert space == vspace(copy.deepcopy(value)) != vspace([1.0]) and space.size == 5 and space.iscomplex
    basis = list(space.standard_basis())
    gram = onp.array([[space.inner_prod(a, b) for a in basis] for b in basis])
    assert gram.tolist() == onp.eye(5).tolist()
    total = space.zeros()
    for unit in basis:
        total = space.mut_add(total, space.scalar_mul(unit, 2.0))
    check_equivalent(total, space.scalar_mul(space.ones(), 2.0))
    assert space.covector(value)["b"][1] == 2.0 - 1.0j
    assert space.randn()["a"].shape == (2, 1) and "float64[2, 1]" in repr(space)
    array = vspace(onp.ones((2, 3), onp.float32))
    assert (array.shape, array.ndim, array.size, array.dtype) == ((2, 3), 2, 6, onp.float32)


def test_functions_for_rules() -> None:
    assert match_complex(1.0, 2.0 + 1j) == 2.0 and np.iscomplexobj(match_complex(1j, 2.0))
    assert replace_zero(onp.array([0.0, 2.0]), 1.0).tolist() == [1.0, 2.0]


# -- checks ----------------------------------------------------------------------------------------


def wrong(factor: float) -> Any:
    multiply = product()
    defvjp(multiply, lambda ans, x, y: lambda g: g * y * factor, lambda ans, x, y: lambda g: g * x)
    return multiply


@pytest.mark.parametrize("modes", [["rev"], ["fwd"]])
def test_planted_faults_are_caught(modes: list[str]) -> None:
    x, y = onp.array([0.5, -1.5]), onp.array([2.0, 3.0])
    check_grads(wrong(1.0), modes=modes)(x, y)
    with pytest.raises(GradientCheckError, match="check of multiply failed"):
        check_grads(wrong(1.5), modes=modes)(x, y)


def test_a_fault_of_second_order_is_caught() -> None:
    @primitive
    def slope(x: Any) -> Any:
        return onp.cos(x)

    @primitive
    def sine(x: Any) -> Any:
        return onp.sin(x)

    defvjp(sine, lambda ans, x: lambda g: g * slope(x))
    defvjp(slope, lambda ans, x: lambda g: g * -1.5 * np.sin(x))
    check_grads(sine, order=1)(0.5)
    with pytest.raises(GradientCheckError, match="the derivative of sine failed"):
        check_grads(sine, modes=["rev"], order=2)(0.5)


def test_checks_of_each_kind() -> None:
    check_vjp(lambda x: np.sin(x["a"]), {"a": onp.ones(2)})
    check_jvp(np.cos, onp.ones(2))
    check_grads(lambda x: 3.0)(1.0)
    combo_check(lambda x, k=1: x**k, modes=["rev"], order=2)([1.5, onp.ones(2)], k=[1, 2, 3])
    with pytest.raises(GradientCheckError, match="different spaces"):
        check_equivalent(1.0, [1.0])
    with pytest.raises(GradientCheckError, match="differ"):
        check_equivalent(1.0, 1.0 + 1e-5)
