"""The renderer for machines without Graphviz: DOT text of our writers -> SVG, and SVG -> PNG or PDF."""

from .dot import length
from .raster import convert, png
from .svg import svg

__all__ = ["convert", "length", "png", "svg"]
