"""The walk forward and backward, in words and pictures."""

from __future__ import annotations

import importlib
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, FileError, OptionError, RendererError, ShapeError, TapeError
from tests.helpers import leaf
from visualize import Steps, backprop_steps, draw, render


def neuron() -> ag.Tensor:
    """f = 1 / (1 + e^-(w1 x1 + w2 x2 + b)), of which test_lecture works out the numbers on paper."""
    w1, x1, w2, x2, b = (
        leaf(v, n) for n, v in [("w1", 2.0), ("x1", -1.0), ("w2", -3.0), ("x2", -2.0), ("b", -3.0)]
    )
    return 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))


def rules(steps: Steps, title: str) -> list[str]:
    """The rules of the backward steps whose titles begin so."""
    return [s.rule for s in steps if s.phase == "backward" and s.title.startswith(title)]


# -- the lecture's neuron --------------------------------------------------------------------------

FORWARD = [
    "given: w1 = 2.00, x1 = -1.00, w2 = -3.00, x2 = -2.00, b = -3.00",
    "v1 = w1*x1: 2.00*(-1.00) = -2.00",
    "v2 = w2*x2: -3.00*(-2.00) = 6.00",
    "v3 = v1 + v2: -2.00 + 6.00 = 4.00",
    "v4 = v3 + b: 4.00 + (-3.00) = 1.00",
    "v5 = -v4: -1.00",
    "v6 = exp(v5): exp(-1.00) = 0.3679",
    "v7 = 1 + v6: 1 + 0.3679 = 1.368",
    "f = 1/v7: 1/1.368 = 0.7311",
]
BACKWARD = [
    "df/df: the walk back begins with 1.00",
    "df/dv7, through f = 1/v7: d(1/x)/dx = -1/x^2 = -0.5344; upstream 1.00; so -0.5344",
    "df/dv6, through v7 = 1 + v6: d(1 + x)/dx = 1.00; upstream -0.5344; so -0.5344",
    "df/dv5, through v6 = exp(v5): d(exp(x))/dx = exp(x) = 0.3679; upstream -0.5344; so -0.1966",
    "df/dv4, through v5 = -v4: d(-x)/dx = -1.00; upstream -0.1966; so 0.1966",
    "df/dv3, through v4 = v3 + b: d(v3 + b)/dv3 = 1.00; upstream 0.1966; so 0.1966",
    "df/db, through v4 = v3 + b: d(v3 + b)/db = 1.00; upstream 0.1966; so 0.1966",
    "df/dv1, through v3 = v1 + v2: d(v1 + v2)/dv1 = 1.00; upstream 0.1966; so 0.1966",
    "df/dv2, through v3 = v1 + v2: d(v1 + v2)/dv2 = 1.00; upstream 0.1966; so 0.1966",
    "df/dw2, through v2 = w2*x2: d(w2*x2)/dw2 = x2 = -2.00; upstream 0.1966; so -0.3932",
    "df/dx2, through v2 = w2*x2: d(w2*x2)/dx2 = w2 = -3.00; upstream 0.1966; so -0.5898",
    "df/dw1, through v1 = w1*x1: d(w1*x1)/dw1 = x1 = -1.00; upstream 0.1966; so -0.1966",
    "df/dx1, through v1 = w1*x1: d(w1*x1)/dx1 = w1 = 2.00; upstream 0.1966; so 0.3932",
]


def test_the_neuron_is_told_to_the_digit():
    steps = backprop_steps(neuron())
    assert [str(s) for s in steps if s.phase == "forward"] == FORWARD
    assert [str(s) for s in steps if s.phase == "backward"] == BACKWARD


def test_print_numbers_the_steps(capsys):
    backprop_steps(neuron()).print()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "forward"
    assert lines[10] == "backward"
    assert lines[11] == f"  10  {BACKWARD[0]}"
    stream = io.StringIO()
    backprop_steps(neuron()).print(stream)
    assert stream.getvalue().splitlines() == lines


def test_every_number_appears_exactly_once():
    steps = backprop_steps(neuron())
    assert sorted(e for s in steps for e in s.values) == list(range(len(steps.graph.edges)))
    shown = sorted(e for s in steps for e in s.grads)
    assert shown == [e for e, edge in enumerate(steps.graph.edges) if edge.grad is not None]


