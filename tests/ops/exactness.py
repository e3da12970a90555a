"""Write docs/exactness.md: the worst error of each derivative, beside the peers' that are installed.

    python -m tests.ops.exactness [--points N] [--out FILE]

The points, references and derivatives are those of `test_exactness.py`.
"""

from __future__ import annotations

import argparse
import importlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import autograd_lite as ag
from tests.exact import CASES, PAIRS, Case, Pair, exact, points_of
from tests.ops.test_exactness import LIMIT, reverse

PAGE = Path(__file__).parents[2] / "docs" / "exactness.md"

HEAD = """\
# How exact the derivatives are

Each row is an elementwise function. Its derivatives of first and second order were computed at
{points:,} points, spread evenly in the exponent over the domain. The points have both signs, from the
smallest subnormal number to the largest number. They come ever closer to the edges of the domain. A cell
is the largest error, in units in the last place (*ulp*), against `mpmath` with 60 digits. An error above
8 ulp is followed by the fraction of points that exceed 8 ulp. **wrong** is an error of more than a
million ulp. Then at least six digits are lost, or the result is `nan`, `inf` or 0 while the derivative is
an ordinary number. Points where the derivative is too large for the dtype do not count. A function of
two arguments has two derivatives of first order and four of second; the largest error counts.

The goal is 8 ulp, and the tests hold every row to 8 ulp. `tests/ops/test_exactness.py` checks some dozens
of points in all nestings of reverse and forward mode, and 10,000 points in reverse mode. One region is
left out: the mixed derivative of `a ** b` cancels near its zero at `b log a = -1`. The derivatives of
`sinc` cancel close to their zeros too. There the rule computes in double-double arithmetic.
`tests/ops/test_sinc.py` holds the rule to 8 ulp at the floats next to the zeros.

Ops prefer exactness to speed. The fused kernels of `nn` may prefer speed. Beside each stands its
definition, composed of ops, and the tests compare the two.
The kernels in C and those in NumPy add products in different orders. A convolution in float32 is right
within 1e-5 of its largest entry. Its gradient of the weights is as exact for 100,000 windows as for 100.

A dash says that a library does not have the function. The peers are measured at the same points in the
same run: {peers}. JAX counts subnormal numbers as 0 on most processors, which causes part of its errors.
The last column is the point where our own error is largest.

## float64

{float64}

## float32

{float32}

Written by `python -m tests.ops.exactness`.
"""


# -- the libraries ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Library:
    """A library, and how it differentiates an elementwise function of arrays.

    Attributes:
        name: of the column.
        version: installed.
        namespace: where its functions are.
        gradient: takes a function, which argument, and gives the derivative as a function.
        array: makes its values of NumPy's.
        numpy: and NumPy's of its own.
    """

    name: str
    version: str
    namespace: Any
    gradient: Callable[[Any, int], Any]
    array: Callable[[Any], Any]
    numpy: Callable[[Any], Any] = np.asarray

    def derivatives(self, case: Case | Pair, points: tuple[Any, ...]) -> Iterator[Any]:
        """In the order of `exact`; the mixed one of a pair both ways, so there is one more."""
        f = case.of(self.namespace)
        args = tuple(map(self.array, points))
        firsts = [self.gradient(f, i) for i in range(len(points))]
        for g in (*firsts, *(self.gradient(g, j) for g in firsts for j in range(len(points)))):
            yield np.broadcast_to(self.numpy(g(*args)), points[0].shape).astype(points[0].dtype)


def joined(*modules: Any) -> Any:
    """One namespace of several: the first that has a name gives it."""
    names: dict[str, Any] = {}
    for module in modules:
        names = {**vars(module), **names}
    return SimpleNamespace(**names)


def libraries() -> list[Library]:
    """Ours, and the peers that are installed."""
    found = [Library("autograd-lite", ag.__version__, ag, reverse, np.asarray)]
    for load in (_torch, _jax, _autograd):
        try:
            found.append(load())
        except ModuleNotFoundError:
            continue
    return found


