"""Random programs with views: Tensors that share memory, and assignments to them.

A program is the text of a function. NumPy runs it on arrays, and is right about values; the engine runs it
on Tensors. The derivative is that of NumPy's run: a complex step, or central differences where the inputs
are complex. A statement is drawn, tried on arrays, and left out if NumPy refuses it or if numbers grow.

In the text, `start(x)` makes a base of an input, and `constant(a)` one of plain numbers.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_lite as ag

STEPS = 14
"""Statements of a program, at most."""

LARGE = 1e3
"""Programs whose numbers would be larger leave a statement out."""


@dataclass(frozen=True)
class ViewProgram:
    """A function as text, and what it is called with.

    Attributes:
        lines: the statements.
        inputs: the arrays x0, x1.
        names: the values that are left at its end.
    """

    lines: tuple[str, ...]
    inputs: tuple[Any, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        given = "\n".join(f"x{i} = np.array({x.tolist()})" for i, x in enumerate(self.inputs))
        return f"{given}\ntotal = 0.0\n" + "\n".join(self.lines)

    def run(self, inputs: Any, start: Callable[[Any], Any], constant: Callable[[Any], Any]) -> dict[str, Any]:
        """The values at its end by name, `total` among them."""
        scope = {"np": np, "start": start, "constant": constant, "total": 0.0}
        scope.update({f"x{i}": x for i, x in enumerate(inputs)})
        exec("\n".join(self.lines), scope)
        return {name: scope[name] for name in ("total", *self.names)}

    def on_arrays(self, inputs: Any) -> dict[str, Any]:
        """NumPy's run."""
        return self.run(inputs, lambda x: x * 1.5, lambda a: np.array(a, np.result_type(*inputs)))

    def on_tensors(self, inputs: Any) -> dict[str, Any]:
        """The engine's run."""
        return self.run(inputs, lambda x: x * 1.5, lambda a: ag.Tensor(a, dtype=np.result_type(*self.inputs)))

    def loss(self, *inputs: Any) -> Any:
        """What is differentiated."""
        return self.on_tensors(inputs)["total"]


# -- drawing -------------------------------------------------------------------------------------


