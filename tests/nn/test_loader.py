"""The loader: its batches, their order, batches made ahead, and what remains after a stop."""

import os
import signal
import threading
import time
import traceback
from collections import namedtuple

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, OptionError, ShapeError
from nn.random import sample_generator
from nn.utils.data import DataLoader, TensorDataset

X, Y = np.arange(22.0).reshape(11, 2), np.arange(11)


class Noisy(nn.Dataset):
    """Samples that draw random numbers, as augmentations do, and may fail."""

    def __init__(self, fails_at=None, error=ValueError, pause=0.0):
        self.fails_at, self.error, self.pause = fails_at, error, pause

    def __len__(self):
        return 20

    def __getitem__(self, i):
        time.sleep(self.pause)
        if i == self.fails_at:
            raise self.error("sample 7 is torn")
        return X[i % 11] + sample_generator().normal(size=2), i


class Stream(nn.data.IterableDataset):
    def __iter__(self):
        yield from ({"x": x, "n": int(n)} for x, n in zip(X, Y, strict=True))


def content(batches):
    """Everything in batches, as nested lists that can be compared."""
    if isinstance(batches, dict):
        return {key: content(value) for key, value in batches.items()}
    if isinstance(batches, Tensor):
        return batches.tolist()
    return batches if isinstance(batches, (int, str)) else [content(batch) for batch in batches]


def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("DataLoader")]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert loader_threads() == []


# -- ahead of time ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dataset", "options"),
    [
        (TensorDataset(X, Y), {"batch_size": 4, "shuffle": True}),
        (Noisy(), {"batch_size": 3, "shuffle": True, "drop_last": True}),
        (Noisy(), {"batch_size": None}),
        (Stream(), {"batch_size": 4}),
        (Stream(), {"batch_size": 4, "drop_last": True}),
        (Stream(), {"batch_size": None}),
        (list(X), {"batch_size": 5, "collate_fn": lambda samples: Tensor(sum(samples))}),
        (Noisy(), {"batch_sampler": [[3, 1], [2]]}),
    ],
    ids=lambda case: type(case).__name__ if not isinstance(case, dict) else "-".join(case),
)
@pytest.mark.parametrize("more", [{}, {"prefetch_factor": 5}])
def test_what_is_made_ahead_is_what_the_plain_loader_makes(dataset, options, more):
    epochs = []
    for workers in (0, 2):
        nn.manual_seed(3)
        loader = DataLoader(dataset, num_workers=workers, **options, **more)
        epochs.append([])
        for _ in range(2):
            for batch in loader:
                epochs[-1].append(content([batch]))
                nn.random.generator.normal(size=3)  # what a model draws, between the samples' own numbers
    assert epochs[0] == epochs[1]


def test_samples_draw_anew_in_each_epoch_and_evaluation_draws_nothing():
    nn.manual_seed(0)
    loader = DataLoader(Noisy(), 20)
    first, second = (content(loader) for _ in range(2))
    assert first[0][0] != second[0][0]
    state = nn.random.generator.bit_generator.state
    arrays = TensorDataset(X, Y)
    for held in (nn.data.Subset(arrays, [1, 2]), arrays + arrays, nn.datasets.CharText("abc", 1), X, [1, 2]):
        list(DataLoader(held, 2))
    assert nn.random.generator.bit_generator.state == state


def test_the_thread_begins_as_asked_and_ends_with_the_iterator():
    begun = []
    batches = iter(DataLoader(Noisy(), 1, num_workers=1, worker_init_fn=begun.append))
    next(batches)
    (thread,) = loader_threads()
    assert begun == [0] and thread.is_alive()
    del batches
    assert not thread.is_alive()

    def failing(worker):
        raise LookupError("no file for this worker")

    with pytest.raises(LookupError, match="no file"):
        list(DataLoader(Noisy(), num_workers=1, worker_init_fn=failing))


def test_it_works_no_further_ahead_than_asked():
    seen = []

    class Counted(Noisy):
        def __getitem__(self, i):
            seen.append(i)
            return i

    batches = iter(DataLoader(Counted(), 2, num_workers=1, prefetch_factor=2))
    next(batches)
    deadline = time.monotonic() + 5
    while len(seen) < 6 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert seen == [0, 1, 2, 3, 4, 5]  # the batch that was taken, and two that wait
    del batches


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, StopIteration])
def test_an_error_in_a_sample_comes_through_with_its_place(workers, error):
    loader = DataLoader(Noisy(fails_at=7, error=error), 2, num_workers=workers)
    seen = 0
    expected = RuntimeError if error is StopIteration else error  # else the loop would end without a word
    with pytest.raises(expected) as caught:
        for _ in loader:
            seen += 1
        raise AssertionError("the loop ended as if all were well")
    assert seen == 3
    assert "sample 7 is torn" in "".join(traceback.format_exception(caught.value))
    assert "__getitem__" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_loop_ends_the_thread(error):
    with pytest.raises(error):
        for _ in DataLoader(Noisy(pause=0.001), 2, num_workers=4):
            raise error
    assert loader_threads() == []


