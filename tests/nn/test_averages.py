"""Averages over batches equal those over all samples, for every batch size."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import ShapeError
from nn import functional, metrics

RNG = np.random.default_rng(0)
X = RNG.normal(size=(53, 4))
CLASSES = RNG.integers(0, 3, 53)
SOME = np.where(RNG.random(53) < 0.4, 2, CLASSES)
WEIGHT = np.array([0.2, 1.0, 7.0])
TOKENS = RNG.integers(0, 3, (53, 5))
Y = RNG.normal(size=(53, 3))


class Tokens(nn.Module):
    """Scores (N, 3, 5) for five tokens of each sample."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 15)

    def forward(self, x: Any) -> Any:
        return self.inner(x).reshape(len(x), 3, 5)


def net(cls: Any = None) -> nn.Module:
    nn.manual_seed(3)
    return (Tokens() if cls else nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))).double()


def trainer(loss: Any, model: nn.Module | None = None, **options: Any) -> nn.Trainer:
    model = model or net()
    return nn.Trainer(model, loss, nn.optim.SGD(model.parameters(), lr=0.1), **options)


LOSSES: dict[str, tuple[Any, Any]] = {
    "weights": (nn.CrossEntropyLoss(weight=WEIGHT), CLASSES),
    "ignored": (nn.CrossEntropyLoss(ignore_index=2), SOME),
    "weights and ignored": (nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=2), SOME),
    "smoothing, weights and ignored": (
        nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=2, label_smoothing=0.1),
        SOME,
    ),
    "a function": (partial(functional.cross_entropy, weight=WEIGHT, ignore_index=1), CLASSES),
    "a lambda": (lambda o, t: functional.cross_entropy(o, t, weight=WEIGHT), CLASSES),
    "log-probabilities": (lambda o, t: functional.nll_loss(ag.log_softmax(o), t, weight=WEIGHT), CLASSES),
    "half of it": (lambda o, t: 0.5 * functional.cross_entropy(o, t, weight=WEIGHT), CLASSES),
    "tokens": (nn.CrossEntropyLoss(ignore_index=0), TOKENS),
    "a sum": (nn.CrossEntropyLoss(reduction="sum", weight=WEIGHT), CLASSES),
    "a sum of squares": (nn.MSELoss(reduction="sum"), Y),
    "plain": (nn.CrossEntropyLoss(), CLASSES),
    "squares": (nn.MSELoss(), Y),
    "Huber": (nn.HuberLoss(), Y),
    "of one's own": (lambda o, t: ((o - t) ** 4).mean(), Y),
    "a sum of one's own, divided": (lambda o, t: functional.mse_loss(o, t, reduction="sum") / len(t), Y),
    "divergence": (nn.KLDivLoss(reduction="batchmean"), np.abs(Y)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_evaluate_gives_the_loss_of_all_samples(name: str) -> None:
    loss, y = LOSSES[name]
    model = net("tokens" if y is TOKENS else None)
    expected = float(loss(model(X), ag.Tensor(y)).item())
    for size in (1, 7, 50, 53):
        with np.errstate(invalid="ignore"):  # 0 / 0 where all targets of a batch are ignored
            found = trainer(loss, model).evaluate(X, y, batch_size=size)["loss"]
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("batch", "accumulate"), [(10, 4), (7, 3), (20, 4)])
def test_accumulated_batches_are_one_big_batch(name: str, batch: int, accumulate: int) -> None:
    """The last step has fewer batches, and the last batch fewer samples."""
    loss, y = LOSSES[name]
    models = []
    for size, count in ((batch, accumulate), (batch * accumulate, 1)):
        models.append(net("tokens" if y is TOKENS else None))
        one = nn.Trainer(
            models[-1], loss, nn.optim.SGD(models[-1].parameters(), lr=0.01, momentum=0.9), clip_grad_norm=5.0
        )
        history = one.fit(X, y, epochs=2, batch_size=size, accumulate=count, shuffle=False, verbose=False)
    for p, q in zip(*(model.parameters() for model in models), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-9, atol=1e-12)
    assert len(history["loss"]) == 2


