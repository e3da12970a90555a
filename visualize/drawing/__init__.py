"""DOT text, as the writers write it -> a picture, by our own layout: for machines without Graphviz."""

from .raster import png
from .svg import svg

__all__ = ["png", "svg"]
