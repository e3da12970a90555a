import math

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import AnomalyError, DataError, DTypeError, OptionError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def trainer(seed=0, lr=0.05, metrics=("accuracy",), callbacks=()):
    nn.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, metrics, callbacks)


def test_a_model_learns_and_the_history_says_so():
    t = trainer()
    history = t.fit(X, Y, epochs=60, batch_size=10, validation_data=(X[:20], Y[:20]))
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 60 for values in history.values())
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert history["accuracy"][-1] >= 0.96
    measured = t.evaluate(X[:20], Y[:20])
    assert measured["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-6)
    assert measured["accuracy"] == history["val_accuracy"][-1]


def test_the_same_seed_gives_the_same_numbers_to_the_bit():
    histories, weights = [], []
    for seed in (1, 1, 2):
        t = trainer(seed)
        histories.append(t.fit(X, Y, epochs=3, batch_size=8, validation_data=(X, Y)))
        weights.append(t.model.state_dict()["0.weight"])
    assert histories[0] == histories[1] != histories[2]
    np.testing.assert_array_equal(weights[0], weights[1])


def test_fit_is_the_loop_one_would_write():
    t = trainer(metrics=())
    history = t.fit(X, Y, epochs=2, batch_size=20, shuffle=False)
    twin = trainer()
    losses = []
    for _ in range(2):
        for i in (0, 20, 40):
            x, y = X[i : i + 20].astype(np.float32), Y[i : i + 20]
            twin.optimizer.zero_grad()
            loss = twin.loss(twin.model(x), y)
            loss.backward()
            twin.optimizer.step()
            losses.append(loss.item())
    for p, q in zip(t.model.parameters(), twin.model.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
    means = [(20 * a + 20 * b + 10 * c) / 50 for a, b, c in (losses[:3], losses[3:])]
    assert history["loss"] == pytest.approx(means, rel=1e-12)


@pytest.mark.parametrize("batch_size", [1, 7, 50, 1000])
def test_evaluate_and_predict_do_not_depend_on_the_batches(batch_size):
    t = trainer()
    outputs = t.predict(X, batch_size)
    assert type(outputs) is np.ndarray
    with ag.no_grad():
        expected = t.model(X.astype(np.float32)).numpy()
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    measured = t.evaluate(X, Y, batch_size)
    assert measured["accuracy"] == (expected.argmax(axis=1) == Y).mean()
    assert measured["loss"] == pytest.approx(t.loss(expected, Y), rel=1e-5)


class Mode(nn.Module):
    """Remembers in which mode it was called."""

    def __init__(self):
        self.weight = nn.Parameter(np.ones(1, np.float32))
        self.seen = []

    def forward(self, x):
        self.seen.append((self.training, ag.is_recording()))
        return x * self.weight


def test_training_and_evaluation_modes():
    model = Mode()
    t = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters()))
    t.fit(np.ones((2, 1)), np.ones((2, 1)), validation_data=(np.ones((2, 1)), np.ones((2, 1))))
    t.predict(np.ones((2, 1)))
    assert model.seen == [(True, True), (False, False), (False, False)]
    assert model.training  # as it was before


def test_metrics_by_function_see_the_whole_set():
    sizes = []

    def spread(output, target):
        sizes.append((output.shape, target.shape))
        return np.ptp(output)

    t = trainer(metrics=[spread, "accuracy"])
    history = t.fit(X, Y, epochs=1, batch_size=16)
    assert list(history) == ["loss", "spread", "accuracy"]
    assert list(t.evaluate(X, Y, batch_size=16)) == ["loss", "spread", "accuracy"]
    assert sizes == [((50, 2), (50,))] * 2
    with pytest.raises(OptionError, match="nn.metrics has accuracy"):
        trainer(metrics=["acuracy"])


def test_accuracy():
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    assert nn.metrics.accuracy(scores, np.array([1, 1, 1])) == pytest.approx(2 / 3)
    assert nn.metrics.accuracy(scores, np.array([[0.0, 1.0], [1.0, 0.0], [0.4, 0.6]])) == 1
    with pytest.raises(ShapeError, match=r"\(3, 2\) and target \(3, 1\)"):
        nn.metrics.accuracy(scores, np.array([[1], [1], [1]]))


class Recorder(nn.Callback):
    """Writes down what it is told, and stops after an epoch."""

    def __init__(self, last):
        self.last, self.calls = last, []

    def on_train_begin(self, epochs, steps):
        self.calls.append(("begin", epochs, steps))

    def on_batch_end(self, step, loss):
        assert math.isfinite(loss)
        self.calls.append(("batch", step))

    def on_epoch_end(self, epoch, logs):
        assert set(logs) == {"loss", "accuracy"}
        self.calls.append(("epoch", epoch))
        self.trainer.stop_training = epoch == self.last

    def on_train_end(self):
        self.calls.append(("end",))


