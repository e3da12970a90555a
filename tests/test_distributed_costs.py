"""The formulas of communication hold for every message of a simulation, up to 64 ranks."""

from __future__ import annotations

import random

import pytest

from benchmarks.distributed.costs import (
    NETWORKS,
    Network,
    fitted,
    ring,
    simulated_ring,
    simulated_tree,
    step,
    tree,
)

SIZES = (1000, 65_536, 1_000_003)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("ranks", [1, 2, 3, 8, 17, 64])
def test_the_formulas_hold_in_a_simulation(ranks: int, network: Network) -> None:
    for size in SIZES:
        found = simulated_ring(size, [0.0] * ranks, network)
        # Chunks of whole bytes: each of the rounds may send one byte more than size / ranks.
        slack = 2 * ranks / network.bandwidth
        assert found == pytest.approx(ring(ranks, network, size), rel=1e-12, abs=slack)
        assert simulated_tree(size, [0.0] * ranks, network) <= tree(ranks, network, size) * (1 + 1e-12)
        if ranks & (ranks - 1) == 0:
            assert simulated_tree(size, [0.0] * ranks, network) == pytest.approx(tree(ranks, network, size))


def test_the_slowest_rank_decides() -> None:
    drawn, network = random.Random(0), NETWORKS[1]
    for ranks in (2, 5, 64):
        begins = [drawn.uniform(0, 0.01) for _ in range(ranks)]
        for simulated, formula in ((simulated_ring, ring), (simulated_tree, tree)):
            end = simulated(10_000, begins, network)
            assert max(begins) < end <= max(begins) + formula(ranks, network, 10_000) * (1 + 1e-3)


def test_a_fit_finds_latency_and_bandwidth() -> None:
    network = Network("", 3e-5, 2e9)
    found = fitted([(b, network.message(b)) for b in (8, 1000, 10**5, 10**7)])
    assert found.latency == pytest.approx(3e-5) and found.bandwidth == pytest.approx(2e9)


def test_messages_hide_behind_the_backward_pass() -> None:
    assert step(1.0, [(1, 0.2), (1, 0.5)], lambda size: 0.1) == (1.0, 0.0)
    total, waits = step(1.0, [(1, 0.2), (1, 0.95)], lambda size: 0.5)
    assert total == pytest.approx(1.45) and waits == pytest.approx(0.45)
    assert step(1.0, [(1, 0.0)] * 4, lambda size: 0.5) == (2.0, 1.0)
