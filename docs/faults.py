"""Puts the tables of planted faults into checking.md: our `check_grads` beside those of the peers.

Run `python -m docs.faults` where PyTorch, JAX and HIPS autograd are installed. Each fault is one wrong rule
of one op among others, written once for all libraries. Each library checks it with its own defaults, to
second order. A dash in the table says that the right rule does not pass either, or that the fault cannot be
written.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).with_name("checking.md")
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"

V = np.array([0.3, 1.2, -0.7])
M = np.arange(1.0, 7.0).reshape(2, 3)
NOISE = np.random.default_rng(3)


# -- the libraries ---------------------------------------------------------------------------------


class Library:
    """How one library makes an op of a function and its rules, and checks a function."""

    name: str
    m: Any  # its namespace of functions
    immutable = False
    conjugates = False  # whether the user's rule has to conjugate

    def constant(self, x: Any) -> Any:
        """The same number, off the tape."""
        raise NotImplementedError

    def op(self, compute: Callable[..., Any], rules: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
        raise NotImplementedError

    def check(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        raise NotImplementedError

    def double(self, g: Any) -> Any:
        """Twice g, in place."""
        np.multiply(g, 2, out=g) if isinstance(g, np.ndarray) else None
        return g


class Ours(Library):
    name = "autograd-lite"

    def __init__(self) -> None:
        import autograd_lite
        from autograd_lite.testing import check_grads

        self.ag, self.m, self.check_grads = autograd_lite, np, check_grads

    def constant(self, x: Any) -> Any:
        return x.numpy() if isinstance(x, self.ag.Tensor) else x

    def op(self, compute: Callable[..., Any], rules: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
        def culprit(*xs: Any) -> Any:
            return compute(np, *xs)

        op = self.ag.primitive(culprit)
        self.ag.defvjp(op, *[lambda g, y, *xs, r=rule: r(self, g, *xs) for rule in rules])
        return op

    def check(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        self.check_grads(f, tuple(args))


class Torch(Library):
    name = "PyTorch"
    conjugates = True

    def __init__(self) -> None:
        self.m = importlib.import_module("torch")

    def constant(self, x: Any) -> Any:
        return x.detach()

    def double(self, g: Any) -> Any:
        return g.mul_(2)

    def op(self, compute: Callable[..., Any], rules: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
        torch, library = self.m, self

        class Culprit(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *xs: Any) -> Any:
                ctx.save_for_backward(*xs)
                return compute(torch, *xs)

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                sent = [rule(library, g, *ctx.saved_tensors) for rule in rules]
                return sent[0] if len(sent) == 1 else tuple(sent)

        return Culprit.apply

    def check(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        xs = [self.m.tensor(x, requires_grad=True) for x in args]
        self.m.autograd.gradcheck(f, xs)
        self.m.autograd.gradgradcheck(f, xs)


class Jax(Library):
    name = "JAX"
    immutable = True

    def __init__(self) -> None:
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)
        self.m, self.checks = self.jax.numpy, importlib.import_module("jax.test_util")

    def constant(self, x: Any) -> Any:
        return self.jax.lax.stop_gradient(x)

    def op(self, compute: Callable[..., Any], rules: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
        def culprit(*xs: Any) -> Any:
            return compute(self.m, *xs)

        op = self.jax.custom_vjp(culprit)
        op.defvjp(lambda *xs: (op(*xs), xs), lambda xs, g: tuple(rule(self, g, *xs) for rule in rules))
        return op

    def check(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        self.checks.check_grads(f, tuple(map(self.m.asarray, args)), order=2, modes=["rev"])


class Hips(Library):
    name = "HIPS autograd"

    def __init__(self) -> None:
        self.m = importlib.import_module("autograd.numpy")
        self.extend, self.checks = (importlib.import_module(f"autograd.{x}") for x in ("extend", "test_util"))
        self.tracer = importlib.import_module("autograd.tracer")

    def constant(self, x: Any) -> Any:
        return self.tracer.getval(x)

    def op(self, compute: Callable[..., Any], rules: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
        def culprit(*xs: Any) -> Any:
            return compute(np, *xs)

        op = self.extend.primitive(culprit)
        self.extend.defvjp(op, *[lambda y, *xs, r=rule: lambda g: r(self, g, *xs) for rule in rules])
        return op

    def check(self, f: Callable[..., Any], args: Sequence[Any]) -> None:
        self.checks.check_grads(f, modes=["rev"], order=2)(*args)


# -- the faults ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """An op, its right rules and its wrong ones, each called with the library, g and the inputs."""

    compute: Callable[..., Any]
    right: Sequence[Callable[..., Any]]
    wrong: Sequence[Callable[..., Any]]
    args: Sequence[Any] = (V,)
    in_place: bool = False


def cosine(k: Library, g: Any, x: Any) -> Any:
    return g * k.m.cos(x)


def off_by(factor: float) -> Callable[..., Any]:
    return lambda k, g, x: g * k.m.cos(x) * (1 + factor)


def at_one_index(k: Library, g: Any, x: Any) -> Any:
    return g * k.m.cos(x) * k.m.asarray(np.array([1.0, 1.0, 1.01]))


def in_float64(k: Library, g: Any, x: Any) -> Any:
    return (g * k.m.cos(x)) * k.m.asarray(np.ones(3))


def conjugated(wrong: bool) -> Callable[..., Any]:
    return lambda k, g, z: g * 2 * (k.m.conj(z) if k.conjugates is not wrong else z)


BUFFER: dict[str, Any] = {}


def into_a_buffer(k: Library, g: Any, x: Any) -> Any:
    """One array for all results; where the backward pass itself is recorded, a new one."""
    right = g * k.m.cos(x)
    if isinstance(right, np.ndarray):
        buffer = BUFFER.setdefault("numpy", np.zeros(3))
        buffer[...] = right
        return buffer
    if k.name == "PyTorch" and not k.m.is_grad_enabled():
        return BUFFER.setdefault("torch", k.m.zeros(3, dtype=right.dtype)).copy_(right)
    return right


def sine(m: Any, x: Any) -> Any:
    return m.sin(x)


def total(m: Any, x: Any) -> Any:
    return m.sum(x)


def times(m: Any, a: Any, b: Any) -> Any:
    return a * b


PRODUCT = (lambda k, g, a, b: g @ b.T, lambda k, g, a, b: a.T @ g)
FACTORS = (lambda k, g, a, b: g * b, lambda k, g, a, b: g * a)
ONES = (lambda k, g, x: g * k.m.ones_like(x),)

FAULTS: dict[str, Fault] = {
    "wrong sign": Fault(sine, [cosine], [lambda k, g, x: -g * k.m.cos(x)]),
    "missing factor": Fault(lambda m, x: 2 * x, [lambda k, g, x: 2 * g], [lambda k, g, x: 1 * g]),
    "small factor": Fault(sine, [cosine], [off_by(1e-5)]),
    "wrong function": Fault(sine, [cosine], [lambda k, g, x: g * k.m.sin(x)]),
    "dropped term": Fault(
        lambda m, x: x * m.sin(x),
        [lambda k, g, x: g * (k.m.sin(x) + x * k.m.cos(x))],
        [lambda k, g, x: g * k.m.sin(x)],
    ),
    "wrong at one index": Fault(sine, [cosine], [at_one_index]),
    "transposed": Fault(
        lambda m, a, b: a @ b,
        PRODUCT,
        [lambda k, g, a, b: g @ b, lambda k, g, a, b: a.T @ g],
        (M[:, :2], M[:, 1:]),
    ),
    "wrong argument": Fault(times, FACTORS, FACTORS[::-1], (V, V + 1)),
    "forgotten broadcast sum": Fault(
        times, [FACTORS[0], lambda k, g, a, b: k.m.sum(g * a, 0)], FACTORS, (M, V)
    ),
    "forgotten keepdims": Fault(
        lambda m, x: x / m.sum(x),
        [lambda k, g, x: g / k.m.sum(x) - k.m.sum(g * x) / k.m.sum(x) ** 2 * k.m.ones_like(x)],
        [lambda k, g, x: g / k.m.sum(x)],
    ),
    "mean for sum": Fault(total, ONES, [lambda k, g, x: g * k.m.ones_like(x) / 3]),
    "wrong dtype": Fault(sine, [cosine], [in_float64], (V.astype(np.float32),)),
    "right first but wrong second order": Fault(
        lambda m, x: x**3, [lambda k, g, x: g * 3 * x**2], [lambda k, g, x: g * 3 * k.constant(x) ** 2]
    ),
    "writes into its input": Fault(
        lambda m, x: x * x / 2, [lambda k, g, x: g * x], [lambda k, g, x: k.double(g) * x], in_place=True
    ),
    "draws at random": Fault(sine, [cosine], [lambda k, g, x: g * k.m.cos(x) * (1 + 1e-9 * NOISE.normal())]),
    "conjugate forgotten": Fault(lambda m, z: z * z, [conjugated(False)], [conjugated(True)], (V + 0.5j,)),
    "wrong shape": Fault(total, ONES, [lambda k, g, x: g]),
    "raises": Fault(sine, [cosine], [lambda k, g, x: g * x.nonsense]),
    "returns the same array": Fault(sine, [cosine], [into_a_buffer], in_place=True),
    "wrong in the twelfth digit": Fault(sine, [cosine], [off_by(5e-12)]),
    "tiny, of the wrong sign": Fault(
        lambda m, x: 1e-8 * m.sin(x),
        [lambda k, g, x: 1e-8 * g * k.m.cos(x)],
        [lambda k, g, x: -1e-8 * g * k.m.cos(x)],
    ),
}

RIGHT: dict[str, tuple[Callable[..., Any], Any]] = {
    "exp(x) sin(x) in float32": (lambda m, x: m.exp(x) * m.sin(x), np.linspace(-2, 2, 5, dtype=np.float32)),
    "log(x) at 1e-6": (lambda m, x: m.log(x), np.array([1e-6])),
    "x² at 1e8": (lambda m, x: x * x, np.array([1e8])),
    "max(x, 0) at 0, a kink": (lambda m, x: m.maximum(x, 0 * x), np.array([0.0])),
}
"""Right derivatives on which a check may stumble."""


def verdict(library: Library, f: Callable[..., Any], args: Sequence[Any]) -> BaseException | None:
    """What the check says: an exception, or nothing."""
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        try:
            library.check(f, args)
        except Exception as error:
            return error
    return None


def among_others(library: Library, op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: library.m.sin(op(*(x * 1.5 for x in xs))) + 1.0


def tried(library: Library, fault: Fault) -> str:
    if fault.in_place and library.immutable:
        return "–"
    right, wrong = (among_others(library, library.op(fault.compute, r)) for r in (fault.right, fault.wrong))
    if verdict(library, right, fault.args) is not None:
        return "–"
    error = verdict(library, wrong, fault.args)
    if error is None:
        return "no"
    return "caught, op named" if "culprit" in f"{error} {getattr(error, '__notes__', '')}" else "caught"


def judged(library: Library, f: Callable[..., Any], x: Any) -> str:
    error = verdict(library, lambda x: f(library.m, x), [x])
    if error is None:
        return "passes"
    return "called a kink" if "kink" in str(error) else "called wrong"


def tables() -> str:
    libraries = [kind() for kind in (Ours, Torch, Jax, Hips)]
    names = [library.name for library in libraries]
    caught = [[name, *(tried(library, fault) for library in libraries)] for name, fault in FAULTS.items()]
    passed = [[name, *(judged(library, *case) for library in libraries)] for name, case in RIGHT.items()]
    blocks = [["planted fault", *names], *caught], [["right derivative", *names], *passed]
    return "\n\n".join(
        "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
        for head, *rows in blocks
    )


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{tables()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(f"wrote {PAGE}")
