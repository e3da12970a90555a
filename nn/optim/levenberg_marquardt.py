"""Levenberg's and Marquardt's method for least squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import AnomalyError

from .at_once import AtOnce, check_positive, gain, number_in
from .optimizer import Array, Closure, Group, Params
from .products import jacobian_of, require_graph
from .states import State

__all__ = ["LevenbergMarquardt"]


class LevenbergMarquardt(AtOnce):
    """x <- x + d, with (J^T J + damping) d = -J^T r, for the least sum of squares of the residuals r.

    J is the Jacobian of the residuals with respect to all parameters. With a large damping d is a short step
    of gradient descent, with a small damping a step of Gauss and Newton. The damping falls where the linear
    model predicts the sum of squares well, and rises where it does not. A step that makes the sum larger is
    not taken.

    For small networks and losses without noise: J is a matrix of all residuals by all parameters, and its
    singular values are computed in each iteration. The closure computes the residuals and returns them, of
    any shape; it does not call backward.

    Args:
        params: the parameters, all in one group.
        damping: at first.
        max_iter: the largest number of iterations in one `step`.
        tolerance_grad: stop if no entry of J^T r is larger than this.

    Raises:
        OptionError: there is more than one group, a `step` without a closure, or a closure that calls
            backward.
        DTypeError: the closure returned no recorded Tensor.
        AnomalyError: the residuals or their derivatives are not finite.

    Source:
        K. Levenberg, 1944; D. Marquardt, 1963; M. Hagan, M. Menhaj, "Training feedforward networks with the
        Marquardt algorithm", 1994; H. Nielsen, "Damping parameter in Marquardt's method", 1999.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> t = np.linspace(0, 1, 20)
        >>> w = ag.Tensor([0.0, 0.0], requires_grad=True)
        >>> optimizer = nn.optim.LevenbergMarquardt([w], max_iter=20)
        >>> first = optimizer.step(lambda: w[0] * np.exp(w[1] * t) - 3 * np.exp(-2 * t))
        >>> np.allclose(w.numpy(), [3, -2])
        True
    """

    returns = "the residuals"
    needs_tape = True
    __plan_eager__ = "the damping of LevenbergMarquardt reads the residuals"

    def __init__(
        self, params: Params, damping: float = 1e-3, max_iter: int = 1, tolerance_grad: float = 1e-10
    ) -> None:
        super().__init__(params, {"damping": damping, "max_iter": max_iter, "tolerance_grad": tolerance_grad})

    def check(self, group: Group) -> None:
        """Refuse options with invalid values."""
        super().check(group)
        check_positive("LevenbergMarquardt", "damping", group["damping"], 1e-3)

    def rehearse(self, i: int, p: Tensor, state: State, group: Group) -> None:
        """Refuse a state without a damping."""
        for key in ("damping", "growth"):
            number_in(state, "LevenbergMarquardt", key)

    def _iterate(self, closure: Closure) -> Any:
        group = self.param_groups[0]
        state = self._state(n_iter=0, damping=float(group["damping"]), growth=2.0)
        first = residuals = self._read(closure())
        model = _Linear(residuals, self._params())
        for _ in range(group["max_iter"]):
            if not np.max(np.abs(model.slope), initial=0) > group["tolerance_grad"]:
                break
            d, promised = model.solved(state["damping"])
            before, x = [p.numpy() for p in self._params()], self._values().astype(float)
            self._move(x + d)
            residuals = self._read(closure())
            share = gain(model.loss, _half_square(residuals), promised, residuals.dtype)
            state["n_iter"] += 1
            if share > 0:
                state["damping"] = max(
                    state["damping"] * max(1 / 3, 1 - (2 * min(share, 2.0) - 1) ** 3), 1e-15
                )
                state["growth"] = 2.0
                model = _Linear(residuals, self._params())
                continue
            for p, value in zip(self._params(), before, strict=True):
                p.data = value
            state["damping"] *= state["growth"]
            state["growth"] *= 2
            if np.linalg.norm(d) <= np.finfo(residuals.dtype).eps * np.linalg.norm(x):
                break
        return first

    def _read(self, result: Any) -> Tensor:
        require_graph("LevenbergMarquardt", result, "the residuals")
        residuals: Tensor = result
        return residuals


class _Linear:
    """The linear model r + J d of the residuals, from the singular values of J, for any damping."""

    def __init__(self, residuals: Tensor, params: list[Tensor]) -> None:
        J, r = jacobian_of(residuals, params), np.ravel(residuals.numpy()).astype(float)
        if not (np.isfinite(J).all() and np.isfinite(r).all()):
            raise AnomalyError(
                "LevenbergMarquardt: the residuals or their derivatives are not finite; find the op with "
                "ag.detect_anomaly()"
            )
        self.J, self.loss, self.slope = J, float(r @ r) / 2, J.T @ r
        self.U, self.singular, _ = np.linalg.svd(J, full_matrices=False)
        self.r = self.U.T @ r

    def solved(self, damping: float) -> tuple[Array, float]:
        """The step d for a damping, and by how much the model decreases half the sum of squares."""
        squares = self.singular**2 + damping
        left = damping / squares  # of each component of r
        d = -self.J.T @ (self.U @ (self.r / squares))  # exactly 0 for a column of zeros
        return d, float(np.sum(self.r**2 * (1 - left**2))) / 2


def _half_square(residuals: Tensor) -> float:
    r = np.ravel(residuals.numpy()).astype(float)
    return float(r @ r) / 2
