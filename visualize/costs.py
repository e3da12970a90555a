"""The cost of a model by op and by module: multiply-adds, bytes and times."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

import autograd_lite as ag
from autograd_lite import contributions
from autograd_lite.errors import DTypeError, OptionError
from autograd_lite.notebook import quietly, table
from autograd_lite.work import multiply_adds

from .calls import record
from .plancosts import PlanProfile, Timed, profile_plan
from .reading import op_name, steps_of

__all__ = ["Cost", "Profile", "profile"]

HEAD = ("calls", "multiply-adds", "bytes", "forward", "backward")


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of an op or a module in one pass.

    Attributes:
        name: the name of the op, or the path and class of the module.
        count: the number of calls.
        multiply_adds: the multiply-adds of matrix products, convolutions and recurrent layers in the forward
            pass. Sums and elementwise functions count as none.
        bytes: the size of the results.
        forward, backward: the least time of several runs, in seconds.
    """

    name: str
    count: int
    multiply_adds: int
    bytes: int
    forward: float
    backward: float


@dataclass(frozen=True, slots=True)
class Profile:
    """The result of `profile`; `print` shows tables.

    Attributes:
        ops: the costs by op, slowest first.
        modules: the costs by module with its submodules, in the order of the calls.
        total: the cost of all ops.
    """

    ops: tuple[Cost, ...]
    modules: tuple[Cost, ...]
    total: Cost

    def _tables(self) -> list[tuple[str, tuple[Cost, ...]]]:
        return [("op", (*self.ops, self.total))] + ([("module", self.modules)] if self.modules else [])

    def __str__(self) -> str:
        return "\n\n".join(_table(head, costs) for head, costs in self._tables())

    @quietly
    def _repr_html_(self) -> str:
        return "<br>".join(table((head, *HEAD), map(_row, costs), "lrrrrr") for head, costs in self._tables())


@overload
def profile(model: Timed, *inputs: Any, repeat: int = 5) -> PlanProfile: ...


@overload
def profile(model: Callable[..., Any], *inputs: Any, repeat: int = 5) -> Profile: ...


def profile(model: Any, *inputs: Any, repeat: int = 5) -> Profile | PlanProfile:
    """Count multiply-adds and bytes of a model or function, and time each op forward and backward.

    The forward pass is recorded once. Then each op and its derivative rule run alone, `repeat` times, so the
    times leave out the cost of recording. Of a function that `ag.compile` has made, each step and each group
    of the plan is timed in a replay; all that the replay changes is put back.

    Args:
        model: a module, a function, or a compiled function.
        inputs: its arguments, as in `draw(model, x)`.
        repeat: the number of runs; the least time counts.

    Raises:
        OptionError: `repeat` is less than 1.
        TapeError: nothing was recorded.
        DTypeError: `model` is no function, or the inputs do not fit its parameters.
        CompileError: calls of a compiled function with these inputs have no plan.

    Example:
        >>> found = profile(lambda x, w: np.tanh(x @ w), np.ones((5, 3)), np.ones((3, 2)))
        >>> {cost.name: (cost.count, cost.multiply_adds, cost.bytes) for cost in found.ops}["matmul"]
        (1, 30, 80)
    """
    if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 1:
        raise OptionError(f"profile(repeat={repeat!r}): expected a positive integer")
    if not callable(model) or isinstance(model, (ag.Tensor, ag.Tape)):
        raise DTypeError(
            f"profile({type(model).__name__}): expected a module or function with its inputs: "
            "profile(model, x)"
        )
    if hasattr(model, "step_times"):
        return profile_plan(model, inputs, repeat)
    from tqdm import tqdm  # here, so that `import visualize` is fast

    recorded = record(model, inputs, {}, None)
    steps = tqdm(steps_of(recorded.output)[0], "ops", leave=False, disable=None, delay=1)
    costs = [(node, _cost(node, repeat)) for node in steps]
    ops: dict[str, list[Cost]] = {}
    modules: dict[tuple[str, str], list[Cost]] = {}
    for call in recorded.calls:
        modules.setdefault((call.path, call.kind), [])
    for node, cost in costs:
        ops.setdefault(cost.name, []).append(cost)
        at = recorded.call_of.get(node)
        while at is not None:
            call = recorded.calls[at]
            modules[call.path, call.kind].append(cost)
            at = call.parent
    calls = [(call.path, call.kind) for call in recorded.calls]
    by_op = [_summed(name, len(parts), parts) for name, parts in ops.items()]
    by_op.sort(key=lambda cost: -(cost.forward + cost.backward))
    by_module = [
        _summed(f"{path}: {kind}" if path else kind, calls.count((path, kind)), parts)
        for (path, kind), parts in modules.items()
    ]
    everything = [cost for _, cost in costs]
    return Profile(tuple(by_op), tuple(by_module), _summed("total", len(everything), everything))


def _summed(name: str, count: int, parts: Iterable[Cost]) -> Cost:
    parts = list(parts)
    return Cost(
        name,
        count,
        sum(cost.multiply_adds for cost in parts),
        sum(cost.bytes for cost in parts),
        sum(cost.forward for cost in parts),
        sum(cost.backward for cost in parts),
    )


# -- one step --------------------------------------------------------------------------------------


def _cost(node: ag.Node, repeat: int) -> Cost:
    values = node.value if isinstance(node.value, tuple) else (node.value,)
    cotangent = tuple(map(np.ones_like, values)) if isinstance(node.value, tuple) else np.ones_like(values[0])
    options = {name: x for name, x in (node.kwargs or {}).items() if name[0] != "_"}  # without residuals
    work = multiply_adds(node.op, node.value, *node.args, **options)
    with ag.no_grad(), np.errstate(all="ignore"):
        forward = _least_time(lambda: node.op(*node.args, **options), repeat)  # type: ignore[misc]
        backward = _least_time(lambda: contributions(node, cotangent), repeat)
    return Cost(op_name(node), 1, work, sum(v.nbytes for v in values), forward, backward)


def _least_time(run: Callable[[], Any], repeat: int) -> float:
    """The least time of several runs; 0 if `run` raises, since not every op runs alone."""
    times = [0.0]
    with contextlib.suppress(Exception):
        run()
        times = []
        for _ in range(repeat):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return min(times)


# -- tables ----------------------------------------------------------------------------------------


def _table(head: str, costs: Iterable[Cost]) -> str:
    rows = [(head, *HEAD), *map(_row, costs)]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def _row(cost: Cost) -> tuple[str, ...]:
    counts = [f"{n:,}" if n else "" for n in (cost.count, cost.multiply_adds, cost.bytes)]
    return cost.name, *counts, _duration(cost.forward), _duration(cost.backward)


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.3f} ms"
