"""What the notebooks of the course call: `check` grades an exercise, `picture` draws a student's graph.

A check prints what is wrong, what was expected, and a hint. It never raises: a hole that is still open and an
error in the student's code are messages, too.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import GradientCheckError
from autograd_lite.testing import check_grads
from autograd_lite.tiny import Value
from visualize import draw

Exercise = Callable[..., None]
EXERCISES: dict[str, Exercise] = {}
"""By name, what raises `WrongError` if an answer is wrong."""


LIBRARIES = re.compile(r"[/\\](docs[/\\]course|autograd_lite|visualize|numpy|examples)[/\\]")
"""Files that are not the student's."""


class WrongError(Exception):
    """A wrong answer.

    Args:
        what: what was called.
        yours, expected: the two results in words.
        hint: what to look at.
    """

    def __init__(self, what: str, yours: Any, expected: Any, hint: str) -> None:
        super().__init__(what)
        self.what, self.yours, self.expected, self.hint = what, yours, expected, hint


class HoleError(Exception):
    """A hole that nobody has filled yet."""


def exercise(function: Exercise) -> Exercise:
    """Enter a check into the table, under the name of its function."""
    EXERCISES[function.__name__] = function
    return function


def check(name: str, *answers: Any) -> None:
    """Grade the answers of an exercise, and print one verdict."""
    from . import exercises  # noqa: F401  (fills the table)

    try:
        EXERCISES[name](*answers)
    except Exception as error:
        print("\n".join(verdict(name, error, any(map(is_open, answers)))))
    else:
        print(f"✓ {name}: right")


def verdict(name: str, error: Exception, still_open: bool) -> list[str]:
    """The lines that say what is wrong with an answer."""
    if still_open or is_of_hole(error):
        return [f"… {name}: still open. Fill the holes `...` above, run that cell, then this one."]
    if isinstance(error, WrongError):
        return [
            f"✗ {name}: {error.what}",
            f"    yours:    {error.yours}",
            f"    expected: {error.expected}",
            f"    hint:     {error.hint}",
        ]
    return [f"✗ {name}: your code raised {type(error).__name__}: {error}", f"    where:    {place(error)}"]


def show(result: Callable[[], Any]) -> Any:
    """What a function returns; a sentence instead, as long as it needs a hole that is still open."""
    try:
        value = result()
        if value is ...:
            raise HoleError
        return value
    except Exception as error:
        why = "" if is_of_hole(error) else f" ({type(error).__name__}: {error})"
        print(f"This needs the exercise above. Fill its holes `...` first.{why}")
        return None


def is_of_hole(error: Exception) -> bool:
    """Whether an error comes from a hole `...`."""
    return isinstance(error, HoleError) or "ellipsis" in str(error).lower()


def is_open(answer: Any) -> bool:
    """Whether an answer, or the code of one, still has a hole `...`."""
    if isinstance(answer, CodeType):
        return any(
            const is ... or (isinstance(const, CodeType) and is_open(const)) for const in answer.co_consts
        )
    if isinstance(answer, (tuple, list, dict)):
        return any(map(is_open, answer.values() if isinstance(answer, dict) else answer))
    if isinstance(answer, type):
        return any(map(is_open, vars(answer).values()))
    return answer is ... or (hasattr(answer, "__code__") and is_open(answer.__code__))


def place(error: Exception) -> str:
    """The last line of the student's code in a traceback."""
    mine = [f for f in traceback.extract_tb(error.__traceback__) if not LIBRARIES.search(f.filename)]
    if not mine:
        return "in the call itself: does it take the arguments that the exercise names?"
    return f"line {mine[-1].lineno} in {mine[-1].name}" + (f": {mine[-1].line}" if mine[-1].line else "")


# -- comparing -------------------------------------------------------------------------------------


def expect(what: str, yours: Any, expected: Any, hint: str, rtol: float = 1e-6) -> None:
    """Raise `WrongError` unless a result has the value and the shape that is expected."""
    there(what, yours, expected)
    if isinstance(expected, (str, bool, list)):
        if yours != expected:
            raise WrongError(what, yours, expected, hint)
        return
    got, want = np.asarray(yours, float), np.asarray(expected, float)
    if got.shape != want.shape:
        raise WrongError(what, f"shape {got.shape}", f"shape {want.shape}", hint)
    if not np.allclose(got, want, rtol=rtol, atol=1e-9, equal_nan=True):
        raise WrongError(what, words(got), words(want), f"{looks_like(got, want)}{hint}")


