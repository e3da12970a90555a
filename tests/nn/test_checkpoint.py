"""Killed runs that resume, and files that are no checkpoints."""

import signal

import numpy as np
import pytest
import safetensors.numpy

import nn
from autograd_lite.errors import DataError, DTypeError, FileError
from nn.optim import lr_scheduler
from tests.helpers import python

PROGRAM = """
import os, signal, sys
import numpy as np, nn
from nn.optim import lr_scheduler

kind, folder, deadly_step, deadly_write = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
path = os.path.join(folder, "run.safetensors")
nn.manual_seed(3)
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 1, 6, 6))
y = rng.integers(0, 3, 60)
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3),
                      nn.Linear(64, 3))
callbacks = [nn.ModelCheckpoint(path), nn.CSVLogger(os.path.join(folder, "log.csv"))]
options, epochs, data = dict(batch_size=8, validation_split=0.2), 5, (X, y)

if kind == "momentum":
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    options["accumulate"] = 2
elif kind == "adam":
    optimizer = nn.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 0.02, epochs=epochs, steps_per_epoch=6)
elif kind == "plateau":
    optimizer = nn.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.5)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    callbacks.append(nn.EarlyStopping(patience=2))
else:
    optimizer = nn.optim.NAdam(model.parameters(), lr=0.01)
    scheduler = lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer), lr_scheduler.ExponentialLR(optimizer, 0.7)], [2])
    order = np.random.Generator(np.random.MT19937(5))
    data = nn.TensorDataset(X[:48], y[:48])
    data = (nn.DataLoader(data, 9, shuffle=True, drop_last=True, generator=order),)
    options = dict(validation_data=(X[48:], y[48:]))

class Killer(nn.Callback):
    steps = 0
    def on_batch_end(self, step, loss):
        self.steps += 1
        if self.steps == deadly_step:
            os.kill(os.getpid(), signal.SIGKILL)

replace, writes = os.replace, 0
def deadly(*args):
    global writes
    writes += 1
    if writes == deadly_write:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*args)
os.replace = deadly

trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, "accuracy", [*callbacks, Killer()], scheduler)
if os.path.exists(path):
    trainer.resume(path)
    nn.Dropout(0.5)(np.ones(9))  # what is drawn here does not matter
trainer.fit(*data, epochs=epochs, verbose=False, **options)
trainer.save(path)
nn.save({"weights": model.state_dict(), "next": nn.Dropout(0.5)(np.ones(20))}, os.path.join(folder, "end"))
"""


def run(kind, folder, deadly_step=-1, deadly_write=-1):
    return python("-c", PROGRAM, kind, str(folder), str(deadly_step), str(deadly_write))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows kills otherwise")
@pytest.mark.parametrize(
    "kind",
    ["momentum", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("sequential", "adam", "plateau"))],
)
def test_a_run_that_was_killed_ends_bit_equal(tmp_path, kind):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    done = run(kind, whole)
    assert done.returncode == 0, done.stderr
    rng = np.random.default_rng(list(kind.encode()))
    # Once at a random step, once while a checkpoint is written, and then to the end.
    first = run(kind, killed, deadly_step=int(rng.integers(1, 12)))
    second = run(kind, killed, deadly_write=1)
    last = run(kind, killed)
    assert [first.returncode, second.returncode, last.returncode] == [-9, -9, 0], last.stderr
    for file in ("run.safetensors", "end"):
        np.testing.assert_equal(nn.load(killed / file), nn.load(whole / file))
    assert (killed / "log.csv").read_bytes() == (whole / "log.csv").read_bytes()


class Jittered(nn.data.Dataset):
    """Inputs with noise that the loader's generator decides on."""

    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        return X[i] + nn.random.sample_generator().normal(size=4), Y[i]


def samplers(kind):
    """Loaders of training and validation whose orders have generators of their own."""
    pairs, own = nn.TensorDataset(X, Y), np.random.default_rng(kind.encode()[0])
    if kind == "weighted":
        sampler = nn.data.WeightedRandomSampler(np.arange(1.0, 21.0), 30, generator=own)
        return nn.DataLoader(pairs, 6, sampler=sampler), None
    if kind == "batches":
        batches = nn.data.BatchSampler(nn.data.RandomSampler(pairs, generator=own), 6, False)
        return nn.DataLoader(pairs, batch_sampler=batches), None
    if kind == "validation":
        return nn.DataLoader(pairs, 7), nn.DataLoader(Jittered(), 3, shuffle=True, generator=own)
    return nn.DataLoader(Jittered(), 6, shuffle=True, num_workers=1), None


