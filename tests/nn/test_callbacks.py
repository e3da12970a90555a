"""Callbacks of a training run: they stop it, save it, write it down."""

import csv
import math
import sys

import numpy as np
import pytest

import nn
from autograd_lite.errors import FileError, MissingPackageError, OptionError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def trainer(callbacks=(), lr=0.05, seed=0, **options):
    nn.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)
    return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", callbacks, **options)


class Told(nn.Callback):
    """Writes other numbers into the logs, and notes the weights of each epoch."""

    def __init__(self, **numbers):
        self.numbers, self.weights = numbers, []

    def on_epoch_end(self, epoch, logs):
        logs.update({name: values[epoch] for name, values in self.numbers.items()})
        self.weights.append(self.trainer.model.state_dict())


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


# -- early stopping --------------------------------------------------------------------------------

NAN = math.nan


@pytest.mark.parametrize(
    ("numbers", "options", "stopped", "best"),
    [
        # patience epochs without a better number than the best
        ([3, 2, 4, 2, 2, 1, 0], dict(patience=3), 4, 1),
        ([3, 2, 4, 1, 2, 2, 2], dict(patience=3), 6, 3),
        ([3, 2, 1, 0, -1, -2, -3], dict(patience=1), None, 6),
        ([3, 4, 0, 0, 0, 0, 0], dict(patience=0), 1, 0),
        ([3, 3, 3, 0, 0, 0, 0], dict(patience=1), 1, 0),
        # better by more than min_delta
        ([3, 2.6, 2.2, 1.8, 1.4, 1, 0], dict(patience=2, min_delta=0.5), None, 6),
        ([3, 2.5, 2.5, 9, 9, 9, 9], dict(patience=2, min_delta=0.5), 2, 0),
        ([1, 2, 2, 2, 3, 3, 3], dict(patience=2, mode="max"), 3, 1),
        # a NaN is never better
        ([NAN, NAN, 5, 4, NAN, NAN, 1], dict(patience=3), None, 6),
        ([NAN, 5, NAN, NAN, 4, 3, 2], dict(patience=2), 3, 1),
    ],
)
def test_when_it_stops_and_what_it_restores(numbers, options, stopped, best):
    told, stopping = Told(val_loss=numbers), nn.EarlyStopping(**options)
    t = trainer([told, stopping])
    t.fit(X, Y, epochs=7, verbose=False)
    assert (stopping.stopped_epoch, stopping.best_epoch) == (stopped, best)
    assert stopping.best == numbers[best]
    assert t.epoch == (7 if stopped is None else stopped + 1)
    assert same(t.model.state_dict(), told.weights[best])


def test_the_last_weights_may_stay():
    told = Told(val_loss=[1, 2, 3])
    t = trainer([told, nn.EarlyStopping(patience=2, restore_best_weights=False)])
    t.fit(X, Y, epochs=3, verbose=False)
    assert same(t.model.state_dict(), told.weights[2])
    assert not same(told.weights[0], told.weights[2])


def test_it_begins_anew_with_each_run():
    stopping = nn.EarlyStopping("loss", patience=2, min_delta=1e-5)  # shuffled batches round differently
    t = trainer(stopping)
    t.fit(X, Y, epochs=3, verbose=False)
    first = stopping.best
    t.optimizer.param_groups[0]["lr"] = 0.0
    t.fit(X, 1 - Y, epochs=4, verbose=False)
    assert stopping.best > first
    assert stopping.stopped_epoch == 2


def test_after_an_error_the_weights_are_those_that_the_message_speaks_of():
    told = Told(val_loss=[1.0, 2.0, 3.0])

    class Failing(nn.Callback):
        def on_batch_end(self, step, loss):
            if self.trainer.epoch == 2:
                raise KeyboardInterrupt

    t = trainer([told, nn.EarlyStopping(patience=5), Failing()])
    with pytest.raises(KeyboardInterrupt):
        t.fit(X, Y, epochs=3, verbose=False)
    assert not same(t.model.state_dict(), told.weights[0])


@pytest.mark.parametrize(
    ("monitor", "sign"), [("val_accuracy", 1), ("f1", 1), ("val_loss", -1), ("perplexity", -1)]
)
def test_auto_knows_which_is_better(monitor, sign):
    assert nn.EarlyStopping(monitor).watched.sign == sign


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.EarlyStopping("val_auc"), r"EarlyStopping\(monitor='val_auc'\).*mode=\"min\" or \"max\""),
        (lambda: nn.EarlyStopping(mode="least"), 'write mode="min"'),
        (lambda: nn.EarlyStopping(patience=-1), r"EarlyStopping\(patience=-1\)"),
        (lambda: nn.EarlyStopping(min_delta="x"), r"EarlyStopping\(min_delta='x'\)"),
        (lambda: nn.ModelCheckpoint("x", "auc", save_best_only=True), "ModelCheckpoint"),
        (
            lambda: trainer(nn.EarlyStopping()).fit(X, Y, verbose=False),
            r"no such number; monitor one of loss, accuracy, or give fit\(validation_data=\.\.\.\)",
        ),
    ],
)
def test_mistakes_are_told(call, message):
    with pytest.raises(OptionError, match=message):
        call()


# -- checkpoints -----------------------------------------------------------------------------------


