"""The cost of a compiled function, step by step: bytes and times of a replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from autograd_lite.notebook import quietly, table

__all__ = ["PlanProfile", "StepCost", "Timed", "profile_plan"]

HEAD = ("step", "shape", "bytes", "time", "share")


@dataclass(frozen=True, slots=True)
class StepCost:
    """The cost of a step of a plan, or of a group.

    Attributes:
        name: the step as `print(plan)` shows it.
        index: the index of the step in the plan.
        kind: the dtype and shape of the result.
        bytes: the size of the results.
        time: the least time of several replays, in seconds.
    """

    name: str
    index: int
    kind: str
    bytes: int
    time: float


@dataclass(frozen=True, slots=True)
class PlanProfile:
    """The result of `profile` for a compiled function; `print` shows a table.

    Attributes:
        steps: the costs of the steps and groups, slowest first.
        total: the cost of all steps.
    """

    steps: tuple[StepCost, ...]
    total: StepCost

    def _rows(self) -> list[tuple[str, ...]]:
        whole = self.total.time or 1.0
        return [
            (
                cost.name if len(cost.name) <= 60 else f"{cost.name[:59]}…",
                cost.kind,
                f"{cost.bytes:,}" if cost.bytes else "",
                f"{cost.time * 1e6:,.1f} µs",
                f"{cost.time / whole:.0%}",
            )
            for cost in (*self.steps, self.total)
        ]

    def __str__(self) -> str:
        rows = [HEAD, *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
        lines = [
            "  ".join([*map(str.ljust, row[:2], widths[:2]), *map(str.rjust, row[2:], widths[2:])])
            for row in rows
        ]
        lines.insert(1, "-" * len(lines[0]))
        return "\n".join(lines)

    @quietly
    def _repr_html_(self) -> str:
        return table(HEAD, self._rows(), "llrrr")


class Timed(Protocol):
    """A compiled function."""

    def step_times(self, *args: Any, repeat: int) -> list[float]: ...

    def plan(self, *args: Any) -> Any: ...


def profile_plan(function: Timed, inputs: tuple[Any, ...], repeat: int) -> PlanProfile:
    """Time each step of the plan of a compiled function."""
    times = function.step_times(*inputs, repeat=repeat)
    costs: dict[int, StepCost] = {}
    for line in function.plan(*inputs).lines:
        if line.step not in costs:  # the instructions of a group come after the group
            costs[line.step] = StepCost(line.call, line.step, line.kind, line.nbytes, times[line.step])
    total = StepCost("total", len(costs), "", sum(cost.bytes for cost in costs.values()), sum(times))
    ordered = sorted(costs.values(), key=lambda cost: -cost.time)
    return PlanProfile(tuple(ordered), total)