@pytest.mark.parametrize("kind", ["weighted", "batches", "validation", "jittered"])
def test_whatever_decides_on_the_samples_goes_on(path, kind):
    def trainer():
        nn.manual_seed(0)
        return nn.Trainer((p := parts())[0], nn.CrossEntropyLoss(), p[1])

    def fit(trainer, loaders, epochs):
        return trainer.fit(loaders[0], epochs=epochs, validation_data=loaders[1], verbose=False)

    whole, first, second = trainer(), trainer(), trainer()
    nn.manual_seed(1)
    expected = fit(whole, samplers(kind), 4)
    nn.manual_seed(1)
    fit(first, samplers(kind), 2)
    first.save(path)
    nn.manual_seed(2)
    second.resume(path)
    assert fit(second, samplers(kind), 4) == expected
    np.testing.assert_equal(second.model.state_dict(), whole.model.state_dict())


def test_a_run_with_other_loaders_is_told(path):
    model, optimizer, _ = parts()
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer)
    trainer.fit(samplers("batches")[0], verbose=False)
    trainer.save(path)
    trainer.resume(path)
    with pytest.raises(
        DataError, match="2 generators that shuffle the data, but the loaders have 1; give fit the same"
    ):
        trainer.fit(X, Y, epochs=2, verbose=False)


# -- by hand ---------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 4)), RNG.integers(0, 3, 20)


def parts(hidden=8, lr=0.1):
    model = nn.Sequential(nn.Linear(4, hidden), nn.BatchNorm1d(hidden), nn.Dropout(0.2), nn.Linear(hidden, 3))
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)
    return model, optimizer, lr_scheduler.StepLR(optimizer, 3)


def steps(model, optimizer, scheduler, n):
    for _ in range(n):
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(model(X), Y).backward()
        optimizer.step()
        scheduler.step()


def everything(model, optimizer, scheduler):
    """All that a checkpoint restores, as something that can be compared."""
    numbers = nn.random.generator.bit_generator.state
    return repr((model.state_dict(), optimizer.state_dict(), scheduler.state_dict(), numbers))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def test_a_loop_of_ones_own_goes_on(path):
    nn.manual_seed(1)
    whole = parts()
    steps(*whole, 4)
    nn.save_checkpoint(path, *whole, epoch=4, history=nn.History(loss=[1.0]), best=(0.5, None))
    steps(*whole, 3)
    nn.manual_seed(2)
    resumed = parts(lr=0.7)
    found = nn.load_checkpoint(path, *resumed)
    assert found == {"epoch": 4, "history": {"loss": [1.0]}, "best": (0.5, None)}
    steps(*resumed, 3)
    assert everything(*resumed) == everything(*whole)


def test_the_dict_that_pytorch_programs_save(path):
    import nn.torch as torch

    model, optimizer, scheduler = parts()
    steps(model, optimizer, scheduler, 2)
    states = {"model_state_dict": model, "optimizer_state_dict": optimizer, "scheduler": scheduler}
    states = {name: part.state_dict() for name, part in states.items()}
    torch.save({"epoch": 2, "loss": torch.tensor(0.5), **states}, str(path))
    checkpoint = torch.load(str(path))
    twin, other, schedule = parts(lr=0.9)
    twin.load_state_dict(checkpoint["model_state_dict"])
    other.load_state_dict(checkpoint["optimizer_state_dict"])
    schedule.load_state_dict(checkpoint["scheduler"])
    assert (checkpoint["epoch"], checkpoint["loss"]) == (2, 0.5)
    assert everything(twin, other, schedule) == everything(model, optimizer, scheduler)


