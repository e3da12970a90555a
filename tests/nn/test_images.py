"""Images side by side, and in files."""

import matplotlib.image
import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DataError, FileError, OptionError, ShapeError

rng = np.random.default_rng(0)
IMAGES = rng.random((5, 3, 4, 6))


def test_images_stand_row_by_row():
    grid = nn.utils.make_grid(Tensor(IMAGES, requires_grad=True), nrow=2, padding=1, pad_value=0.5).numpy()
    assert grid.shape == (3, 3 * 5 + 1, 2 * 7 + 1)
    left = grid.copy()
    for i, image in enumerate(IMAGES):
        top, start = 1 + i // 2 * 5, 1 + i % 2 * 7
        np.testing.assert_array_equal(grid[:, top : top + 4, start : start + 6], image)
        left[:, top : top + 4, start : start + 6] = 0.5
    assert (left == 0.5).all()
    np.testing.assert_array_equal(nn.utils.make_grid(list(IMAGES), 2, 1, pad_value=0.5).numpy(), grid)
    assert nn.utils.make_grid(IMAGES[:3, :1]).shape == (3, 4 + 4, 3 * 8 + 2)
    for one in (IMAGES[0], IMAGES[0, :1], IMAGES[0, 0]):
        assert nn.utils.make_grid(one).shape == (3, 4, 6)


def test_values_are_brought_into_a_range():
    images = IMAGES * np.arange(1, 6)[:, None, None, None] - 1
    grid = nn.utils.make_grid(images, normalize=True, padding=0).numpy()
    assert grid.min() == 0 and grid.max() == 1
    each = nn.utils.make_grid(images, normalize=True, scale_each=True, padding=0).numpy()
    assert all(each[:, :, i : i + 6].max() == 1 for i in range(0, 30, 6))
    fixed = nn.utils.make_grid(images, normalize=True, value_range=(-1, 1), padding=0).numpy()
    np.testing.assert_allclose(fixed[:, :, :6], (images[0] + 1) / 2)


def test_a_file_holds_what_was_written(tmp_path):
    nn.utils.save_image(IMAGES, tmp_path / "images.png", nrow=3)
    read = matplotlib.image.imread(tmp_path / "images.png")
    expected = nn.utils.make_grid(IMAGES, nrow=3).numpy().transpose(1, 2, 0)
    assert read.shape == expected.shape
    assert np.abs(read - expected).max() <= 0.5 / 255 + 1e-6
    nn.utils.save_image(np.array([[-3.0, 7.0]]), str(tmp_path / "bounds"), format="png")
    with open(tmp_path / "bounds", "rb") as file:
        assert matplotlib.image.imread(file, "png").tolist() == [[[0] * 3, [1] * 3]]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda path: nn.utils.make_grid(np.ones((2, 2, 4, 4))), ShapeError, "1 or 3 channels"),
        (lambda path: nn.utils.make_grid(IMAGES, nrow=0), OptionError, "nrow"),
        (lambda path: nn.utils.save_image(IMAGES, path / "a.jpg"), OptionError, "end in .png"),
        (lambda path: nn.utils.save_image(IMAGES * np.nan, path / "a.png"), DataError, "NaN"),
        (lambda path: nn.utils.save_image(IMAGES, path / "none" / "a.png"), FileError, "cannot write"),
    ],
)
def test_what_cannot_be_is_told(make, error, message, tmp_path):
    with pytest.raises(error, match=message):
        make(tmp_path)
