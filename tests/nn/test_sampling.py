"""Resampled images: interpolate, grid_sample and affine_grid, beside PyTorch and finite differences."""

import itertools

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError, ShapeError
from autograd_lite.testing import check_grads
from nn import functional as F  # noqa: N812
from tests.nn.twins import assert_same

RNG = np.random.default_rng(0)
SIZES = {1: (5,), 2: (5, 4), 3: (5, 4, 6)}
MODES = [
    ("nearest", 1), ("nearest", 3), ("nearest-exact", 2), ("linear", 1), ("bilinear", 2), ("bicubic", 2),
    ("trilinear", 3), ("area", 1), ("area", 2), ("area", 3),
]  # fmt: skip
TARGETS = [
    {"size": 7},
    {"size": 3},
    {"size": 1},
    {"scale_factor": 1.7},
    {"scale_factor": 0.6},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
]


def resized():
    """The options of interpolate that go together, each with the number of axes."""
    for (mode, axes), target in itertools.product(MODES, TARGETS):
        blends = mode in ("linear", "bilinear", "bicubic", "trilinear")
        for corners in (None, True) if blends else (None,):
            for antialias in (False, True) if mode in ("bilinear", "bicubic") else (False,):
                yield axes, {**target, "mode": mode, "align_corners": corners, "antialias": antialias}


@pytest.mark.torch
@pytest.mark.few(9)
@pytest.mark.parametrize(("axes", "options"), list(resized()))
def test_interpolate_is_pytorchs(torch, axes, options):
    x = RNG.normal(size=(2, 2, *SIZES[axes]))
    theirs = torch.nn.functional.interpolate
    assert_same(torch, lambda x: F.interpolate(x, **options), lambda x: theirs(x, **options), x)


@pytest.mark.few(12)
@pytest.mark.parametrize(("axes", "options"), list(resized()))
def test_gradients_of_interpolate(axes, options):
    check_grads(lambda x: F.interpolate(x, **options), [RNG.normal(size=(1, 1, *SIZES[axes]))], order=1)


def test_a_ramp_stays_a_ramp():
    ramp = np.arange(6.0)[None, None, None] + np.zeros((1, 1, 4, 1))
    larger = F.interpolate(ramp, size=(4, 12), mode="bilinear")[0, 0, 0]
    np.testing.assert_allclose(larger[1:-1], (np.arange(12) * 0.5 - 0.25)[1:-1], rtol=1e-14)
    for mode in ("bilinear", "bicubic"):
        smaller = F.interpolate(ramp, size=(4, 3), mode=mode, antialias=True)[0, 0, 0]
        np.testing.assert_allclose(smaller[1], 2.5, rtol=1e-14)


