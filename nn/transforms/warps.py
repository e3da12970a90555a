"""Rotate, shift, scale, shear, and deform like handwriting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import OptionError

from ..kernels.warp import gaussian_matrix, sample
from .base import InterpolationMode, Transform, rounded
from .crops import checked_interpolation

__all__ = ["ElasticTransform", "RandomAffine", "RandomRotation"]

Array = npt.NDArray[Any]
Range = float | Sequence[float]


def sampled(images: Array, y: Array, x: Array, fill: float, interpolation: str) -> Array:
    """`kernels.warp.sample` for images of any dtype."""
    floats = images.astype(np.float32) if images.dtype.kind != "f" else images
    return rounded(sample(floats, y, x, fill, interpolation == "nearest"), images.dtype)


def span(who: str, option: str, value: Range) -> tuple[float, float]:
    """A range (least, largest); one number d stands for (-d, d)."""
    several = (-value, value) if isinstance(value, (int, float)) else tuple(value)
    if len(several) != 2 or not several[0] <= several[1]:
        raise OptionError(
            f"{who}({option}={value!r}): expected a number of at least 0, or a pair (least, largest)"
        )
    return several


def warped(
    images: Array,
    there: Array,
    shift: Sequence[Array],
    fill: float,
    interpolation: str,
    centre: tuple[float, float] | None = None,
) -> Array:
    """Images (N, C, H, W) under linear maps of (x, y), around a centre, and shifts.

    Args:
        images: the images.
        there: the maps, of shape (N, 2, 2).
        shift: how far each image moves right, and down, in pixels.
        fill: the value of new pixels.
        interpolation: "nearest" or "bilinear".
        centre: the fixed point (x, y); the middle of the image by default.
    """
    H, W = images.shape[2:]
    back = np.linalg.inv(there).astype(np.float32)[:, :, :, None, None]
    centre = centre or ((W - 1) / 2, (H - 1) / 2)
    x, y = (
        (np.arange(n, dtype=np.float32) - c - s[:, None].astype(np.float32))
        for n, c, s in zip((W, H), centre, shift, strict=True)
    )
    x, y = x[:, None, :], y[:, :, None]
    columns = back[:, 0, 0] * x + back[:, 0, 1] * y + np.float32(centre[0])
    rows = back[:, 1, 0] * x + back[:, 1, 1] * y + np.float32(centre[1])
    return sampled(images, rows, columns, fill, interpolation)


class RandomAffine(Transform):
    """Rotate, shift, scale and shear an image around its centre, at random.

    Args:
        degrees: the range of the angle, (least, largest); one number d stands for (-d, d).
        translate: the largest shift, as fractions (of the width, of the height).
        scale: the range of the factor.
        shear: the range of the angle of vertical lines, in degrees. Four numbers shear horizontal lines
            too.
        interpolation: "nearest" or "bilinear".
        fill: the value of new pixels.

    Raises:
        OptionError: an option has another form.
    """

    is_random = True

    def __init__(
        self,
        degrees: Range,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Range | None = None,
        interpolation: str = InterpolationMode.NEAREST,
        fill: float = 0,
    ) -> None:
        name = type(self).__name__
        self.degrees = span(name, "degrees", degrees)
        self.translate, self.fill = tuple(translate or (0.0, 0.0)), fill
        if len(self.translate) != 2 or any(not 0 <= t <= 1 for t in self.translate):
            raise OptionError(f"{name}(translate={translate!r}): expected a pair of fractions from 0 to 1")
        self.scale = span(name, "scale", scale or (1.0, 1.0))
        if self.scale[0] <= 0:
            raise OptionError(f"{name}(scale={scale!r}): expected factors above 0")
        both = (0.0, 0.0) if shear is None else shear
        four = (
            tuple(both)
            if isinstance(both, Sequence) and len(both) == 4
            else (*span(name, "shear", both), 0, 0)
        )
        self.shear = tuple(map(float, four))
        self.interpolation = checked_interpolation(name, interpolation)

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image gets its own numbers."""
        N, _, H, W = images.shape
        angle = np.deg2rad(rng.uniform(*self.degrees, N))
        least, largest = np.reshape(self.shear, (2, 2)).T
        lean_x, lean_y = np.tan(np.deg2rad(rng.uniform(least[:, None], largest[:, None], (2, N))))
        factor = rng.uniform(*self.scale, N)
        shift = [np.rint(rng.uniform(-t * n, t * n, N)) for t, n in zip(self.translate, (W, H), strict=True)]
        cos, sin, one = np.cos(angle), np.sin(angle), np.ones(N)
        turn = np.array(
            [[cos, sin], [-sin, cos]]
        )  # acts on (x, y); counter-clockwise on screen, as y points down
        lean = np.array([[one, lean_x], [lean_y, one + lean_x * lean_y]])
        there = np.einsum("ijn,jkn->nik", turn * factor, lean)
        return warped(images, there, shift, self.fill, self.interpolation)


