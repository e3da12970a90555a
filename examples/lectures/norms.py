"""Norms of vectors and matrices, and their gradients through the singular values.

The circles |x|_p = 1 go from a diamond (p = 1) over a circle (p = 2) to a square (p = inf). The Frobenius
norm of a matrix is the 2-norm of its singular values, the nuclear norm their sum. With X = U S V^T their
gradients are X / |X| and U V^T. As |x|_1 makes entries 0, the nuclear norm makes singular values 0. Descent
on 1/2 |X - M|^2 + c |X|, for a noisy matrix M of low rank, shows this. The nuclear norm finds the rank, the
Frobenius norm does not. The strength c is about the largest singular value of the noise alone. For m x n
entries of deviation s that is s (sqrt(m) + sqrt(n)). A singular value below a twentieth of c counts as 0.

Source: S. Boyd, L. Vandenberghe, "Convex optimization", appendix A.1, 2004; the lectures' table of norms.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import autograd_lite as ag
from autograd_lite.testing import check_grads
from examples.pictures import BLUE, COLORS, GREY, ORANGE, PALE, panels, save

Array = npt.NDArray[Any]

RANK, NOISE = 3, 0.3


def circle(p: float, n: int = 400) -> Array:
    """Points with |x|_p = 1."""
    angles = np.linspace(0, 2 * np.pi, n + 1)
    x = np.stack([np.cos(angles), np.sin(angles)])
    points: Array = x / np.sum(np.abs(x) ** p, axis=0) ** (1 / p) if p < np.inf else x / np.abs(x).max(axis=0)
    return points


def gradients(X: Array) -> dict[str, float]:
    """How far the gradients of the tape are from the formulas; finite differences are asked first."""
    u, _, vt = np.linalg.svd(X, full_matrices=False)
    formulas: dict[Any, Array] = {"fro": X / np.sqrt(np.sum(X**2)), "nuc": u @ vt}
    off = {}
    for order, formula in formulas.items():
        check_grads(lambda X, order=order: np.linalg.norm(X, order), X)
        off[order] = float(
            np.abs(ag.grad(lambda X, order=order: np.linalg.norm(X, order))(X) - formula).max()
        )
    return off


def denoise(M: Array, order: Any, strength: float, steps: int) -> Array:
    """Descend on 1/2 |X - M|^2 + strength |X|, with steps that fall as 1/t; returns the singular values."""

    def cost(X: Any) -> Any:
        return 0.5 * np.sum((X - M) ** 2) + strength * np.linalg.norm(X, order)

    X = M.copy()
    for t in range(steps):
        X -= 0.5 / (1 + t / 20) * ag.grad(cost)(X)
    return np.linalg.svd(X, compute_uv=False)


def draw_circles(axes: Any) -> None:
    """The points with |x|_p = 1, each curve with its p where it crosses the diagonal."""
    for p, color in zip((0.5, 1, 1.5, 2, 4, np.inf), COLORS, strict=False):
        axes.plot(*circle(p), color=color)
        at = 2 ** (-1 / p) if p < np.inf else 1.0
        name = ("p = ∞" if p == np.inf else f"p = {p}") + ("\n(no norm)" if p < 1 else "")
        label = axes.text(at, at, name, color=color, fontsize=8, ha="center", va="center", rotation=-45)
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    axes.set(aspect="equal", title="where $|x|_p = 1$", xlabel="$x_1$", ylabel="$x_2$")


def run(quick: bool, seed: int, out: Path) -> dict[str, Any]:
    """Check gradients, clean a matrix, and draw."""
    rng = np.random.default_rng(seed)
    off = gradients(rng.normal(size=(3, 4) if quick else (6, 8)))
    for order, distance in off.items():
        print(f"gradient of the {order} norm: as finite differences; the formula is {distance:.1e} away")
    M = rng.normal(size=(20, RANK)) @ rng.normal(size=(RANK, 15)) + NOISE * rng.normal(size=(20, 15))
    noise = NOISE * (20**0.5 + 15**0.5)
    values = {order: denoise(M, order, noise, 600 if quick else 3000) for order in ("fro", "nuc")}
    left_over = {order: int(np.sum(s > 0.05 * noise)) for order, s in values.items()}
    print(f"a noisy 20 x 15 matrix of rank {RANK}: singular values left by each norm {left_over}")

    figure, (left, right) = panels(1, 2, width=4.6, height=4)
    draw_circles(left)
    number = range(1, 16)
    right.axvspan(0.5, RANK + 0.5, color=PALE, alpha=0.25, linewidth=0)
    right.text(RANK + 0.6, 0.02, f"← the rank is {RANK}", transform=right.get_xaxis_transform(), fontsize=8)
    right.plot(number, np.linalg.svd(M, compute_uv=False), "o-", color=GREY, label="noisy matrix")
    right.plot(number, values["fro"], "s-", color=ORANGE, label="after Frobenius")
    right.plot(number, values["nuc"], "^-", color=BLUE, label="after nuclear")
    right.set_yscale("symlog", linthresh=0.1)
    right.set(xlabel="number of the singular value", ylabel="its size (linear below 0.1)")
    right.set(title="what each norm leaves of a noisy matrix", xlim=(0.5, 15.5))
    right.legend(frameon=False)
    save(figure, out / "norms.png")
    return {"off": off, "rank": left_over, "values": values, "noise": noise}


if __name__ == "__main__":
    from examples.lectures.__main__ import alone

    alone(__file__)
