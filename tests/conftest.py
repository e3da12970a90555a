"""What holds for the whole run of the tests."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Take the collected tests out of the garbage collector's sight.

    Some hundred tests call `gc.collect`, which would otherwise go through twenty thousand tests each time.
    """
    gc.collect()
    gc.freeze()