def test_several_models_and_a_generator_of_its_own(path):
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    order = np.random.default_rng(5)
    nn.save_checkpoint(path, first, critic=second, order=order)
    expected = order.random(3)
    model, critic, other = nn.Linear(2, 3), nn.Linear(3, 1), np.random.default_rng(6)
    nn.load_checkpoint(path, model, critic=critic, order=other)
    np.testing.assert_array_equal(model.weight.numpy(), first.weight.numpy())
    np.testing.assert_array_equal(critic.weight.numpy(), second.weight.numpy())
    np.testing.assert_array_equal(other.random(3), expected)


def test_a_model_alone_is_loaded_for_use_and_draws_on(path):
    nn.save_checkpoint(path, *parts())
    nn.manual_seed(7)
    before = nn.random.generator.bit_generator.state
    model = parts()[0]
    nn.manual_seed(7)
    nn.load_checkpoint(path, model)
    assert nn.random.generator.bit_generator.state == before


def test_weights_come_into_the_layout_that_is_there(path):
    columns = nn.Linear(3, 3)
    columns.weight = nn.Parameter(np.asfortranarray(columns.weight.numpy()))
    nn.save_checkpoint(path, columns)
    nn.load_checkpoint(path, columns)
    assert columns.weight.numpy().flags.f_contiguous


def test_missing_unexpected_and_misshaped_keys_are_named(path):
    saved = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
    nn.save_checkpoint(path, saved)
    here = nn.Sequential(nn.Linear(4, 8), nn.Identity(), nn.Linear(8, 3))
    before = here.state_dict()
    with pytest.raises(
        DataError, match=r"(?s)the model in .*missing: 2\.weight.*unexpected: 1\.running_mean"
    ):
        nn.load_checkpoint(path, here)
    np.testing.assert_equal(here.state_dict(), before)
    found = nn.load_checkpoint(path, here, strict=False)
    assert found.missing_keys == ["model.2.weight", "model.2.bias"]
    assert "model.1.running_mean" in found.unexpected_keys
    np.testing.assert_array_equal(here[0].weight.numpy(), saved[0].weight.numpy())
    for strict in (True, False):
        with pytest.raises(DataError, match=r"0\.weight is \(9, 4\) here, \(8, 4\) in the state"):
            nn.load_checkpoint(path, nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9)), strict=strict)


# -- what does not fit, and what is damaged, changes nothing ---------------------------------------


def with_optimizer(make):
    model, _, _ = parts()
    return model, make(model)


def with_schedule(make):
    model, optimizer, schedule = parts()
    return model, optimizer, make(optimizer, schedule)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parts(hidden=9), r"(?s)the model in .* \(9, 4\) here, \(8, 4\) in the state"),
        (
            lambda: with_optimizer(lambda m: nn.optim.SGD(m.parameters())),
            "the optimizer in .*another optimizer",
        ),
        (lambda: with_optimizer(lambda m: nn.optim.Adam(m[0].parameters())), r"in the state have \[6\]"),
        (
            lambda: with_schedule(lambda o, _: lr_scheduler.ExponentialLR(o, 0.9)),
            "scheduler in .*another schedule",
        ),
        (
            lambda: with_schedule(lambda o, s: lr_scheduler.ChainedScheduler([s])),
            "scheduler in .*another schedule",
        ),
    ],
    ids=["shapes", "SGD", "fewer", "exponential", "chained"],
)
def test_parts_that_do_not_fit_leave_all_as_it_was(path, make, message):
    trained = parts()
    steps(*trained, 2)
    nn.save_checkpoint(path, *trained)
    given = make()
    scheduler = given[2] if len(given) == 3 else parts()[2]
    before = everything(*given[:2], scheduler)
    with pytest.raises(DataError, match=message):
        nn.load_checkpoint(path, *given)
    assert everything(*given[:2], scheduler) == before


def test_a_part_that_was_not_saved(path):
    model, optimizer, _ = parts()
    nn.save_checkpoint(path, model)
    with pytest.raises(DataError, match="has no optimizer; it has model"):
        nn.load_checkpoint(path, model, optimizer)


def test_a_file_that_is_no_checkpoint(path):
    model = nn.Linear(2, 2)
    nn.save(model.state_dict(), path)
    with pytest.raises(DataError, match=r"is not a checkpoint; .*model\.load_state_dict\(nn\.load\(path\)\)"):
        nn.load_checkpoint(path, model)
    with pytest.raises(FileError, match="does not exist"):
        nn.load_checkpoint(path.with_name("other"), model)
    with pytest.raises(DTypeError, match=r"values\.when is a object"):
        nn.save_checkpoint(path, model, when=object())


