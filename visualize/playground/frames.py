"""What the page is sent: a line of JSON, and the arrays it names, as bytes.

>>> frame = packed({"epoch": 3}, weights=np.array([1.0, 2.0]))
>>> length = int.from_bytes(frame[:4], "little")
>>> json.loads(frame[4 : 4 + length])
{'epoch': 3, 'arrays': [['weights', 'f4', 2]]}
>>> np.frombuffer(frame[4 + length :], "<f4").tolist()
[1.0, 2.0]
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .network import columns
from .options import FEATURES
from .training import Training, grid

__all__ = ["jsonable", "of_run", "packed"]

Array = npt.NDArray[Any]

FLAT = 1e-6
"""A neuron whose output differs by no more than this over all training points tells nothing: it is dead."""


def packed(header: dict[str, Any], **arrays: Array) -> bytes:
    """A header and arrays: bytes as they are (u1), everything else in single precision (f4).

    The header is as long as a multiple of 4, less 4 for its length, and the bytes come last, so that the
    page reads the numbers where they lie.
    """
    parts = sorted(arrays.items(), key=lambda pair: pair[1].dtype == np.uint8)
    kinds = [[name, "u1" if a.dtype == np.uint8 else "f4", int(a.size)] for name, a in parts]
    text = json.dumps(jsonable({**header, "arrays": kinds}), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    blocks = [a.tobytes() if a.dtype == np.uint8 else a.astype("<f4").tobytes() for _, a in parts]
    return b"".join([len(text).to_bytes(4, "little"), text, *blocks])


def jsonable(value: Any) -> Any:
    """A value that JSON can say: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {key: jsonable(x) for key, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(x) for x in value]
    if isinstance(value, np.generic):
        return jsonable(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shades(columns_: Array) -> Array:
    """Numbers from -1 to 1 as bytes from 1 to 255, 128 for 0; what is beyond is cut off, NaN is 0."""
    with np.errstate(invalid="ignore"):
        bytes_ = np.clip(columns_, -1, 1) * 127 + 128.5
        return np.where(np.isnan(bytes_), 0, bytes_).astype(np.uint8)


def of_run(run: Training, header: dict[str, Any], whole: bool = False) -> bytes:
    """How a run looks now.

    Args:
        run: the run.
        header: what else is to be told.
        whole: with the points and the maps of the features, which change with the data alone.
    """
    maps, outputs = run.looked()
    train, test = run.last_losses()
    weights, gradients = run.parameters()
    dead = [[bool(x) for x in np.ptp(layer, axis=0) <= FLAT] if len(layer) else [] for layer in outputs[:-1]]
    told = {
        "steps": run.steps, "epoch": run.epoch, "train": train, "test": test, "rate": run.rate,
        "dead": dead, "flow": flow(run), **header,
    }  # fmt: skip
    arrays = {"maps": shades(np.concatenate(maps, axis=1).T), "weights": weights, "gradients": gradients}
    if whole:
        told["config"] = vars(run.config)
        arrays["features"] = shades(columns(tuple(FEATURES), grid()).T)
        arrays["points"] = np.concatenate([run.data.X, run.data.y], axis=1)
        arrays["test_points"] = np.concatenate([run.data.X_test, run.data.y_test], axis=1)
    return packed(told, **arrays)


def flow(run: Training) -> list[float]:
    """How much gradient reaches each layer: the mean size of the entries of its weight's gradient."""
    slopes = [layer.weight.grad for layer in run.linear]
    return [float("nan") if g is None else float(np.abs(g.numpy()).mean()) for g in slopes]
