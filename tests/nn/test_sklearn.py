"""Networks as scikit-learn's estimators."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd_lite.errors import DataError, DTypeError, OptionError, ShapeError

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nn.random import generator
from nn.sklearn import Classifier, Regressor, mlp

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
LABELS = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
Y = np.sin(X[:, 0]) + X[:, 1]


@pytest.mark.few(8)
@parametrize_with_checks([Classifier(random_state=0), Regressor(random_state=0)])
def test_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # scikit-learn warns of the checks that it leaves out
@parametrize_with_checks(
    [
        Classifier(
            random_state=0, early_stopping=True, validation_fraction=0.4, class_weight="balanced", tol=0.01
        ),
        Classifier(random_state=0, criterion="BCEWithLogitsLoss", module__activation="tanh", lr=0.02),
        Regressor(random_state=0, optimizer="RMSprop", criterion="SmoothL1Loss", module__hidden=(64, 32)),
    ],
    expected_failed_checks=lambda estimator: estimator.expected_failed_checks,
)
def test_the_checks_with_other_parameters(estimator: Any, check: Any) -> None:
    check(estimator)


def test_no_check_is_expected_to_fail_with_the_default_parameters() -> None:
    assert Classifier().expected_failed_checks == Regressor().expected_failed_checks == {}


def bits(net: Any) -> list[bytes]:
    return [p.numpy().tobytes() for p in net.module_.parameters()]


# -- classes ---------------------------------------------------------------------------------------


def test_labels_may_be_strings() -> None:
    net = Classifier(random_state=0, max_epochs=200).fit(X, LABELS)
    assert net.classes_.tolist() == ["other", "same"] and net.score(X, LABELS) > 0.95
    p = net.predict_proba(X)
    assert np.allclose(p.sum(axis=1), 1) and (net.classes_[p.argmax(axis=1)] == net.predict(X)).all()
    assert np.allclose(net.decision_function(X), np.log(p[:, 1] / p[:, 0]))
    assert len(net.history_["loss"]) == net.n_iter_ == 200 and net.loss_ == net.history_["loss"][-1]


def test_one_output_tells_two_classes() -> None:
    net = Classifier(
        lambda in_features: nn.Linear(in_features, 1),
        criterion=nn.BCEWithLogitsLoss,
        random_state=0,
        lr=0.1,
    ).fit(X, X[:, 0] > 0)
    p = net.predict_proba(X)
    assert p.shape == (60, 2) and net.score(X, X[:, 0] > 0) > 0.95
    assert np.allclose(p[:, 1], 1 / (1 + np.exp(-net.decision_function(X))), atol=1e-6)


def test_log_probabilities() -> None:
    def made(in_features: int, out_features: int) -> nn.Module:
        return nn.Sequential(nn.Linear(in_features, out_features), nn.LogSoftmax(1))

    plain = Classifier(mlp, module__hidden=(), random_state=0).fit(X, LABELS)
    log = Classifier(made, criterion=nn.NLLLoss(), random_state=0).fit(X, LABELS)
    assert np.allclose(plain.predict_proba(X), log.predict_proba(X), atol=1e-4)


def test_several_labels() -> None:
    labels = np.stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 2] > X[:, 3]], axis=1).astype(int)
    net = Classifier(random_state=0, max_epochs=150).fit(X, labels)
    assert net.predict_proba(X).shape == net.predict(X).shape == (60, 3)
    assert (net.predict(X) == labels).mean() > 0.97
    classes = np.stack([labels[:, 0] + labels[:, 1], labels[:, 2] + 1], axis=1)
    with pytest.raises(ShapeError, match="MultiOutputClassifier"):
        Classifier().fit(X, classes)
    assert MultiOutputClassifier(Classifier(max_epochs=2)).fit(X, classes).predict(X).shape == (60, 2)


def test_weights_of_samples_and_classes() -> None:
    rare = (X[:, 0] > 1).astype(int)
    weights = np.where(rare == 1, 3.0, 1.0)
    by_sample = Classifier(random_state=0, max_epochs=5).fit(X, rare, sample_weight=weights)
    by_class = Classifier(random_state=0, max_epochs=5, class_weight={0: 1.0, 1: 3.0}).fit(X, rare)
    assert bits(by_sample) == bits(by_class)
    again = np.repeat(np.arange(60), weights.astype(int))
    repeated = Classifier(random_state=0, max_epochs=5).fit(X[again], rare[again])
    assert np.allclose(by_sample.predict_proba(X), repeated.predict_proba(X), atol=1e-9)
    expected = log_loss(rare, by_sample.predict_proba(X), sample_weight=weights)
    after = Classifier(random_state=0, max_epochs=6).fit(X, rare, sample_weight=weights)
    assert np.isclose(after.history_["loss"][-1], expected)
    with pytest.raises(OptionError, match="reduction"):
        Classifier(criterion=lambda y, t: nn.functional.cross_entropy(y, t)).fit(X, rare, weights)


def test_a_class_that_came_too_late() -> None:
    net = Classifier(random_state=0).partial_fit(X[:9], [0] * 9, classes=[0, 1, 2])
    assert net.partial_fit(X[:3], [0, 1, 2]).n_iter_ == 2 and net.predict_proba(X).shape == (60, 3)
    with pytest.raises(DataError, match=r"classes \[3\] that the network does not know"):
        net.partial_fit(X[:1], [3])


# -- numbers ---------------------------------------------------------------------------------------


def test_several_outputs() -> None:
    both = np.stack([Y, -2 * Y], axis=1)
    net = Regressor(random_state=0, max_epochs=200).fit(X, both)
    assert net.predict(X).shape == (60, 2) and net.score(X, both) > 0.95
    assert Regressor(random_state=0, max_epochs=1).fit(X, Y).predict(X).shape == (60,)
    assert Regressor(random_state=0, max_epochs=1).fit(X, both[:, :1]).predict(X).shape == (60, 1)


def test_a_linear_network_finds_the_weighted_least_squares() -> None:
    weights = RNG.random(60)
    net = Regressor(module__hidden=(), optimizer="LBFGS", lr=1.0, max_epochs=20, random_state=0)
    net.fit(X, Y, sample_weight=weights)
    design = np.column_stack([X, np.ones(60)]) * np.sqrt(weights)[:, None]
    expected = np.linalg.lstsq(design, Y * np.sqrt(weights), rcond=None)[0]
    assert np.allclose(net.module_[0].weight.numpy()[0], expected[:4], atol=1e-5)


# -- parameters ------------------------------------------------------------------------------------


def test_parameters_of_the_parts() -> None:
    net = Classifier(module__hidden=(7,), optimizer__weight_decay=0.1, criterion__label_smoothing=0.1)
    assert net.get_params()["module__hidden"] == (7,)
    assert repr(net) == (
        "Classifier(criterion__label_smoothing=0.1, module__hidden=(7,),\n"
        "           optimizer__weight_decay=0.1)"
    )
    twin = clone(net).set_params(module__hidden=(9,), lr=0.1, optimizer="SGD").fit(X, LABELS)
    assert twin.module_[0].out_features == 9 and net.module__hidden == (7,)
    assert twin.optimizer_.param_groups[0]["weight_decay"] == 0.1
    assert twin.optimizer_.param_groups[0]["lr"] == 0.1 and isinstance(twin.optimizer_, nn.optim.SGD)


def test_a_module_is_copied() -> None:
    module = nn.Sequential(nn.Linear(4, 2))
    before = module[0].weight.numpy().copy()
    net = Classifier(module, random_state=0, max_epochs=3).fit(X, LABELS)
    assert (module[0].weight.numpy() == before).all()
    assert (net.module_[0].weight.numpy() != before).any() and net.module_[0].weight.dtype == np.float32


@pytest.mark.parametrize(
    ("net", "error", "message"),
    [
        (Classifier(hidden=(5,)), OptionError, "has no parameter hidden; options of the parts begin with"),
        (Classifier(nn.Linear(4, 2), module__bias=False), OptionError, "made already: give its class"),
        (Classifier(5), DTypeError, "a class or function that makes one"),
        (Classifier(lambda: 5), DTypeError, "returned int, not a Module"),
        (Classifier(criterion="Entropy"), OptionError, "nn has no loss of this name"),
        (Classifier(criterion=nn.NLLLoss(), criterion__reduction="sum"), OptionError, "option of a class"),
        (Classifier(optimizer="Adm"), OptionError, "no optimizer of this name"),
        (Classifier(module__activation="swish"), OptionError, "expected one of 'relu'"),
        (Classifier(early_stopping=True, validation_fraction=0.001), OptionError, "both parts need some"),
    ],
)
def test_mistakes(net: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        net.fit(X, LABELS)


def test_probabilities_need_a_criterion_that_tells_them() -> None:
    net = Classifier(criterion="MultiMarginLoss", random_state=0, max_epochs=50).fit(X, LABELS)
    assert net.score(X, LABELS) > 0.6
    with pytest.raises(OptionError, match="take decision_function"):
        net.predict_proba(X)
    with pytest.raises(NotFittedError):
        Classifier().predict(X)


# -- randomness, runs that go on -------------------------------------------------------------------


def test_a_seed_repeats_the_network_to_the_bit_and_leaves_the_generator() -> None:
    before = generator.bit_generator.state
    one = Classifier(module__dropout=0.3, batch_size=7, random_state=1, max_epochs=3).fit(X, LABELS)
    assert generator.bit_generator.state == before
    generator.random(5)
    two = clone(one).fit(X, LABELS)
    other = clone(one).set_params(random_state=2).fit(X, LABELS)
    assert bits(one) == bits(two) != bits(other)


def test_runs_that_go_on() -> None:
    whole = Classifier(module__dropout=0.3, batch_size=7, random_state=1, max_epochs=6).fit(X, LABELS)
    parts = Classifier(module__dropout=0.3, batch_size=7, random_state=1, max_epochs=2, warm_start=True)
    parts.fit(X, LABELS).fit(X, LABELS)
    by_epoch = clone(parts)
    for _ in range(4):
        by_epoch.partial_fit(X, LABELS)
    assert bits(parts) == bits(by_epoch) and parts.n_iter_ == 4
    unpickled = pickle.loads(pickle.dumps(parts))
    assert bits(unpickled.fit(X, LABELS)) == bits(whole) == bits(parts.fit(X, LABELS))


def test_early_stopping(tmp_path: Path) -> None:
    noise = RNG.integers(0, 2, 60)
    net = Classifier(
        early_stopping=True, validation_fraction=0.3, n_iter_no_change=3, random_state=0, lr=0.05
    )
    net.fit(X, noise)
    assert net.n_iter_ < 60 and len(net.history_["val_loss"]) == net.n_iter_
    watched = Classifier(callbacks=nn.EarlyStopping(), validation_fraction=0.3, random_state=0, lr=0.05)
    assert watched.fit(X, noise).n_iter_ < 60 and len(watched.history_["val_loss"]) == watched.n_iter_
    saved = nn.ModelCheckpoint(tmp_path / "net.safetensors", save_best_only=False)  # watches nothing
    assert "val_loss" not in Classifier(callbacks=saved, max_epochs=1).fit(X, noise).history_
    stop = nn.EarlyStopping("loss", patience=2, min_delta=10.0)
    assert Regressor(callbacks=stop, random_state=0).fit(X, Y).n_iter_ == 3 and stop.best_epoch is None


# -- at home ---------------------------------------------------------------------------------------


def test_pandas_in() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    net = Regressor(random_state=0, max_epochs=3).fit(frame, pandas.Series(Y))
    assert net.feature_names_in_.tolist() == list("abcd")
    assert (net.predict(frame) == Regressor(random_state=0, max_epochs=3).fit(X, Y).predict(X)).all()


def test_images_for_a_module_of_ones_own() -> None:
    class Net(nn.Sequential):
        def __init__(self, width: int, out_features: int) -> None:
            super().__init__(
                nn.Conv2d(1, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, out_features)
            )

    images, digits = load_digits(return_X_y=True)
    images = (images.reshape(-1, 1, 8, 8) / 16)[:300].astype(np.float32)
    net = Classifier(Net, module__width=4, random_state=0, max_epochs=20).fit(images, digits[:300])
    assert net.score(images, digits[:300]) > 0.9


def test_a_pipeline_and_a_search() -> None:
    features, classes = load_iris(return_X_y=True)
    net = make_pipeline(StandardScaler(), Classifier(random_state=0, max_epochs=20, lr=0.02))
    assert cross_val_score(net, features, classes, cv=3).mean() > 0.9
    search = GridSearchCV(
        net, {"classifier__module__hidden": [(), (8,)], "classifier__lr": [1e-5, 0.02]}, cv=2
    )
    search.fit(features, classes)
    assert search.best_params_["classifier__lr"] == 0.02 and search.best_score_ > 0.85


@pytest.mark.slow
def test_a_search_on_the_digits_in_processes() -> None:
    images, digits = load_digits(return_X_y=True)
    net = Classifier(random_state=0, max_epochs=30)
    grid = {"module__hidden": [(), (50,)], "optimizer__weight_decay": [0.0, 1e-3]}
    search = GridSearchCV(net, grid, cv=3, n_jobs=2).fit(images / 16, digits)
    assert search.best_params_["module__hidden"] == (50,) and search.best_score_ > 0.93