def test_callbacks_are_told_and_can_stop():
    recorder = Recorder(last=1)
    history = trainer(callbacks=[recorder]).fit(X, Y, epochs=5, batch_size=25)
    epoch = [("batch", 0), ("batch", 1)]
    assert recorder.calls == [
        ("begin", 5, 2), *epoch, ("epoch", 0), *epoch, ("epoch", 1), ("end",),
    ]  # fmt: skip
    assert len(history["loss"]) == 2


def test_inputs_take_the_dtype_of_the_model_and_lists_and_tensors_are_fine():
    t = trainer()
    assert t.predict(X).dtype == np.float32
    expected = t.evaluate(X, Y)
    assert t.evaluate(X.tolist(), Y.tolist()) == t.evaluate(ag.Tensor(X), ag.Tensor(Y)) == expected
    t.model.double()
    assert t.predict(X.astype(np.float32)).dtype == np.float64


def test_a_loss_of_nan_stops_with_the_place_and_the_parameters_of_before():
    t = trainer()
    bad = X.copy()
    bad[33] = np.nan
    before = None

    class Watch(nn.Callback):
        def on_batch_end(self, step, loss):
            nonlocal before
            before = t.model.state_dict()

    t.callbacks = [Watch()]
    with pytest.raises(AnomalyError, match=r"nan at epoch 1, step 4;.*X has NaN in row 33"):
        t.fit(bad, Y, epochs=3, batch_size=10, shuffle=False)
    for name, value in t.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: t.fit(X[:0], Y[:0]), DataError, r"X has shape \(0, 2\), there are no samples"),
        (lambda t: t.fit(X, Y[:-1]), ShapeError, r"X has shape \(50, 2\) and y \(49,\)"),
        (lambda t: t.fit(1.0, 2.0), ShapeError, "along the first axes"),
        (lambda t: t.fit(X, Y, epochs=0), ValueError, "epochs=0"),
        (lambda t: t.fit(X, Y, batch_size=0), ValueError, "batch_size=0"),
        (lambda t: t.fit(X, Y, validation_data=X), DTypeError, "pair"),
        (lambda t: t.fit(X, Y, validation_data=(X, Y[:3])), ShapeError, "validation_data"),
        (lambda t: t.fit(X, Y, validation_data=(X[:0], Y[:0])), DataError, "validation_data"),
        (lambda t: t.fit(X[:, :1], Y), ShapeError, r"Sequential\.0 \(Linear"),
        (lambda t: t.evaluate(X, Y[:3]), ShapeError, "evaluate"),
        (lambda t: t.predict(X[:0]), DataError, "predict"),
    ],
)
def test_mistakes_are_told_and_change_nothing(call, error, message, capsys):
    t = trainer()
    before = t.model.state_dict()
    with pytest.raises(error, match=message):
        call(t)
    for name, value in t.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert capsys.readouterr().out == ""


def test_a_loss_that_is_not_a_number():
    t = trainer()
    t.loss = nn.CrossEntropyLoss(reduction="none")
    with pytest.raises(ShapeError, match=r"the loss has shape \(32,\).*reduction='mean'"):
        t.fit(X, Y)


# -- loaders, splits, and batches that count as one ------------------------------------------------


def weights(t):
    return np.concatenate([p.numpy().ravel() for p in t.model.parameters()])


def test_arrays_a_dataset_and_a_loader_are_the_same_data():
    held = X[:20], Y[:20]
    plain = trainer()
    expected = plain.fit(X, Y, epochs=2, batch_size=16, validation_data=held)
    pairs = nn.TensorDataset(X, Y)
    dataset = trainer()
    assert dataset.fit(pairs, epochs=2, batch_size=16, validation_data=nn.TensorDataset(*held)) == expected
    loader = trainer()
    batches = nn.DataLoader(pairs, 16, shuffle=True)
    held = nn.DataLoader(list(zip(*held, strict=True)), 7)
    history = loader.fit(batches, epochs=2, validation_data=held)
    for name in expected:
        assert history[name] == pytest.approx(expected[name], rel=1e-6)
    np.testing.assert_array_equal(weights(loader), weights(plain))
    assert loader.evaluate(batches) == pytest.approx(plain.evaluate(X, Y), rel=1e-5)
    np.testing.assert_allclose(loader.predict(pairs), plain.predict(X), rtol=1e-6)
    np.testing.assert_allclose(loader.predict(nn.DataLoader(list(X), 4)), plain.predict(X), rtol=1e-5)


