"""Several ranks make the steps of one rank that has all samples."""

from __future__ import annotations

import gzip
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
import nn.distributed as dist
from autograd_lite.errors import DataError, OptionError
from tests.ranks import breaking, checks, programs
from tests.ranks.checks import close
from tests.ranks.running import on_ranks, started

CASES = [(name, norm) for name in programs.OPTIMIZERS for norm in (False, True)]


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize(("name", "norm"), CASES)
def test_ranks_learn_as_one(name: str, norm: bool, n: int, tmp_path: Path) -> None:
    expected = programs.alone(name, norm)
    found = on_ranks(n, tmp_path, programs.learned, name, norm, 0.0003)
    for state, buckets in found:
        assert state == found[0][0]  # to the bit
        assert close(state, expected) and buckets > 2
    if name == "adam":
        assert on_ranks(n, tmp_path, programs.learned, name, norm, 0.0003) == found  # again, to the bit
        whole = on_ranks(n, tmp_path, programs.learned, name, norm, 25.0)
        assert whole[0][1] == 1 and close(whole[0][0], expected)


@pytest.mark.slow
def test_tied_frozen_and_unused_parameters(tmp_path: Path) -> None:
    checks.branches(on_ranks(2, tmp_path, programs.branches, False))


@pytest.mark.slow
def test_uses_that_are_easy_to_get_wrong(tmp_path: Path) -> None:
    for found in on_ranks(2, tmp_path, breaking.all_cases):
        assert [name for name, right in found.items() if not right] == []


def mean_of_ranks(parts: Any, dtype: Any = np.float64) -> list[Any]:
    """The gradients of sums of squares, of the samples of all ranks, divided by the number of ranks."""
    nn.manual_seed(0)
    net = programs.model(dtype=dtype)
    for rank in parts:
        for part in rank:
            np.sum(net(programs.X[part].astype(dtype)) ** 2).backward()
    return [p.grad.numpy().ravel() / len(parts) for p in net.parameters() if p.grad is not None]


@pytest.mark.slow
def test_accumulation(tmp_path: Path) -> None:
    parts = [np.array_split(np.arange(12).reshape(-1, 2)[:, r], 4) for r in range(2)]
    found = on_ranks(2, tmp_path, programs.accumulated)
    assert found[0][2:] == found[1][2:] and found[0][1] != found[1][1]
    for k in (2, 3):
        assert close(found[0][k], mean_of_ranks([part[: k + 1] for part in parts]))


@pytest.mark.slow
def test_a_rank_without_samples(tmp_path: Path) -> None:
    for found in on_ranks(2, tmp_path, programs.joined):
        assert close(found, mean_of_ranks([[], [np.arange(12)]]))


@pytest.mark.slow
def test_half_precision(tmp_path: Path) -> None:
    one, two = on_ranks(2, tmp_path, programs.halves)
    assert one == two
    for a, g in zip(one, mean_of_ranks([[slice(0, None, 2)], [slice(1, None, 2)]], np.float32), strict=True):
        assert np.allclose(a, g, rtol=0, atol=1e-3 * np.abs(g).max())  # 2^-11 of each rank's gradient
        assert not np.allclose(a, g, rtol=1e-7, atol=0)


@pytest.mark.slow
def test_words(tmp_path: Path) -> None:
    checks.words(on_ranks(3, tmp_path, programs.words))


ERROR = """
import sys, time
import nn.distributed as dist
dist.init()
if dist.rank() == 1:
    raise ValueError("a fault on this rank")
time.sleep(600) if sys.argv[1] == "sleeps" else dist.barrier()
"""


@pytest.mark.few(2)
@pytest.mark.parametrize("other", ["sleeps", "waits"])
def test_an_error_ends_all_ranks_with_its_message(other: str) -> None:
    done = started(3, "-c", ERROR, other, seconds=30)
    assert done.returncode != 0
    assert "rank 1 of 3:" in done.stderr and "ValueError: a fault on this rank" in done.stderr


@pytest.mark.slow
def test_models_that_differ_are_refused() -> None:
    text = "import nn, nn.distributed as d; d.init(); d.DistributedDataParallel(nn.Linear(2, 1 + d.rank()))"
    done = started(2, "-c", text, seconds=30)
    assert done.returncode != 0 and "make the same model on all ranks" in done.stderr


# -- without other processes -----------------------------------------------------------------------


def test_samplers_give_every_sample_once() -> None:
    for n, ranks in ((10, 3), (9, 3), (2, 4), (0, 2)):
        for epoch in range(3):
            parts = []
            for r in range(ranks):
                sampler = dist.DistributedSampler(range(n), ranks, r, seed=5)
                sampler.set_epoch(epoch)
                parts.append(list(sampler))
                assert len(parts[-1]) == len(sampler)
            assert sorted(chain(*parts)) == list(range(n))
            if n > 5:
                assert parts[0] != list(dist.DistributedSampler(range(n), ranks, 0, seed=6))
    even = [list(dist.DistributedSampler(range(10), 4, r, shuffle=False, even=True)) for r in range(4)]
    assert [len(part) for part in even] == [3] * 4 and sorted(set(chain(*even))) == list(range(10))
    dropped = [list(dist.DistributedSampler(range(10), 4, r, drop_last=True)) for r in range(4)]
    assert [len(part) for part in dropped] == [2] * 4 and len(set(chain(*dropped))) == 8


def test_streams_give_every_sample_once() -> None:
    parts = [list(dist.DistributedStream(iter(range(8)), 3, r)) for r in range(3)]
    assert parts == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert list(dist.DistributedStream(range(3), 3, 1, own=True)) == [0, 1, 2]
    loader = nn.DataLoader(dist.DistributedStream(range(9), 2, 1), batch_size=2, num_workers=1)
    assert [x.tolist() for x in loader] == [[1, 3], [5, 7]]
    with pytest.raises(OptionError, match="ranks 0 to 1"):
        dist.DistributedStream(range(3), 2, 2)


def test_files_larger_than_memory_stay_in_the_file(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    (tmp_path / "x.idx").write_bytes(
        bytes([0, 0, 8, 3, *(0, 0, 0, 4), *(0, 0, 0, 2), *(0, 0, 0, 3)]) + values.tobytes()
    )
    np.save(tmp_path / "y.npy", np.arange(4.0))
    images = nn.datasets.read_idx(tmp_path / "x.idx", mmap=True)
    labels = np.load(tmp_path / "y.npy", mmap_mode="r")
    dataset = nn.TensorDataset(images, labels)
    assert isinstance(images, np.memmap)
    for held, file in zip(dataset.tensors, (images, labels), strict=True):
        assert np.shares_memory(held, file)
    sampler = dist.DistributedSampler(dataset, 2, 1, shuffle=False)
    ((x, y),) = nn.DataLoader(dataset, 2, sampler=sampler, num_workers=1)
    assert np.array_equal(x.numpy(), values[1::2]) and y.tolist() == [1, 3]
    (tmp_path / "x.idx.gz").write_bytes(gzip.compress((tmp_path / "x.idx").read_bytes()))
    with pytest.raises(DataError, match="unpack it first"):
        nn.datasets.read_idx(tmp_path / "x.idx.gz", mmap=True)


def test_mistakes() -> None:
    with pytest.raises(OptionError, match=r"call nn\.distributed\.init\(\) first"):
        dist.rank()
    with pytest.raises(OptionError, match="ranks 0 to 1"):
        dist.DistributedSampler(range(3), 2, 2)
    with pytest.raises(OptionError, match='expected "mpi"'):
        dist.init("carrier pigeons")
