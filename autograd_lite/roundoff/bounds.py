"""`rounding`: adjoints times the rounding errors of the steps.

Every step k computes v_k (1 + e_k) in place of v_k. To first order this moves the output by the adjoint of
the step times v_k e_k. The sum of the absolute values bounds the error of the output, and one backward pass
gives all adjoints:

    |error| <= sum over k of |d output / d v_k| |v_k e_k|

The backward pass is a computation too, and its steps round. Recorded, it is a longer tape whose output is the
gradient, and the same sum bounds the error of each entry of the gradient.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..aliases import Call, Function, seeds_of
from ..arrays import unwrap
from ..backward import play
from ..batching import vmap
from ..batching.mapping import quietly
from ..box import lift
from ..errors import BatchError, UnsupportedError, user_line
from ..guards import refuse_in_transform
from ..node import Leaf, Node, op_name
from ..pull import Sweep, _Lines
from ..recording import Block, State, enable_grad, entered
from ..tape import listening
from ..tensor import Tensor
from ..transforms import _require_number, are_several, argnums_of
from .report import Rounding, Step
from .steps import HALF, local_error, ulps

__all__ = ["contribution", "rounding"]

SINGLE = np.finfo(np.float32)
FEW, ROOM = 8, 256
"""Up to so many entries of the gradient have a backward pass each; of more, so many have one together."""


def rounding(f: Function, argnums: int | Sequence[int] = 0, gradient: bool = True) -> Callable[..., Rounding]:
    """A function that returns the value and the gradient of `f`, with bounds of their rounding errors.

    The bound is the sum over all steps of |adjoint| times the largest rounding error of the step: half an ulp
    for a sum or a product, 1 or 2 for NumPy's elementary functions, 8 for other ops, more for long sums. The
    bound is of first order: products of two rounding errors are left out. Arguments and constants count as
    exact, and so does what `f` computes of constants alone.

    Args:
        f: returns a single real number.
        argnums: as in `grad`.
        gradient: bound the gradient too, which costs a backward pass for each entry. With False `gradient`
            and `gradient_error` are None.

    Returns:
        A function of the same arguments that returns a `Rounding`: `value`, `error`, `gradient`,
        `gradient_error` and `steps`. `print` shows which lines of the program lose the most.

    Raises:
        ShapeError: f did not return a single number.
        UnsupportedError: no line of the table bounds the errors of an op; see `roundoff.deferror`.

    Source:
        S. Linnainmaa, "Taylor expansion of the accumulated rounding error", 1976; A. Griewank, A. Walther,
        "Evaluating Derivatives", 2nd ed. 2008, section 3.4.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> found = ag.rounding(lambda x: (1 - np.cos(x)) / x**2)(1e-5)
        >>> found.value, found.relative_error > 1e-7     # the truth is 0.49999999999583333
        (0.5000000413701854, True)
    """
    several = are_several(argnums)

    @functools.wraps(f)
    def bounded(*args: Any, **kwargs: Any) -> Rounding:
        refuse_in_transform("rounding", "a bound")
        steps: list[Node] = []
        with listening(functools.partial(_noted, steps)), enable_grad(), np.errstate(all="ignore"):
            call = Call(f, args, kwargs, argnums_of(argnums, args))
            _require_number(call.out)
            value, forward = unwrap(call.out), len(steps)
            one = np.ones_like(value)[()]
            gradients = _recorded_gradients(call, lift(one, Leaf(one))) if gradient else []
        with np.errstate(all="ignore"):
            own = _parts(call.out, one, steps[:forward], call.since)
            given = {_key(x) for step in steps[:forward] for x in step.args}
            errors = [_gradient_parts(g, steps, forward, given, call.since) for g in gradients]
            singles = _in_single(call.out, one, steps[:forward], own, call.since)
        return Rounding(
            value=call.like_results(call.out, False),
            error=float(sum(own.values())),
            gradient=_in_classes(call, several, [unwrap(g) for g in gradients]),
            gradient_error=_in_classes(call, several, [np.sum(e, axis=0)[()] for e in errors]),
            steps=_steps(steps, own, singles, errors),
        )

    return bounded


def _in_classes(call: Call, several: bool, arrays: list[Any]) -> Any:
    """Arrays, one for each alias, as the arguments are; None if there are none."""
    if not arrays:
        return None
    values = call.like_primals(arrays)
    return tuple(values) if several else values[0]


def _noted(steps: list[Node], node: Node) -> None:
    node.note().line = user_line()
    steps.append(node)


class _Derivative(Sweep):
    """A recorded pass that notes for each of its steps which derivative the step belongs to."""

    __slots__ = ()

    def begin(self, outer: State) -> State:
        self.lines = _Lines()
        return entered(outer, Block(self.recorded))


def _recorded_gradients(call: Call, one: Tensor) -> list[Tensor]:
    """The gradients, on the tape; `one` is a leaf, so that each step of the pass is on the tape."""
    sweep = _Derivative(since=call.since, wanted=call.nodes, record=True, retain=True, only=call.between)
    arrived = play(seeds_of(call.outputs, [one], True), sweep)
    return [
        arrived[x.node] if x.node in arrived else Tensor(np.zeros(x.shape, x.dtype)) for x in call.aliases
    ]


# -- the sum over the steps ------------------------------------------------------------------------


def _adjoints(output: Any, seed: Any, steps: list[Node], since: int) -> dict[Node, Any]:
    """The adjoint of each step from which the output was computed."""
    if not isinstance(output, Tensor) or output.node is None:
        return {}
    arrived = play({output.node: seed}, Sweep(since=since, wanted=frozenset(steps), retain=True))
    return {step: arrived[step] for step in steps if step in arrived}


def contribution(node: Node, adjoint: Any = None) -> float:
    """What the rounding of a recorded step may add to the error of the output of a backward pass.

    Args:
        node: a step that has its arguments and its value.
        adjoint: of the step. Default: `node.adjoint`.

    Raises:
        UnsupportedError: as in `rounding`.

    Example:
        >>> import autograd_lite as ag
        >>> x = ag.Tensor(0.7, requires_grad=True)
        >>> y = 3 * x
        >>> (y * y).backward()
        >>> print(f"{ag.roundoff.contribution(y.node):.2e}")        # 4.2 times half an ulp of 2.1
        9.33e-16
    """
    with np.errstate(all="ignore"):
        return float(_part(node, node.adjoint if adjoint is None else adjoint))


def _parts(output: Any, seed: Any, steps: list[Node], since: int) -> dict[Node, Any]:
    """What each step may add to the error of the output."""
    return {step: _part(step, g) for step, g in _adjoints(output, seed, steps, since).items()}


def _part(node: Node, g: Any) -> Any:
    """|adjoint| times the largest rounding error of a step; a fused step is taken apart."""
    if hasattr(node.op, "work"):
        return _of_definition(node, g)
    return _product(g, local_error(node))


def _product(g: Any, error: Any) -> Any:
    """The sum of |g| times the error. An entry on which the output does not depend adds nothing."""
    return np.sum(np.where(g == 0, 0, np.abs(g) * error))


def _of_definition(node: Node, g: Any) -> Any:
    """The same sum over the steps of the definition of a fused op."""
    options = {key: value for key, value in (node.kwargs or {}).items() if key[0] != "_"}
    floats = [i for i, x in enumerate(node.args) if getattr(x, "dtype", np.dtype(int)).kind == "f"]
    steps: list[Node] = []
    with listening(steps.append), enable_grad():
        call = Call(node.op.__wrapped__, node.args, options, floats)  # type: ignore[union-attr]
    if len(call.outputs) != 1:
        raise UnsupportedError(f"rounding: {op_name(node.op)} has several results; compute with its parts")
    return sum(_parts(call.out, g, steps, call.since).values())


# -- the gradient ----------------------------------------------------------------------------------


def _key(x: Any) -> Any:
    return x if isinstance(x, (int, float)) else id(x)


def _gradient_parts(g: Tensor, steps: list[Node], forward: int, given: set[Any], since: int) -> Any:
    """What each step may add to the error of each entry of a gradient: an array `(steps, *shape)`."""
    if not steps:
        return np.zeros((0, *g.shape))
    spoilt = {step: error for step in steps[forward:] if (error := _of_constants(step, given)) is not None}

    def parts(one: Any) -> list[Any]:
        adjoints = _adjoints(g, np.reshape(one, g.shape)[()], steps, since)
        found: list[Any] = [np.zeros(())] * len(steps)
        for i, step in enumerate(steps):
            if step in adjoints:
                found[i] = _part(step, adjoints[step])
                if step in spoilt:
                    found[i] = found[i] + _product(adjoints[step], spoilt[step])
        return found

    rows = []
    for first in range(0, g.size, ROOM):
        units = np.eye(min(ROOM, g.size - first), g.size, first, g.dtype)
        try:
            rows.append(_one_by_one(parts, units) if g.size <= FEW else np.stack(quietly(vmap(parts), units)))
        except BatchError:
            rows.append(_one_by_one(parts, units))
    return np.concatenate([*rows, np.zeros((len(steps), 0))], axis=1).reshape(len(steps), *g.shape)


def _one_by_one(parts: Callable[[Any], list[Any]], units: Any) -> Any:
    return np.stack([np.array([float(x) for x in parts(unit)]) for unit in units], axis=1)


def _of_constants(step: Node, given: set[Any]) -> Any:
    """The error of a derivative's step from constants that its rule has computed off the tape.

    A rule of `c**x` multiplies with log(c), which is rounded. A constant that `f` gave is exact, and so are
    short numbers such as 2 and 0.5. Any other counts one ulp. In a product it is an ulp of the result.
    """
    for x, parent in zip(step.args, step.inputs, strict=True):
        number = isinstance(x, float) or (isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f")
        if number and not isinstance(parent, Node) and _key(x) not in given and np.any(x * 1024 % 1 != 0):
            return np.maximum(ulps(step.value), np.max(ulps(x)) if step.op in (np.add, np.subtract) else 0)
    return None


# -- single precision ------------------------------------------------------------------------------


def _in_single(
    output: Any, seed: Any, steps: list[Node], own: dict[Node, Any], since: int
) -> dict[Node, float]:
    """What each step may add to the error of the output if it is computed and stored in float32."""
    found = {}
    for step, g in _adjoints(output, seed, steps, since).items():
        size = np.abs(step.value) if step.value.__class__ is not tuple else np.zeros(())
        outside = (size > SINGLE.max) | ((size < SINGLE.tiny) & (size > 0))
        stored = HALF * np.where(outside, np.inf, size * float(SINGLE.eps))
        ratio = float(SINGLE.eps) / float(np.finfo(seed.dtype).eps)
        found[step] = float(own[step] * ratio + _product(g, stored))
    return found


# -- by lines --------------------------------------------------------------------------------------


def _steps(
    steps: list[Node], own: dict[Node, Any], singles: dict[Node, float], errors: list[Any]
) -> tuple[Step, ...]:
    """The steps, those of one op and line together, the largest loss first."""
    groups: dict[tuple[str, str], list[int]] = {}
    for i, node in enumerate(steps):
        line = node.notes.line if node.notes is not None and node.notes.line else ""
        groups.setdefault((op_name(node.op), line), []).append(i)
    found = []
    for (op, line), members in groups.items():
        rows = [np.sum(e[members], axis=0) for e in errors]
        found.append(
            Step(
                op=op,
                line=line,
                count=len(members),
                error=float(sum(own.get(steps[i], 0.0) for i in members)),
                gradient_error=max((float(np.max(row)) for row in rows if row.size), default=0.0),
                single_error=float(sum(singles.get(steps[i], 0.0) for i in members)),
            )
        )
    return tuple(sorted(found, key=lambda step: (-step.error, -step.gradient_error)))
