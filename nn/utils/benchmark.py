"""Timings of small programs; named as in `torch.utils.benchmark`.

>>> timer = Timer("x + 1", globals={"x": 1})
>>> timer.timeit(100).number_per_run
100
"""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autograd_lite.errors import OptionError

from ..options import check_whole

__all__ = ["Measurement", "Timer"]

UNITS = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))


@dataclass
class Measurement:
    """The result of a timing.

    Args:
        number_per_run: how often the statement ran in each measurement.
        raw_times: the seconds of each measurement.
        title: the statement, or the labels of the timer.
    """

    number_per_run: int
    raw_times: list[float]
    title: str = field(default="")

    @property
    def times(self) -> list[float]:
        """The seconds of one run of the statement, for each measurement."""
        return [seconds / self.number_per_run for seconds in self.raw_times]

    @property
    def mean(self) -> float:
        """The mean of `times`."""
        return statistics.fmean(self.times)

    @property
    def median(self) -> float:
        """The median of `times`."""
        return statistics.median(self.times)

    @property
    def iqr(self) -> float:
        """The distance of the quartiles of `times`."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    def __repr__(self) -> str:
        unit, size = next((u for u in reversed(UNITS) if self.median >= u[1]), UNITS[0])
        runs = "1 measurement" if len(self.times) == 1 else f"{len(self.times)} measurements"
        return (
            f"{self.title}\n  Median: {self.median / size:.2f} {unit}\n"
            f"  IQR:    {self.iqr / size:.2f} {unit}\n"
            f"  {runs}, {self.number_per_run} runs per measurement"
        )


class Timer:
    """Measures the time of a statement.

    Args:
        stmt: the statement.
        setup: a statement that runs once before each measurement.
        global_setup: must be empty: it is for C++.
        timer: the clock, a function that returns seconds.
        globals: the variables of the statement.
        label, sub_label, description: texts for the result.
        env: as in PyTorch; without effect.
        num_threads: as in PyTorch; without effect. `nn.kernels` has its own threads.
        language: "python".

    Raises:
        OptionError: the language is another.
    """

    def __init__(
        self,
        stmt: str = "pass",
        setup: str = "pass",
        global_setup: str = "",
        timer: Callable[[], float] = timeit.default_timer,
        globals: dict[str, Any] | None = None,
        label: str | None = None,
        sub_label: str | None = None,
        description: str | None = None,
        env: str | None = None,
        num_threads: int = 1,
        language: Any = "python",
    ) -> None:
        if global_setup or str(language).lower() not in ("python", "py", "language.python", "0"):
            raise OptionError(f"Timer(language={language!r}): statements are Python; leave global_setup out")
        self._timer = timeit.Timer(stmt, setup, timer, dict(globals or {}))
        parts = [text for text in (label or stmt, sub_label, description) if text]
        self._title = ": ".join(parts)

    def timeit(self, number: int = 1_000_000) -> Measurement:
        """Run the statement `number` times, after some runs that do not count."""
        check_whole("timeit", "number", number, example=100)
        self._timer.timeit(max(number // 100, 2))
        return Measurement(number, [self._timer.timeit(number)], self._title)

    def blocked_autorange(
        self, callback: Callable[[int, float], Any] | None = None, min_run_time: float = 0.2
    ) -> Measurement:
        """Measure blocks of runs for at least `min_run_time` seconds.

        Args:
            callback: called with the number of runs and the seconds of each block.
            min_run_time: the seconds in total.
        """
        number = self._block(min_run_time)
        times: list[float] = []
        while not times or sum(times) < min_run_time:
            times.append(self._timer.timeit(number))
            if callback:
                callback(number, times[-1])
        return Measurement(number, times, self._title)

    def adaptive_autorange(
        self,
        threshold: float = 0.1,
        *,
        min_run_time: float = 0.01,
        max_run_time: float = 10.0,
        callback: Any = None,
    ) -> Measurement:
        """Measure until the distance of the quartiles is below `threshold` times the median.

        Args:
            threshold: the relative distance.
            min_run_time: the least seconds.
            max_run_time: the most seconds.
            callback: as in `blocked_autorange`.
        """
        number = self._block(min_run_time)
        found = Measurement(number, [], self._title)
        while sum(found.raw_times) < max_run_time:
            found.raw_times.append(self._timer.timeit(number))
            if callback:
                callback(number, found.raw_times[-1])
            enough = len(found.times) > 3 and sum(found.raw_times) >= min_run_time
            if enough and found.iqr <= threshold * found.median:
                break
        return found

    def _block(self, seconds: float) -> int:
        """How many runs take a hundredth of the seconds, a thousandth of a second at least."""
        number = 1
        while self._timer.timeit(number) < max(seconds / 100, 1e-3) and number < 10**9:
            number *= 10
        return number
