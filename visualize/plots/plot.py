"""The class of all plots: a matplotlib Figure that a notebook shows by itself, without pyplot."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

from autograd_lite.notebook import quietly

__all__ = ["Plot"]

DPI = 110
"""Of the picture in a notebook."""


class Plot(Figure):
    """A figure that no window belongs to; `savefig` writes it, a notebook shows it."""

    @quietly
    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=DPI)
        return stream.getvalue()
