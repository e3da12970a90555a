"""Many small programs in one start of the ranks, since a start takes a second."""

from __future__ import annotations

from typing import Any

import nn.distributed as dist
from tests.ranks import breaking, programs, trained

LEARNED = {2: ("momentum", True), 3: ("adam", False)}
FITTED: dict[int, Any] = {2: ("adam", True, 3, 2, 23, "MSELoss"), 3: ("sgd", False, 2, 1, 23, "SmoothL1Loss")}
"""Options of `programs.learned` and `trained.fitted`, by the number of ranks."""


def results() -> dict[str, Any]:
    """The results of a rank."""
    n = dist.world_size()
    both = {"learned": programs.learned(*LEARNED[n], 0.0003), "fitted": trained.fitted(*FITTED[n])}
    if n == 3:
        return {**both, "words": programs.words()}
    return {
        **both,
        "branches": programs.branches(False),
        "breaking": breaking.all_cases(),
        "several": trained.several(),
    }