@pytest.mark.parametrize("name", ["weights", "ignored", "a sum", "tokens", "squares"])
def test_the_loss_of_an_epoch_is_weighed_alike(name: str) -> None:
    """With a rate of 0 the model stays, so that training and validation see the same."""
    loss, y = LOSSES[name]
    model = net("tokens" if y is TOKENS else None)
    still = nn.Trainer(model, loss, nn.optim.SGD(model.parameters(), lr=0.0))
    history = still.fit(X, y, batch_size=9, validation_data=(X, y), accumulate=2, verbose=False)
    assert history["loss"][0] == pytest.approx(history["val_loss"][0], rel=1e-12)
    assert history["loss"][0] == pytest.approx(float(loss(model(X), ag.Tensor(y)).item()), rel=1e-12)


def test_batches_without_a_target_that_counts_have_no_say() -> None:
    y = np.concatenate([np.full(20, -100), CLASSES[20:]])
    loss = nn.CrossEntropyLoss()
    model = net()
    with np.errstate(invalid="ignore"):
        assert trainer(loss, model).evaluate(X, y, batch_size=5)["loss"] == pytest.approx(
            float(loss(model(X), y).item())
        )
        start = model.state_dict()
        history = trainer(loss, model).fit(X, y, 2, batch_size=5, accumulate=2, shuffle=False, verbose=False)
        one = net()
        expected = trainer(loss, one).fit(X[20:], y[20:], 2, batch_size=10, shuffle=False, verbose=False)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-9)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(value, one.state_dict()[name], rtol=1e-9)
        assert not np.array_equal(value, start[name])


# -- metrics ---------------------------------------------------------------------------------------


def mine(output: Any, target: Any) -> float:
    return 1.0


def also_mine() -> Any:
    def mine(output: Any, target: Any) -> float:
        return 2.0

    return mine


def loss(output: Any, target: Any) -> float:
    return -1.0


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (
            [partial(metrics.top_k_accuracy, k=1), partial(metrics.top_k_accuracy, k=2)],
            ["top_k_accuracy(k=1)", "top_k_accuracy(k=2)"],
        ),
        ([partial(metrics.f1, average="macro")], ["f1"]),
        (
            ["accuracy", *(partial(metrics.f1, average=a) for a in ("macro", "micro"))],
            ["accuracy", "f1(average=macro)", "f1(average=micro)"],
        ),
        ([mine, also_mine()], ["mine", "mine_2"]),
        (["accuracy", metrics.accuracy], ["accuracy"]),
        ([lambda o, t: 1.0, lambda o, t: 2.0], ["<lambda>", "<lambda>_2"]),
        ([loss], ["loss_2"]),
    ],
)
def test_metrics_of_one_name_all_stay(given: Any, names: list[str]) -> None:
    one = trainer(nn.CrossEntropyLoss(), metrics=given)
    found = one.evaluate(X, CLASSES)
    assert list(found) == ["loss", *names]
    history = one.fit(X, CLASSES, 1, validation_data=(X, CLASSES), verbose=False)
    assert list(history) == ["loss", *names, "val_loss", *(f"val_{name}" for name in names)]
    assert found["loss"] > 0


def test_each_of_several_metrics_is_measured() -> None:
    ks = [partial(metrics.top_k_accuracy, k=k) for k in (1, 2)]
    one = trainer(nn.CrossEntropyLoss(), metrics=ks)
    output = one.predict(X)
    found = one.evaluate(X, CLASSES, batch_size=7)
    assert found["top_k_accuracy(k=1)"] == metrics.top_k_accuracy(output, CLASSES, k=1)
    assert found["top_k_accuracy(k=2)"] == metrics.top_k_accuracy(output, CLASSES, k=2)