class Drawing:
    """A program that grows, and its values so far."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.complex = rng.random() < 0.2
        self.inputs = [self.numbers(self.shape()) for _ in range(rng.integers(1, 3))]
        self.lines: list[str] = []
        self.count = 0
        self.scope: dict[str, Any] = {
            "np": np,
            "start": lambda x: x * 1.5,
            "constant": lambda a: np.array(a, self.inputs[0].dtype),
            "total": 0.0,
        }
        self.scope.update({f"x{i}": x for i, x in enumerate(self.inputs)})

    def shape(self) -> tuple[int, ...]:
        lengths = [[1, 2, 3, 4], [2, 3], [1, 2, 3]][self.rng.integers(3)]
        return tuple(int(n) for n in self.rng.choice(lengths, self.rng.choice([1, 2, 2, 3])))

    def numbers(self, shape: tuple[int, ...]) -> Any:
        x = np.round(self.rng.uniform(-1, 1, shape), 2)
        return x + 1j * np.round(self.rng.uniform(-1, 1, shape), 2) if self.complex else x

    @property
    def names(self) -> list[str]:
        return [name for name in self.scope if name[0] == "v" and name[1:].isdigit()]

    def one(self, *texts: str) -> str:
        return str(self.rng.choice(texts))

    def add(self, line: str) -> bool:
        """Append a statement, unless NumPy refuses it or its numbers are large. On refusal all is as before,
        for a statement is first tried on a copy that shares memory as the original does."""
        trial = replayed((*self.lines, line), self.inputs, self.scope["constant"])
        if trial is None:
            return False
        self.lines.append(line)
        self.scope = trial
        return True

    def new(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def index(self, array: Any) -> str:
        """A basic index."""
        parts = []
        for n in array.shape[: self.rng.integers(0, array.ndim + 1)]:
            kind = self.rng.integers(4)
            if kind == 0 and n:
                parts.append(str(self.rng.integers(-n, n)))
            elif kind == 1:
                parts.append(self.one(":", "::-1", "::2", "1:", ":-1"))
            else:
                start, stop = sorted(self.rng.integers(0, n + 1, 2))
                parts.append(f"{start}:{stop}" if start < stop else ":")
        if self.rng.random() < 0.2:
            parts.insert(self.rng.integers(len(parts) + 1), "None")
        if self.rng.random() < 0.3 or not parts:
            parts.append("...")
        return ", ".join(parts)

    def view(self, name: str) -> str:
        """What may be a view of a value."""
        array = self.scope[name]
        if not isinstance(array, np.ndarray):
            return f"{name} * 1.0"  # a number is none
        axes = tuple(int(i) for i in self.rng.permutation(array.ndim))
        texts = [
            *[f"{name}[{self.index(array)}]"] * 12,
            *(f"{name}.reshape(-1)", f"{name}.ravel()", f"np.ravel({name}, order='F')", f"{name}.T"),
            *(f"{name}.transpose({axes})", f"np.expand_dims({name}, 0)", f"np.squeeze({name})"),
            *(f"{name}.reshape({self.factors(array.size)})", f"np.moveaxis({name}, 0, -1)"),
            *(f"np.swapaxes({name}, 0, -1)", f"np.flip({name})", f"np.flip({name}, -1)", f"{name}.mT"),
            *(f"np.broadcast_to({name}, {(2, *array.shape)})", f"np.diagonal({name})", f"np.fliplr({name})"),
            *(f"np.atleast_2d({name})", f"np.rot90({name})", f"np.rollaxis({name}, -1)", f"np.diag({name})"),
            *(f"np.array_split({name}, 2)[{self.one('0', '1')}]", f"next(iter({name}))"),
            *(f"{name}.astype({name}.dtype, copy=False)", f"{name}.swapaxes(0, 1)"),
            *([f"{name}.real", f"{name}.imag"] * 3 if self.complex else []),
        ]
        return self.one(*texts)

    def copy(self, name: str) -> str:
        """What is no view of a value."""
        if not isinstance(self.scope[name], np.ndarray):
            return f"{name} * 0.8"
        constant = self.numbers(self.shape()).tolist()
        return self.one(
            *(f"{name} * 0.8", f"np.sin({name})", f"{name}.copy()", f"{name}.flatten()", f"{name}[[0]]"),
            *(f"np.take({name}, [0], axis=0)", f"np.repeat({name}, 1, axis=0)", f"np.tile({name}, 1)"),
            *(f"np.concatenate([{name}, {name}])", f"np.roll({name}, 1)", f"np.resize({name}, (2, 2))"),
            *(f"np.array({self.one('0.5', '-0.25')}) * {name}", f"constant({constant})"),
            *(f"({name} * 1.1)[1:]", f"({name} * 1.1).T.ravel()", f"np.delete({name}, [], axis=0)"),
        )

    def factors(self, size: int) -> tuple[int, ...]:
        divisors = [n for n in range(1, size + 1) if size % n == 0] or [0]
        n = int(self.rng.choice(divisors))
        return (n, size // n if n else 1)

    def write(self, name: str) -> str:
        """An assignment to a value, or to a part."""
        array = self.scope[name]
        c = self.one("0.5", "-0.75", "1.25", "2.0")
        other = self.one(*self.names)
        value = self.one(c, other, other, f"np.sin({other})", f"{other} * {c}", f"{other}.copy()")
        if not isinstance(array, np.ndarray):
            return f"{name} *= {c}"
        i, j = self.index(array), self.index(array)
        flat = "reshape(-1)" if np.shares_memory(array, array.reshape(-1)) else "T"  # else nothing holds it
        return self.one(
            *(
                f"{name} *= {c}",
                f"{name} += {value}",
                f"{name} -= {value}",
                f"{name} /= 1.25",
                f"{name} **= 2",
            ),
            *[f"{name}[{i}] = {value}", f"{name}[{i}] *= {c}", f"{name}[{i}] += {value}"] * 2,
            *(f"{name}[0][{j}] = {value}", f"{name}[{i}][{j}] = {value}", f"{name}[{i}][0] *= {c}"),
            *(f"{name}[0], {name}[-1] = {name}[-1], {name}[0]", f"{name}.fill({c})"),
            f"{name}[0], {name}[-1] = {name}[-1].copy(), {name}[0].copy()",
            *(
                f"{name}.{flat}[...] = {value}",
                f"{name}.T[...] = {value}",
                f"np.copyto({name}, {other} * 1.0)",
            ),
            *(f"{name}[[0, -1]] = {value}", f"{name}[{name}.shape[0] // 2 :] = {name}[0]"),
            *(f"for row in {name}: row *= {c}", f"for row in {name}: row[...] = {value}"),
            *([f"{name}.real[...] = 0.5", f"{name}.imag *= {c}"] if self.complex else []),
        )

    def read(self, name: str) -> str:
        twice = f"{name} * np.conj({name})" if self.complex else f"np.sin({name}) * {name}"
        real = f"np.real({twice})" if self.complex else twice
        return f"total = total + {self.one('1.0', '0.5')} * np.sum({real})"


def replayed(lines: tuple[str, ...], inputs: Any, constant: Any) -> dict[str, Any] | None:
    """The values after statements, run from the start; None if NumPy refuses one, or a number is large."""
    scope: dict[str, Any] = {"np": np, "start": lambda x: x * 1.5, "constant": constant, "total": 0.0}
    scope.update({f"x{i}": x for i, x in enumerate(inputs)})
    try:
        exec("\n".join(lines), scope)
    except (ValueError, TypeError, IndexError, AttributeError, NameError, StopIteration, Warning):
        return None
    arrays = [v for k, v in scope.items() if k[0] == "v" and k[1:].isdigit()]
    fine = all(np.size(a) <= 64 and np.ndim(a) <= 5 and np.all(np.abs(a) < LARGE) for a in arrays)
    return scope if fine and abs(scope["total"]) < LARGE else None


def drawn(rng: np.random.Generator) -> ViewProgram:
    """A random program."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        d = Drawing(rng)
        for i in range(len(d.inputs)):
            d.add(f"{d.new()} = start(x{i})")
        for _ in range(int(rng.integers(5, STEPS))):
            name, kind = d.one(*d.names), rng.random()
            if kind < 0.35:
                d.add(f"{d.new()} = {d.view(name)}")
            elif kind < 0.45:
                d.add(f"{d.new()} = {d.copy(name)}")
            elif kind < 0.85:
                d.add(d.write(name))
            elif kind < 0.92:
                d.add(d.read(name))
            elif len(d.names) > 1:
                d.add(f"del {name}")
        for name in d.names:
            d.add(d.read(name))
    return ViewProgram(tuple(d.lines), tuple(d.inputs), tuple(d.names))