def test_a_checkpoint_after_each_epoch_by_its_numbers(tmp_path):
    told = Told(val_loss=[0.5, 0.25, 0.75])
    t = trainer([told, nn.ModelCheckpoint(tmp_path / "run-{epoch:02d}-{val_loss:.2f}.safetensors")])
    t.fit(X, Y, epochs=3, verbose=False)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"run-{n}.safetensors" for n in ("01-0.50", "02-0.25", "03-0.75")]
    fresh = trainer(seed=1)
    history = fresh.resume(tmp_path / names[1])
    assert (fresh.epoch, len(history["loss"])) == (2, 2)
    assert same(fresh.model.state_dict(), told.weights[1])


def test_only_the_best_and_only_the_weights(tmp_path):
    told = Told(val_accuracy=[0.2, 0.6, 0.6, 0.1])
    path = tmp_path / "best.safetensors"
    keep = nn.ModelCheckpoint(path, "val_accuracy", save_best_only=True, save_weights_only=True)
    trainer([told, keep]).fit(X, Y, epochs=4, verbose=False)
    assert same(nn.load(path), told.weights[1])


def test_what_is_written_holds_what_all_callbacks_know_of_the_epoch(tmp_path):
    path = tmp_path / "run.safetensors"

    def callbacks():
        numbers = Told(val_loss=[4, 3, 9, 9, 9, 9, 9])
        return [numbers, nn.ModelCheckpoint(path), nn.EarlyStopping(patience=3)]

    whole = trainer(callbacks())
    whole.fit(X, Y, epochs=7, verbose=False)
    assert whole.epoch == 5
    trainer(callbacks()).fit(X, Y, epochs=3, verbose=False)  # as if interrupted after it
    resumed = trainer(callbacks(), seed=1)
    resumed.resume(path)
    resumed.fit(X, Y, epochs=7, verbose=False)
    assert (resumed.epoch, resumed.callbacks[2].best_epoch) == (5, 1)
    assert same(resumed.model.state_dict(), whole.model.state_dict())
    # A run that was ended is not trained on, and has its best weights too.
    ended = trainer(callbacks(), seed=2)
    ended.resume(path)
    assert len(ended.fit(X, Y, epochs=7, verbose=False)["loss"]) == 5
    assert same(ended.model.state_dict(), whole.model.state_dict())


def test_the_best_number_goes_on_too(tmp_path):
    numbers = Told(val_loss=[1, 2, 3, 0.5])
    path, best = tmp_path / "run", tmp_path / "best-{epoch}"

    def callbacks():
        return [numbers, nn.ModelCheckpoint(path), nn.ModelCheckpoint(best, save_best_only=True)]

    trainer(callbacks()).fit(X, Y, epochs=2, verbose=False)
    resumed = trainer(callbacks())
    resumed.resume(path)
    resumed.fit(X, Y, epochs=4, verbose=False)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best-1", "best-4", "run"]


def test_a_path_with_unknown_numbers(tmp_path):
    with pytest.raises(OptionError, match=r"expected in braces one of epoch, loss, accuracy"):
        trainer(nn.ModelCheckpoint(tmp_path / "{val_loss:.2f}")).fit(X, Y, verbose=False)


# -- logs ------------------------------------------------------------------------------------------


def test_a_table_of_the_epochs(tmp_path):
    path = tmp_path / "log.csv"
    history = trainer(nn.CSVLogger(path, separator=";")).fit(
        X, Y, epochs=3, validation_split=0.2, verbose=False
    )
    titles, *rows = csv.reader(path.read_text().splitlines(), delimiter=";")
    assert titles == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert [row[0] for row in rows] == ["0", "1", "2"]
    for name, column in zip(titles[1:], list(zip(*rows, strict=True))[1:], strict=True):
        assert list(map(float, column)) == history[name]


def test_the_table_of_a_resumed_run_is_that_of_the_whole(tmp_path):
    run, path, whole = tmp_path / "run", tmp_path / "log.csv", tmp_path / "whole.csv"
    trainer(nn.CSVLogger(whole)).fit(X, Y, epochs=4, verbose=False)
    first = trainer([nn.CSVLogger(path)])
    first.fit(X, Y, epochs=2, verbose=False)
    first.save(run)
    path.write_text("damaged")
    second = trainer([nn.CSVLogger(path)])
    second.resume(run)
    second.fit(X, Y, epochs=4, verbose=False)
    assert path.read_text() == whole.read_text()


def test_a_table_that_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match="CSVLogger: cannot write"):
        trainer(nn.CSVLogger(tmp_path / "missing" / "log.csv")).fit(X, Y, verbose=False)


def test_tensorboard_gets_the_curves_of_training_and_validation(tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    history = trainer(nn.TensorBoard(tmp_path)).fit(X, Y, epochs=2, validation_split=0.2, verbose=False)
    for run, prefix in (("train", ""), ("validation", "val_")):
        (file,) = (tmp_path / run).iterdir()
        content, found = file.read_bytes(), {}
        while content:  # length, its checksum, the event, its checksum
            length = int.from_bytes(content[:8], "little")
            event = content[12 : 12 + length]
            assert int.from_bytes(content[12 + length : 16 + length], "little") == masked_crc32c(event)
            for value in Event.FromString(event).summary.value:
                found.setdefault(value.tag, []).append(value.simple_value)
            content = content[16 + length :]
        for name in ("loss", "accuracy"):
            assert found[name] == pytest.approx(history[prefix + name], rel=1e-6)


def test_without_tensorboardx_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="pip install tensorboardX") as raised:
        nn.TensorBoard()
    assert isinstance(raised.value, MissingPackageError)
