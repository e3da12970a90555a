"""Numbers, symbols and names in DOT text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import autograd_lite as ag
from visualize import draw, render
from visualize.words.label import number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-2.0, "-2.00"), (0.7310586, "0.73"), (-0.5344466, "-0.53"), (1.3678794, "1.37"), (-12.0, "-12.00"),
        (0.0, "0.00"), (-0.0, "0.00"), (0.1, "0.10"), (0.099999, "0.10"), (0.05, "0.050"), (0.0012, "0.0012"),
        (0.00012, "1.20e-4"), (99.996, "100.0"), (123.456, "123.5"), (1234.56, "1235"), (9999.9, "1.00e4"),
        (-1e300, "-1.00e300"), (5e-324, "4.94e-324"), (float("nan"), "nan"), (float("-inf"), "-inf"),
        (np.float32(0.1), "0.10"), (3, "3"), (np.int64(-4), "-4"), (True, "True"), (None, "–"),
        (1 - 2j, "1.00-2.00j"), (np.complex64(0.5j), "0.00+0.50j"), (complex(0, -0.0), "0.00+0.00j"),
        (np.array(1.5), "1.50"), (np.array([0.5, -1.0]), "[0.50, -1.00]"),
        (np.zeros((2, 3)), "float64 (2, 3)"),
        (np.arange(4).reshape(2, 2), "[[0, 1], [2, 3]]"), (np.zeros(0, np.float32), "float32 (0,)"),
        ((np.array([1.0]), None), "([1.00], –)"),
    ],
)  # fmt: skip
def test_numbers_as_on_slides(value, shown):
    assert number(value) == shown


def test_numbers_have_two_to_four_digits_and_are_near():
    for x in np.logspace(-12, 12, 997):
        shown = number(float(x))
        digits = re.sub(r"e.*|\D", "", shown).lstrip("0")
        assert 2 <= len(digits) <= 4, shown
        assert float(shown) == pytest.approx(x, rel=0.06)


@pytest.mark.parametrize(
    ("compute", "symbol"),
    [
        (lambda x: x + 1, "+1"), (lambda x: 1 + x, "+1"), (lambda x: x + -3.5, "−3.5"),
        (lambda x: x - 2, "−2"), (lambda x: x - -2, "+2"), (lambda x: 1 - x, "1−x"), (lambda x: 2 * x, "×2"),
        (lambda x: x * -1, "×−1"),
        (lambda x: -x, "×−1"), (lambda x: x / 2, "÷2"), (lambda x: 1 / x, "1/x"), (lambda x: x**2, "x²"),
        (lambda x: x**-1, "x⁻¹"), (lambda x: x**0.5, "x^0.5"), (lambda x: 2**x, "2ˣ"), (lambda x: x + x, "+"),
        (lambda x: x - x, "−"), (lambda x: x / x, "÷"), (np.exp, "exp"), (np.sqrt, "√"), (ag.sigmoid, "σ"),
        (np.tanh, "tanh"), (np.arctan, "arctan"),
    ],
)  # fmt: skip
def test_symbols(compute, symbol):
    dot = draw(compute(ag.Tensor(4.0, requires_grad=True))).to_dot()
    (label,) = re.findall(r"fillcolor=\S+ label=<(.*)>\]$", dot, re.M)
    assert label == symbol
    assert dot.count("shape=plaintext") == 1  # the number is in the circle, not an input


def test_long_names_are_in_an_ellipse():
    dot = draw(ag.softplus(np.exp(ag.Tensor(1.0, requires_grad=True)))).to_dot()
    assert re.search(r"shape=circle, .*label=<exp>", dot)
    assert re.search(r"shape=ellipse, .*label=<softplus>", dot)


def test_the_name_of_a_step_stands_in_its_circle_and_that_of_the_output_at_the_end():
    x = ag.Tensor(3.0, requires_grad=True, name="x")
    q = x * x
    q.name = "q"
    f = q + x
    f.name = "f"
    dot = draw(f).to_dot()
    assert re.search(r"\n  v1 .*<I>q</I></FONT>>\]", dot)
    assert re.search(r"\n  v2 .*label=<\+>\]", dot)
    assert re.search(r"\n  o\d+ .*label=<<I>f</I>>\]", dot)


# -- names of any kind -----------------------------------------------------------------------------

HOSTILE = [
    'say "hi"', "it's", "a<b>c</b>", "</TABLE>>]", "<script>alert(1)</script>", "a & b", "&lt;",
    "&#45;", "&amp;amp;", "\\N \\G \\L", "back\\", "\\", "{a|b}", "node", "digraph", "strict",
    "subgraph { a -> b }", "v0 -> v1;",
    "//", "/* */", "# define", "😀 π ∂f/∂x", "日本語", "[label=x]", "-->", "<!-- -->", "]]>",
    "0", "-1.5", "_", "a:b:c", "%s {0}",
]  # fmt: skip


def texts(svg: bytes) -> list[str]:
    return [e.text or "" for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("renderer", [render._system, render._pygraphviz])
def test_names_arrive_intact_and_inert(renderer):
    leaves = [ag.Tensor(1.0, requires_grad=True, name=name) for name in HOSTILE]
    f = leaves[0]
    for x in leaves[1:]:
        f = f * x
        f.name = HOSTILE[len(x.name) % len(HOSTILE)]
    svg = renderer(draw(f).to_dot(), "svg")
    if svg is None:
        pytest.skip("this renderer is not installed")
    assert set(HOSTILE) <= set(texts(svg))
    known = {"svg", "g", "title", "text", "polygon", "path", "ellipse", "polyline"}
    assert {e.tag.split("}")[1] for e in ET.fromstring(svg).iter()} <= known


@pytest.mark.parametrize("renderer", [render._system, render._pygraphviz])
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("two\nlines", ["two", "lines"]),
        ("bell\a tab\t esc\x1b", ["bell␇ tab␉ esc␛"]),
        ("lone \ud800", ["lone \N{REPLACEMENT CHARACTER}"]),
        ("\x00", ["␀"]),
    ],
)
def test_line_breaks_and_what_is_no_text(renderer, name, lines):
    svg = renderer(draw(ag.Tensor(1.0, requires_grad=True, name=name) * 2).to_dot(), "svg")
    if svg is None:
        pytest.skip("this renderer is not installed")
    assert texts(svg)[: len(lines)] == lines


def test_no_name_can_add_a_line_to_the_text():
    plain = draw(ag.Tensor(1.0, requires_grad=True, name="x") * 2).to_dot()
    for name in [*HOSTILE, "two\nlines", "a\r\nb", "\u2028"]:
        dot = draw(ag.Tensor(1.0, requires_grad=True, name=name) * 2).to_dot()
        assert dot.count("\n") == plain.count("\n")
