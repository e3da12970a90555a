"""DOT text, as the writers write it -> a picture, by our own layout: for machines without Graphviz."""

from .dot import length
from .raster import pdf, png
from .svg import svg

__all__ = ["length", "pdf", "png", "svg"]
