"""A Recorder: every kept step comes back to the bit, resumes to the bit, and knows what moved a weight."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd_lite.errors import (
    DataError,
    DTypeError,
    FileError,
    IndexingError,
    OptionError,
    UnsupportedError,
)
from nn.callbacks import Recorder
from nn.training.frames import KEY, Frame, Frames

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
Y = np.arange(30) % 3


class Watched(nn.Callback):
    """The losses of all steps, and the bits of everything after each."""

    def __init__(self):
        self.losses, self.states = [], []

    def on_batch_end(self, step, loss):
        self.losses.append(loss)
        self.states.append(everything(self.trainer))


def everything(trainer):
    """The bits of model, optimizer, schedule and random numbers."""

    def bits(value):
        if isinstance(value, np.ndarray):
            return (value.dtype.str, value.shape, value.tobytes())
        if isinstance(value, dict):
            return [(k, bits(v)) for k, v in value.items()]
        return [bits(v) for v in value] if isinstance(value, (list, tuple)) else repr(value)

    scheduler = trainer.scheduler.state_dict() if trainer.scheduler else None
    random = nn.random.generator.bit_generator.state
    return bits([trainer.model.state_dict(), trainer.optimizer.state_dict(), scheduler, random])


OPTIMIZERS = {
    "SGD": lambda p: nn.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: nn.optim.Adam(p, lr=0.01, amsgrad=True),
    "LBFGS": lambda p: nn.optim.LBFGS(p, max_iter=2),
}
BODIES = {
    "plain": lambda: [nn.Tanh()],
    "dropout": lambda: [nn.ReLU(), nn.Dropout(0.3)],
    "batchnorm": lambda: [nn.BatchNorm1d(5), nn.ReLU()],
}


def build(optimizer="Adam", body="plain", callbacks=(), schedule=None, **options):
    nn.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 5), *BODIES[body](), nn.Linear(5, 3))
    made = OPTIMIZERS[optimizer](model.parameters())
    if schedule == "step":
        options |= {"scheduler": nn.optim.lr_scheduler.ExponentialLR(made, 0.9), "scheduler_interval": "step"}
    elif schedule == "plateau":
        options |= {"scheduler": nn.optim.lr_scheduler.ReduceLROnPlateau(made, patience=0)}
    return nn.Trainer(model, nn.CrossEntropyLoss(), made, callbacks=callbacks, **options)


def fit(trainer, epochs=3, **options):
    return trainer.fit(X, Y, **{"epochs": epochs, "batch_size": 8, "verbose": False, **options})


RUNS = [
    ({"optimizer": "Adam", "body": "dropout", "schedule": "step"}, {}),
    (
        {"optimizer": "SGD", "body": "batchnorm", "schedule": "plateau", "metrics": ["accuracy"]},
        {"validation_split": 0.2},
    ),
    ({"optimizer": "Adam", "compile": True, "body": "dropout", "clip_grad_norm": 0.5}, {}),
    ({"optimizer": "SGD", "body": "dropout"}, {"accumulate": 3}),
    ({"optimizer": "LBFGS"}, {}),
    ({"optimizer": "SGD", "compile": True, "body": "batchnorm", "metrics": ["accuracy"]}, {"shuffle": False}),
]


@pytest.mark.few(2)
@pytest.mark.parametrize("run", range(len(RUNS)))
def test_a_step_of_the_past_resumes_to_the_bit(run):
    built, fitted = RUNS[run]
    recorder, watched = Recorder(), Watched()
    first = build(callbacks=[recorder, watched], **built)
    history = fit(first, **fitted)
    end, n = everything(first), len(watched.losses)
    assert recorder.steps == [*range(n + 1)]
    assert recorder.losses.tolist() == watched.losses
    for step in (0, 1, n // 3, n // 3 + 1, n - 1, n):
        seen = Watched()
        second = build(callbacks=seen, **built)
        recorder.resume(second, step)
        again = fit(second, **fitted)
        assert seen.losses == watched.losses[step:]
        assert seen.states == watched.states[step:]
        assert again == history
        if step < n:
            assert everything(second) == end


def test_earlystopping_and_a_branch_of_the_same_recorder():
    def callbacks():
        return [Recorder(), nn.EarlyStopping("loss", patience=1, min_delta=10.0)]

    first = build(callbacks=callbacks())
    recorder = first.callbacks[0]
    history = fit(first, epochs=9)
    assert len(history["loss"]) == 2  # nothing improves by 10
    weights = recorder.at(6).weights["0.weight"].copy()
    recorder.resume(first, 5)
    assert recorder.steps[-1] == 8
    assert fit(first, epochs=9) == history
    assert recorder.steps == [*range(9)]
    assert recorder.at(6).weights["0.weight"].tobytes() == weights.tobytes()
    recorder.resume(first, 2)
    first.optimizer.param_groups[0]["lr"] = 0.5
    fit(first, epochs=2)
    assert recorder.steps == [*range(9)]
    assert len(recorder.losses) == 8
    assert (recorder.at(6).weights["0.weight"] != weights).any()


def test_a_saved_run_within_an_epoch_resumes_there(tmp_path):
    class Saves(nn.Callback):
        def on_batch_end(self, step, loss):
            if self.trainer.epoch == 1 and step == 1:
                self.trainer.save(tmp_path / "run")

    first, second = build(body="dropout", callbacks=Saves()), build(body="dropout")
    history = fit(first)
    second.resume(tmp_path / "run")
    assert fit(second) == history
    assert everything(first) == everything(second)


def test_a_loader_of_its_own_order_and_a_thread():
    data = nn.TensorDataset(X, Y)

    def loader():
        return nn.DataLoader(data, batch_size=8, shuffle=True, generator=5, num_workers=1)

    recorder = Recorder()
    first, second = build(body="dropout", callbacks=recorder), build(body="dropout")
    history = first.fit(loader(), epochs=2, verbose=False)
    samples = [recorder.at(step).samples for step in range(4)]
    assert sorted(np.concatenate(samples)) == [*range(30)]
    recorder.resume(second, 6)
    assert second.fit(loader(), epochs=2, verbose=False) == history
    third = build(body="dropout")
    recorder.resume(third, 6)
    with pytest.raises(DataError, match=r"2 steps of this epoch, but there are batches for 1"):
        third.fit(nn.DataLoader(data, batch_size=30, shuffle=True, generator=5), epochs=2, verbose=False)


# -- what a step was -------------------------------------------------------------------------------


def test_what_a_step_has():
    recorder = Recorder(probe=X[:2])
    trainer = build(callbacks=recorder)
    fit(trainer)
    step, after = recorder.at(5), recorder.at(6)
    assert (step.epoch, len(step.samples), step.outputs.shape) == (1, 8, (2, 3))
    model = build().model
    model.load_state_dict(step.weights)
    loss = nn.CrossEntropyLoss()(model(X[step.samples]), Y[step.samples])
    loss.backward()
    np.testing.assert_allclose(loss.item(), step.loss, rtol=1e-6)
    for name, p in model.named_parameters():
        np.testing.assert_allclose(step.gradients[name], p.grad.numpy(), rtol=1e-5, atol=1e-7)
    change = recorder.compare(5, 6).changes["0.weight"]
    np.testing.assert_array_equal(change, after.weights["0.weight"] - step.weights["0.weight"])
    assert "0.weight" in str(recorder.compare(5, 6))
    end = recorder.at(-1)
    assert (end.loss, dict(end.gradients), len(end.samples)) == (None, {}, 0)
    np.testing.assert_array_equal(end.weights["0.weight"], trainer.model[0].weight.data)
    with pytest.raises(ValueError, match="read-only"):
        step.weights["0.weight"][:] = 0


def test_every_third_step_and_no_gradients():
    recorder = Recorder(every=3, gradients=False)
    fit(build(callbacks=recorder))
    assert recorder.steps == [0, 3, 6, 9, 12]
    assert len(recorder.losses) == 12
    assert dict(recorder.at(3).gradients) == {}
    with pytest.raises(IndexingError, match="the nearest are 3 and 6"):
        recorder.at(4)


def test_the_state_before_an_interrupt_is_the_last():
    class Stops(nn.Callback):
        def on_batch_end(self, step, loss):
            if self.trainer.epoch == 1 and step == 1:
                raise KeyboardInterrupt

    recorder = Recorder()
    trainer = build(callbacks=[recorder, Stops()])
    with pytest.raises(KeyboardInterrupt):
        fit(trainer)
    assert recorder.steps == [*range(7)]
    assert recorder.at(6).loss is None
    expected = fit(build())
    second = build()
    recorder.resume(second, 6)
    assert fit(second) == expected


# -- which samples moved a weight ------------------------------------------------------------------


@pytest.mark.parametrize("body", BODIES)
def test_parts_against_finite_differences(body):
    """Of the loss of each sample within its batch, in double precision."""
    recorder = Recorder()
    trainer = build(body=body, callbacks=recorder)
    trainer.model.double()
    fit(trainer, epochs=1)
    step = recorder.at(2)
    parts = recorder.parts(2, ["0.weight"])["0.weight"]
    np.testing.assert_allclose(parts.sum(0), step.gradients["0.weight"], rtol=1e-9, atol=1e-12)
    model = build(body=body).model.double().train()

    def losses(change):
        model.load_state_dict(step.weights)
        model[0].weight.data[1, 2] += change
        nn.random.generator.bit_generator.state = step.random
        output = model(X[step.samples].astype(float)).numpy()
        return np.log(np.exp(output).sum(1)) - output[np.arange(8), Y[step.samples]]

    expected = (losses(1e-5) - losses(-1e-5)) / 2e-5 / 8
    np.testing.assert_allclose(parts[:, 1, 2], expected, rtol=1e-6, atol=1e-9)
    movers = recorder.movers("0.weight", (1, 2), 2)
    assert np.all(np.diff(np.abs(movers.parts)) <= 0)
    assert movers.samples[0] == step.samples[np.argmax(np.abs(expected))]
    assert movers.change == recorder.at(3).weights["0.weight"][1, 2] - step.weights["0.weight"][1, 2]
    assert "Adam" in str(movers)
    assert len(movers) == 8


@pytest.mark.torch
def test_parts_against_pytorch_one_by_one(torch):
    recorder = Recorder()
    trainer = build("SGD", callbacks=recorder)
    fit(trainer, accumulate=2, epochs=1)
    step = recorder.at(1)
    assert [len(task) for task in step.tasks] == [8, 6]
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    model.load_state_dict({name: torch.tensor(x) for name, x in step.weights.items()})
    found = recorder.parts(1, ["0.bias", "2.weight"])
    for i, sample in enumerate(step.samples):
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.tensor(X[[sample]])), torch.tensor(Y[[sample]]))
        (loss / 14).backward()
        for name, part in found.items():
            expected = dict(model.named_parameters())[name].grad.numpy()
            np.testing.assert_allclose(part[i], expected, rtol=1e-5, atol=1e-7)
    said = recorder.movers("0.bias", 3, 1).said
    assert "SGD" in said
    assert "earlier gradients" in said


def test_parts_of_a_weighted_and_of_a_clipped_loss():
    recorder = Recorder()
    trainer = build("SGD", callbacks=recorder, clip_grad_norm=0.05)
    trainer.loss = nn.CrossEntropyLoss(weight=np.array([1.0, 5.0, 0.2], np.float32))
    fit(trainer, epochs=1)
    found = recorder.parts(0, ["2.weight"])["2.weight"].sum(0)
    np.testing.assert_allclose(found, recorder.at(0).gradients["2.weight"], rtol=1e-4, atol=1e-7)


def test_a_loss_that_is_no_mean_over_samples_is_refused():
    recorder = Recorder()
    trainer = build(callbacks=recorder)
    trainer.loss = lambda output, t: (nn.functional.cross_entropy(output, t) + 1) ** 2
    fit(trainer, epochs=1)
    with pytest.raises(UnsupportedError, match="do not add up to the gradient of 0.weight"):
        recorder.movers("0.weight", (0, 0), 1)


def test_the_parts_of_a_gradient_that_cancels():
    """A batch norm takes the mean away, so the gradient of the bias before it is rounding alone."""
    recorder = Recorder()
    fit(build(body="batchnorm", callbacks=recorder), epochs=1)
    movers = recorder.movers("0.bias", 1, 2)
    assert abs(movers.parts.sum()) < 1e-5 * np.abs(recorder.at(2).gradients["3.weight"]).max()


def test_a_group_with_momentum_is_said():
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "momentum": 0.9}]
    recorder = Recorder()
    optimizer = nn.optim.SGD(groups, lr=0.1)
    fit(nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, callbacks=recorder), epochs=1)
    assert "not of the change" in recorder.movers("2.bias", 0, 1).said


def test_steps_and_indices_are_integers():
    recorder = Recorder()
    trainer = build(callbacks=recorder)
    fit(trainer, epochs=1)
    for step in (True, "2", 1.0, None):
        with pytest.raises(DTypeError, match=r"Recorder.at\(step\) got .*expected the number of a step"):
            recorder.at(step)
    for index in (1.5, "ab", True, (0.0, 1)):
        with pytest.raises(DTypeError, match=r"Recorder.movers\(index=\) got .*expected integers"):
            recorder.movers("0.bias", index, 1)
    assert recorder.movers("0.bias", np.int64(1), np.int64(1)).index == (1,)
    with pytest.raises(DTypeError, match=r"expected a Trainer: recorder.resume\(trainer, 3\)"):
        recorder.resume(None, 3)


def test_the_data_of_another_run_are_refused(tmp_path):
    recorder = Recorder()
    trainer = build(callbacks=recorder)
    fit(trainer, epochs=1)
    recorder.save(tmp_path / "run.safetensors")
    loaded = Recorder.load(tmp_path / "run.safetensors", trainer, (X[:3], Y[:3]))
    with pytest.raises(DataError, match="the data have 3 samples; expected the data of the run"):
        loaded.movers("0.bias", 0, 1)


def test_what_movers_refuse():
    recorder = Recorder()
    trainer = build(callbacks=recorder)
    fit(trainer, epochs=1)
    with pytest.raises(DataError, match="no parameter 'weight'; it has 0.weight"):
        recorder.movers("weight", 0, 1)
    with pytest.raises(IndexingError, match=r"expected 2 numbers"):
        recorder.movers("0.weight", 0, 1)
    with pytest.raises(IndexingError, match="out of bounds"):
        recorder.movers("0.weight", (9, 0), 1)
    with pytest.raises(UnsupportedError, match="the run ends before this step"):
        recorder.movers("0.weight", (0, 0), 4)

    class Random(nn.Dataset):
        def __len__(self):
            return 30

        def __getitem__(self, i):
            return X[i], Y[i]

    trainer.fit(Random(), epochs=1, verbose=False)
    with pytest.raises(UnsupportedError, match="is_random = False"):
        recorder.movers("0.weight", (0, 0), 0)
    with pytest.raises(OptionError, match=r"Recorder\(probe="):
        _ = recorder.at(0).outputs


# -- memory ----------------------------------------------------------------------------------------


def walk(n, size, seed=0):
    """States of a run: small changes, one array that grows."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=size).astype(np.float32)
    for step in range(n):
        weights = weights + 1e-3 * rng.normal(size=size).astype(np.float32)
        yield step, str(step), {"w": weights, "seen": np.arange(step % 40, dtype=float)}


