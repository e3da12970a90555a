"""Plain arrays with PyTorch's names have all of NumPy's methods, and work with other libraries."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.box import answer
from autograd_lite.plain_array import PlainArray


def places() -> Any:
    return np.array([[3, 1, 2], [0, 5, 4]])


def out(shape: tuple[int, ...], dtype: Any = np.int64) -> Any:
    return np.zeros(shape, dtype)


def written(method: str, *args: Any, **options: Any) -> Callable[[Any], Any]:
    """What a method that writes leaves in the array."""

    def call(x: Any) -> Any:
        returned = getattr(x, method)(*args, **options)
        return x if returned is None else (x, returned)

    return call


CALLS: dict[str, list[Callable[[Any], Any]]] = {
    "all": [lambda x: x.all(axis=1, keepdims=True, where=x > 0), lambda x: x.all(0), lambda x: x.all()],
    "any": [lambda x: x.any(axis=0, out=out((3,), bool), keepdims=False), lambda x: x.any(where=x > 4)],
    "argmax": [
        lambda x: x.argmax(axis=1, out=out((2,)), keepdims=False),
        lambda x: x.argmax(0),
        lambda x: x.argmax(),
    ],
    "argmin": [lambda x: x.argmin(axis=1, keepdims=True), lambda x: x.argmin()],
    "argpartition": [lambda x: x.argpartition(1, axis=0, kind="introselect", order=None)],
    "argsort": [
        lambda x: x.argsort(axis=0, kind="stable", order=None),
        lambda x: x.argsort(),
        lambda x: x.argsort(None),
    ],
    "astype": [
        lambda x: x.astype(np.float32, order="F", casting="same_kind", subok=False, copy=True),
        lambda x: x.astype(dtype="f8", copy=False),
        lambda x: x.astype(bool),
    ],
    "byteswap": [lambda x: x.byteswap(inplace=False), lambda x: x.copy().byteswap(True)],
    "choose": [lambda x: (x % 2).choose([places(), -places()], out=None, mode="clip")],
    "clip": [
        lambda x: x.clip(min=1, max=4, out=out((2, 3))),
        lambda x: x.clip(1, 4),
        lambda x: x.clip(None, 3),
    ],
    "compress": [lambda x: x.compress([True, False], axis=0, out=None), lambda x: x.compress([0, 1, 1])],
    "conj": [lambda x: x.conj()],
    "conjugate": [lambda x: x.conjugate()],
    "copy": [lambda x: x.copy(order="F"), lambda x: x.copy("C")],
    "cumprod": [lambda x: x.cumprod(axis=1, dtype=float, out=None), lambda x: x.cumprod()],
    "cumsum": [lambda x: x.cumsum(axis=0, dtype=None, out=out((2, 3))), lambda x: x.cumsum(1)],
    "diagonal": [lambda x: x.diagonal(offset=1, axis1=0, axis2=1), lambda x: x.diagonal()],
    "dot": [lambda x: x.dot(x.T, out=out((2, 2))), lambda x: x.dot(np.ones(3))],
    "dump": [],  # below
    "dumps": [lambda x: pickle.loads(x.dumps())],
    "fill": [written("fill", 7)],
    "flatten": [lambda x: x.flatten(order="F"), lambda x: x.flatten()],
    "getfield": [lambda x: x.getfield(np.int8, offset=0)],
    "item": [
        lambda x: x.item(1),
        lambda x: x.item(1, 2),
        lambda x: x.item((0, 1)),
        lambda x: x[0, :1].item(),
    ],
    "max": [
        lambda x: x.max(axis=1, out=out((2,)), keepdims=False, initial=0, where=True),
        lambda x: x.max(1),
        lambda x: x.max(),
    ],
    "mean": [lambda x: x.mean(axis=0, dtype="f4", out=None, keepdims=True, where=x >= 0), lambda x: x.mean()],
    "min": [lambda x: x.min(axis=0, keepdims=True, initial=3, where=x > 1), lambda x: x.min()],
    "nonzero": [lambda x: x.nonzero()],
    "partition": [written("partition", 1, axis=1, kind="introselect", order=None)],
    "prod": [
        lambda x: x.prod(axis=1, dtype=float, keepdims=True, initial=2, where=x > 0),
        lambda x: x.prod(),
    ],
    "put": [written("put", [0, 5], [9, 8], mode="raise"), written("put", [7], 1, mode="wrap")],
    "ravel": [lambda x: x.ravel(order="F"), lambda x: x.ravel()],
    "repeat": [
        lambda x: x.repeat(2, axis=1),
        lambda x: x.repeat(repeats=[1, 2], axis=0),
        lambda x: x.repeat(2),
    ],
    "reshape": [
        lambda x: x.reshape(3, 2, order="F"),
        lambda x: x.reshape((6,)),
        lambda x: x.reshape(-1, copy=False),
    ],
    "resize": [
        lambda x: written("resize", (3, 3), refcheck=False)(x.copy()),
        lambda x: written("resize", 2, 2, refcheck=False)(x.copy()),
    ],
    "round": [lambda x: (x / 3).round(decimals=1, out=None), lambda x: x.round(-1)],
    "searchsorted": [lambda x: x[0].searchsorted(2, side="right", sorter=[1, 2, 0])],
    "setfield": [written("setfield", 1, np.int8, offset=0)],
    "setflags": [lambda x: (x.setflags(write=False, align=None, uic=None), x.flags.writeable)],
    "sort": [written("sort", axis=0, kind="stable", order=None), written("sort"), written("sort", 0)],
    "squeeze": [lambda x: x[None].squeeze(axis=0), lambda x: x[:, :1].squeeze(1), lambda x: x[:1].squeeze()],
    "std": [
        lambda x: x.std(axis=1, dtype=float, out=None, ddof=1, keepdims=True, where=True),
        lambda x: x.std(),
    ],
    "sum": [
        lambda x: x.sum(axis=0, dtype=float, keepdims=True, initial=1, where=x > 1),
        lambda x: x.sum(1),
        lambda x: x.sum(),
    ],
    "swapaxes": [lambda x: x.swapaxes(0, 1)],
    "take": [lambda x: x.take([0, 1], axis=1, out=None, mode="raise"), lambda x: x.take(indices=5)],
    "to_device": [lambda x: x.to_device("cpu", stream=None)],
    "tobytes": [lambda x: x.tobytes(order="F")],
    "tofile": [],  # below
    "tolist": [lambda x: x.tolist()],
    "trace": [lambda x: x.trace(offset=0, axis1=0, axis2=1, dtype=float, out=None)],
    "transpose": [
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: x.transpose(),
        lambda x: x.transpose(None),
    ],
    "var": [lambda x: x.var(axis=1, ddof=1)],
    "view": [
        lambda x: x.view(),
        lambda x: x.view(np.uint64),
        lambda x: x.view(dtype="i4"),
        lambda x: x.view(type=np.ndarray),
        lambda x: x.view(np.int64, np.ndarray),
        lambda x: x.view(dtype=np.dtype("i8", metadata={"unique": [1]})).dtype.metadata,
        lambda x: x.view([("a", "i4"), ("b", "i4")])["b"],
        lambda x: x.view(("i4", (2,))).shape,
    ],
}
"""Each method with its documented arguments, by position and by keyword."""

ATTRIBUTES = (
    *(
        "T",
        "base",
        "data",
        "device",
        "dtype",
        "flags",
        "flat",
        "imag",
        "itemsize",
        "mT",
        "nbytes",
        "ndim",
        "real",
    ),
    *("shape", "size", "strides", "ctypes"),
)


def methods() -> list[str]:
    """Of arrays; those that NumPy has taken away raise in 2.0, and are gone later."""
    gone = {"itemset", "newbyteorder", "ptp", "tostring"}
    return [name for name in dir(np.ndarray) if name[0] != "_" and name not in {*ATTRIBUTES, *gone}]


def test_the_table_has_all_methods() -> None:
    assert set(methods()) <= set(CALLS)


def same(one: Any, other: Any) -> None:
    if isinstance(one, tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            same(a, b)
        return
    if isinstance(other, np.ndarray):
        assert (
            isinstance(one, np.ndarray)
            and one.dtype == other.dtype
            and one.flags.c_contiguous == other.flags.c_contiguous
        )
        np.testing.assert_array_equal(np.asarray(one), other, strict=True)
    else:
        assert type(one) is type(other) and one == other


@pytest.mark.parametrize("name", CALLS)
def test_a_method_takes_what_that_of_ndarray_takes(name: str) -> None:
    if not hasattr(np.ndarray, name):
        pytest.skip("a method of later versions of NumPy")
    for call in CALLS[name]:
        try:
            expected = call(places())
        except TypeError:
            assert name == "reshape"  # its `copy` is an option of later versions
            continue
        same(call(answer(places())), expected)


def test_a_method_is_that_of_ndarray_unless_it_knows_more() -> None:
    changed = {name for name in methods() if getattr(PlainArray, name) is not getattr(np.ndarray, name)}
    assert changed == {"view"}


def test_attributes_are_those_of_ndarray() -> None:
    x, y = answer(places()), places()
    for name in ("dtype", "itemsize", "nbytes", "ndim", "shape", "size", "strides"):
        same(getattr(x, name), getattr(y, name))
    for name in ("T", "real", "imag", "mT"):
        same(np.asarray(getattr(x, name)), getattr(y, name))
    assert getattr(x, "device", "cpu") == "cpu" and list(x.flat) == list(y.flat)


def test_it_is_written_read_and_copied_as_ndarray_is(tmp_path: Path) -> None:
    x = answer(places())
    x.dump(tmp_path / "dump")
    same(np.load(tmp_path / "dump", allow_pickle=True), places())
    x.tofile(tmp_path / "file")
    same(np.fromfile(tmp_path / "file", np.int64).reshape(2, 3), places())
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        same(twin, places())
    np.save(tmp_path / "x.npy", x)
    same(np.load(tmp_path / "x.npy"), places())


def test_view_still_knows_a_shape() -> None:
    x = answer(places())
    for shape in ((3, 2), ((3, 2),), ([3, -1],), (-1,), (np.int64(6),)):
        assert x.view(*shape).tolist() == places().reshape(*shape).tolist()


# -- those who take arrays -------------------------------------------------------------------------

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(30, 4)).astype(np.float32), np.arange(30) % 3


def scores() -> ag.Tensor:
    nn.manual_seed(0)
    result: ag.Tensor = nn.Linear(4, 3)(X)
    return result


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("accuracy_score", {}),
        ("balanced_accuracy_score", {}),
        ("confusion_matrix", {}),
        ("classification_report", {"zero_division": 0}),
        ("f1_score", {"average": "macro"}),
        ("precision_score", {"average": "weighted", "zero_division": 0}),
        ("recall_score", {"average": None}),
        ("cohen_kappa_score", {}),
        ("matthews_corrcoef", {}),
        ("hamming_loss", {}),
        ("jaccard_score", {"average": "micro"}),
        ("r2_score", {}),
        ("mean_squared_error", {}),
    ],
)
def test_scikit_learns_metrics_take_predicted_classes(name: str, options: Any) -> None:
    metric = getattr(pytest.importorskip("sklearn.metrics"), name)
    predicted = scores().argmax(1)
    plain = np.argmax(scores().numpy(), 1)
    for a, b in ((Y, predicted), (predicted, Y), (predicted, predicted)):
        x, y = (plain if v is predicted else v for v in (a, b))
        np.testing.assert_equal(metric(a, b, **options), metric(x, y, **options))


def test_scikit_learns_metrics_take_answers_and_data() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    said, truth = scores()[:, 0] > 0, Y > 0
    plain = scores().numpy()
    assert metrics.f1_score(truth, said) == metrics.f1_score(truth, plain[:, 0] > 0)
    assert metrics.roc_auc_score(truth, scores()[:, 0].data) == metrics.roc_auc_score(truth, plain[:, 0])
    assert metrics.r2_score(scores().data, plain) == 1.0
    metrics.log_loss(Y, ag.softmax(scores()).data, labels=[0, 1, 2])


def test_pandas_takes_it() -> None:
    pd = pytest.importorskip("pandas")
    predicted = scores().argmax(1)
    plain = predicted.numpy()
    series = pd.Series(predicted)
    assert series.tolist() == plain.tolist() and series.mean() == plain.mean()
    assert (series == pd.Series(plain)).all() and series.groupby(predicted).size().sum() == 30
    pd.testing.assert_frame_equal(pd.DataFrame({"p": predicted, "y": Y}), pd.DataFrame({"p": plain, "y": Y}))
    pd.testing.assert_frame_equal(pd.crosstab(predicted, Y), pd.crosstab(plain, Y))
    pd.testing.assert_frame_equal(pd.DataFrame(scores().data), pd.DataFrame(scores().numpy()))
    assert pd.Series(predicted).value_counts().sum() == 30


def test_matplotlib_takes_it() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    predicted = scores().argmax(1)
    figure, axes = plt.subplots()
    (line,) = axes.plot(predicted)
    axes.scatter(predicted, Y)
    axes.hist(predicted)
    axes.bar(predicted, predicted)
    axes.imshow(scores().data)
    np.testing.assert_array_equal(line.get_ydata(), predicted.numpy())
    plt.close(figure)
