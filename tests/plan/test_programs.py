"""Random programs: a compiled program and the eager one agree to the bit on new inputs, effects included.

A program keeps a pool of values of shape (4,). A line computes a new value, changes a running mean or a
counter, or draws for dropout. The worst fault of a plan is a frozen value: hence comparisons, masks, indices
that are computed, integers, and state. What a program computes is a sum, whose gradients go to a parameter
and, with `ag.grad`, to the input.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn import functional

Line = Callable[[list[Any], dict[str, Any]], None]


def _binary(f: Callable[[Any, Any], Any]) -> Callable[[random.Random, int], Line]:
    def make(rng: random.Random, n: int) -> Line:
        i, j = rng.randrange(n), rng.randrange(n)
        return lambda pool, held: pool.append(f(pool[i], pool[j]))

    return make


def _unary(f: Callable[[Any], Any]) -> Callable[[random.Random, int], Line]:
    def make(rng: random.Random, n: int) -> Line:
        i = rng.randrange(n)
        return lambda pool, held: pool.append(f(pool[i]))

    return make


def _running(rng: random.Random, n: int) -> Line:
    i = rng.randrange(n)

    def line(pool: list[Any], held: dict[str, Any]) -> None:
        held["mean"] += 0.25 * (plain(pool[i]) - held["mean"])
        pool.append(pool[i] - held["mean"])

    return line


def _rebound(rng: random.Random, n: int) -> Line:
    i = rng.randrange(n)

    def line(pool: list[Any], held: dict[str, Any]) -> None:
        held["last"], last = np.tanh(plain(pool[i])), held["last"]
        pool.append(pool[i] * last)

    return line


def _counted(rng: random.Random, n: int) -> Line:
    i = rng.randrange(n)

    def line(pool: list[Any], held: dict[str, Any]) -> None:
        held["count"] += 1
        pool.append(pool[i] / held["count"])

    return line


def _assigned(rng: random.Random, n: int) -> Line:
    i, j = rng.randrange(n), rng.randrange(n)

    def line(pool: list[Any], held: dict[str, Any]) -> None:
        y = ag.Tensor(pool[i]) if not isinstance(pool[i], ag.Tensor) else pool[i] * 1.0
        view = y[1:]
        view *= 1.5
        y[0] = pool[j][2]
        view[1] = np.sum(view)
        pool.append(y)

    return line


def _written(rng: random.Random, n: int) -> Line:
    i, j = rng.randrange(n), rng.randrange(n)

    def line(pool: list[Any], held: dict[str, Any]) -> None:
        a = plain(pool[i]) * 1.0
        product, view = pool[j] * a, a[::-1]
        view += 0.5
        a[0] = a[3]
        pool.append(product + a * pool[j])

    return line


def plain(x: Any) -> Any:
    return x.numpy() if isinstance(x, ag.Tensor) else x


LINES: dict[str, Callable[[random.Random, int], Line]] = {
    "add": _binary(lambda a, b: a + b),
    "subtract": _binary(lambda a, b: a - 2 * b),
    "multiply": _binary(lambda a, b: np.tanh(a) * b),
    "divide": _binary(lambda a, b: a / (1 + b * b)),
    "where": _binary(lambda a, b: np.where(a > b, a, np.sin(b))),
    "maximum": _binary(lambda a, b: np.maximum(a, b)),
    "mask": _binary(lambda a, b: a * (plain(b) > 0.1)),
    "argmax": _binary(lambda a, b: a - a[np.argmax(plain(b))]),
    "order": _binary(lambda a, b: a[np.argsort(plain(b))]),
    "digits": _binary(lambda a, b: a + (np.abs(plain(b)) * 3).astype(int) % 3),
    "count": _binary(lambda a, b: a * np.count_nonzero(plain(b) > 0) / 4),
    "any": _binary(lambda a, b: a + (plain(b) > 1).any() - (plain(b) < 0).sum() / 8),
    "rank": _binary(lambda a, b: a + np.searchsorted(np.sort(plain(a)), plain(b))),
    "clip": _unary(lambda a: np.clip(a, -1, 1)),
    "relu": _unary(ag.relu),
    "safe sqrt": _unary(lambda a: np.where(a > 0, np.sqrt(np.abs(a)), 0.0)),
    "softmax": _unary(ag.softmax),
    "mean": _unary(lambda a: a - a.mean()),
    "max": _unary(lambda a: a - np.max(a)),
    "round": _unary(lambda a: a - np.floor(plain(a))),
    "sort": _unary(np.sort),
    "flip": _unary(lambda a: a[::-1]),
    "roll": _unary(lambda a: np.concatenate([a[1:], a[:1]])),
    "dropout": _unary(lambda a: functional.dropout(a, 0.4)),
    "running mean": _running,
    "state": _rebound,
    "counter": _counted,
    "assignment": _assigned,
    "in place": _written,
}


def program(seed: int) -> tuple[list[Line], list[str]]:
    rng = random.Random(seed)
    names = [rng.choice(list(LINES)) for _ in range(rng.randint(2, 9))]
    return [LINES[name](rng, 2 + i) for i, name in enumerate(names)], names


def ran(seed: int, compiled: bool) -> tuple[list[Any], Any]:
    """The results and the states of eight calls of a program."""
    lines, _ = program(seed)
    nn.manual_seed(seed)
    numbers = np.random.default_rng(seed)
    w = ag.Tensor(numbers.standard_normal(4), requires_grad=seed % 3 > 0)
    held = {"mean": np.zeros(4), "last": np.ones(4), "count": np.array(1)}

    def value(x: Any) -> Any:
        pool = [x, w * 1.5]
        for line in lines:
            line(pool, held)
        return np.sum(pool[-1] * pool[-1]) + 0.5 * np.sum(pool[len(pool) // 2] * w)

    def step(x: Any) -> Any:
        loss = value(x)
        loss.backward()
        return loss

    f: Any = ag.grad(value) if seed % 3 == 0 else step
    f = ag.compile(f) if compiled else f
    log = []
    for i in range(8):
        out = f(numbers.standard_normal(4))
        out = out.numpy() if isinstance(out, ag.Tensor) else out
        grad = None if w.grad is None else w.grad.numpy().tobytes()
        kept = [held[key].tobytes() for key in sorted(held)]
        log.append((out.tobytes(), grad, kept, str(nn.random.generator.bit_generator.state)))
        if i % 2:
            w.data = w.numpy() - 0.1
            w.grad = None
    return log, f


def agree(seed: int) -> str:
    """Compare the runs; returns whether calls were replayed."""
    with np.errstate(all="ignore"):
        want, _ = ran(seed, False)
        got, f = ran(seed, True)
    for i, (a, b) in enumerate(zip(want, got, strict=True)):
        assert a == b, (seed, i, program(seed)[1], f.signatures)
    return "replayed" if any(s.startswith("replayed") for s in f.signatures) else "eager"


@pytest.mark.few(4)
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("block", range(10))
def test_programs_agree(block: int) -> None:
    kinds = [agree(seed) for seed in range(30 * block, 30 * block + 30)]
    assert kinds.count("replayed") > 25


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("block", range(30))
def test_many_programs_agree(block: int) -> None:
    kinds = [agree(seed) for seed in range(1000 + 100 * block, 1100 + 100 * block)]
    assert kinds.count("replayed") > 80
