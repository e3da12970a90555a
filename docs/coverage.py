"""Makes coverage.md: what each public function of NumPy is here. Run `python -m docs.coverage`.

The lists come from the registry, so the page cannot claim what the library does not do.
`tests/ops/test_coverage.py` fails when a function is in none of the lists, or when the page is out of date.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite  # noqa: F401  (fills the registry)
from autograd_lite.known import Composition, Constant, Refused, Rule, known

PAGE = Path(__file__).with_name("coverage.md")
HOMES = {"numpy": np, "numpy.linalg": np.linalg, "numpy.fft": np.fft}

OLD_NAMES = {"in1d", "row_stack", "trapz"}
"""Deprecated names, some gone since NumPy 2.0; isin, vstack and trapezoid took their places."""

INTRODUCTION = """\
# What each function of NumPy is here

Made from the registry by `python -m docs.coverage`, with NumPy {numpy}. Every public function of `numpy`,
`numpy.linalg` and `numpy.fft` is one of three:

- *differentiable*: `np.f(tensor)` and `ag.f(tensor)` are recorded. The function has a derivative rule of its
  own. A function in *italics* is composed of functions that have rules.
- *constant*: the result has no gradient. A small change of the input does not change the result, or no
  argument is a Tensor. Given Tensors, these functions return plain arrays.
- *refused*: a Tensor on the tape raises an error that says why, and what to write instead.

Every function refuses `out=` and `where=`, and every ufunc its methods (`np.add.reduce`), with advice.
"""


STATUS = {
    Rule: "differentiable",
    Composition: "differentiable",
    Constant: "constant",
    Refused: "refused",
}


def functions(home: Any) -> dict[str, Callable[..., Any]]:
    """The public functions of a module by name; classes and modules are none."""
    names = [name for name in sorted(home.__all__) if name not in OLD_NAMES and not name.startswith("_")]
    known = {name: vars(home).get(name) for name in names}
    return {n: f for n, f in known.items() if callable(f) and not inspect.isclass(f)}


def status(function: Callable[..., Any]) -> str | None:
    """What is known of a function; None for nothing."""
    return STATUS.get(type(known.get(function)))


def listed(home: Any, wanted: str) -> dict[str, Callable[..., Any]]:
    """The functions of a module with one status."""
    return {name: f for name, f in functions(home).items() if status(f) == wanted}


def page() -> str:
    """The text of coverage.md."""
    parts = [INTRODUCTION.format(numpy=".".join(np.__version__.split(".")[:2]))]
    for title, home in HOMES.items():
        found = {kind: listed(home, kind) for kind in ("differentiable", "constant", "refused")}
        parts.append(f"## {title}\n")
        for kind in ("differentiable", "constant"):
            if found[kind]:
                names = [f"*{n}*" if isinstance(known[f], Composition) else n for n, f in found[kind].items()]
                parts.append(f"**{kind.capitalize()}** ({len(names)}): {', '.join(names)}\n")
        if found["refused"]:
            parts.append(f"**Refused** ({len(found['refused'])}):\n")
            parts.append("| function | why, and what to write |\n|---|---|")
            parts.append("".join(f"| {n} | {known[f].reason} |\n" for n, f in found["refused"].items()))
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
