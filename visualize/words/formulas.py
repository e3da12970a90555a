"""The derivatives of the ops as in a textbook, as text and as LaTeX.

The engine computes with the rules of `autograd_lite.known`; this table only explains. The tests evaluate
every formula and compare the result with the engine's.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Mapping
from typing import Any, TypeGuard

__all__ = ["FORMULAS", "PULLBACKS", "digits", "latex", "latex_name", "text"]

# -- the tables ------------------------------------------------------------------------------------

FORMULAS: dict[str, tuple[str, ...]] = {
    # arithmetic
    "add": ("a + b", "1", "1"),
    "subtract": ("a - b", "1", "-1"),
    "multiply": ("a*b", "b", "a"),
    "divide": ("a/b", "1/b", "-a/b**2"),
    "negative": ("-x", "-1"),
    "positive": ("x", "1"),
    "reciprocal": ("1/x", "-1/x**2"),
    "square": ("x**2", "2*x"),
    "power": ("a**b", "b*a**(b - 1)", "a**b*log(a)"),
    "sqrt": ("sqrt(x)", "1/(2*sqrt(x))"),
    "cbrt": ("cbrt(x)", "1/(3*cbrt(x)**2)"),
    "hypot": ("hypot(a, b)", "a/hypot(a, b)", "b/hypot(a, b)"),
    # exponentials and logarithms
    "exp": ("exp(x)", "exp(x)"),
    "exp2": ("2**x", "2**x*log(2)"),
    "expm1": ("exp(x) - 1", "exp(x)"),
    "log": ("log(x)", "1/x"),
    "log2": ("log2(x)", "1/(x*log(2))"),
    "log10": ("log10(x)", "1/(x*log(10))"),
    "log1p": ("log(1 + x)", "1/(1 + x)"),
    "logaddexp": ("log(exp(a) + exp(b))", "exp(a)/(exp(a) + exp(b))", "exp(b)/(exp(a) + exp(b))"),
    # trigonometric and hyperbolic functions
    "sin": ("sin(x)", "cos(x)"),
    "cos": ("cos(x)", "-sin(x)"),
    "tan": ("tan(x)", "1/cos(x)**2"),
    "arcsin": ("arcsin(x)", "1/sqrt(1 - x**2)"),
    "arccos": ("arccos(x)", "-1/sqrt(1 - x**2)"),
    "arctan": ("arctan(x)", "1/(1 + x**2)"),
    "arctan2": ("arctan2(a, b)", "b/(a**2 + b**2)", "-a/(a**2 + b**2)"),
    "sinh": ("sinh(x)", "cosh(x)"),
    "cosh": ("cosh(x)", "sinh(x)"),
    "tanh": ("tanh(x)", "1 - tanh(x)**2"),
    "arcsinh": ("arcsinh(x)", "1/sqrt(1 + x**2)"),
    "arccosh": ("arccosh(x)", "1/sqrt(x**2 - 1)"),
    "arctanh": ("arctanh(x)", "1/(1 - x**2)"),
    # activations
    "sigmoid": ("sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))"),
    "softplus": ("log(1 + exp(x))", "sigmoid(x)"),
    "silu": ("x*sigmoid(x)", "sigmoid(x) + x*sigmoid(x)*(1 - sigmoid(x))"),
    "gelu": ("x*(1 + erf(x/sqrt(2)))/2", "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)"),
    "gelu_tanh": (
        "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2",
        "(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2 + x*(1 - tanh(sqrt(2/pi)*(x + 0.044715*x**3))**2)"
        "*sqrt(2/pi)*(1 + 0.134145*x**2)/2",
    ),
    "relu": ("max(0, x)", "[x > 0]"),
    "erf": ("erf(x)", "2*exp(-x**2)/sqrt(pi)"),
    # maximum, minimum, absolute value
    "maximum": ("max(a, b)", "[a > b] + [a == b]/2", "[b > a] + [a == b]/2"),
    "minimum": ("min(a, b)", "[a < b] + [a == b]/2", "[b < a] + [a == b]/2"),
    "absolute": ("abs(x)", "sign(x)"),
    "fabs": ("abs(x)", "sign(x)"),
}
"""Elementwise ops: the value, and the derivative by each argument; [p] is 1 if p holds, else 0."""

PULLBACKS: dict[str, tuple[str, ...]] = {
    "matmul": ("G @ {b}ᵀ", "{a}ᵀ @ G"),
    "affine": ("G @ {b}", "Gᵀ @ {a}", "G summed over the samples"),
    "sum": ("every entry takes a copy of G",),
    "total": ("every entry takes a copy of G",),
    "mean": ("every entry takes G/n",),
    "max": ("the largest entry takes G, tied ones equal parts of it",),
    "min": ("the smallest entry takes G, tied ones equal parts of it",),
    "reshape": ("G in the shape of {a}",),
    "transpose": ("G with its axes moved back",),
    "matrix_transpose": ("Gᵀ",),
    "getitem": ("the entries that were picked take G, the others 0",),
    "table_rows": ("the rows that were picked take G, the others 0",),
    "where": ("", "G where the condition holds, else 0", "G where the condition does not hold, else 0"),
    "softmax": ("{y}*(G - sum(G*{y}))",),
    "log_softmax": ("G - exp({y})*sum(G)",),
    "logsumexp": ("exp({a} - {y})*G",),
}
"""Other ops: the cotangent of each argument in words; G is the cotangent of the output."""

_BRACKET = {ast.Gt: (">", ">"), ast.Lt: ("<", "<"), ast.Eq: ("=", "=")}

# -- expressions -----------------------------------------------------------------------------------


def text(formula: str, given: Mapping[str, str | float] | None = None) -> str:
    """A formula of the tables; names or numbers of the code replace its variables.

    >>> text("b*a**(b - 1)", {"a": "x"}), text("b*a**(b - 1)", {"a": "x", "b": 2.0})
    ('b*x^(b - 1)', '2*x')
    >>> text("-a/b**2", {"a": 1.0, "b": "x"}), text("a*b", {"a": "2.00", "b": "-1.00"})
    ('-1/x^2', '2.00*(-1.00)')
    """
    return _Text().write(_inserted(formula, given))


def latex(formula: str, given: Mapping[str, str | float] | None = None) -> str:
    r"""The formula in LaTeX.

    >>> print(latex("-a/b**2", {"a": 1.0, "b": "v1"}))
    -\frac{1}{v_{1}^{2}}
    """
    return _Latex().write(_inserted(formula, given))


def _inserted(formula: str, given: Mapping[str, str | float] | None) -> ast.expr:
    expression: ast.expr = _Insert(given or {}).visit(ast.parse(formula, mode="eval").body)
    return expression


class _Insert(ast.NodeTransformer):
    """Replaces variables by names and numbers, and leaves out factors of 1 and terms of 0.

    `b*a**(b - 1)` with b = 2 and a = "x" is `2*x`.
    """

    def __init__(self, given: Mapping[str, str | float]) -> None:
        self.given = given

    def visit_Call(self, node: ast.Call) -> ast.expr:
        node.args = [self.visit(arg) for arg in node.args]
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        new = self.given.get(node.id, node.id)
        return ast.Name(new) if isinstance(new, str) else ast.Constant(_whole(new))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        node.operand = self.visit(node.operand)
        operand = node.operand
        return ast.Constant(-operand.value) if _is_constant(operand) else node  # type: ignore[operator]

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        a: ast.expr = self.visit(node.left)
        b: ast.expr = self.visit(node.right)
        op = type(node.op)
        fold = _FOLDED.get(op)
        if fold is not None and _is_constant(a) and _is_constant(b):
            return ast.Constant(fold(a.value, b.value))
        if (op is ast.Mult and _is(a, 1)) or (op is ast.Add and _is(a, 0)):
            return b
        if (op in (ast.Mult, ast.Div, ast.Pow) and _is(b, 1)) or (op in (ast.Add, ast.Sub) and _is(b, 0)):
            return a
        if op is ast.Mult and _is(a, -1):
            return ast.UnaryOp(ast.USub(), b)
        return ast.BinOp(a, node.op, b)


_FOLDED: dict[type, Any] = {ast.Add: operator.add, ast.Sub: operator.sub}


def _whole(x: float) -> float:
    return int(x) if math.isfinite(x) and x == int(x) else x


def _is_constant(e: ast.expr) -> TypeGuard[ast.Constant]:
    return isinstance(e, ast.Constant)


def _is(e: Any, number: int) -> bool:
    return isinstance(e, ast.Constant) and e.value == number


SUM, SIGN, PRODUCT, POWER, ATOM = range(5)
"""The precedences of expressions; one below the required precedence gets parentheses."""


class _Text:
    """Writes an expression as text: `-1/x^2`."""

    def write(self, e: ast.expr, least: int = SUM) -> str:
        written, binding = getattr(self, type(e).__name__.lower())(e)
        return f"({written})" if binding < least else written

    def name(self, e: ast.Name) -> tuple[str, int]:
        return e.id, SIGN if e.id.startswith("-") else ATOM

    def constant(self, e: ast.Constant) -> tuple[str, int]:
        number = float(e.value)  # type: ignore[arg-type]
        return f"{number:.4g}", SIGN if number < 0 else ATOM

    def unaryop(self, e: ast.UnaryOp) -> tuple[str, int]:
        return f"-{self.write(e.operand, PRODUCT)}", SIGN

    def binop(self, e: ast.BinOp) -> tuple[str, int]:
        match e.op:
            case ast.Add():
                return f"{self.write(e.left)} + {self.write(e.right, PRODUCT)}", SUM
            case ast.Sub():
                return f"{self.write(e.left)} - {self.write(e.right, PRODUCT)}", SUM
            case ast.Mult():
                return f"{self.write(e.left, SIGN)}*{self.write(e.right, POWER)}", PRODUCT
            case ast.Div():
                return f"{self.write(e.left, SIGN)}/{self.write(e.right, POWER)}", PRODUCT
        return f"{self.write(e.left, ATOM)}^{self.write(e.right, ATOM)}", POWER

    def call(self, e: ast.Call) -> tuple[str, int]:
        return f"{e.func.id}({', '.join(map(self.write, e.args))})", ATOM  # type: ignore[attr-defined]

    def list(self, e: ast.List) -> tuple[str, int]:
        return f"[{self.write(e.elts[0])}]", ATOM

    def compare(self, e: ast.Compare) -> tuple[str, int]:
        sign = _BRACKET[type(e.ops[0])][0]
        return f"{self.write(e.left)} {sign} {self.write(e.comparators[0])}", SUM


class _Latex(_Text):
    r"""Writes an expression as LaTeX: `-\frac{1}{x^{2}}`."""

    def write(self, e: ast.expr, least: int = SUM) -> str:
        written, binding = getattr(self, type(e).__name__.lower())(e)
        return rf"\left({written}\right)" if binding < least else written

    def name(self, e: ast.Name) -> tuple[str, int]:
        return latex_name(e.id), super().name(e)[1]

    def constant(self, e: ast.Constant) -> tuple[str, int]:
        return latex_name(super().constant(e)[0]), super().constant(e)[1]

    def binop(self, e: ast.BinOp) -> tuple[str, int]:
        match e.op:
            case ast.Mult():
                return rf"{self.write(e.left, SIGN)} \cdot {self.write(e.right, POWER)}", PRODUCT
            case ast.Div():
                above, sign = self.write(e.left), ""
                if above.startswith("-") and not isinstance(e.left, ast.BinOp):
                    above, sign = above[1:], "-"
                return rf"{sign}\frac{{{above}}}{{{self.write(e.right)}}}", PRODUCT
            case ast.Pow():
                return f"{self.write(e.left, ATOM)}^{{{self.write(e.right)}}}", POWER
        return super().binop(e)

    def call(self, e: ast.Call) -> tuple[str, int]:
        name: str = e.func.id  # type: ignore[attr-defined]
        inside = ", ".join(map(self.write, e.args))
        match name:
            case "exp":
                return f"e^{{{inside}}}", POWER
            case "sqrt":
                return rf"\sqrt{{{inside}}}", ATOM
            case "cbrt":
                return rf"\sqrt[3]{{{inside}}}", ATOM
            case "abs":
                return rf"\left|{inside}\right|", ATOM
            case "log":
                function = r"\ln"
            case "sin" | "cos" | "tan" | "sinh" | "cosh" | "tanh" | "max" | "min":
                function = rf"\{name}"
            case "sigmoid":
                function = r"\sigma"
            case _:
                function = rf"\operatorname{{{latex_escaped(name)}}}"
        return rf"{function}\left({inside}\right)", ATOM


# -- names and numbers -----------------------------------------------------------------------------


def digits(x: Any) -> str:
    """A number to four significant digits, and at least two decimals.

    >>> [digits(x) for x in (1.0, -0.534446, 0.01966119, 123.456, 1e-9)]
    ['1.00', '-0.5344', '0.01966', '123.5', '1e-09']
    """
    if isinstance(x, int):
        return str(x)
    if isinstance(x, complex):
        return f"({x:.4g})"
    shown = f"{x:.4g}"
    if not math.isfinite(x) or "e" in shown or abs(x) >= 100:
        return shown
    whole, _, decimals = shown.partition(".")
    return f"{whole}.{decimals:0<2}"


def latex_name(name: str) -> str:
    r"""A name or number in LaTeX: a letter with an index, or an upright name.

    >>> print(latex_name("w1"), latex_name("fc1.weight"), latex_name("1e-09"))
    w_{1} \mathrm{fc1.weight} 1 \cdot 10^{-9}
    """
    if number := re.fullmatch(r"(-?[\d.]+)(?:e([-+]\d+))?", name):
        mantissa, exponent = number.groups()
        return mantissa if exponent is None else rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    if letter := re.fullmatch(r"([^\W\d_])_?(\d*)", name):
        return f"{letter[1]}_{{{letter[2]}}}" if letter[2] else letter[1]
    return rf"\mathrm{{{latex_escaped(name)}}}"


_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\backslash{}", "~": r"\sim{}", "^": r"\hat{}", "\n": r"\ ", " ": r"\ ", "<": "<{}"}
)


def latex_escaped(name: str) -> str:
    """A name without LaTeX commands and HTML tags."""
    return name.translate(_LATEX)