def expect_gradient(
    what: str,
    f: Callable[..., Any],
    gradient: Callable[..., Any],
    args: Sequence[Any],
    hint: str,
) -> None:
    """Grade the gradient of a function with one output by `check_grads`.

    Args:
        what: the words for it.
        f: the function in plain NumPy.
        gradient: the student's: takes the arguments, returns one gradient for each.
        args: the arguments.
        hint: what to look at if the gradient is wrong.
    """
    expect_pull(what, f, lambda g, y, *xs: [g * np.asarray(d) for d in gradient(*xs)], args, hint)


def expect_pull(
    what: str, f: Callable[..., Any], pull: Callable[..., Any], args: Sequence[Any], hint: str
) -> None:
    """Grade the rules of an op by `check_grads`: `pull(g, y, *args)` returns a cotangent for each."""
    args = [np.asarray(x, float) for x in args]
    value = f(*args)
    yours = list(pull(np.ones_like(value), value, *args))
    _, pullback = ag.vjp(f, *args)
    there(what, yours, f"{len(args)} numbers or arrays")
    for i, (got, want) in enumerate(zip(yours, pullback(np.ones_like(value)), strict=True)):
        if np.shape(got) != np.shape(want):
            which = f"{what}, argument {i}" if len(args) > 1 else what
            raise WrongError(which, f"shape {np.shape(got)}", f"shape {np.shape(want)}", hint)
    op = ag.custom_vjp(f)
    op.defvjp(lambda *xs: (f(*xs), xs), lambda xs, g: tuple(map(np.asarray, pull(g, f(*xs), *xs))))
    try:
        check_grads(op, tuple(args), order=1, modes=("rev",))
    except GradientCheckError as error:
        line = str(error).partition("\n")[0]
        for i, (got, want) in enumerate(zip(yours, pullback(np.ones_like(value)), strict=True)):
            which = f"{what}, argument {i}" if len(args) > 1 else what
            expect(which, got, want, hint)
        raise WrongError(what, line, "what finite differences give", hint) from None


def there(what: str, yours: Any, expected: Any) -> None:
    """Raise `HoleError` for a hole, and `WrongError` for nothing."""
    for each in yours if isinstance(yours, (list, tuple)) else [yours]:
        if each is ...:
            raise HoleError
        if each is None:
            raise WrongError(what, "None", expected, "is there a `return`?")


def words(x: Any) -> str:
    """An array in few digits."""
    return np.array2string(np.asarray(x), precision=5, threshold=8, separator=", ")


def looks_like(got: Any, want: Any) -> str:
    """What kind of mistake a wrong number looks like; empty if it looks like none."""
    if not np.all(np.isfinite(got)):
        return "there is a NaN or an infinity. "
    if np.allclose(got, -want):
        return "the sign is turned around. "
    if np.all(got == 0):
        return "nothing arrived. "
    if np.all(want != 0):
        factor = got / want
        if np.allclose(factor, factor.flat[0]):
            return f"yours is {float(factor.flat[0]):.3g} times what is expected. "
    return ""


# -- pictures --------------------------------------------------------------------------------------

OPS: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "*": lambda a, b: a * b,
    "-": lambda a, b: a - b,
    "sin": np.sin,
    "exp": np.exp,
    "tanh": np.tanh,
}
"""The ops of the course, for Values that `draw` knows."""


def picture(output: Any) -> Any:
    """Draw a student's graph: objects with `value`, `op`, `args`, `name` and perhaps `grad`.

    Each edge shows the student's own value and gradient.
    """

    if output is None:  # `show` has said why
        return None

    def drawn() -> Any:
        twins: dict[int, Value] = {}

        def twin(step: Any) -> Value:
            if id(step) not in twins:
                args = [twin(x) for x in step.args]
                made = OPS[step.op](*args) if step.op else Value(step.value)
                made.label = step.name or ""
                twins[id(step)] = made
            return twins[id(step)]

        last = twin(output)
        for key, made in twins.items():
            made.grad = getattr(by_id(output, key), "grad", 0.0) or 0.0
        return draw(last)

    return show(drawn)


def by_id(output: Any, key: int) -> Any:
    """The step with an id, in a student's graph."""
    steps = [output]
    for step in steps:  # the list grows while it is read
        if id(step) == key:
            return step
        steps += step.args
    raise KeyError(key)