class RandomRotation(RandomAffine):
    """Rotate an image around its centre by a random angle.

    Args:
        degrees: the range of the angle, counter-clockwise; one number d stands for (-d, d).
        interpolation: "nearest" or "bilinear".
        expand: must be False: images keep their size.
        center: must be None: images rotate around their centre.
        fill: the value of new pixels.
    """

    def __init__(
        self,
        degrees: Range,
        interpolation: str = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: float = 0,
    ) -> None:
        if expand or center is not None:
            raise OptionError("RandomRotation: images keep their size and turn around their centre")
        super().__init__(degrees, interpolation=interpolation, fill=fill)


class ElasticTransform(Transform):
    """Deform an image smoothly: displace each pixel by a smooth random field.

    The displacements are uniform random numbers from -1 to 1, smoothed with a Gaussian and multiplied by
    alpha / 2 pixels.

    Args:
        alpha: the strength, or a pair (horizontal, vertical). alpha / 2 is the paper's alpha.
        sigma: the standard deviation of the Gaussian in pixels, or a pair as in `alpha`.
        interpolation: "bilinear" or "nearest".
        fill: the value of new pixels.

    Source:
        P. Simard, D. Steinkraus, J. Platt, "Best practices for convolutional neural networks applied to
        visual document analysis", 2003: for digits of 28 x 28 pixels `ElasticTransform(68.0, 4.0)`.
    """

    is_random = True

    def __init__(
        self,
        alpha: Range = 50.0,
        sigma: Range = 5.0,
        interpolation: str = InterpolationMode.BILINEAR,
        fill: float = 0,
    ) -> None:
        self.alpha, self.sigma = (_both(*option) for option in (("alpha", alpha), ("sigma", sigma)))
        self.interpolation = checked_interpolation("ElasticTransform", interpolation)
        self.fill = fill

    def apply(self, images: Array, rng: np.random.Generator) -> Array:
        """Each image gets its own displacements."""
        N, _, H, W = images.shape
        moves = []
        for alpha, sigma in zip(self.alpha, self.sigma, strict=True):
            noise: Array = rng.random((N, H, W), np.float32) * 2 - 1
            if sigma:
                rows, columns = (gaussian_matrix(n, sigma).astype(np.float32) for n in (H, W))
                noise = rows @ noise @ columns.T
            moves.append(noise * np.float32(alpha / 2))
        across, down = moves
        down += np.arange(H, dtype=np.float32)[:, None]
        across += np.arange(W, dtype=np.float32)
        return sampled(images, down, across, self.fill, self.interpolation)


def _both(option: str, value: Range) -> tuple[float, float]:
    several = (value, value) if isinstance(value, (int, float)) else tuple(value)
    if len(several) != 2 or min(several) < 0:
        raise OptionError(f"ElasticTransform({option}={value!r}): expected one or two numbers of at least 0")
    return several
