"""The class of all plots: a matplotlib Figure that a notebook shows without pyplot."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

from autograd_lite.notebook import quietly

__all__ = ["Plot"]

DPI = 110
"""The resolution in a notebook, in dots per inch."""


class Plot(Figure):
    """A figure without a window; `savefig` writes a file, and a notebook shows the figure."""

    @quietly
    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=DPI)
        return stream.getvalue()
