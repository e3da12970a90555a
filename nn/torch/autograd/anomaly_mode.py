"""`torch.autograd.anomaly_mode`: the search for the first NaN."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from autograd_lite import detect_anomaly as _detect_anomaly

from .grad_mode import Switch

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly(Switch):  # noqa: N801
    """Turn `detect_anomaly` on or off, from the call on or inside `with`.

    Args:
        mode: whether the first op that makes NaN or inf raises AnomalyError.
        check_nan: as in PyTorch; NaN and inf are always looked for.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(_detect_anomaly if mode else nullcontext)


def detect_anomaly(check_nan: bool = True) -> Any:
    """A context in which the first op that makes NaN or inf raises AnomalyError, forward or backward.

    Args:
        check_nan: as in PyTorch; NaN and inf are always looked for.
    """
    return _detect_anomaly()
