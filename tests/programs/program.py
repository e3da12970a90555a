"""A program as data: it prints as Python, and runs on any library by the text of its steps."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import autograd_lite as ag


class Source(str):
    """An option that is Python source already, such as an index."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Step:
    """One op on numbered values.

    Attributes:
        op: its text, `{0}` for the first operand, `{axis}` for an option; `{all}` for all operands. A text of
            several lines assigns its result to `{y}`.
        operands: the numbers of the values that go in.
        options: what else the text names.
    """

    op: str
    operands: tuple[int, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def text(self, names: Sequence[str], result: str) -> str:
        """The step as a line of Python, or as lines."""
        words = {key: repr(value) for key, value in self.options.items()}
        line = self.op.format(*names, y=result, all=", ".join(names), **words)
        return line if "{y}" in self.op else f"{result} = {line}"

    def __call__(self, *values: Any) -> Any:
        return compiled(self.text([f"a{i}" for i in range(len(values))], "y"), len(values))(*values)


@functools.lru_cache(100_000)
def compiled(text: str, count: int) -> Callable[..., Any]:
    """The function of `a0`, `a1`, ... that the text computes."""
    names = ", ".join(f"a{i}" for i in range(count))
    body = "".join(f"    {line}\n" for line in text.splitlines())
    scope: dict[str, Any] = {"np": np, "ag": ag}
    exec(f"def f({names}):\n{body}    return y\n", scope)
    function: Callable[..., Any] = scope["f"]
    return function


@dataclass(frozen=True)
class Program:
    """Inputs are the values 0, 1, ...; each step appends one more."""

    inputs: tuple[Any, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]

    def values(self, inputs: Sequence[Any], each: Callable[[Any], Any] = lambda value: value) -> list[Any]:
        """All values; `each` sees every operand, as often as it is one."""
        values = list(inputs)
        for step in self.steps:
            values.append(step(*(each(values[i]) for i in step.operands)))
        return values

    def loss(self, *inputs: Any, each: Callable[[Any], Any] = lambda value: value) -> Any:
        """One real number that depends on every entry of every output."""
        values = self.values(inputs, each)
        return functools.reduce(lambda a, b: a + b, (weighed(each(values[i])) for i in self.outputs))

    def __str__(self) -> str:
        """The program as a script that prints the gradient of its loss."""
        names = [f"v{i}" for i in range(len(self.inputs) + len(self.steps))]
        count = len(self.inputs)
        lines = []
        for name, step in zip(names[count:], self.steps, strict=True):
            lines += step.text([names[i] for i in step.operands], name).splitlines()
        result = " + ".join(f"weighed({names[i]})" for i in self.outputs)
        body = "\n".join(f"    {line}" for line in [*lines, f"return {result}"])
        given = "".join(f"{names[i]} = {literal(x)}\n" for i, x in enumerate(self.inputs))
        inputs = ", ".join(names[:count])
        gradient = f"print(ag.grad(program, {tuple(range(count))})({inputs}))"
        return f"{HEAD}\ndef program({inputs}):\n{body}\n\n\n{given}{gradient}\n"


def weighed(y: Any) -> Any:
    w = np.exp(1j * np.arange(1, y.size + 1)).reshape(y.shape)
    w = (w if np.iscomplexobj(y) else w.real).astype(y.dtype)
    return np.sum(np.real(w * y + y * y / 4))


HEAD = f"""\
from typing import Any

import numpy as np

import autograd_lite as ag


{inspect.getsource(weighed)}
"""


def literal(x: Any) -> str:
    """An array as Python source, to the last digit; NumPy's repr would lose an empty one's shape."""
    array = np.asarray(x)
    kept = f".reshape({array.shape})" if array.size == 0 else ""
    return f"np.array({array.tolist()}, np.{array.dtype.name}){kept}"
