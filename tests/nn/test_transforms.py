"""Transforms: their results on an image, variation of each image in a batch, and refusals."""

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DTypeError, OptionError, ShapeError, UnsupportedError
from nn import transforms as T  # noqa: N812  (as tutorials name it)
from nn.kernels.warp import gaussian_matrix, resize_matrix, sample

rng = np.random.default_rng(0)
BATCH = rng.random((6, 3, 8, 10)).astype(np.float32)
PICTURE = rng.integers(0, 256, (8, 10, 3), np.uint8)

EVERY = [
    T.CenterCrop(6), T.Pad(2), T.RandomCrop(6, padding=2), T.RandomShift(2), T.RandomHorizontalFlip(),
    T.RandomVerticalFlip(), T.Resize(5), T.RandomResizedCrop(6), T.RandomErasing(1.0), T.RandomRotation(30),
    T.RandomAffine(10, (0.1, 0.1), (0.8, 1.2), 10), T.ElasticTransform(30.0, 2.0), T.Grayscale(3),
    T.ColorJitter(0.4, 0.4, 0.4), T.GaussianBlur(5), T.RandomGrayscale(0.5), T.RandomInvert(),
    T.RandomApply([T.RandomShift(3)]), T.Compose([T.Pad(1), T.RandomCrop(7)]),
]  # fmt: skip


# -- all of them -----------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", EVERY, ids=lambda t: type(t).__name__)
def test_kinds_and_axes_stay(transform):
    whole = transform(BATCH)
    assert type(whole) is np.ndarray and whole.dtype == np.float32 and whole.shape[:2] == (6, 3)
    assert transform(BATCH[0]).shape == whole.shape[1:]
    assert type(transform(Tensor(BATCH[0]))) is Tensor
    picture = transform(PICTURE)
    assert picture.dtype == np.uint8 and picture.shape == (*whole.shape[2:], 3)
    assert transform.batch(np.stack([PICTURE] * 2)).shape == (2, *picture.shape)
    if not isinstance(transform, T.Grayscale):
        assert transform(BATCH[0, 0]).shape == whole.shape[2:]
        assert transform.batch(BATCH[:, 0]).shape == (6, *whole.shape[2:])
        assert transform(PICTURE[:, :, 0]).shape == whole.shape[2:]


@pytest.mark.parametrize("transform", EVERY, ids=lambda t: type(t).__name__)
def test_numbers_follow_the_seed_and_inputs_stay_as_they_are(transform):
    before = BATCH.copy()
    BATCH.flags.writeable = False
    results = []
    for seed in (0, 0, 1):
        nn.manual_seed(seed)
        results.append(transform(BATCH))
    BATCH.flags.writeable = True
    np.testing.assert_array_equal(BATCH, before)
    np.testing.assert_array_equal(results[0], results[1])
    assert transform.is_random != np.array_equal(results[0], results[2])


@pytest.mark.parametrize("transform", [t for t in EVERY if t.is_random], ids=lambda t: type(t).__name__)
def test_each_image_of_a_batch_is_varied_on_its_own(transform):
    nn.manual_seed(0)
    results = transform(np.repeat(BATCH[:1], 30, axis=0))
    assert len({result.tobytes() for result in results}) > 1
    # ... and its channels together:
    gray = transform(np.repeat(BATCH[:, :1], 3, axis=1))
    np.testing.assert_allclose(gray[:, 0], gray[:, 2], rtol=1e-5)


# -- crops, shifts, flips --------------------------------------------------------------------------


def test_a_random_crop_is_a_part_of_the_image_from_anywhere():
    nn.manual_seed(0)
    numbered = np.arange(20.0).reshape(1, 4, 5)
    crops = {tuple(T.RandomCrop((3, 4))(numbered).ravel()) for _ in range(100)}
    expected = {tuple(numbered[0, i : i + 3, j : j + 4].ravel()) for i in range(2) for j in range(2)}
    assert crops == expected
    framed = T.RandomCrop((8, 5), padding=(0, 2), fill=-1)(numbered)
    np.testing.assert_array_equal(framed, T.Pad((0, 2), fill=-1)(numbered))
    assert (framed[0, :2] == -1).all() and (framed[0, 6:] == -1).all()
    assert T.RandomCrop(9, pad_if_needed=True)(numbered).shape == (1, 9, 9)