def wrong(frames, truth):
    """The kept steps that do not come back to the bit."""
    found = []
    for step in frames.steps:
        try:
            said, arrays = frames.values(step)
        except DataError:
            found.append(step)
            continue
        bits = {name: (x.dtype, x.shape, x.tobytes()) for name, x in arrays.items()}
        if (said, bits) != truth[step]:
            found.append(step)
    return found


def filled(n, size, memory):
    frames, truth = Frames(memory), {}
    for step, said, arrays in walk(n, size):
        frames.add(step, said, arrays)
        truth[step] = said, {name: (x.dtype, x.shape, x.tobytes()) for name, x in arrays.items()}
        assert frames.nbytes <= memory
        assert frames.nbytes == sum(frame.nbytes for frame in frames)
    return frames, truth


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 60), st.integers(1, 2000), st.integers(25_000, 200_000))
def test_the_memory_is_never_exceeded_and_every_kept_step_is_right(n, size, memory):
    frames, truth = filled(n, size, memory)
    assert wrong(frames, truth) == []
    assert {0, n - 1} <= set(frames.steps)
    assert frames.thinned == (len(frames) < n)


def test_older_steps_are_further_apart():
    frames, truth = filled(300, 400, 50_000)
    gaps = np.diff(frames.steps)
    assert gaps[-1] == 1
    assert gaps[1:4].mean() > 3 * gaps[-4:].mean()
    assert wrong(frames, truth) == []