def test_it_is_a_sequence():
    steps = backprop_steps(neuron())
    assert len(steps) == 22
    assert steps[-1].title.startswith("df/dx1")
    assert [s.phase for s in steps[8:10]] == ["forward", "backward"]
    assert "22" in repr(steps)


# -- before and after a backward pass --------------------------------------------------------------


def test_the_walk_leaves_no_gradient_behind():
    x = leaf(3.0, "x")
    f = x * x
    backprop_steps(f)
    assert x.grad is None
    assert x.node.adjoint is None
    assert all(edge.grad is None for edge in draw(f).edges)
    f.backward()
    assert x.grad.item() == 6.0


def test_before_and_after_backward_the_walk_is_the_same():
    f = neuron()
    before = str(backprop_steps(f))
    f.backward()
    assert str(backprop_steps(f)) == before


def test_a_backward_pass_from_elsewhere_does_not_count():
    """q's own pass sends 2 q' = 2 to x; the walk of f = 5 q must send 5 times that."""
    x = leaf(3.0, "x")
    q = x * 2.0
    f = q * 5.0
    q.backward(retain_graph=True)
    assert "so 10.00" in rules(backprop_steps(f), "df/dx")[0]
    assert float(x.node.adjoint) == 2.0


@pytest.mark.parametrize("around", [lambda q, v: q * 5.0, lambda q, v: q + 1.0 + v])
def test_gradients_of_another_result_are_refused(around):
    """Of f = 5 q the tape holds df/dx = 5 dq/dx; of f = q + v + 1 it holds a share of v that is not q's."""
    x = leaf(3.0, "x")
    v = x * x
    q = np.sin(v)
    f = around(q, v)
    f.backward()
    with pytest.raises(TapeError, match="another result.*retain_graph=True"):
        backprop_steps(q)
    assert backprop_steps(f)[-1].title.endswith("df/dx, through v1 = x*x")


def test_a_cotangent_of_ones_own():
    x = leaf([1.0, 2.0], "x")
    with ag.Tape():
        y = x * 3.0
    y.backward(np.array([1.0, -1.0]))
    assert rules(backprop_steps(y), "df/dx") == [
        "d(x*3)/dx = 3, entry by entry; upstream [1.00, -1.00]; so [3.00, -3.00]"
    ]


# -- kinds of steps --------------------------------------------------------------------------------


def test_a_value_used_several_times_adds_its_shares_up():
    """f = a b + a^2 at (3, 5): b = 5 from the product, 2 a = 6 from the square."""
    a, b = leaf(3.0, "a"), leaf(5.0, "b")
    first, second = rules(backprop_steps(a * b + a**2), "a share of df/da")
    assert first == "d(x^2)/dx = 2*x = 6.00; upstream 1.00; so 6.00"
    assert second == "d(a*b)/da = b = 5.00; upstream 1.00; so 5.00; in all 6.00 + 5.00 = 11.00"


def test_both_factors_of_a_square_are_told_apart():
    x = leaf(-3.0, "x")
    first, second = rules(backprop_steps(x * x), "a share of df/dx")
    assert first == "d(a*b)/da = b = -3.00; upstream 1.00; so -3.00"
    assert second == "d(a*b)/db = a = -3.00; upstream 1.00; so -3.00; in all (-3.00) + (-3.00) = -6.00"


@pytest.mark.parametrize(
    ("function", "points", "expected"),
    [
        (np.maximum, (2.0, 1.0), ["1.00; upstream 1.00; so 1.00; it goes to the one that was chosen",
                                  "0.00; upstream 1.00; so 0.00; it goes to the one that was chosen"]),
        (np.minimum, (2.0, 1.0), ["0.00; upstream 1.00; so 0.00; it goes to the one that was chosen",
                                  "1.00; upstream 1.00; so 1.00; it goes to the one that was chosen"]),
        (np.maximum, (2.0, 2.0), ["0.50; upstream 1.00; so 0.50; a tie: each takes half"] * 2),
    ],
)  # fmt: skip
def test_max_goes_to_the_larger_and_is_shared_on_a_tie(function, points, expected):
    steps = backprop_steps(function(leaf(points[0], "a"), leaf(points[1], "b")))
    assert [rule.split(" = ")[-1] for rule in rules(steps, "df/d")[1:]] == expected