def test_shifts_are_whole_pixels_each_way():
    nn.manual_seed(0)
    dot = np.zeros((1, 5, 5))
    dot[0, 2, 2] = 1
    moved = T.RandomShift((1, 2))(np.repeat(dot[None], 300, axis=0))
    assert (moved.sum((1, 2, 3)) == 1).all()
    _, _, down, right = np.nonzero(moved)
    assert set(zip(down.tolist(), right.tolist(), strict=True)) == {
        (i, j) for i in (1, 2, 3) for j in range(5)
    }


def test_flips_happen_with_their_probability():
    nn.manual_seed(0)
    many = np.repeat(BATCH[:1], 1000, axis=0)
    for transform, mirrored in (
        (T.RandomHorizontalFlip(0.3), BATCH[0, :, :, ::-1]),
        (T.RandomVerticalFlip(0.3), BATCH[0, :, ::-1]),
    ):
        shown = transform(many)
        flipped = (shown == mirrored).all((1, 2, 3))
        assert abs(flipped.mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 1000)
        np.testing.assert_array_equal(shown[~flipped], many[~flipped])
    np.testing.assert_array_equal(T.RandomHorizontalFlip(1)(BATCH), BATCH[..., ::-1])
    np.testing.assert_array_equal(T.RandomVerticalFlip(0)(BATCH), BATCH)


def test_padding_and_the_middle():
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(
        T.Pad((1, 2, 3, 4), fill=7)(x), np.pad(x, ((2, 4), (1, 3)), constant_values=7)
    )
    np.testing.assert_array_equal(T.Pad(2, padding_mode="reflect")(x), np.pad(x, 2, mode="reflect"))
    np.testing.assert_array_equal(T.CenterCrop((1, 2))(x), [[5, 6]])
    np.testing.assert_array_equal(T.CenterCrop((5, 2))(x), np.pad(x[:, 1:3], ((1, 1), (0, 0))))


def test_erased_parts_are_rectangles_of_the_shares_asked_for():
    nn.manual_seed(0)
    ones = np.ones((200, 2, 20, 20), np.float32)
    erased = T.RandomErasing(0.5, scale=(0.1, 0.2), value=0)(ones) == 0
    touched = erased.any((1, 2, 3))
    assert 70 < touched.sum() < 130
    for hole in erased[touched]:
        np.testing.assert_array_equal(hole[0], hole[1])
        rows, columns = hole[0].any(1), hole[0].any(0)
        assert hole[0].sum() == rows.sum() * columns.sum()  # a rectangle
        assert 0.07 < hole[0].mean() < 0.25
    assert T.RandomErasing(1.0, value="random")(ones).std() > 0.1


# -- resizing --------------------------------------------------------------------------------------


def test_sizes():
    assert T.Resize((3, 4))(BATCH).shape[2:] == (3, 4)
    assert T.Resize(4)(BATCH).shape[2:] == (4, 5)
    assert T.Resize(16, max_size=18)(BATCH).shape[2:] == (14, 18)
    assert T.Resize(4)(np.swapaxes(BATCH, 2, 3)).shape[2:] == (5, 4)
    np.testing.assert_allclose(T.Resize((8, 10))(BATCH), BATCH, rtol=1e-6)
    constant = np.full((7, 9), 200, np.uint8)
    for size in ((3, 4), (20, 30)):
        assert (T.Resize(size)(constant) == 200).all()
        assert (T.Resize(size, "nearest")(constant) == 200).all()


@pytest.mark.torch
@pytest.mark.parametrize("size", [(5, 4), (3, 20), (16, 30), (8, 7)])
@pytest.mark.parametrize("antialias", [True, False])
def test_resizing_is_that_of_torch(torch, size, antialias):
    expected = torch.nn.functional.interpolate(
        torch.tensor(BATCH), size, mode="bilinear", antialias=antialias, align_corners=False
    )
    got = T.Resize(size, antialias=antialias)(BATCH)
    np.testing.assert_allclose(got, expected.numpy(), rtol=1e-5, atol=1e-6)
    expected = torch.nn.functional.interpolate(torch.tensor(BATCH), size, mode="nearest")
    np.testing.assert_array_equal(T.Resize(size, "nearest")(BATCH), expected.numpy())


def test_parts_of_any_size_come_from_the_image():
    nn.manual_seed(0)
    ramp = np.broadcast_to(np.arange(20.0), (50, 1, 20, 20))
    crops = T.RandomResizedCrop(10, scale=(0.2, 0.6))(ramp)
    steps = np.diff(crops[:, 0, 0], axis=1)[:, 3:-3]  # of a part that is w wide: w / 10
    assert (steps > 0).all() and len(set(steps[:, 0].round(3))) > 5
    np.testing.assert_allclose(steps, steps[:, :1] + 0 * steps, atol=0.3)