def test_a_lost_difference_is_caught():
    frames, truth = filled(2 * KEY, 100, 10**7)
    place = KEY + 3
    del frames._frames[place]
    frames._places = {frame.step: i for i, frame in enumerate(frames)}
    assert wrong(frames, truth) == [*range(place + 1, 2 * KEY)]


def test_a_key_that_is_off_by_one_is_caught():
    frames, truth = filled(2 * KEY + 2, 100, 10**7)
    key = frames._frames[KEY]
    assert key.alone
    lent = frames._frames[KEY + 1]
    frames._frames[KEY] = Frame(key.step, key.said, lent.arrays)
    assert KEY in wrong(frames, truth)
    frames._frames[KEY] = replace(key, said=lent.said)
    frames._read = None
    assert wrong(frames, truth) == [KEY]


def test_a_run_in_little_memory_resumes_from_what_is_left():
    recorder = Recorder(memory="60 kB")
    first = build(body="dropout", callbacks=recorder)
    history = fit(first, epochs=8)
    assert recorder.frames.thinned
    assert "older steps gave way" in repr(recorder)
    assert recorder.nbytes <= 60_000
    assert len(recorder.steps) < 33
    second = build(body="dropout")
    recorder.resume(second, recorder.steps[len(recorder.steps) // 2])
    assert fit(second, epochs=8) == history
    with pytest.raises(OptionError, match="which is too much; write memory="):
        fit(build(callbacks=Recorder(memory=2000)))
    for memory in ("2 XB", 0, True, "MB", 1.5):
        with pytest.raises(OptionError, match='memory="200 MB"'):
            Recorder(memory=memory)


# -- files -----------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    recorder = Recorder(probe=X[:3])
    trainer = build(body="dropout", callbacks=recorder)
    history = fit(trainer)
    recorder.save(tmp_path / "run.safetensors")
    return recorder, history, tmp_path / "run.safetensors"


def test_a_file_has_it_all(saved):
    recorder, history, path = saved
    again = Recorder.load(path)
    assert again.steps == recorder.steps
    assert repr(again) == repr(recorder)
    assert again.losses.tolist() == recorder.losses.tolist()
    for step in recorder.steps:
        a, b = recorder.at(step), again.at(step)
        assert a.weights["0.weight"].tobytes() == b.weights["0.weight"].tobytes()
        assert a.samples.tolist() == b.samples.tolist()
    second = build(body="dropout")
    again.resume(second, 7)
    assert fit(second) == history
    with pytest.raises(OptionError, match=r"Recorder.load\(path, trainer\)"):
        again.movers("0.weight", (0, 0), 7)
    with pytest.raises(UnsupportedError, match=r"Recorder.load\(path, trainer, \(X, y\)\)"):
        Recorder.load(path, second).movers("0.weight", (0, 0), 7)
    whole = Recorder.load(path, second, (X, Y))
    expected = recorder.movers("0.weight", (0, 0), 7)
    np.testing.assert_array_equal(whole.movers("0.weight", (0, 0), 7).parts, expected.parts)
    np.testing.assert_array_equal(whole.at(7).outputs, recorder.at(7).outputs)


def test_a_damaged_file_is_a_clear_error(saved, tmp_path):
    _, _, path = saved
    content = path.read_bytes()
    for broken in (content[:-100], content[:5000], b"", content[:9000] + b"x" + content[9001:]):
        path.write_bytes(broken)
        with pytest.raises(DataError, match="damaged"):
            Recorder.load(path)
    nn.save({"weight": X}, path)
    with pytest.raises(DataError, match=r"is not a file of Recorder.save"):
        Recorder.load(path)
    path.write_bytes(content)
    inside = nn.load(path)
    for change in (lambda c: c.pop("losses"), lambda c: c["frames"].pop(), lambda c: c["frames"][0].pop()):
        forged = nn.load(path)
        change(forged)
        nn.save(forged, tmp_path / "forged")
        with pytest.raises(DataError, match="is damaged"):
            Recorder.load(tmp_path / "forged")
    assert json.dumps(inside["about"])
    with pytest.raises(FileError, match="does not exist"):
        Recorder.load(tmp_path / "none")


def test_a_state_that_does_not_fit_changes_nothing(saved):
    recorder, _, _ = saved
    other = build("SGD", body="dropout")
    before = everything(other)
    with pytest.raises(DataError, match="load_state_dict: the optimizer in the state does not fit"):
        recorder.resume(other, 3)
    with pytest.raises(DataError, match="expected what trainer.state_dict"):
        other.load_state_dict(other.model.state_dict())
    with_metrics = build(body="dropout", metrics=["accuracy"])
    with pytest.raises(DataError, match="no outputs of this epoch, as it had no metrics"):
        recorder.resume(with_metrics, 3)
    assert everything(other) == before