def test_truncated_torn_and_flipped_files_change_nothing(path):
    trained = parts()
    steps(*trained, 2)
    nn.save_checkpoint(path, *trained)
    content = path.read_bytes()
    given = parts()
    steps(*given, 1)
    before = everything(*given)
    rng = np.random.default_rng(0)
    damaged = [content[:n] for n in rng.integers(len(content), size=30)]
    damaged += [content[:n] + bytes(len(content) - n) for n in rng.integers(len(content) - 100, size=30)]
    damaged += [b"", bytes(100), content[::-1], content + b"more"]
    for file in damaged:
        path.write_bytes(file)
        with pytest.raises(DataError):
            nn.load_checkpoint(path, *given)
        assert everything(*given) == before


EVIL = [
    0,
    None,
    [],
    {},
    "text",
    -1,
    10**30,
    float("nan"),
    np.ones(3),
    {"state": {}},
    {"param_groups": []},
    [[1]],
]


def paths_of(value, path=()):
    """Where something can be put in a tree."""
    if path:
        yield path
    if isinstance(value, (dict, list, tuple)) and not isinstance(value, str):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths_of(value[key], (*path, key))


def replaced(value, path, new):
    """A tree with something else at one place."""
    if not path:
        return new
    if isinstance(value, dict):
        return {k: replaced(v, path[1:], new) if k == path[0] else v for k, v in value.items()}
    return type(value)(replaced(v, path[1:], new) if i == path[0] else v for i, v in enumerate(value))


def test_a_forged_state_is_loaded_whole_or_not_at_all(path):
    """Anything in the place of anything, with the checksum that belongs to it."""
    trained = parts()
    steps(*trained, 1)
    nn.save_checkpoint(path, *trained)
    whole = nn.load(path)
    given = parts()
    before = everything(*given)
    refused, places = 0, list(paths_of(whole))
    rng = np.random.default_rng(0)
    for k in rng.integers(len(places), size=120):
        nn.save(replaced(whole, places[k], EVIL[rng.integers(len(EVIL))]), path)
        try:
            nn.load_checkpoint(path, *given)
        except DataError:
            refused += 1
            assert everything(*given) == before
        else:  # numbers for numbers
            before = everything(*given)
    assert refused > 80


def test_a_forged_run_leaves_the_trainer_as_it_was(path):
    def trainer():
        model, optimizer, scheduler = parts()
        return nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, scheduler=scheduler)

    first = trainer()
    first.fit(X, Y, epochs=2, verbose=False)
    first.save(path)
    whole, second = nn.load(path), trainer()
    before = everything(second.model, second.optimizer, second.scheduler)
    for place in paths_of(whole["parts"]["run"]):
        for evil in ([[1]], "text", {"loss": "text"}):
            nn.save(replaced(whole, ("parts", "run", *place), evil), path)
            try:
                second.resume(path)
            except DataError:
                assert everything(second.model, second.optimizer, second.scheduler) == before
                assert second.history == {}
            else:
                second = trainer()
                before = everything(second.model, second.optimizer, second.scheduler)


def test_a_schedule_that_was_forgotten_is_told(path):
    model, optimizer, scheduler = parts()
    trainer = nn.Trainer(model, nn.CrossEntropyLoss(), optimizer, scheduler=scheduler)
    trainer.fit(X, Y, verbose=False)
    trainer.save(path)
    model, optimizer, scheduler = parts()
    before = everything(model, optimizer, scheduler)
    with pytest.raises(
        DataError, match="the run in .* saved with scheduler=StepLR, now it is scheduler=None"
    ):
        nn.Trainer(model, nn.CrossEntropyLoss(), optimizer).resume(path)
    assert everything(model, optimizer, scheduler) == before


def test_nothing_is_pickled(path):
    nn.save_checkpoint(path, *parts(), epoch=1)
    content = path.read_bytes()
    assert set(safetensors.numpy.load(content)) >= {"parts.model.0.weight"}
    assert b"pickle" not in content and b"\x80\x04" not in content[: content.index(b"}}")]