# -- warps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_turning_by_right_angles(interpolation):
    square = BATCH[..., :8]
    for quarter in range(-3, 4):
        turned = T.RandomRotation((90 * quarter, 90 * quarter), interpolation)(square)
        np.testing.assert_allclose(turned, np.rot90(square, quarter, (2, 3)), atol=2e-5)


def test_moving_scaling_and_shearing():
    x = np.zeros((1, 1, 9, 9), np.float32)
    x[0, 0, 2, 6] = 1  # 2 up and 2 right of the centre
    fixed = dict(degrees=0, interpolation="nearest")
    half = T.RandomAffine(scale=(0.5, 0.5), **fixed)(x)
    assert half[0, 0, 3, 5] == 1
    leaning = T.RandomAffine(shear=(45, 45), **fixed)(x)  # lines lean to the left above: x + y tan 45
    assert np.argwhere(leaning[0, 0]).tolist() == [[2, 4]]
    leaning = T.RandomAffine(shear=(0, 0, 45, 45), **fixed)(x)
    assert np.argwhere(leaning[0, 0]).tolist() == [[4, 6]]
    nn.manual_seed(0)
    moved = T.RandomAffine(translate=(1 / 3, 1 / 9), **fixed)(np.repeat(x, 200, axis=0))
    _, _, rows, columns = np.nonzero(moved)
    assert set(rows) == {1, 2, 3} and set(columns) == {3, 4, 5, 6, 7, 8}


def test_sampling_between_pixels_is_linear():
    i, j = np.mgrid[:8, :10]
    plane = (2 * i + 3 * j).astype(float)[None, None]
    y, x = rng.uniform(0, 7, (1, 5, 6)), rng.uniform(0, 9, (1, 5, 6))
    np.testing.assert_allclose(sample(plane, y, x)[0, 0], 2 * y[0] + 3 * x[0])
    np.testing.assert_array_equal(
        sample(plane, y, x, nearest=True)[0, 0], 2 * np.rint(y[0]) + 3 * np.rint(x[0])
    )
    outside = sample(plane, np.array([[[-0.5, -2, 8.0]]]), np.array([[[0.0, 4, 3]]]), fill=7.0)
    np.testing.assert_allclose(outside[0, 0], [[3.5, 7, 7]])


