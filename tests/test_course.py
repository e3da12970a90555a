"""The course: notebooks with holes are kind, solutions pass, and mistakes of students are named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.course.__main__ import HERE, cells, notebook, pages, run
from docs.course.grader import EXERCISES, check, show

PAGES = pages()
QUICK = [page for page in PAGES if page.stem[0] not in "78"]
"""The others train, and compile."""


def page(number: int) -> Path:
    return PAGES[number - 1]


def exercises(of: Path) -> list[str]:
    """The names of the checks of a page, in order."""
    return re.findall(r'^check\("(\w+)"', of.read_text(encoding="utf-8"), re.MULTILINE)


def verdict(of: Path, name: str, right: str = "", wrong: str = "") -> None:
    """Run a solution with one line changed, up to the check of an exercise, without what only shows."""
    text = "\n".join(code for kind, code in cells(of, solved=True) if kind == "code")
    assert text.count(right) >= 1, f"{right!r} is no line of {of.name}"
    head, call, rest = text.replace(right, wrong, 1).partition(f'check("{name}"')
    assert call
    lines = [line for line in head.splitlines() if not line.startswith(("show(", "picture(", "check("))]
    exec("\n".join([*lines, call + rest.partition("\n")[0]]), {"__name__": "notebook"})


def test_the_notebooks_are_made_from_the_pages() -> None:
    assert len(PAGES) == 8
    for each in PAGES:
        stored = (HERE / f"{each.stem}.ipynb").read_text(encoding="utf-8")
        assert stored == notebook(each), "run python -m docs.course"
        assert "# hole" not in stored and "..." in stored


def test_the_course_has_an_exercise_for_each_check() -> None:
    check("derivative", ...)  # fills the table
    assert sorted(name for each in PAGES for name in exercises(each)) == sorted(EXERCISES)


@pytest.mark.parametrize("each", PAGES, ids=lambda path: path.stem)
def test_open_holes_are_no_errors(each: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(each, solved=False)
    said = capsys.readouterr().out
    assert re.findall(r"^… (\w+): still open\.", said, re.MULTILINE) == exercises(each)
    assert "✗" not in said and "✓" not in said


@pytest.mark.parametrize(
    "each",
    [*QUICK, *(pytest.param(page, marks=pytest.mark.slow) for page in PAGES if page not in QUICK)],
    ids=lambda path: path.stem,
)
def test_solutions_pass(each: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = run(each)
    said = capsys.readouterr().out
    assert re.findall(r"^✓ (\w+): right$", said, re.MULTILINE) == exercises(each)
    assert "✗" not in said and "…" not in said and "This needs" not in said
    assert space.get("accuracy", 1.0) > 0.95


MISTAKES = [
    (1, "derivative", "(f(x + h) - f(x - h)) / (2 * h)", "(f(x + h) - f(x - h)) / h", "yours is 2 times what is expected"),  # noqa: E501
    (1, "derivative", "(f(x + h) - f(x - h)) / (2 * h)", "(f(x + h) - f(x)) / h", "one-sided"),
    (1, "local_derivatives", "(b, a)", "(a, b)", "the OTHER factor"),
    (1, "local_derivatives", "-a / b**2", "a / b**2", "the sign is turned around"),
    (1, "chain", "dz = 3.0", "dz = -4.0", "argument 2"),
    (2, "forward", 'self.value * other.value, "*"', 'self.value * other.value, "+"', 'expected: *'),
    (2, "forward", '"+", (self, other)', '"+", (self.value, other.value)', "keep the Values themselves"),
    (2, "forward", 'return Value(self.value + other.value, "+", (self, other))', "pass", "NoneType"),
    (2, "trace", "            visit(arg)", "            steps.append(arg)", "visit each argument once"),
    (2, "trace", "seen.add(id(step))", "seen.add(id(step)); steps.append(step); return", "how many steps"),
    (3, "by_hand", "-3.0 + 2.0 * 3.0", "-3.0", "y is used twice"),
    (3, "sweep", "arg.grad += step.grad * slope", "arg.grad = step.grad * slope", "adds up with +="),
    (3, "sweep", "arg.grad += step.grad * slope", "arg.grad -= step.grad * slope", "sign is turned around"),
    (3, "sweep", "arg.grad += step.grad * slope", "arg.grad += slope", "times the local derivative"),
    (3, "sweep", "in reversed(steps)", "in steps", "nothing arrived"),
    (3, "sweep", "in reversed(steps)", "in sorted(steps, key=lambda s: s.value)", "from its end"),
    (4, "table", "lambda g, y, a, b: g, lambda g, y, a, b: -g", "lambda g, y, a, b: g, lambda g, y, a, b: g", "sign"),  # noqa: E501
    (4, "table", "g * b, lambda g, y, a, b: g * a", "b, lambda g, y, a, b: g * a * 2", "yours is 2 times what is expected"),  # noqa: E501
    (4, "sums", "np.broadcast_to(g, x.shape)", "g", "shape (2, 3)"),
    (4, "unbroadcast", "if copied else g", "if False else g", "expected: shape (3,)"),
    (4, "unbroadcast", "(shape[i - extra] == 1 and n > 1)", "False", "keepdims=True"),
    (5, "recording", "        return apply(function, *args)", "        return function", "__array_function__"),  # noqa: E501
    (5, "recording", "return Tensor(value, op, args)", "return value", "return Tensor(value, op, args)"),
    (5, "tape", "cotangents[x] + gx", "gx", "the SUM of what both uses send back"),
    (5, "tape", "unbroadcast(rule(g, step.value, *values), x.shape)", "rule(g, step.value, *values)", "unbroadcast"),  # noqa: E501
    (5, "tape", "heappush(waiting, (-x.index, x))", "heappush(waiting, (x.index, x))", "largest index first"),
    (6, "kink", "(a > b) + 0.5 * (a == b)", "(a > b)", "half of g to each"),
    (6, "dead", "return np.where(alive, g, 0.0)", "return g * alive", "0 * NaN is NaN"),
    (6, "second", "np.sum(grad(f)(x) * v)", "np.sum(grad(f)(x))", "sum(grad(f)(x) * v)"),
    (7, "network", "np.exp(-y * scores)", "np.exp(y * scores)", "log(1 + exp(-y * score))"),
    (7, "momentum", "w - rate * v, v", "w + rate * v, v", "AGAINST the velocity"),
    (8, "own_op", "g / (1 + np.abs(x)) ** 2", "-g / (1 + np.abs(x)) ** 2", "wrong reverse-mode derivative"),
    (8, "compiled", "ag.compile(ag.grad(g))", "ag.grad(ag.compile(g))", "compile"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize(("number", "name", "right", "wrong", "said"), MISTAKES)
def test_a_planted_mistake_is_named(
    number: int, name: str, right: str, wrong: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict(page(number), name, right, wrong)
    out = capsys.readouterr().out
    assert out.startswith(f"✗ {name}: ")
    assert said in out


def test_an_error_in_an_answer_is_a_message_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    def derivative(f, x):
        return f(x + undefined)  # noqa: F821

    check("derivative", derivative)
    out = capsys.readouterr().out
    assert out.startswith("✗ derivative: your code raised NameError: ")
    assert "in derivative: return f(x + undefined)" in out
    check("derivative", lambda: 1.0)
    assert "does it take the arguments" in capsys.readouterr().out


def test_what_only_shows_waits_for_the_exercise(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(lambda: 1.0) == 1.0
    assert show(lambda: ... + 1) is None
    assert capsys.readouterr().out == "This needs the exercise above. Fill its holes `...` first.\n"
    assert show(lambda: 1 / 0) is None
    assert capsys.readouterr().out.endswith("first. (ZeroDivisionError: division by zero)\n")
