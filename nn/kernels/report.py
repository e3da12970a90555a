"""What the kernels run on, for `autograd_lite.show_config`."""

from __future__ import annotations

from . import native
from .threads import thread_count

__all__ = ["report"]


def report() -> dict[str, str]:
    """The number of threads, and the library of native kernels.

    Example:
        >>> from nn.kernels.report import report
        >>> list(report())
        ['threads', 'native kernels']
    """
    return {"threads": str(thread_count()), "native kernels": native.state()}