def _torch() -> Library:
    torch = importlib.import_module("torch")

    def gradient(f: Any, i: int) -> Any:
        def derivative(*args: Any) -> Any:
            args = tuple(x if x.requires_grad else x.clone().requires_grad_() for x in args)
            y = f(*args)
            if not y.requires_grad:
                return torch.zeros_like(args[i])
            return torch.autograd.grad(y.sum(), args[i], create_graph=True, materialize_grads=True)[0]

        return derivative

    functions = joined(torch, torch.nn.functional, torch.special)
    version = metadata.version("torch")
    return Library("PyTorch", version, functions, gradient, torch.tensor, lambda x: x.detach().numpy())


def _jax() -> Library:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    functions = joined(jax.numpy, jax.nn, importlib.import_module("jax.scipy.special"))

    def gradient(f: Any, i: int) -> Any:
        return jax.grad(lambda *args: f(*args).sum(), i)

    return Library("JAX", metadata.version("jax"), functions, gradient, jax.numpy.asarray)


def _autograd() -> Library:
    autograd = importlib.import_module("autograd")
    functions = joined(importlib.import_module("autograd.numpy"), _scipy_special())
    return Library("autograd", metadata.version("autograd"), functions, autograd.elementwise_grad, np.asarray)


def _scipy_special() -> Any:
    """The special functions of autograd, which need SciPy."""
    try:
        special = importlib.import_module("autograd.scipy.special")
    except ModuleNotFoundError:
        return SimpleNamespace()
    return SimpleNamespace(erf=special.erf, i0=special.i0, sigmoid=special.expit)


# -- the table -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worst:
    """The largest error of a derivative, where it was found, and at what part of the points it is above 8."""

    ulps: float
    point: tuple[float, ...]
    part: float

    def __str__(self) -> str:
        if self.ulps <= LIMIT:
            return f"{self.ulps:.1f}"
        size = f"{self.ulps:,.0f}" if self.ulps < 1e6 else "wrong"
        return f"**{size}** ({max(100 * self.part, 0.1):.{self.part < 0.01:d}f} %)"


def worst(library: Library, case: Case | Pair, points: tuple[Any, ...], truths: Any) -> list[Worst] | None:
    """Of first and of second order; None where the library has no such function."""
    n = len(points)
    index = [0, 1] if n == 1 else [0, 1, 2, 3, 3, 4]
    found = []
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one of the peers warns of constants
            for k, got in zip(index, library.derivatives(case, points), strict=True):
                off = truths[k].ulps(got)
                i = int(np.argmax(off))
                part = float(np.mean(off > LIMIT))
                found.append(Worst(float(off[i]), tuple(float(p[i]) for p in points), part))
    except (AttributeError, NotImplementedError):
        return None
    return [max(order, key=lambda w: w.ulps) for order in (found[:n], found[n:])]


def table(dtype: Any, chosen: list[Library], n: int) -> str:
    """One table in Markdown."""
    names = [f"{library.name} 1st | 2nd" for library in chosen]
    lines = [f"| function | {' | '.join(names)} | at |", "|---|" + "--:|--:|" * len(chosen) + "---|"]
    for case in [*CASES, *PAIRS]:
        if dtype not in case.dtypes:
            continue
        points = points_of(case, n, dtype)
        truths = exact(case, points)
        rows = [worst(library, case, points, truths) for library in chosen]
        cells = [" | ".join(map(str, row)) if row else "– | –" for row in rows]
        assert rows[0] is not None
        place = ", ".join(f"{x:.3g}" for x in max(rows[0], key=lambda w: w.ulps).point)
        lines.append(f"| `{case.name}` | {' | '.join(cells)} | {place} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ops.exactness", description=__doc__)
    parser.add_argument("--points", type=int, default=10_000, metavar="N", help="for each function")
    parser.add_argument("--out", type=Path, default=PAGE, metavar="FILE")
    options = parser.parse_args(arguments)
    chosen = libraries()
    page = HEAD.format(
        points=options.points,
        float64=table(np.float64, chosen, options.points),
        float32=table(np.float32, chosen, options.points),
        peers=", ".join(f"{library.name} {library.version}" for library in chosen[1:]) or "none installed",
    )
    options.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
