"""The plot of a schedule: which states of a loop are kept, and which steps are computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd_lite.errors import DataError
from autograd_lite.revolve import schedule as actions_of

from .figures import COLOURS, GREY, dress, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["schedule"]

MOST = 2000
"""With more steps a picture shows no single one."""


def schedule(n: int, snapshots: int) -> Figure:
    """Plot how `ag.scan` reverses a loop with few states kept, from top to bottom.

    A blue line advances over steps, a vertical grey line is a state as long as it is kept, and an orange
    line reverses a step.

    Args:
        n: the number of steps.
        snapshots: how many states are kept at once at most, the first one included.

    Raises:
        DataError: n or snapshots is not 1 or more, or n is above 2,000.
        RendererError: matplotlib is not installed.

    Source:
        A. Griewank, A. Walther, "Algorithm 799: Revolve", 2000.

    Example:
        >>> figure = schedule(10, 3)
        >>> figure.axes[0].get_title()
        '10 steps, 3 states kept: 15 steps forward'
    """
    if not (1 <= n <= MOST and snapshots >= 1):
        raise DataError(
            f"schedule(n={n}, snapshots={snapshots}): expected 1 to {MOST} steps and 1 snapshot or more"
        )
    figure, (axes,) = panels("schedule", width=5.6, height=4.2)
    time, forward = 0, 0
    stored: dict[int, int] = {}
    for do, at, to in actions_of(n, snapshots):
        if do == "store":
            stored[at] = time
        elif do == "drop":
            axes.plot([at, at], [stored[at], time], color=GREY, linewidth=1, alpha=0.6)
        elif do == "advance":
            axes.plot([at, to], [time, time + to - at], color=COLOURS[0], linewidth=1.6)
            time, forward = time + to - at, forward + to - at
        elif do == "reverse":
            axes.plot([to, at], [time, time + 1], color=COLOURS[1], linewidth=1.6)
            time += 1
    for label, color in (("advance", COLOURS[0]), ("reverse", COLOURS[1]), ("state kept", GREY)):
        axes.plot([], [], color=color, label=label)
    axes.set_ylim(time + 0.5, -0.5)
    axes.set_xlim(-0.5, n + 0.5)
    states = "state" if snapshots == 1 else "states"
    axes.set_title(f"{n} steps, {snapshots} {states} kept: {forward} steps forward", fontsize=9)
    axes.set_xlabel("step of the loop")
    axes.set_ylabel("time, in steps computed")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    dress(axes)
    return figure
