"""The formulas of derivatives, evaluated and compared with the engine's numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from nn.functional import smooth
from visualize import backprop_steps
from visualize.words.formulas import FORMULAS, PULLBACKS, digits, latex, latex_name, text

FUNCTIONS = [
    "exp", "log", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "arctan2", "sign", "abs", "hypot",
]  # fmt: skip
SCOPE: dict[str, Any] = {
    **{name: getattr(np, name) for name in FUNCTIONS},
    "max": max, "min": min, "pi": math.pi, "erf": math.erf,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
}  # fmt: skip

POINTS = {1: [(0.3,), (-0.7,), (1.9,)], 2: [(0.8, 2.5), (2.5, 0.8), (1.7, 1.7)]}


def evaluate(formula: str, **point: float) -> float:
    """The value of a formula, where brackets make numbers of what holds."""
    return float(eval(formula.replace("[", "(").replace("]", ")"), SCOPE, point))


@pytest.mark.parametrize("op", FORMULAS)
def test_every_formula_gives_the_number_of_the_engine(op: str) -> None:
    function = getattr(ag, op) if hasattr(ag, op) else getattr(smooth, op)
    value, *slopes = FORMULAS[op]
    letters = "x" if len(slopes) == 1 else "ab"
    tried = 0
    for point in POINTS[len(slopes)]:
        with np.errstate(all="ignore"):
            expected = float(function(*point))
        if not math.isfinite(expected):
            continue  # outside of the domain
        tried += 1
        given = dict(zip(letters, point, strict=True))
        assert evaluate(value, **given) == pytest.approx(expected, rel=1e-12)
        for i, slope in enumerate(slopes):
            assert evaluate(slope, **given) == pytest.approx(ag.grad(function, i)(*point), rel=1e-12)
    assert tried


@pytest.mark.parametrize("op", FORMULAS)
def test_every_formula_can_be_written(op: str) -> None:
    for formula in FORMULAS[op]:
        assert "**" not in text(formula)
        written = latex(formula, {"a": "v1", "b": "v2", "x": "v3"})
        assert written.count("{") == written.count("}")
        assert written.count(r"\left") == written.count(r"\right")


def test_the_written_text_keeps_the_order_of_operations() -> None:
    """What is written is read again as Python and has the same value."""
    point = {"a": 2.0, "b": 3.0, "x": 0.7}
    for formula in ["a - (b - x)", "a/(b/x)", "a/(b*x)", "(a - b)*x", "-(a - b)", "(a**b)**x", "a**(b**x)",
                    "(-a)**2", "-a**2", "a*(-b)", "a - (-b)", "1/(2*sqrt(x))", "(a*b)*(a/x)"]:  # fmt: skip
        assert evaluate(text(formula).replace("^", "**"), **point) == pytest.approx(
            evaluate(formula, **point)
        )
        numbers = {name: digits(-value) for name, value in point.items()}
        negative = {name: -value for name, value in point.items()}
        if "sqrt" in formula or "**x" in formula:
            continue  # of negative numbers
        shown = text(formula, numbers)
        assert evaluate(shown.replace("^", "**")) == pytest.approx(evaluate(formula, **negative)), shown


@pytest.mark.parametrize(
    ("formula", "given", "expected"),
    [
        ("b*a**(b - 1)", {"a": "x", "b": 3.0}, "3*x^2"),
        ("b*a**(b - 1)", {"a": "x", "b": -1.0}, "-x^(-2)"),
        ("b*a**(b - 1)", {"a": "x", "b": 0.5}, "0.5*x^(-0.5)"),
        ("a*b", {"a": 1.0, "b": "x"}, "x"),
        ("a + b", {"a": 0.0, "b": "x"}, "x"),
        ("a - b", {"a": "x", "b": "-3.00"}, "x - (-3.00)"),
        ("a + b", {"a": "-3.00", "b": "-4.00"}, "-3.00 + (-4.00)"),
    ],
)
def test_numbers_of_the_code_are_inserted(formula: str, given: dict[str, Any], expected: str) -> None:
    assert text(formula, given) == expected


def test_latex() -> None:
    assert latex("-a/b**2", {"a": "q", "b": "x_12"}) == r"-\frac{q}{x_{12}^{2}}"
    assert (
        latex("sigmoid(x)*(1 - sigmoid(x))")
        == r"\sigma\left(x\right) \cdot \left(1 - \sigma\left(x\right)\right)"
    )
    assert latex("[a > b] + [a == b]/2") == r"[a > b] + \frac{[a = b]}{2}"


def test_a_name_cannot_become_a_command() -> None:
    assert latex_name(r"\input{x}$&%") == r"\mathrm{\backslash{}input\{x\}\$\&\%}"
    assert latex_name("</script>") == r"\mathrm{<{}/script>}"
    assert latex_name("a\nb") == r"\mathrm{a\ b}"
    assert latex_name("θ1") == "θ_{1}"


@pytest.mark.parametrize(
    ("x", "shown"),
    [(0.0, "0.00"), (12.0, "12.00"), (12345.6, "1.235e+04"), (math.nan, "nan"), (-math.inf, "-inf"), (3, "3"),
     (1 + 2j, "(1+2j)")],
)  # fmt: skip
def test_digits(x: Any, shown: str) -> None:
    assert digits(x) == shown


def test_the_words_about_arrays_are_of_ops_that_exist() -> None:
    assert [op for op in PULLBACKS if not hasattr(ag, op)] == [*("affine", "total", "getitem", "table_rows")]


def test_what_the_affine_map_of_a_layer_hands_back() -> None:
    """y = x W^T + b in each call of a Linear layer: W takes G^T x, x takes G W, b the sum of G."""
    nn = pytest.importorskip("nn")
    layer = nn.Linear(3, 2)
    layer.weight.name, layer.bias.name = "W", "b"
    x = ag.Tensor(np.ones((4, 3), np.float32), requires_grad=True, name="x")
    with ag.Tape():
        f = np.sum(layer(x))
    rules = {step.title: step.rule for step in backprop_steps(f)}
    assert rules["df/dx, through v1 = affine(x, W, b)"].startswith("G @ W; G is upstream (4, 2)")
    assert rules["df/dW, through v1 = affine(x, W, b)"].startswith("Gᵀ @ x; G is upstream (4, 2)")
    assert rules["df/db, through v1 = affine(x, W, b)"].startswith("G summed over the samples")
