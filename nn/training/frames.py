"""The coded states of a run, within a budget of memory: old states give way to new ones."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, OptionError

from ..deltas import Delta, coded, composed, decoded

__all__ = ["Frame", "Frames"]

Array = npt.NDArray[Any]

KEY = 16
"""So many frames follow each other as differences; the next one is coded without its predecessor."""


@dataclass(frozen=True)
class Frame:
    """The state at one step."""

    step: int
    said: bytes
    """All but the arrays: compressed text."""
    arrays: dict[str, Delta]
    """Differences from the frame before, by name."""

    @property
    def alone(self) -> bool:
        """Whether the frame is coded without its predecessor."""
        return all(delta.alone for delta in self.arrays.values())

    @property
    def nbytes(self) -> int:
        """The memory of the frame, in bytes."""
        return 400 + len(self.said) + sum(delta.nbytes for delta in self.arrays.values())


class Frames:
    """Frames in the order of their steps.

    Args:
        memory: the most bytes for all frames.

    Attributes:
        nbytes: the bytes of all frames.
        thinned: whether a frame has given way.
    """

    def __init__(self, memory: int) -> None:
        self.memory, self.nbytes, self.thinned = memory, 0, False
        self._frames: list[Frame] = []
        self._places: dict[int, int] = {}
        self._last: dict[str, Array] = {}
        self._since = 0  # frames since the last one that is coded alone
        self._read: tuple[int, dict[str, Array]] | None = None

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    @property
    def steps(self) -> list[int]:
        """The steps that are kept."""
        return [frame.step for frame in self._frames]

    def add(self, step: int, said: str, arrays: Mapping[str, Array]) -> None:
        """Add the state at a later step; older ones give way where the memory ends.

        Args:
            step: the number of the step.
            said: all but the arrays, as text.
            arrays: the arrays by name, which must not change afterwards.

        Raises:
            OptionError: the memory does not hold the first and the last state.
        """
        key = self._since % KEY == 0
        self._since += 1
        old: Mapping[str, Array] = {} if key else self._last
        deltas = {name: coded(array, old.get(name)) for name, array in arrays.items()}
        self._last = dict(arrays)
        self.append(Frame(step, zlib.compress(said.encode(), 1), deltas))
        self.fit(0)

    def fit(self, beside: int) -> None:
        """Let frames give way until all fit into the memory.

        Args:
            beside: bytes that are needed for other things.
        """
        while self.nbytes + beside > self.memory:
            if len(self) < 3:
                raise OptionError(
                    f"Recorder(memory={self.memory}): {len(self)} steps take {self.nbytes + beside:,} bytes, "
                    f'which is too much; write memory="{max(30 * self.nbytes // 10**6, 1)} MB"'
                )
            self._remove(self._superfluous())

    def values(self, step: int) -> tuple[str, dict[str, Array]]:
        """What was added for a step.

        Raises:
            DataError: a frame is damaged or lost.
        """
        place = self._places[step]
        start, values = place, {}
        while start and not self._frames[start].alone:
            start -= 1
        if self._read is not None and start <= self._read[0] <= place:
            start, values = self._read[0] + 1, self._read[1]
        for frame in self._frames[start : place + 1]:
            values = {name: decoded(delta, values.get(name)) for name, delta in frame.arrays.items()}
        for array in values.values():
            array.flags.writeable = False  # later frames are made of these
        self._read = place, values
        try:
            said = zlib.decompress(self._frames[place].said).decode()
        except (zlib.error, UnicodeDecodeError) as error:
            raise DataError(f"the text of step {step} is damaged: {error}") from error
        return said, values

    def cut(self, step: int) -> None:
        """Forget all frames from a step on."""
        kept, thinned = [frame for frame in self._frames if frame.step < step], self.thinned
        self.__init__(self.memory)  # type: ignore[misc]
        for frame in kept:
            self.append(frame)
        self.thinned = thinned and bool(kept)

    def append(self, frame: Frame) -> None:
        self._places[frame.step] = len(self._frames)
        self._frames.append(frame)
        self.nbytes += frame.nbytes

    def _superfluous(self) -> int:
        """The index of the frame to remove: its neighbours are near to each other, for their age.

        So the distance of kept steps grows with their age, and the first and the last step stay.
        """
        steps = np.array(self.steps)
        return 1 + int(np.argmin((steps[2:] - steps[:-2]) / (steps[-1] + 1 - steps[1:-1])))

    def _remove(self, place: int) -> None:
        """Remove a frame; the next one then starts from the frame before."""
        gone, after = self._frames[place : place + 2]
        arrays = {name: composed(gone.arrays.get(name), delta) for name, delta in after.arrays.items()}
        joined = Frame(after.step, after.said, arrays)
        self.nbytes += joined.nbytes - gone.nbytes - after.nbytes
        self._frames[place : place + 2] = [joined]
        self._places = {frame.step: i for i, frame in enumerate(self._frames)}
        self._read, self.thinned = None, True