def test_callbacks_know_a_metric_with_options() -> None:
    ks = [partial(metrics.top_k_accuracy, k=k) for k in (1, 2)]
    stop = nn.EarlyStopping(monitor="val_top_k_accuracy(k=1)", patience=1)
    one = trainer(nn.CrossEntropyLoss(), metrics=ks, callbacks=stop)
    one.fit(X, CLASSES, 3, validation_data=(X, CLASSES), verbose=False)
    assert stop.best >= one.history["val_top_k_accuracy(k=1)"][0]


@pytest.mark.parametrize("size", [1, 7, 50, 53])
def test_metrics_are_those_of_all_samples(size: int) -> None:
    """F1, precision and perplexity are no means over batches."""
    several = [
        "accuracy",
        "perplexity",
        *(partial(f, average="macro") for f in (metrics.f1, metrics.precision)),
    ]
    one = trainer(nn.CrossEntropyLoss(), metrics=several)
    output, found = one.predict(X), one.evaluate(X, CLASSES, batch_size=size)
    assert found["f1"] == metrics.f1(output, CLASSES, average="macro")
    assert found["precision"] == metrics.precision(output, CLASSES, average="macro")
    assert found["perplexity"] == pytest.approx(metrics.perplexity(output, CLASSES), rel=1e-12)


# -- sequences of several lengths ------------------------------------------------------------------


def sequences(last: bool) -> tuple[Any, list[Any], list[Any]]:
    """Batches of sequences of 5, 3 and 4 steps with 3 classes, and a model for them."""
    rng = np.random.default_rng(1)
    xs = [rng.normal(size=(4, n, 2)) for n in (5, 3, 4)]
    ts = [rng.integers(0, 3, (4, n)) for n in (5, 3, 4)]

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 3)

        def forward(self, x: Any) -> Any:
            y = self.inner(x)
            return y if last else np.moveaxis(y, 2, 1)

    nn.manual_seed(0)
    return Net().double(), xs, ts


@pytest.mark.parametrize("last", [False, True], ids=["(N, C, T)", "(N, T, C)"])
def test_of_batches_of_several_lengths_each_entry_is_a_sample(last: bool) -> None:
    model, xs, ts = sequences(last)
    batches = nn.DataLoader(list(zip(xs, ts, strict=True)), batch_size=None)

    def loss(output: Any, target: Any) -> Any:
        return functional.cross_entropy(np.moveaxis(output, 2, 1) if last else output, target)

    one = trainer(loss, model, metrics=["accuracy", partial(metrics.f1, average="macro"), "perplexity"])
    found = one.evaluate(batches)
    rows = np.concatenate([model.inner(x).numpy().reshape(-1, 3) for x in xs])
    targets = np.concatenate([t.reshape(-1) for t in ts])
    assert found["accuracy"] == metrics.accuracy(rows, targets)
    assert found["f1"] == metrics.f1(rows, targets, average="macro")
    assert found["loss"] == pytest.approx(functional.cross_entropy(rows, targets).item(), rel=1e-12)
    assert found["perplexity"] == pytest.approx(np.exp(found["loss"]), rel=1e-12)
    assert np.isfinite(one.fit(batches, epochs=2, verbose=False)["accuracy"]).all()


def test_shapes_that_are_no_single_array_are_said() -> None:
    model = nn.Linear(2, 2).double()
    batches = [(np.ones((4, n, 2)), np.ones((n, 4))) for n in (3, 5)]
    one = trainer(lambda o, t: o.mean(), model, metrics=[mine])
    with pytest.raises(ShapeError, match=r"\(4, 3, 2\) with \(3, 4\).*pad_sequence"):
        one.evaluate(nn.DataLoader(batches, batch_size=None))
    with pytest.raises(ShapeError, match=r"predict: .*\(4, 3, 2\), \(4, 5, 2\)"):
        one.predict(nn.DataLoader(batches, batch_size=None))