@pytest.mark.parametrize(("batch_size", "accumulate"), [(10, 5), (25, 2), (7, 8), (8, 100)])
def test_accumulated_batches_are_one_big_batch(batch_size, accumulate):
    big, small = (trainer(metrics=()) for _ in range(2))
    big.model.double(), small.model.double()
    losses = big.fit(X, Y, epochs=3, batch_size=50, shuffle=False)
    recorder = Steps()
    small.callbacks = [recorder]
    history = small.fit(X, Y, epochs=3, batch_size=batch_size, shuffle=False, accumulate=accumulate)
    assert recorder.steps == [1, [0, 0, 0]]
    assert history["loss"] == pytest.approx(losses["loss"], rel=1e-12)
    # Adam divides by sqrt(v), so that the rounding of a sum shows in the last digits of a step.
    np.testing.assert_allclose(weights(small), weights(big), rtol=1e-9, atol=1e-12)


class Steps(nn.Callback):
    """How many steps were announced, and which were made."""

    def on_train_begin(self, epochs, steps):
        self.steps = [steps, []]

    def on_batch_end(self, step, loss):
        self.steps[1].append(step)


def test_the_rest_of_an_epoch_is_a_step_too():
    recorder = Steps()
    trainer(callbacks=[recorder]).fit(X, Y, batch_size=10, accumulate=2)
    assert recorder.steps == [3, [0, 1, 2]]


def test_a_part_at_the_end_is_kept_for_validation():
    history = trainer().fit(X, Y, epochs=2, validation_split=0.3)
    assert history == trainer().fit(X[:35], Y[:35], epochs=2, validation_data=(X[35:], Y[35:]))
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: t.fit(X, Y, validation_split=1), OptionError, "50 samples, 0 are left for training"),
        (lambda t: t.fit(X, Y, validation_split=1e-30), OptionError, "50 are left for training and 0 for"),
        (lambda t: t.fit(X, Y, validation_split="0.2"), OptionError, r"fit\(validation_split='0\.2'\)"),
        (lambda t: t.fit(X, Y, validation_split=0.2, validation_data=(X, Y)), OptionError, "leave it out"),
        (lambda t: t.fit(nn.TensorDataset(X, Y), validation_split=0.2), OptionError, "arrays X and y alone"),
        (lambda t: t.fit(X, Y, accumulate=0), OptionError, r"fit\(accumulate=0\)"),
        (lambda t: t.fit(nn.DataLoader(nn.TensorDataset(X), 4)), DTypeError, "1 parts, expected a pair"),
        (lambda t: t.fit(nn.DataLoader([{"x": x} for x in X], 4)), DTypeError, "a dict, expected a pair"),
        (lambda t: t.fit(nn.DataLoader([], 4)), DataError, "fit: there are no batches"),
        (lambda t: t.fit(nn.DataLoader([X[0]], 4, drop_last=True)), DataError, "of 1 samples"),
        (lambda t: t.fit(X), DTypeError, "fit: y is None"),
        (lambda t: t.evaluate(X), DTypeError, "evaluate: y is None"),
        (lambda t: t.predict(nn.TensorDataset(X[:0])), DataError, "predict"),
    ],
)
def test_mistakes_with_loaders_and_splits(call, error, message):
    t = trainer()
    with pytest.raises(error, match=message):
        call(t)


class Stream(nn.data.IterableDataset):
    """Pairs, one after another; nobody knows how many."""

    def __init__(self, n=50):
        self.n = n

    def __iter__(self):
        return iter(zip(X[: self.n], Y[: self.n], strict=True))