def test_matrices_are_told_by_shape_and_norm():
    """f = mean((X W + b)^2) over 5 x 3 entries: df/dW = X^T G with G = 2/15 (X W + b)."""
    X, W, b = np.full((5, 4), 0.5), leaf(np.arange(12.0).reshape(4, 3), "W"), leaf(np.zeros(3), "b")
    with ag.Tape():
        f = np.mean((X @ W + b) ** 2)
    steps = backprop_steps(f)
    G = 2 / 15 * (X @ W.numpy())
    norm = np.linalg.norm
    assert rules(steps, "df/dW") == [
        f"c1ᵀ @ G; G is upstream (5, 3), norm {norm(G):.4g}; so (4, 3), norm {norm(X.T @ G):.4g}"
    ]
    (bias,) = rules(steps, "df/db")
    assert bias.startswith("d(v1 + b)/db = 1, entry by entry; upstream (5, 3)")
    assert bias.endswith("summed over the axes along which it was stretched")
    assert "every entry takes G/n" in rules(steps, "df/dv3")[0]
    assert len(max(str(steps).splitlines(), key=len)) < 200


def test_an_op_of_the_user_is_told_by_its_number():
    @ag.primitive
    def cube(x):
        return x**3

    ag.defvjp(cube, lambda g, y, x: g * 3 * x**2)
    (rule,) = rules(backprop_steps(cube(leaf(2.0, "x"))), "df/dx")
    assert rule == "d(cube(x))/dx = 12.00; upstream 1.00; so 12.00"


def test_an_op_of_the_user_on_arrays():
    @ag.primitive
    def parts(x):
        return x[:1], x[1:]

    ag.defvjp(parts, lambda g, y, x: np.concatenate(g))
    x = leaf([1.0, 2.0, 3.0, 4.0], "x")
    first, second = parts(x)
    steps = backprop_steps(np.sum(first * second))
    assert rules(steps, "df/dx")[0].startswith("by the rule of parts; upstream ([9.00], [1.00, 1.00, 1.00])")


def test_an_input_alone():
    steps = backprop_steps(leaf(2.0, "x"))
    assert [str(s) for s in steps] == ["given: x = 2.00", "dx/dx: the walk back begins with 1.00"]


def test_names_that_are_taken_are_not_given_again():
    v1, f = leaf(1.0, "v1"), leaf(2.0, "f")
    steps = backprop_steps(np.exp(v1 * f))
    assert [s.title for s in steps if s.phase == "forward"] == ["given", "v2 = v1*f", "v3 = exp(v2)"]


def test_a_long_chain_needs_no_recursion():
    y = leaf(1.0, "x")
    for _ in range(3000):
        y = y * 1.0
    assert len(backprop_steps(y)) == 1 + 3000 + 1 + 3000


# -- pictures --------------------------------------------------------------------------------------


def has_renderer() -> bool:
    try:
        render.render("digraph { a }", "svg")
    except RendererError:
        return False
    return True


needs_renderer = pytest.mark.skipif(not has_renderer(), reason="no renderer is installed")


def visible(dot: str) -> list[str]:
    """The numbers of a picture that are not transparent."""
    cells = re.findall(r'<FONT COLOR="([^"]*)" POINT-SIZE="1[12]">([^<]*)</FONT>', dot)
    return [shown for color, shown in cells if color != "transparent"]


def test_a_picture_shows_what_has_been_found_so_far():
    steps = backprop_steps(neuron())
    counts = [len(visible(steps.to_dot(i))) for i in range(len(steps))]
    assert counts[0] == 5
    assert counts[-1] == 2 * len([e for e in steps.graph.edges if e.grad is not None])
    assert counts == sorted(counts)
    assert len(set(counts)) == len(steps)  # every step brings something new
    assert "1 of 22: given" in steps.to_dot(0)
    assert steps.to_dot(-1) == steps.to_dot(len(steps) - 1)


