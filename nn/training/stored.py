"""The frames of a Recorder in a file: the pieces of all deltas as bytes, and a directory of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError

from ..deltas import Delta
from ..serialization import load
from .frames import Frame, Frames

__all__ = ["read", "written"]

Array = npt.NDArray[Any]

KIND = "a history of nn.callbacks.Recorder, 1"
"""What such a file says of itself."""


def written(frames: Frames) -> dict[str, Any]:
    """The frames as arrays, numbers and strings."""
    directory, pieces = [], []
    for frame in frames:
        deltas = [
            [name, d.dtype, list(d.shape), d.alone, [len(piece) for piece in d.pieces]]
            for name, d in frame.arrays.items()
        ]
        directory.append([frame.step, len(frame.said), deltas])
        pieces += [frame.said, *(piece for d in frame.arrays.values() for piece in d.pieces)]
    content = np.frombuffer(b"".join(pieces), np.uint8)
    return {
        "kind": KIND,
        "memory": frames.memory,
        "thinned": frames.thinned,
        "frames": directory,
        "bytes": content,
    }


def read(path: Path) -> tuple[Frames, dict[str, Any], Array, Array | None]:
    """The frames of a file, what it says of the recorder, the losses, and the probe.

    Raises:
        FileError: the file cannot be read.
        DataError: the file is damaged, or is none of a Recorder.
    """
    content = load(path)
    if content.get("kind") != KIND:
        raise DataError(
            f"Recorder.load: {path} is not a file of Recorder.save; for a checkpoint write "
            "trainer.resume(path), for weights nn.load(path)"
        )
    try:
        frames = Frames(content["memory"])
        rest = memoryview(content["bytes"].tobytes())
        at = 0

        def taken(size: int) -> bytes:
            nonlocal at
            at += size
            return bytes(rest[at - size : at])

        for step, size, deltas in content["frames"]:
            said = taken(size)
            arrays = {
                name: Delta(dtype, tuple(shape), alone, tuple(map(taken, sizes)))
                for name, dtype, shape, alone, sizes in deltas
            }
            frames.append(Frame(step, said, arrays))
        if at != len(rest):
            raise ValueError(f"{len(rest)} bytes in place of {at}")
        frames.thinned = content["thinned"]
        return frames, content["about"], content["losses"], content["probe"]
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"Recorder.load: {path} is damaged: {error}") from error