def test_a_stream_is_data_too(capsys, monkeypatch):
    steps, plain = Steps(), trainer()
    expected = plain.fit(X, Y, epochs=2, batch_size=20, shuffle=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    streamed = trainer(callbacks=[steps])
    history = streamed.fit(nn.DataLoader(Stream(), 20), epochs=2)
    assert history == expected
    assert steps.steps == [0, [0, 1, 2, 0, 1, 2]]
    assert streamed.evaluate(Stream(), batch_size=20) == plain.evaluate(X, Y, batch_size=20)
    with pytest.raises(DataError, match="no batches"):
        trainer().fit(nn.DataLoader(Stream(0), 20))


def test_a_model_that_returns_more_than_its_output():
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    model = nn.Sequential(nn.Linear(2, 2), Pair())
    t = nn.Trainer(model, nn.CrossEntropyLoss(), nn.optim.SGD(model.parameters()))
    for call in (t.fit, t.evaluate):
        with pytest.raises(DTypeError, match="Sequential returned a tuple, a Trainer expects one Tensor"):
            call(X, Y)


def test_a_nan_in_a_batch_of_a_loader():
    samples = list(zip(X, Y, strict=True))
    samples[12] = (X[12] * np.nan, Y[12])
    with pytest.raises(AnomalyError, match=r"epoch 1, step 2;.*X has NaN in row 2 of this batch"):
        trainer().fit(nn.DataLoader(samples, 10))


# -- schedules, clipping, line searches ------------------------------------------------------------

RATES = nn.optim.lr_scheduler


def scheduled(make, lr=0.1, **options):
    nn.manual_seed(0)
    model = nn.Linear(2, 2)
    optimizer = nn.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, scheduler=make(optimizer), **options)


class Rates(nn.Callback):
    """The rate after each step."""

    def on_train_begin(self, epochs, steps):
        self.rates = []

    def on_batch_end(self, step, loss):
        self.rates.append(self.trainer.optimizer.param_groups[0]["lr"])


def test_a_schedule_steps_after_each_epoch():
    rates = Rates()
    t = scheduled(lambda o: RATES.ExponentialLR(o, 0.5), callbacks=rates)
    history = t.fit(X, Y, epochs=3, batch_size=25)
    assert history["learning_rate"] == [0.1, 0.05, 0.025]
    assert rates.rates == [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]


def test_one_cycle_steps_after_each_step_and_others_if_asked():
    rates, steps = Rates(), 6
    t = scheduled(lambda o: RATES.OneCycleLR(o, 0.4, total_steps=steps), callbacks=rates)
    t.fit(X, Y, epochs=3, batch_size=25)
    by_hand = scheduled(lambda o: RATES.OneCycleLR(o, 0.4, total_steps=steps))
    expected = []
    for _ in range(steps):
        by_hand.optimizer.step()
        by_hand.scheduler.step()
        expected.append(by_hand.scheduler.get_last_lr()[0])
    assert rates.rates == expected
    t = scheduled(lambda o: RATES.LinearLR(o, 0.5, total_iters=4), scheduler_interval="step", callbacks=rates)
    t.fit(X, Y, epochs=1, batch_size=10)
    assert rates.rates == pytest.approx([0.0625, 0.075, 0.0875, 0.1, 0.1])


@pytest.mark.parametrize(
    ("monitor", "mode", "held", "watched"),
    [
        (None, "min", True, "val_loss"),
        (None, "min", False, "loss"),
        ("accuracy", "max", True, "accuracy"),
    ],
)
def test_a_plateau_is_told_the_number_that_it_watches(monitor, mode, held, watched):
    seen = []

    class Watching(RATES.ReduceLROnPlateau):
        def step(self, metrics, epoch=None):
            seen.append(metrics)
            super().step(metrics, epoch)

    t = scheduled(lambda o: Watching(o, mode), monitor=monitor, metrics="accuracy")
    history = t.fit(X, Y, epochs=3, validation_data=(X[:9], Y[:9]) if held else None)
    assert seen == history[watched]


