"""Grids of images and PNG files, under torchvision's name for the module."""

from ..utils.images import make_grid, save_image

__all__ = ["make_grid", "save_image"]