def test_blurring_spreads_a_dot():
    dot = np.zeros((1, 15, 15))
    dot[0, 7, 7] = 1
    spread = T.GaussianBlur(9, 1.0)(dot)[0]
    rows, columns = np.mgrid[-7:8, -7:8]
    expected = np.exp(-(rows**2 + columns**2) / 2) * ((abs(rows) <= 4) & (abs(columns) <= 4))
    np.testing.assert_allclose(spread, expected / expected.sum(), atol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_sampling_is_that_of_torch(torch, mode):
    y, x = rng.uniform(-2, 9, (6, 7, 5)), rng.uniform(-2, 11, (6, 7, 5))
    grid = np.stack([(2 * x + 1) / 10 - 1, (2 * y + 1) / 8 - 1], axis=-1)
    expected = torch.nn.functional.grid_sample(
        torch.tensor(BATCH.astype(float)), torch.tensor(grid), mode=mode, align_corners=False
    )
    got = sample(BATCH.astype(float), y, x, nearest=mode == "nearest")
    np.testing.assert_allclose(got, expected.numpy(), atol=1e-12)


def test_smoothing_weights():
    for n, sigma in ((20, 1.0), (7, 2.0), (3, 4.0), (1, 1.0)):
        matrix = gaussian_matrix(n, sigma)
        np.testing.assert_allclose(matrix.sum(1), 1)
        signal = rng.normal(size=n)
        distances = np.arange(-4 * sigma, 4 * sigma + 1)
        weights = np.exp(-0.5 * (distances / sigma) ** 2)
        long = (
            np.pad(signal, len(weights) // 2, mode="reflect") if n > 1 else np.full(len(weights), signal[0])
        )
        np.testing.assert_allclose(matrix @ signal, np.convolve(long, weights / weights.sum(), "valid"))
    np.testing.assert_allclose(resize_matrix(4, 8).sum(1), 1)


def test_elastic_displacements_are_smooth_and_of_the_size_asked_for():
    nn.manual_seed(0)
    i, j = np.mgrid[:40, :40].astype(np.float32)
    places = np.broadcast_to(np.stack([i, j]), (50, 2, 40, 40))  # a picture that shows where pixels come from
    alpha, sigma = 60.0, 3.0
    moved = (T.ElasticTransform(alpha, sigma)(places) - places)[:, :, 12:-12, 12:-12]
    # Even noise of variance 1/3, smoothed by a Gaussian in two dimensions: variance 1 / (4 pi sigma^2) of it.
    expected = alpha / 2 * np.sqrt(1 / 3 / (4 * np.pi * sigma**2))
    assert moved.std() == pytest.approx(expected, rel=0.1)
    assert abs(moved.mean()) < expected / 3
    neighbours = (np.diff(moved, axis=3) ** 2).mean() / (2 * moved.var())
    assert neighbours == pytest.approx(1 - np.exp(-1 / (4 * sigma**2)), rel=0.2)
    np.testing.assert_allclose(T.ElasticTransform(0.0)(BATCH), BATCH)
    one_way = T.ElasticTransform((60.0, 0.0), 3.0)(places)
    np.testing.assert_allclose(one_way[:, 0, :, 12:-12], places[:, 0, :, 12:-12], atol=1e-4)


# -- values ----------------------------------------------------------------------------------------


def test_pictures_become_tensors():
    x = T.ToTensor()(PICTURE)
    assert type(x) is Tensor and x.dtype == np.float32
    np.testing.assert_array_equal(x.numpy(), PICTURE.transpose(2, 0, 1).astype(np.float32) / 255)
    assert T.ToTensor()(PICTURE[:, :, 0]).shape == (1, 8, 10)
    assert T.ToTensor().batch(PICTURE).shape == (8, 1, 10, 3)  # here 8 pictures of (10, 3)
    assert T.PILToTensor()(PICTURE).dtype == np.uint8
    assert T.ToTensor()(np.ones((2, 2, 3))).numpy().max() == 1
    assert T.ConvertImageDtype(np.float32)(PICTURE[:, :, 0]).max() <= 1
    assert T.ConvertImageDtype(np.uint8)(np.array([[0.0, 0.5, 1.0]])).tolist() == [[0, 128, 255]]
    z = T.Normalize((0.1, 0.2, 0.3), (1, 2, 4))(Tensor(BATCH))
    np.testing.assert_allclose(z.numpy()[:, 2], (BATCH[:, 2] - 0.3) / 4, rtol=1e-5, atol=1e-7)
    gray = T.Grayscale()(PICTURE)
    assert gray.shape == (8, 10, 1)
    assert np.abs(gray[..., 0] - PICTURE @ [0.2989, 0.587, 0.114]).max() <= 0.5


def test_colours():
    nn.manual_seed(0)
    dark = T.ColorJitter(brightness=(0.5, 0.5))(BATCH)
    np.testing.assert_allclose(dark, BATCH / 2, rtol=1e-6)
    flat = T.ColorJitter(contrast=(0, 0))(BATCH)
    luma = np.tensordot([0.2989, 0.587, 0.114], BATCH, (0, 1))
    np.testing.assert_allclose(
        flat, np.broadcast_to(luma.mean((1, 2))[:, None, None, None], flat.shape), rtol=1e-5
    )
    pale = T.ColorJitter(saturation=(0, 0))(BATCH)
    np.testing.assert_allclose(pale, np.repeat(luma[:, None], 3, axis=1), rtol=1e-5)
    np.testing.assert_allclose(T.RandomGrayscale(1)(BATCH), pale, rtol=1e-5)
    np.testing.assert_array_equal(T.RandomInvert(1)(PICTURE), 255 - PICTURE)
    np.testing.assert_array_equal(T.ColorJitter()(PICTURE), PICTURE)
    factors = T.ColorJitter(brightness=0.5)(np.full((1000, 1, 1, 1), 0.5)).ravel() * 2
    assert factors.min() > 0.5 and factors.max() <= 1.5 and abs(factors.mean() - 1) < 0.05
    assert T.ColorJitter(brightness=(3, 3))(PICTURE).max() == 255


def test_only_some_images_go_through():
    nn.manual_seed(0)
    many = np.repeat(BATCH[:1], 500, axis=0)
    shown = T.RandomApply([T.Pad(1), T.CenterCrop((8, 10)), T.RandomHorizontalFlip(1)], p=0.2)(many)
    flipped = (shown == many[..., ::-1]).all((1, 2, 3))
    assert 60 < flipped.sum() < 140
    np.testing.assert_array_equal(shown[~flipped], many[~flipped])


def test_functions_are_transforms_of_single_images():
    t = T.Compose([T.ToTensor(), T.Lambda(lambda x: x.reshape(-1))])
    assert t(PICTURE).shape == (240,) and not t.on_batches and t.is_random
    assert not T.Compose([T.ToTensor(), T.Resize(4)]).is_random
    assert repr(T.Compose([T.Pad(1)])) == "Compose([Pad(padding=1, fill=0, padding_mode='constant')])"


# -- in datasets and loaders -----------------------------------------------------------------------


def test_a_dataset_with_a_transform():
    data = nn.data.Augmented(nn.TensorDataset(BATCH, np.arange(6)), T.RandomShift(3))
    epochs = []
    for workers in (0, 1):
        nn.manual_seed(0)
        loader = nn.DataLoader(data, 4, shuffle=True, num_workers=workers)
        epochs.append([(x.numpy(), y.numpy()) for _ in range(2) for x, y in loader])
    for (x, y), (again, labels) in zip(*epochs, strict=True):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, labels)
    single = nn.data.Augmented(nn.TensorDataset(BATCH, np.arange(6)), lambda x: x[:, 0])
    assert next(iter(nn.DataLoader(single, 4)))[0].shape == (4, 3, 10)
    assert single[2][0].shape == (3, 10) and len(single) == 6
    assert not nn.data.Augmented(nn.TensorDataset(BATCH), T.Resize(3)).is_random


# -- what cannot be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: T.RandomShift(1)(np.ones((60, 28, 28))), ShapeError, r"60 channels.*write x\[:, None\]"),
        (lambda: T.RandomShift(1)(np.ones((2, 3, 8, 8), np.uint8)), ShapeError, "channels last.*/ 255"),
        (lambda: T.Pad(1)(np.ones(3)), ShapeError, r"expected an image of shape .* got \(3,\)"),
        (lambda: T.Pad(1)(Tensor(BATCH, requires_grad=True)), UnsupportedError, r"x.detach\(\)"),
        (lambda: T.Pad(1)("text"), DTypeError, "expected an image, got str"),
        (lambda: T.ToTensor()(Tensor(BATCH)), DTypeError, "expected an image as an array"),
        (lambda: T.ToTensor()(np.ones(3)), ShapeError, r"\(H, W\) or \(H, W, C\), got \(3,\)"),
        (lambda: T.Normalize(0.5, 0.5)(PICTURE), DTypeError, r"put ToTensor\(\) before it"),
        (lambda: T.Normalize((0, 0), (1, 1))(BATCH), ShapeError, "2 and 2 channels.*has 3"),
        (lambda: T.Normalize(0, 0), OptionError, "divide by 0"),
        (lambda: T.RandomCrop(12)(BATCH), ShapeError, "only 8 x 10 pixels; write padding="),
        (lambda: T.RandomCrop(0), OptionError, "e.g. size=28"),
        (lambda: T.Pad((1, 2, 3)), OptionError, "1, 2 or 4 ints"),
        (lambda: T.Pad(1, padding_mode="wrap"), OptionError, '"reflect"'),
        (lambda: T.Resize(3, "cubic"), OptionError, '"nearest" or "bilinear"'),
        (lambda: T.RandomHorizontalFlip(2), OptionError, "from 0 to 1"),
        (lambda: T.RandomRotation(30, expand=True), OptionError, "keep their size"),
        (lambda: T.RandomRotation((3, 1)), OptionError, "least, largest"),
        (lambda: T.RandomAffine(0, translate=(2, 0)), OptionError, "fractions from 0 to 1"),
        (lambda: T.RandomAffine(0, scale=(0, 1)), OptionError, "above 0"),
        (lambda: T.ElasticTransform(-1.0), OptionError, "at least 0"),
        (lambda: T.RandomErasing(value="noise"), OptionError, '"random"'),
        (lambda: T.Grayscale(2), OptionError, "1 or 3"),
        (lambda: T.Grayscale()(BATCH[:, :2]), ShapeError, "3 channels, or 1, got 2"),
        (lambda: T.ColorJitter(hue=0.6), OptionError, "from 0 to 0.5"),
        (lambda: T.ColorJitter(-1), OptionError, "at least 0"),
        (lambda: T.GaussianBlur(4), OptionError, "odd int"),
        (lambda: T.GaussianBlur(3, 0), OptionError, "above 0"),
        (lambda: T.Compose([T.ToTensor]), DTypeError, r"write ToTensor\(...\)"),
        (lambda: T.Transform()(BATCH), NotImplementedError, "has no apply"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(make, error, message):
    with pytest.raises(error, match=message):
        make()