def numbered(seed: int, number: int) -> ViewProgram:
    """The same program each time."""
    return drawn(np.random.default_rng([seed, number, 15]))


# -- what must hold ------------------------------------------------------------------------------

TOLERANCE = 1e-11
"""A complex step has no error but rounding; sums of up to 64 entries below LARGE."""


def plain(x: Any) -> Any:
    return x.numpy() if isinstance(x, ag.Tensor) else np.asarray(x)


def unlike(found: dict[str, Any], right: dict[str, Any], how: str) -> str | None:
    """The first name whose value is another than NumPy's."""
    for name, value in right.items():
        got = plain(found[name])
        if got.shape != np.shape(value) or not np.allclose(got, value, rtol=1e-12, atol=1e-12):
            return f"{name} {how} is\n{got}, in NumPy\n{value}"
    return None


def values(program: ViewProgram) -> str | None:
    """Recorded, as constants, and of constants under no_grad, the values are NumPy's."""
    right = program.on_arrays(program.inputs)
    leaves = [ag.Tensor(x, requires_grad=True) for x in program.inputs]
    with ag.no_grad():
        quiet = program.on_tensors(leaves)
    return (
        unlike(program.on_tensors(leaves), right, "recorded")
        or unlike(program.on_tensors([ag.Tensor(x) for x in program.inputs]), right, "of constants")
        or unlike(quiet, right, "under no_grad")
    )


def leaves(program: ViewProgram) -> str | None:
    """Under no_grad, leaves that are written stay leaves, and have NumPy's values."""
    arrays = [x.copy() for x in program.inputs]
    dtype = np.result_type(*arrays)
    right = program.run(arrays, lambda x: x, lambda a: np.array(a, dtype))
    tensors = [ag.Tensor(x, requires_grad=True) for x in program.inputs]
    with ag.no_grad():
        found = program.run(tensors, lambda x: x, lambda a: ag.Tensor(a, dtype=dtype))
    for x, array in zip(tensors, arrays, strict=True):
        if not (x.is_leaf and x.requires_grad) or not np.array_equal(x.node.value, x.numpy()):
            return "a leaf is none any more"
        if not np.allclose(x.numpy(), array, rtol=1e-12, atol=1e-12):
            return f"a leaf is\n{x}, in NumPy\n{array}"
    return unlike(found, right, "of leaves under no_grad")


