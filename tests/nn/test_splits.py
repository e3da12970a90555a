"""Parts of data, folds, and standardized inputs."""

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, OptionError, ShapeError

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(100, 3)), np.repeat([0, 1, 2], [60, 30, 10])


def test_a_split_has_every_sample_once_beside_its_target():
    X, Y = np.arange(200).reshape(100, 2), np.arange(0, 200, 2)
    parts = nn.data.split(X, Y, generator=0)
    assert [len(x) for x, _ in parts] == [80, 10, 10]
    assert all((x[:, 0] == y).all() for x, y in parts)
    assert sorted(np.concatenate([y for _, y in parts])) == Y.tolist()
    assert not np.array_equal(parts[0][1], np.sort(parts[0][1]))
    again = nn.data.split(X, Y, generator=0)
    assert all(
        np.array_equal(a, b) for p, q in zip(parts, again, strict=True) for a, b in zip(p, q, strict=True)
    )
    plain = nn.data.split(Y, fractions=(0.5, 0.5), shuffle=False)
    np.testing.assert_array_equal(np.concatenate(plain), Y)
    assert type(nn.data.split(ag.Tensor(X), fractions=(0.5, 0.5))[0]) is ag.Tensor


@pytest.mark.parametrize("n", range(10, 30))
def test_sizes_are_rounded_and_add_up(n):
    sizes = [len(part) for part in nn.data.split(np.arange(n))]
    assert sum(sizes) == n
    assert all(abs(size - n * f) < 1 for size, f in zip(sizes, (0.8, 0.1, 0.1), strict=True))


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.1), (0.5, 0.5), (0.7, 0.3), (0.61, 0.19, 0.1, 0.1)])
def test_a_stratified_split_has_the_classes_in_proportion(fractions):
    names = np.array(["a", "b", "c"])[Y]
    parts = nn.data.split(np.arange(100), names, fractions=fractions, stratify=names, generator=0)
    assert sorted(np.concatenate([x for x, _ in parts])) == list(range(100))
    for (x, y), fraction in zip(parts, fractions, strict=True):
        assert abs(len(x) - 100 * fraction) < 1
        assert (names[x] == y).all()
        for name, count in zip("abc", (60, 30, 10), strict=True):
            assert abs((y == name).sum() - count * fraction) <= 1


@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"stratified": True}])
def test_every_sample_is_in_the_test_of_one_fold(options):
    folds = list(nn.data.KFold(4, generator=0, **options).split(X, Y))
    assert len(folds) == 4
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(100))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(100)) and len(test) == 25
        if options.get("stratified"):
            counts = np.bincount(Y[test])
            assert (np.abs(counts - [15, 7.5, 2.5]) <= 1).all()
    sizes = [len(test) for _, test in nn.data.KFold(3, **options).split(X, Y)]
    assert sorted(sizes) == [33, 33, 34]


def test_standardized_training_data_have_mean_0_and_deviation_1():
    data = (1e6 + rng.normal(size=(50, 4)) * [1e-3, 1, 1e3, 0]).astype(np.float64)
    data[:, 3] = 0.1  # constant, and a mean that is rounded
    scale = nn.data.Standardize().fit(data)
    z = scale(data)
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(0), [1, 1, 1, 0], rtol=1e-6)
    assert (z[:, 3] == 0).all() and (scale(data + 1)[:, 3] > 0.9).all()
    np.testing.assert_allclose(scale.inverse(z), data, rtol=1e-12)
    other = rng.normal(size=(3, 4))
    np.testing.assert_allclose(scale(other), (other - scale.mean) / scale.std)
    assert scale(other.astype(np.float32)).dtype == np.float32
    x = ag.Tensor(other, requires_grad=True)
    scale(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(1 / scale.std, (3, 4)))


def test_standardizing_by_channel():
    images = rng.integers(0, 256, (20, 3, 4, 5), np.uint8)
    scale = nn.data.Standardize(per="channel").fit(images)
    assert scale.mean.shape == (1, 3, 1, 1)
    z = scale(images)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z.mean((0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(z.std((0, 2, 3)), 1, rtol=1e-5)
    np.testing.assert_allclose(scale.inverse(z), images, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.data.split(X, Y[:9]), ShapeError, r"\(100, 3\), \(9,\)"),
        (lambda: nn.data.split(X, fractions=(0.8, 0.1)), OptionError, "add up to 1"),
        (lambda: nn.data.split(X[:3]), DataError, r"with 3 samples, the parts would have \[2, 1, 0\]"),
        (lambda: nn.data.split(X, stratify=Y, shuffle=False), OptionError, "shuffle=False"),
        (lambda: nn.data.split(X, stratify=Y[:4]), ShapeError, r"labels of shape \(100,\), got \(4,\)"),
        (lambda: nn.data.KFold(1), OptionError, "n_splits"),
        (lambda: nn.data.KFold(5, False, True), OptionError, "shuffle=False"),
        (lambda: nn.data.KFold(5).split(X[:4]), DataError, "only 4 samples"),
        (lambda: nn.data.KFold(5, stratified=True).split(X), OptionError, r"split\(X, y\)"),
        (lambda: nn.data.KFold(11, stratified=True).split(X, Y), DataError, "class 2 has 10 samples"),
        (lambda: nn.data.Standardize("row"), OptionError, '"feature" or "channel"'),
        (lambda: nn.data.Standardize()(X), DataError, r"Standardize\(\).fit\(X_train\)"),
        (lambda: nn.data.Standardize().fit(X[:0]), ShapeError, r"\(N, ...\), got \(0, 3\)"),
        (lambda: nn.data.Standardize().fit([[1, 2], [3, np.nan]]), DataError, r"have nan at \(1, 1\)"),
        (lambda: nn.data.Standardize().fit(X)(X[:, :2]), ShapeError, r"\(N, 3\) as in training"),
        (lambda: nn.data.Standardize("channel").fit(X)(X[:, :2]), ShapeError, "3 channels as in training"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(make, error, message):
    with pytest.raises(error, match=message):
        make()
