"""The positions of boxes, frames and lines: a layered layout, the same as in `page/layout.js`."""

from .items import Box, Frame, Item, Line, Part
from .nested import layout
from .routes import route

__all__ = ["Box", "Frame", "Item", "Line", "Part", "layout", "route"]