def test_layers_of_upsampling():
    x = RNG.normal(size=(1, 2, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(
        nn.UpsamplingNearest2d(scale_factor=2)(x), F.upsample_nearest(x, scale_factor=2)
    )
    bilinear = nn.UpsamplingBilinear2d((5, 7))
    np.testing.assert_array_equal(bilinear(x), F.upsample_bilinear(x, (5, 7)))
    np.testing.assert_array_equal(bilinear(x)[..., ::4, ::6], x[..., ::2, ::3])
    assert bilinear(x).dtype == np.float32
    assert nn.Upsample(scale_factor=0.5, mode="area")(x).shape == (1, 2, 1, 2)
    assert F.interpolate(np.zeros((0, 2, 3, 3)), size=5, mode="bicubic").shape == (0, 2, 5, 5)


def test_mistakes_in_interpolate_are_told():
    x = np.zeros((1, 1, 4, 4))
    with pytest.raises(DTypeError, match=r"x\.astype\(float\)"):
        F.interpolate(x.astype(int), size=2, mode="bilinear")
    with pytest.raises(OptionError, match="antialias"):
        F.interpolate(x, size=2, antialias=True)
    with pytest.raises(OptionError, match="scale_factor in place of size"):
        F.interpolate(x, size=2, recompute_scale_factor=True)
    with pytest.raises(ShapeError, match="nothing is left"):
        F.interpolate(x, scale_factor=0.1)
    with pytest.raises(ShapeError, match=r"bicubic.*\(N, C, d, d\)"):
        F.interpolate(x[0], size=2, mode="bicubic")


# -- grids -----------------------------------------------------------------------------------------

GRIDS = [
    (axes, mode, padding, corners)
    for axes, mode, padding, corners in itertools.product(
        (2, 3), ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (True, False)
    )
    if (axes, mode) != (3, "bicubic")
]


@pytest.mark.torch
@pytest.mark.few(4)
@pytest.mark.parametrize(("axes", "mode", "padding", "corners"), GRIDS)
def test_grid_sample_is_pytorchs(torch, axes, mode, padding, corners):
    options, theirs = (mode, padding, corners), torch.nn.functional
    x = RNG.normal(size=(2, 3, *(4, 5, 3)[:axes]))
    grid = RNG.uniform(-1.6, 1.6, size=(2, *(3, 4, 2)[:axes], axes))
    # 0 * grid: for "nearest" ours leaves the gradient of the grid out, where PyTorch's is zeros.
    assert_same(
        torch,
        lambda x, grid: F.grid_sample(x, grid, *options) + 0 * grid.sum(),
        lambda x, grid: theirs.grid_sample(x, grid, *options),
        x,
        grid,
    )
    theta = np.eye(axes, axes + 1) + 0.05 * RNG.normal(size=(2, axes, axes + 1))
    assert_same(
        torch,
        lambda theta: F.affine_grid(theta, x.shape, corners),
        lambda theta: theirs.affine_grid(theta, x.shape, corners),
        theta,
    )


@pytest.mark.few(10)
@pytest.mark.parametrize(("axes", "mode", "padding", "corners"), [g for g in GRIDS if g[1] != "nearest"])
def test_gradients_of_grid_sample(axes, mode, padding, corners):
    x = RNG.normal(size=(1, 1, *(3, 4, 2)[:axes]))
    # Points away from the centres of pixels, where the slope jumps.
    cells = RNG.integers(0, 2, size=(1, 2, *(1,) * (axes - 1), axes)) + RNG.uniform(0.2, 0.8)
    sizes = np.array(x.shape[2:][::-1])
    grid = 2 * cells / (sizes - 1) - 1 if corners else (2 * cells + 1) / sizes - 1
    check_grads(lambda x, grid: F.grid_sample(x, grid, mode, padding, corners), [x, grid], order=1)


@pytest.mark.slow
def test_second_derivatives_of_grid_sample():
    x, grid = RNG.normal(size=(1, 1, 3, 3)), np.array([[[[0.2, -0.3]]]])
    check_grads(F.grid_sample, [x, grid])


def test_the_identity_gives_the_image_and_a_mirror_its_mirror_image():
    x = RNG.normal(size=(2, 3, 4, 5))
    for flip in (1, -1):
        theta = np.array([[[flip, 0, 0], [0, 1, 0]]] * 2, float)
        for corners, mode in itertools.product((True, False), ("bilinear", "bicubic", "nearest")):
            same = F.grid_sample(x, F.affine_grid(theta, x.shape, corners), mode, align_corners=corners)
            np.testing.assert_allclose(same, x[..., ::flip], atol=1e-13)
    assert F.grid_sample(x[:0], np.zeros((0, 2, 2, 2))).shape == (0, 3, 2, 2)
    assert F.grid_sample(x.astype(np.float32), np.zeros((2, 1, 1, 2), np.float32)).dtype == np.float32


def test_what_lies_outside_is_not_read():
    x = np.array([[[[np.nan, 1.0], [2.0, 3.0]]]])
    far = np.array([[[[3.0, 3.0], [1e30, 0.0], [0.5, 0.5]]]])
    np.testing.assert_array_equal(F.grid_sample(x, far)[0, 0, 0], [0, 0, 3])


def test_mistakes_in_grids_are_told():
    x, grid = np.zeros((1, 1, 4, 4)), np.zeros((1, 2, 2, 2))
    with pytest.raises(OptionError, match="bilinear"):
        F.grid_sample(x, grid, mode="cubic")
    with pytest.raises(OptionError, match="reflection"):
        F.grid_sample(x, grid, padding_mode="reflect")
    with pytest.raises(ShapeError, match=r"\(1, 1, 4, 4\) and grid \(1, 2, 2, 3\)"):
        F.grid_sample(x, np.zeros((1, 2, 2, 3)))
    with pytest.raises(ShapeError, match=r"\(N, 2, 3\)"):
        F.affine_grid(np.zeros((1, 3, 3)), (1, 1, 4, 4))


def test_a_tensor_gives_a_tensor():
    assert isinstance(F.grid_sample(Tensor(np.zeros((1, 1, 2, 2))), np.zeros((1, 1, 1, 2))), Tensor)