def test_breaking_off_ends_the_thread():
    for _ in DataLoader(Noisy(pause=0.001), 2, num_workers=4):
        break
    assert loader_threads() == []
    assert len(list(DataLoader(Noisy(), 2, num_workers=4))) == 10
    assert loader_threads() == []


@pytest.mark.skipif(os.name == "nt", reason="signals to one thread are POSIX's")
def test_an_interrupt_while_waiting_ends_the_thread():
    main = threading.main_thread().ident
    loader = DataLoader(Noisy(pause=0.2), 1, num_workers=1)
    interrupt = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    interrupt.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for _ in loader:
                pass
    finally:
        interrupt.join()
        signal.signal(signal.SIGINT, before)
    assert loader_threads() == []


def test_the_state_of_numpy_holds_on_the_thread():
    class Overflowing(Noisy):
        def __getitem__(self, i):
            return np.float64(1e300) * 1e300

    with np.errstate(over="ignore"):
        assert content(DataLoader(Overflowing(), 20, num_workers=1)) == [[np.inf] * 20]
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        list(DataLoader(Overflowing(), 20, num_workers=1))


# -- orders ----------------------------------------------------------------------------------------


def test_random_orders():
    once = list(nn.data.RandomSampler(X, generator=1))
    assert sorted(once) == list(range(11)) and once != sorted(once)
    assert list(nn.data.RandomSampler(X, generator=1)) == once
    assert list(nn.data.RandomSampler(X, generator=np.random.default_rng(1))) == once
    assert list(nn.data.RandomSampler(X, num_samples=3, generator=1)) == once[:3]
    many = list(nn.data.RandomSampler(X, num_samples=25, generator=1))
    assert sorted(many[:11]) == sorted(many[11:22]) == list(range(11)) and len(many) == 25
    drawn = list(nn.data.RandomSampler(X, replacement=True, num_samples=4000, generator=1))
    assert np.bincount(drawn, minlength=11).min() > 250  # 364 +- 18 are expected of each
    places = [4, 8, 9]
    orders = {tuple(nn.data.SubsetRandomSampler(places, generator=seed)) for seed in range(50)}
    assert len(orders) == 6 and all(sorted(order) == places for order in orders)
    assert list(nn.data.RandomSampler([])) == []
    assert list(DataLoader([], 2, shuffle=True)) == []


def test_weighted_draws_come_as_often_as_their_weights():
    sampler = nn.data.WeightedRandomSampler([1, 0, 3], 8000, generator=0)
    counts = np.bincount(list(sampler), minlength=3)
    assert counts[1] == 0 and len(sampler) == 8000
    assert abs(counts[0] - 2000) < 5 * np.sqrt(8000 * 0.25 * 0.75)
    assert sorted(nn.data.WeightedRandomSampler(Tensor([0.5, 0, 1]), 2, replacement=False)) == [0, 2]


def test_a_loader_follows_its_sampler():
    sampler = nn.data.SubsetRandomSampler([1, 3, 5, 7, 9], generator=0)
    loader = DataLoader(TensorDataset(X, Y), 2, sampler=sampler)
    assert len(loader) == 3 and loader.sampler is sampler
    assert sorted(place for _, y in loader for place in content(y)) == [1, 3, 5, 7, 9]
    batches = DataLoader(TensorDataset(X, Y), batch_sampler=nn.data.BatchSampler(range(3), 2, True))
    assert len(batches) == 1 and content(batches)[0][1] == [0, 1]
    assert len(DataLoader(TensorDataset(X, Y), batch_size=None)) == 11
    with pytest.raises(TypeError, match="len"):
        len(DataLoader(Stream(), 2))


# -- datasets --------------------------------------------------------------------------------------


