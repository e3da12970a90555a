"""A quasi-Newton method, which estimates the curvature from the changes of the gradient in past steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError

from .at_once import AtOnce
from .line_search import Point, strong_wolfe
from .optimizer import Array, Closure, Group, Params
from .states import State

__all__ = ["LBFGS"]


class LBFGS(AtOnce):
    """x <- x - t H g, where H approximates the inverse of the Hessian from the last `history_size` steps.

    For losses without noise, e.g. of the whole data set. `step` computes the loss many times, so it needs a
    closure, which zeroes the gradients, computes the loss, calls backward and returns the loss.

    Args:
        params: the parameters, all in one group.
        lr: the length of a step, in units of H g; with a line search, the first length to try.
        max_iter: the largest number of iterations in one `step`.
        max_eval: the largest number of loss evaluations in one `step`; by default 1.25 max_iter.
        tolerance_grad: stop if no entry of the gradient is larger than this.
        tolerance_change: stop if the step or the change of the loss is smaller than this.
        history_size: the number of past steps that make up H.
        line_search_fn: None, or "strong_wolfe".

    Raises:
        OptionError: there is more than one group, an unknown line search, or a `step` without a closure.

    Source:
        J. Nocedal, S. Wright, "Numerical optimization", algorithms 7.4, 3.5 and 3.6, 2006.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn
        >>> x = ag.Tensor([-1.0, 2.0], requires_grad=True)
        >>> optimizer = nn.optim.LBFGS([x], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        ...     loss.backward()
        ...     return loss
        >>> for _ in range(3):
        ...     first = optimizer.step(closure)
        >>> np.allclose(x.numpy(), 1.0)
        True
    """

    __plan_eager__ = "the line search of LBFGS reads the loss"

    def __init__(
        self,
        params: Params,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if line_search_fn not in (None, "strong_wolfe"):
            raise OptionError(f'LBFGS: line_search_fn={line_search_fn!r}; expected None or "strong_wolfe"')
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )

    def fitted(self, value: Array, p: Tensor) -> Array | None:
        """A loaded array if its rows have the length of all parameters, else None."""
        return value if value.shape[-1] == self._count() else None

    def rehearse(self, i: int, p: Tensor, state: State, group: Group) -> None:
        """Refuse a history with missing arrays, or arrays of different lengths."""
        rows, size = np.shape(state.get("steps", 0)), self._count()
        shapes = {"n_iter": (), "func_evals": (), "steps": (*rows[:1], size), "changes": rows}
        if state.get("n_iter"):
            shapes |= {"last_gradient": (size,), "last_step": (size,)}
        for key, shape in shapes.items():
            if i or key not in state or state[key] is None or np.shape(state[key]) != shape:
                raise DataError(
                    f"LBFGS: {key} of the state should have shape {shape}; it belongs to other parameters"
                )

    def _iterate(self, closure: Closure) -> Any:
        group = self.param_groups[0]
        first, loss, g = self._evaluate(closure)
        x, evaluations, small = self._values(), 1, np.max(np.abs(g), initial=0) <= group["tolerance_grad"]
        nothing = np.zeros((0, x.size))
        state = self._state(n_iter=0, func_evals=0, steps=nothing, changes=nothing)
        for iteration in range(1, group["max_iter"] + 1):
            if small:
                break
            if state["n_iter"]:
                self._remember(state, g, group["history_size"])
            state["n_iter"] += 1
            d = -_times_inverse_hessian(g, state)
            start = Point(0.0, loss, g, float(g @ d))
            t = group["lr"] * (min(1.0, 1.0 / float(np.sum(np.abs(g)))) if state["n_iter"] == 1 else 1.0)
            state["last_gradient"], state["last_step"] = g, t * d
            if start.slope > -group["tolerance_change"]:
                break
            if group["line_search_fn"] is not None:

                def along(t: float, x: Array = x, d: Array = d) -> Point:
                    self._move(x + t * d)
                    _, loss, g = self._evaluate(closure)
                    return Point(t, loss, g, float(g @ d))

                end, used = strong_wolfe(
                    along, start, t, float(np.max(np.abs(d))), group["max_eval"] - evaluations
                )
                t, loss, g = end.t, end.loss, end.gradient
                x = x + t * d
                self._move(x)
            else:
                x, used = x + t * d, 0
                self._move(x)
                if iteration < group["max_iter"]:
                    _, loss, g = self._evaluate(closure)
                    x, used = self._values(), 1  # the closure may change them: clamp them, for example
            evaluations += used
            state["last_step"] = t * d
            small = np.max(np.abs(g)) <= group["tolerance_grad"]
            still = np.max(np.abs(t * d)) <= group["tolerance_change"]
            if evaluations >= group["max_eval"] or still:
                break
            if abs(loss - start.loss) < group["tolerance_change"]:
                break
        state["func_evals"] += evaluations
        return first

    def _remember(self, state: State, g: Array, most: int) -> None:
        """Add the last step and the change of the gradient along it to the history."""
        change, step = g - state["last_gradient"], state["last_step"]
        if change @ step > 1e-10:  # only positive curvature is useful
            state["steps"] = np.concatenate([state["steps"], step[None]])[-most:]
            state["changes"] = np.concatenate([state["changes"], change[None]])[-most:]

    def _evaluate(self, closure: Closure) -> tuple[Any, float, Array]:
        """The result of the closure, the loss, and the gradient."""
        loss = closure()
        return loss, float(loss), self._gradients()


def _times_inverse_hessian(g: Array, state: State) -> Array:
    """H g by the two-loop recursion over the history."""
    steps, changes = state["steps"], state["changes"]
    if not len(steps):
        return g
    curvature = np.sum(steps * changes, axis=1)
    q, shares = g.copy(), np.zeros(len(steps))
    for i in reversed(range(len(steps))):
        shares[i] = steps[i] @ q / curvature[i]
        q -= shares[i] * changes[i]
    q *= curvature[-1] / (changes[-1] @ changes[-1])
    for i in range(len(steps)):
        q += (shares[i] - changes[i] @ q / curvature[i]) * steps[i]
    return q
