"""The idea of autograd-lite on one screen: a table of rules, a tape, and `play`.

A computation is written in plain NumPy. NumPy hands each call with a Tensor to `apply`, which puts one step
on the tape: the op, its arguments, its value. `play` visits the steps from the last to the first. Each step
turns the cotangent of its value, d(output)/d(value), into cotangents of its arguments by the rules of its op.

>>> w, x = Tensor(2.0), Tensor(-1.0)
>>> y = np.sin(w * x)
>>> [step.op.__name__ for step in tape(y)], f"{y.value:.4f}"
(['multiply', 'sin'], '-0.9093')
>>> cotangents = play(y)
>>> f"{cotangents[w].value:.4f}", f"{cotangents[x].value:.4f}"     # x cos(w x), w cos(w x)
('0.4161', '-0.8323')

A rule is plain NumPy too. A rule that gets Tensors therefore records itself, and `grad` nests:

>>> float(grad(lambda x: x**3)(2.0)), float(grad(grad(lambda x: x**3))(2.0))
(12.0, 12.0)
"""

import itertools
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

import numpy as np

places = itertools.count()
rules: dict[Any, tuple[Callable[..., Any], ...]] = {}
constants = {np.greater, np.less, np.equal, np.sign}  # their derivative is zero: no step is recorded


class Tensor(np.lib.mixins.NDArrayOperatorsMixin):
    """An array, and the step on the tape that computed it; a leaf has no op."""

    __hash__ = object.__hash__  # pyright: ignore  # NumPy's class has none

    def __init__(self, value: Any, op: Any = None, args: Any = (), options: Any = None) -> None:
        self.value, self.op, self.args, self.options = np.asarray(value)[()], op, args, options or {}
        self.shape, self.index = self.value.shape, next(places)

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
        return apply(ufunc, *args, **options) if method == "__call__" else NotImplemented

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return apply(function, *args, **options)


def apply(op: Any, *args: Any, **options: Any) -> Any:
    """Compute `op(*args)`, and put the step on the tape."""
    value = op(*[x.value if isinstance(x, Tensor) else x for x in args], **options)
    if op in constants:
        return value
    if op not in rules:
        raise TypeError(f"{op.__name__} has no rule: defvjp({op.__name__}, lambda g, y, x: ...)")
    return Tensor(value, op, args, options)


def defvjp(op: Any, *vjps: Callable[..., Any]) -> None:
    """Give an op a rule for each argument: from cotangent g, output y and arguments to that cotangent."""
    rules[op] = vjps


defvjp(np.positive, lambda g, y, x: g)
defvjp(np.negative, lambda g, y, x: -g)
defvjp(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
defvjp(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
defvjp(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
defvjp(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * (y / b))
defvjp(np.power, lambda g, y, a, b: g * b * a ** (b - 1), lambda g, y, a, b: g * y * np.log(a))
defvjp(np.exp, lambda g, y, x: g * y)
defvjp(np.log, lambda g, y, x: g / x)
defvjp(np.sin, lambda g, y, x: g * np.cos(x))
defvjp(np.cos, lambda g, y, x: -g * np.sin(x))
defvjp(np.tanh, lambda g, y, x: g * (1 - y * y))
defvjp(np.maximum, lambda g, y, a, b: g * (a > b), lambda g, y, a, b: g * (a < b))
defvjp(np.matmul, lambda g, y, a, b: g @ np.transpose(b), lambda g, y, a, b: np.transpose(a) @ g)
defvjp(np.transpose, lambda g, y, x: np.transpose(g))
defvjp(np.reshape, lambda g, y, x, shape: np.reshape(g, x.shape))
defvjp(np.broadcast_to, lambda g, y, x, shape: g)
defvjp(np.sum, lambda g, y, x, axis=None: np.broadcast_to(kept(g, x.shape, axis), x.shape))


def kept(g: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """The cotangent of a sum, with length 1 along each axis that was summed."""
    return g if axis is None else np.reshape(g, np.empty(shape).sum(axis, keepdims=True).shape)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """The cotangent of an argument that NumPy has repeated: the sum over its copies."""
    extra = len(g.shape) - len(shape)
    copied = [i for i, n in enumerate(g.shape) if i < extra or (shape[i - extra] == 1 and n > 1)]
    return np.reshape(np.sum(g, axis=tuple(copied)), shape) if copied else g


def play(output: Any, g: Any = 1.0, since: int = -1) -> dict[Tensor, Any]:
    """Play the tape backwards: the cotangents that arrive at leaves and at the step `since`."""
    cotangents, waiting = {output: Tensor(g)}, [(-output.index, output)]
    arrived = {}
    while waiting:
        _, step = heappop(waiting)  # the latest: all that used its value have been played
        g = cotangents.pop(step)
        if step.op is None or step.index <= since:
            arrived[step] = g
            continue
        for x, vjp in zip(step.args, rules[step.op], strict=False):
            if isinstance(x, Tensor) and x.index >= since:
                gx = unbroadcast(vjp(g, step, *step.args, **step.options), x.shape)
                if x not in cotangents:
                    heappush(waiting, (-x.index, x))
                cotangents[x] = cotangents[x] + gx if x in cotangents else gx
    return arrived


def tape(output: Tensor) -> list[Tensor]:
    """The steps that computed `output`, oldest first."""
    steps, seen = [output], {output}
    for step in steps:  # the list grows while it is read
        new = [x for x in step.args if isinstance(x, Tensor) and x.op and x not in seen]
        seen.update(new)
        steps += new
    return sorted(steps, key=lambda step: step.index)


depth = 0  # how many calls of gradients this one stands inside of


def grad(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The gradient of a function of one argument: a function again, so it nests."""

    def gradient(x: Any) -> Any:
        global depth
        start = +x if isinstance(x, Tensor) else Tensor(x)  # a step of its own, at which this call stops
        depth += 1
        try:
            y = f(start)
            g = play(y, 1.0, start.index).get(start) if isinstance(y, Tensor) else None
        finally:
            depth -= 1
        g = 0 * start if g is None else g
        return g if depth else g.value

    return gradient
