"""Orders of any length: drawn when needed, equal for equal seeds, and unchanged for short data."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nn
from nn.data import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    samplers,
)

MANY = 10**10

LAZY = {
    "with replacement": lambda: RandomSampler(range(50), replacement=True, num_samples=MANY, generator=3),
    "of many": lambda: RandomSampler(range(10**12), replacement=True, generator=3),
    "some of many": lambda: RandomSampler(range(10**12), num_samples=1000, generator=3),
    "round after round": lambda: RandomSampler(range(50), num_samples=MANY, generator=3),
    "weighted": lambda: WeightedRandomSampler([1, 0, 2, 1], MANY, generator=3),
    "in a row": lambda: SequentialSampler(range(10**12)),
    "batches": lambda: BatchSampler(RandomSampler(range(50), True, MANY, generator=3), 8, False),
    "batches in a row": lambda: BatchSampler(range(10**12), 8, True),
}


@pytest.mark.parametrize("name", LAZY)
def test_an_order_without_end_takes_no_memory(name: str) -> None:
    tracemalloc.start()
    try:
        sampler = LAZY[name]()
        first = list(itertools.islice(sampler, 100))
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
    assert len(sampler) == {
        "of many": 10**12,
        "some of many": 1000,
        "in a row": 10**12,
        "batches": MANY // 8,
        "batches in a row": 10**12 // 8,
    }.get(name, MANY)
    assert len(first) == 100 and first == list(itertools.islice(LAZY[name](), 100))


def test_short_orders_are_drawn_at_once_as_ever() -> None:
    n, wanted = 1000, 5000
    for sampler, drawn in (
        (RandomSampler(range(n), True, wanted, 7), lambda rng: rng.integers(n, size=wanted)),
        (RandomSampler(range(n), generator=7), lambda rng: rng.permutation(n)),
        (
            RandomSampler(range(n), num_samples=2500, generator=7),
            lambda rng: np.concatenate([rng.permutation(n) for _ in range(3)])[:2500],
        ),
        (
            WeightedRandomSampler([1.0, 3.0], 99, generator=7),
            lambda rng: rng.choice(2, 99, True, [0.25, 0.75]),
        ),
        (WeightedRandomSampler([1.0, 3.0], 2, False, 7), lambda rng: rng.choice(2, 2, False, [0.25, 0.75])),
    ):
        order = iter(sampler)
        state = sampler.generator.bit_generator.state
        assert list(order) == drawn(np.random.default_rng(7)).tolist()
        assert sampler.generator.bit_generator.state == state


@pytest.mark.parametrize("name", ["with replacement", "round after round", "weighted"])
def test_a_long_order_does_not_depend_on_who_else_draws(name: str) -> None:
    """Its generator is shared, e.g. with dropout, and a loader may work ahead of the model."""
    alone, disturbed = LAZY[name](), LAZY[name]()
    expected = list(itertools.islice(alone, 200_000))
    found = []
    for i in itertools.islice(disturbed, 200_000):
        found.append(i)
        if len(found) % 10_000 == 0:
            disturbed.generator.random()
    assert found == expected


@pytest.mark.parametrize("limit", [0, 10, 64])
def test_a_long_order_is_drawn_as_a_short_one_is(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samplers, "LIMIT", limit)
    monkeypatch.setattr(samplers, "BLOCK", 7)
    drawn = list(RandomSampler(range(5), True, 100, generator=1))
    assert len(drawn) == 100 and set(drawn) == set(range(5))
    rounds = list(RandomSampler(range(5), num_samples=98, generator=1))
    assert len(rounds) == 98
    assert all(sorted(rounds[i : i + 5]) == [0, 1, 2, 3, 4] for i in range(0, 95, 5))
    some = list(RandomSampler(range(100), num_samples=30, generator=1))
    assert len(set(some)) == 30 and set(some) <= set(range(100))
    weighted = list(WeightedRandomSampler([0, 1, 1], 100, generator=1))
    assert len(weighted) == 100 and set(weighted) == {1, 2}
    assert list(RandomSampler([], True, generator=1)) == list(RandomSampler([], generator=1)) == []


def test_each_epoch_has_an_order_of_its_own() -> None:
    sampler = LAZY["with replacement"]()
    one, other = (list(itertools.islice(sampler, 100)) for _ in range(2))
    assert one != other


class Endless:
    """A sampler that goes on for ever."""

    def __iter__(self) -> Iterator[int]:
        return itertools.cycle([3, 1, 2])


class Stream(nn.data.IterableDataset):
    def __iter__(self) -> Iterator[Any]:
        return iter(itertools.count())


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("loader", "expected"),
    [
        (
            lambda n: nn.DataLoader(np.arange(5), 2, sampler=Endless(), num_workers=n),
            [[3, 1], [2, 3], [1, 2]],
        ),
        (lambda n: nn.DataLoader(Stream(), 2, num_workers=n), [[0, 1], [2, 3], [4, 5]]),
        (lambda n: nn.DataLoader(range(10**12), 2, num_workers=n), [[0, 1], [2, 3], [4, 5]]),
        (
            lambda n: nn.DataLoader(
                np.arange(5), batch_sampler=BatchSampler(Endless(), 2, False), num_workers=n
            ),
            [[3, 1], [2, 3], [1, 2]],
        ),
    ],
)
def test_a_loader_takes_what_never_ends(loader: Any, expected: Any, workers: int) -> None:
    batches = itertools.islice(loader(workers), 3)
    assert [batch.tolist() for batch in batches] == expected


def test_a_loader_shuffles_many() -> None:
    order = WeightedRandomSampler(np.ones(100), MANY, generator=0)
    loader = nn.DataLoader(np.arange(100), batch_size=4, sampler=order)
    assert len(loader) == MANY // 4
    assert next(iter(loader)).shape == (4,)


def test_a_subset_stays_as_it_was() -> None:
    assert list(SubsetRandomSampler([5, 7, 9], generator=0)) == [
        [5, 7, 9][i] for i in np.random.default_rng(0).permutation(3)
    ]
