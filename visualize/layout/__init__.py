"""Where boxes, frames and lines stand in a picture: a layered layout, the same as `page/layout.js`."""

from .items import Box, Frame, Item, Line, Part
from .nested import layout
from .routes import entry, route

__all__ = ["Box", "Frame", "Item", "Line", "Part", "entry", "layout", "route"]