def test_the_sum_of_shares_waits_for_the_last_one():
    a = leaf(3.0, "a")
    steps = backprop_steps(a * a)
    assert [any(t.startswith("Σ") for t in visible(steps.to_dot(i))) for i in (-2, -1)] == [False, True]


@needs_renderer
def test_the_pictures_are_of_one_size(tmp_path):
    steps = backprop_steps(neuron())
    paths = steps.save_frames(tmp_path / "new" / "folder")
    assert [p.name for p in paths[:2]] == ["step-01.svg", "step-02.svg"]
    roots = [ET.parse(p).getroot() for p in paths]
    assert len({(r.get("width"), r.get("height")) for r in roots}) == 1
    texts = ["".join(e.itertext()) for e in roots[10].iter("{http://www.w3.org/2000/svg}text")]
    assert "d(1/x)/dx = -1/x^2 = -0.5344; upstream 1.00; so -0.5344" in " ".join(texts).replace(
        "\N{NO-BREAK SPACE}", " "
    )


@needs_renderer
def test_names_stay_names_in_pictures(tmp_path):
    """Markup, quotes, a newline, an emoji, a word of DOT and one of its escapes."""
    name = '</TD> <b> "x" & 🎓 digraph \\N'
    x = leaf(2.0, f"{name}\nsecond line")
    for path in backprop_steps(np.exp(x)).save_frames(tmp_path):
        shown = "".join(ET.parse(path).getroot().itertext()).replace("\N{NO-BREAK SPACE}", " ")
        assert name in shown
        assert "second line" in shown


@needs_renderer
@pytest.mark.parametrize("format", ["gif", "png"])
def test_an_animation_has_a_picture_for_each_step(format, tmp_path):
    image = pytest.importorskip("PIL.Image")
    x = leaf(2.0, "x")
    steps = backprop_steps(x * 3.0)
    with image.open(steps.save(tmp_path / f"walk.{format}", seconds=0.5)) as picture:
        assert picture.n_frames == len(steps)
        assert picture.format == format.upper()


def test_text_goes_to_a_file(tmp_path):
    steps = backprop_steps(neuron())
    assert steps.save(tmp_path / "walk.txt").read_text(encoding="utf-8") == f"{steps}\n"


# -- errors ----------------------------------------------------------------------------------------


def test_without_pillow_the_error_names_what_works(monkeypatch, tmp_path):
    real = importlib.import_module

    def without(name, *args):
        if name == "PIL.Image":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(RendererError, match="pip install pillow"):
        backprop_steps(leaf(2.0) * 3.0).save(tmp_path / "walk.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s, p: s.save(p / "walk.svg"), OptionError, "save_frames"),
        (lambda s, p: s.save(3), DTypeError, "expected a path"),
        (lambda s, p: s.save_frames(p, "bmp"), OptionError, "format='bmp'.*'svg'"),
        (lambda s, p: s.save_frames(p / "file"), FileError, "could not make the folder"),
        (lambda s, p: s.save(p / "nowhere" / "walk.txt"), FileError, "mkdir"),
        (lambda s, p: s.to_dot(99), IndexError, "range"),
    ],
)
def test_wrong_calls(call, error, message, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(error, match=message):
        call(backprop_steps(leaf(2.0) * 3.0), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_too_many_steps_for_pictures(tmp_path):
    y = leaf(1.0, "x")
    for _ in range(300):
        y = y * 1.0
    with pytest.raises(OptionError, match="602 steps are too many"):
        backprop_steps(y).save_frames(tmp_path)


def test_what_has_no_walk():
    with pytest.raises(DTypeError, match="expected a recorded Tensor, got float"):
        backprop_steps(2.0)
    with pytest.raises(TapeError, match="requires_grad"):
        backprop_steps(ag.Tensor(2.0) * 3.0)
    with pytest.raises(ShapeError, match="single number"):
        backprop_steps(leaf([1.0, 2.0]) * 3.0)
    x = leaf([1.0, 2.0])
    f = np.sum(x * x)
    f.backward()
    with pytest.raises(TapeError, match="released"):
        backprop_steps(f)