def slope(program: ViewProgram, v: Any) -> tuple[float, float]:
    """The derivative of NumPy's run along v, and its error."""
    if program.inputs[0].dtype.kind != "c":
        h = 1e-30
        moved = [x + 1j * h * d for x, d in zip(program.inputs, v, strict=True)]
        return float(np.imag(program.on_arrays(moved)["total"]) / h), 0.0

    def difference(h: float) -> float:
        up, down = (
            program.on_arrays([x + s * h * d for x, d in zip(program.inputs, v, strict=True)])["total"]
            for s in (1, -1)
        )
        return float((up - down) / (2 * h))

    fine, coarse = difference(1e-4), difference(2e-4)
    return (4 * fine - coarse) / 3, 1e-2 * abs(fine - coarse) + 1e-9


def directions(program: ViewProgram) -> list[Any]:
    rng = np.random.default_rng(3)
    drawn = [rng.uniform(-1, 1, x.shape) for x in program.inputs]
    return [
        d + 1j * rng.uniform(-1, 1, d.shape) if x.dtype.kind == "c" else d
        for d, x in zip(drawn, program.inputs, strict=True)
    ]


def inner(g: Any, v: Any) -> float:
    """What a gradient says of a direction."""
    return float(sum(np.sum(np.real(np.conj(a) * b)) for a, b in zip(g, v, strict=True)))


def gradients(program: ViewProgram) -> str | None:
    """The gradient, that of a tape, and forward mode, along a direction."""
    v, numbers = directions(program), tuple(range(len(program.inputs)))
    right, error = slope(program, v)
    tensors = [ag.Tensor(x, requires_grad=True) for x in program.inputs]
    with ag.Tape() as tape:
        loss = program.loss(*tensors)
    taped = [plain(g) for g in tape.gradient(loss, tensors)] if isinstance(loss, ag.Tensor) else None
    found = {
        "grad": inner(ag.grad(program.loss, numbers)(*program.inputs), v),
        "jvp": float(ag.jvp(program.loss, program.inputs, tuple(v))[1]),
        "tape": right if taped is None else inner(taped, v),
    }
    for name, slope_ in found.items():
        if not math.isclose(slope_, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE * LARGE / 10 + error):
            return f"along a direction {name} is {slope_!r}, NumPy's run {right!r}"
    return None


def second(program: ViewProgram) -> str | None:
    """The Hessian times a direction is what gradients change by."""
    v = directions(program)

    def along(h: float) -> float:
        xs = [x + h * d for x, d in zip(program.inputs, v, strict=True)]
        return inner(ag.grad(program.loss, tuple(range(len(xs))))(*xs), v)

    h = 1e-4
    fine, coarse = (along(h) - along(-h)) / (2 * h), (along(2 * h) - along(-2 * h)) / (4 * h)
    right, error = (4 * fine - coarse) / 3, 1e-2 * abs(fine - coarse) + 1e-8
    product = ag.hvp(program.loss, program.inputs, tuple(v))
    found = inner(product if isinstance(product, tuple) else (product,), v)
    if math.isclose(found, right, rel_tol=1e-8, abs_tol=error):
        return None
    return f"v H v is {found!r}, of differences of gradients {right!r}"


WAYS = (values, leaves, gradients, second)


def fault_of(program: ViewProgram) -> str | None:
    """What does not hold of a program, with the program; None if all does."""
    for way in WAYS:
        try:
            fault = way(program)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        if fault is not None:
            return f"{way.__name__}: {fault}\n\n{program}"
    return None


def shrunk(program: ViewProgram) -> str:
    """The fault of a program, with statements left out that it does not need."""
    fault = fault_of(program)
    i = len(program.lines)
    while i:
        i -= 1
        lines = program.lines[:i] + program.lines[i + 1 :]
        scope = replayed(lines, program.inputs, functools.partial(np.array, dtype=program.inputs[0].dtype))
        if scope is None:
            continue
        names = tuple(n for n in scope if n[0] == "v" and n[1:].isdigit())
        smaller = ViewProgram(lines, program.inputs, names)
        other = fault_of(smaller)
        if other is not None:
            program, fault = smaller, other
    return str(fault)