def test_parts_of_a_dataset():
    parts = nn.data.random_split(TensorDataset(X, Y), [8, 3], generator=0)
    assert sorted([*parts[0].indices, *parts[1].indices]) == list(range(11))
    again = nn.data.random_split(TensorDataset(X, Y), [8, 3], generator=np.random.default_rng(0))
    assert [part.indices for part in again] == [part.indices for part in parts]
    # What fractions leave over goes round, from the first on.
    assert [len(p) for p in nn.data.random_split(range(11), [0.3, 0.3, 0.4])] == [4, 3, 4]
    assert [len(p) for p in nn.data.random_split([5], [1, 0])] == [1, 0]
    x, y = next(iter(DataLoader(parts[1], 3)))
    np.testing.assert_array_equal(x, X[parts[1].indices])
    np.testing.assert_array_equal(y, Y[parts[1].indices])
    for lengths in ([8, 4], [0.5, 0.4], [12, -1], [5.5, 5.5]):
        with pytest.raises(OptionError, match="random_split"):
            nn.data.random_split(range(11), lengths)


def test_datasets_of_datasets():
    both = TensorDataset(Y[:3]) + TensorDataset(Y[3:]) + TensorDataset(Y[:0])
    assert len(both) == 11 and [int(y) for (y,) in both] == Y.tolist()
    assert int(both[-1][0]) == 10 and int(both[-9][0]) == 2
    with pytest.raises(IndexError, match="sample 11"):
        both[11]
    chained = Stream() + Stream()
    assert [sample["n"] for sample in chained] == [*Y, *Y]
    assert nn.data.StackDataset(X, Y)[2][1] == 2
    assert nn.data.StackDataset(a=X, b=Y)[2]["b"] == 2
    assert nn.data.Subset(Y, [4, 2])[1] == 2 and nn.data.Subset(Y, [4, 2])[[1, 0]].tolist() == [2, 4]


def test_a_subclass_that_makes_other_samples_makes_other_batches():
    class Doubled(TensorDataset):
        def __getitem__(self, i):
            return 2 * self.tensors[0][i]

    assert content(DataLoader(Doubled(Y), 11)) == [(2 * Y).tolist()]
    assert content(DataLoader(nn.data.Subset(Doubled(Y), [3, 1]), 2)) == [[6, 2]]


def test_samples_may_be_asked_for_together():
    class Together(nn.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            raise AssertionError("one by one")

        def __getitems__(self, places):
            return [10 * i for i in places]

    assert content(DataLoader(Together(), 3)) == [[0, 10, 20], [30]]


def test_structures_stay():
    Point = namedtuple("Point", "x y")
    batch = nn.data.default_collate([Point(1, [2.0]), Point(3, [4.0])])
    assert type(batch) is Point and batch.x.tolist() == [1, 3] and batch.y[0].tolist() == [2, 4]
    w = Tensor([1.0], requires_grad=True)
    stacked = nn.data.default_collate([w, 2 * w])
    stacked.sum().backward()
    assert w.grad.tolist() == [3]
    sample = nn.data.default_convert({"x": X, "point": Point(Y, "text")})
    assert type(sample["x"]) is Tensor and sample["point"].y == "text"
    assert nn.Dataset[int] and nn.data.Sampler[int]


# -- what cannot be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DataLoader(X, sampler=[1], shuffle=True), OptionError, "leave shuffle out"),
        (lambda: DataLoader(X, 2, batch_sampler=[[1]]), OptionError, "leave batch_size out"),
        (lambda: DataLoader(X, batch_sampler=[[1]], drop_last=True), OptionError, "leave drop_last out"),
        (lambda: DataLoader(Stream(), shuffle=True), OptionError, "leave shuffle out"),
        (lambda: DataLoader(X, num_workers=-1), OptionError, "num_workers"),
        (lambda: DataLoader(X, generator="x"), OptionError, r"generator=np.random.default_rng\(0\)"),
        (lambda: list(DataLoader([object()])), DTypeError, "type object cannot be stacked.*collate_fn"),
        (lambda: list(DataLoader([(1, 2), (1,)], 2)), ShapeError, "1 and 2 items.*collate_fn"),
        (lambda: nn.data.WeightedRandomSampler([0, 0], 1), DataError, "not all 0"),
        (lambda: nn.data.WeightedRandomSampler([1, -1], 1), DataError, "at least 0"),
        (lambda: nn.data.WeightedRandomSampler([0, 1], 2, False), OptionError, "only 1.*num_samples=1"),
        (lambda: nn.data.RandomSampler(X, num_samples=0), OptionError, "num_samples"),
        (lambda: list(nn.data.RandomSampler([], num_samples=2)), DataError, "no samples"),
        (lambda: nn.data.ConcatDataset([]), DataError, "no dataset"),
        (lambda: nn.data.StackDataset(X, Y[:2]), ShapeError, r"lengths \[2, 11\]"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(make, error, message):
    with pytest.raises(error, match=message):
        make()