def test_what_is_no_schedule_of_this_optimizer():
    other = nn.optim.SGD(nn.Linear(1, 1).parameters())
    for make, options, error, message in [
        (lambda o: "cosine", {}, DTypeError, "the scheduler is 'cosine'; write nn.optim.lr_scheduler"),
        (lambda o: RATES.StepLR(other, 1), {}, OptionError, "to another optimizer"),
        (lambda o: RATES.StepLR(o, 1), {"scheduler_interval": "batch"}, OptionError, '"epoch" or "step"'),
        (RATES.ReduceLROnPlateau, {"scheduler_interval": "step"}, OptionError, "watches epochs"),
        (RATES.ReduceLROnPlateau, {"clip_grad_norm": -1}, OptionError, r"Trainer\(clip_grad_norm=-1\)"),
    ]:
        with pytest.raises(error, match=message):
            scheduled(make, **options)
    with pytest.raises(OptionError, match="monitor one of loss, learning_rate"):
        scheduled(RATES.ReduceLROnPlateau, monitor="val_loss").fit(X, Y)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_gradients_are_clipped_before_the_step(accumulate):
    nn.manual_seed(0)
    model = nn.Linear(2, 2).double()
    before = model.state_dict()
    t = nn.Trainer(
        model, nn.CrossEntropyLoss(), nn.optim.SGD(model.parameters(), lr=1.0), clip_grad_norm=1e-3
    )
    t.fit(X, Y, batch_size=50 // accumulate, accumulate=accumulate)
    moved = np.concatenate([(before[name] - x).ravel() for name, x in model.state_dict().items()])
    assert np.linalg.norm(moved) == pytest.approx(1e-3, rel=1e-3)  # the 1e-6 of the formula


def test_an_optimizer_with_a_line_search():
    nn.manual_seed(0)
    model = nn.Linear(2, 1).double()
    optimizer = nn.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    targets = X @ np.array([[2.0], [-1.0]]) + 0.5
    t = nn.Trainer(model, nn.MSELoss(), optimizer)
    history = t.fit(X, targets, epochs=3, batch_size=50)
    assert history["loss"][-1] < 1e-8
    np.testing.assert_allclose(model.weight.numpy(), [[2.0, -1.0]], atol=1e-3)


# -- what is shown ---------------------------------------------------------------------------------


def test_a_few_aligned_lines_where_there_is_no_terminal(capsys):
    trainer().fit(X, Y, epochs=40, validation_data=(X, Y))
    lines = capsys.readouterr().out.splitlines()
    assert 8 <= len(lines) <= 12
    assert lines[0].startswith("epoch  1/40  loss ")
    assert lines[-1].startswith("epoch 40/40  loss ")
    assert "val_accuracy" in lines[-1]
    assert len(set(map(len, lines))) == 1


def test_quiet_if_asked(capsys):
    trainer().fit(X, Y, epochs=2, verbose=False)
    assert capsys.readouterr() == ("", "")


def test_lines_tell_the_minutes_that_are_left(capsys, monkeypatch):
    ticks = iter(range(0, 10_000, 90))  # seconds: an epoch takes a minute and a half
    monkeypatch.setattr("nn.training.progress.time.perf_counter", lambda: next(ticks))
    trainer().fit(X, Y, epochs=3, batch_size=25)
    ends = [
        line.partition("  ")[2].partition("accuracy ")[2][6:] for line in capsys.readouterr().out.splitlines()
    ]
    assert ends == ["  3 min to the end", "  2 min to the end", ""]


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    trainer().fit(X, Y, epochs=3, batch_size=25)
    out, err = capsys.readouterr()
    assert [line.split("  ")[0] for line in out.splitlines()] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "accuracy" in out
    assert "/2" in err  # the bar of the steps of an epoch
    assert "epoch 1/3" in err


def test_the_bar_shows_loss_metrics_rate_and_time_left(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("tqdm.tqdm.update", lambda bar, n=1: bar.display() or True)  # at every step

    loss = Shown()
    trainer(callbacks=[loss]).fit(X, Y, epochs=1, batch_size=10)
    shown = capsys.readouterr().err
    assert f"loss {np.mean(loss.losses[:4]):.4f}  accuracy " in shown  # of the steps so far
    assert "step/s" in shown and "to the end" in shown


def test_a_metric_of_whole_sets_alone_is_left_out_of_the_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("tqdm.tqdm.update", lambda bar, n=1: bar.display() or True)

    def whole(output, target):
        if len(output) < 50:
            raise ValueError("too few")
        return 0.25

    trainer(metrics=[whole]).fit(X, Y, epochs=1, batch_size=10)
    out, err = capsys.readouterr()
    assert "whole 0.2500" in out and "whole" not in err


class Shown(nn.Callback):
    def on_train_begin(self, epochs, steps):
        self.losses = []

    def on_batch_end(self, step, loss):
        self.losses.append(loss)


def test_a_trainer_wants_parts_that_belong_together():
    model = nn.Linear(2, 2)
    adam = nn.optim.Adam(model.parameters())
    with pytest.raises(OptionError, match=r"nn\.optim\.Adam\(model\.parameters\(\), \.\.\.\)"):
        nn.Trainer(nn.Linear(2, 2), nn.CrossEntropyLoss(), adam)
    with pytest.raises(DTypeError, match=r"write CrossEntropyLoss\(\)"):
        nn.Trainer(model, nn.CrossEntropyLoss, adam)
    with pytest.raises(DTypeError, match=r"model\.parameters\(\)"):
        nn.Trainer(model, nn.CrossEntropyLoss(), "adam")
    assert list(nn.Trainer(model, nn.CrossEntropyLoss(), adam, metrics="accuracy").metrics) == ["accuracy"]


def test_accuracy_of_one_column_is_refused():
    with pytest.raises(ShapeError, match="one column"):
        nn.metrics.accuracy(np.ones((5, 1)), np.zeros(5, int))
