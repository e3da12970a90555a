"""The data sets of the playground, the division into training and test, and points out of a CSV."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_lite.errors import DataError
from visualize.playground.data import made, read_csv
from visualize.playground.datasets import DATASETS
from visualize.playground.options import Config


def points(name: str, n: int = 400, noise: float = 0.0):
    return DATASETS[name][1](np.random.default_rng(3), n, noise)


def test_without_noise_each_set_is_what_its_name_says():
    X, y = points("circle")
    radius = np.hypot(*X.T)
    assert (radius[y > 0] <= 2.5).all() and (radius[y < 0] >= 3.5).all() and radius.max() <= 5
    X, y = points("xor")
    assert (np.sign(X[:, 0] * X[:, 1]) == y).all() and np.abs(X).min() >= 0.3
    X, y = points("gauss", 4000)
    for sign in (1, -1):
        np.testing.assert_allclose(
            X[y == sign].mean(axis=0), 2 * sign, atol=0.06
        )  # 4 / sqrt(2000) deviations
        np.testing.assert_allclose(X[y == sign].var(axis=0), 0.5, rtol=0.15)
    X, y = points("spiral")
    np.testing.assert_allclose(
        X[y > 0], -X[y < 0], atol=1e-12
    )  # one arm is the other one turned by half a turn
    turns = np.unwrap(np.arctan2(X[y > 0, 0], X[y > 0, 1])[1:])
    assert turns[-1] - turns[0] == pytest.approx(3.5 * np.pi, rel=0.02)


def test_targets_of_regressions():
    X, y = points("reg-plane")
    np.testing.assert_allclose(y, np.clip((X[:, 0] + X[:, 1]) / 10, -1, 1))
    X, y = points("reg-gauss", 4000)
    at = lambda x1, x2: y[np.hypot(X[:, 0] - x1, X[:, 1] - x2).argmin()]
    assert at(-4, 2.5) > 0.8 and at(0, 2.5) < -0.8 and at(4, -2.5) < -0.8
    assert at(-2, 0) == at(-6, -6) == 0


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "own"])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 120])
def test_counts_ranges_and_noise(name, n):
    X, y = points(name, n)
    assert X.shape == (n, 2) and y.shape == (n,)
    assert np.isfinite(X).all() and np.abs(y).max(initial=0) <= 1
    noisy, labels = points(name, n, 0.5)
    assert n < 7 or not (np.array_equal(noisy, X) and np.array_equal(labels, y))


def test_the_division_keeps_each_point_once_and_follows_the_seed():
    config = Config.of({"ratio": 30, "noise": 20})
    data, again, other = made(config), made(config), made(config.with_(seed=2))
    assert (len(data.X), len(data.X_test)) == (150, 350)
    assert len(np.unique(np.concatenate([data.X, data.X_test]), axis=0)) == 500
    np.testing.assert_array_equal(data.X, again.X)
    assert not np.array_equal(data.X, other.X)
    assert data.X.dtype == data.y.dtype == np.float32 and data.y.shape == (150, 1)


def test_own_points_are_among_the_others():
    data = made(Config.of({"points": [[1, 2, 1], [-3, 0.5, -1]]}))
    whole = np.column_stack([np.concatenate([data.X, data.X_test]), np.concatenate([data.y, data.y_test])])
    assert len(whole) == 502
    assert [1.0, 2.0, 1.0] in whole.tolist() and [-3.0, 0.5, -1.0] in whole.tolist()


# -- CSV -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1,2,1\n-1,-2,0\n",
        "x1,x2,class\n1,2,1\n-1,-2,0",
        "1;2;yes\r\n-1;-2;no\r\n",
        "\ufeffa\tb\tc\n1\t2\t10\n\n-1\t-2\t9\n",
        '"1","2","blue"\n-1,-2,"a, b"\n',
    ],
)
def test_classes_of_a_csv(text):
    assert read_csv(text, "classification") == [[1.0, 2.0, 1.0], [-1.0, -2.0, -1.0]]


def test_what_reaches_too_far_is_stretched_column_by_column():
    found = np.array(read_csv("0,1,2\n100,2,-4\n50,3,1\n", "regression"))
    np.testing.assert_allclose(found[:, 0], [-5, 5, 0])
    np.testing.assert_allclose(found[:, 1], [1, 2, 3])
    np.testing.assert_allclose(found[:, 2], [0.5, -1, 0.25])
    Config.of({"problem": "regression", "dataset": "own", "points": found.tolist()})


@pytest.mark.parametrize(
    ("text", "problem", "message"),
    [
        ("", "classification", "no points"),
        ("x,y,z\n", "classification", "no points"),
        ("1,2,1\n3,4\n", "classification", "line 2 .*'3,4'"),
        ("1,2,1\n3,four,1\n", "classification", "line 2"),
        ("1,2,1\n3,nan,1\n", "classification", "line 2"),
        ("1,2,1\ninf,3,1\n", "regression", "line 2"),
        ("1,2,a\n1,2,b\n1,2,c\n", "classification", "3 classes, a, b, c"),
        ("1,2,a\n", "regression", "number"),
        ("1,2,nan\n", "regression", "finite"),
        ("1,2,1\n" * 2001, "classification", "2001 points, and 2000"),
    ],
)
def test_a_csv_that_is_none(text, problem, message):
    with pytest.raises(DataError, match=message):
        read_csv(text, problem)
