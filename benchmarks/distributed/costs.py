"""The time of an average over ranks: formulas, and a simulation of every message that checks them.

A message of B bytes takes latency + B / bandwidth. Two ways to sum an array of all ranks, on all ranks:

ring   the array is cut into n chunks. In n - 1 rounds each rank sends a chunk to the next rank, which adds
       it; in n - 1 further rounds the sums go around: 2 (n - 1) (latency + B / (n bandwidth)).
tree   sums go up a binary tree in log2(n) rounds, and down again: 2 log2(n) (latency + B / bandwidth).

Sources: R. Rabenseifner, "Optimization of collective reduction operations", 2004; R. Thakur, R. Rabenseifner,
W. Gropp, "Optimization of collective communication operations in MPICH", 2005.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = [
    "NETWORKS",
    "WAYS",
    "Network",
    "fitted",
    "ring",
    "simulated_ring",
    "simulated_tree",
    "step",
    "tree",
]


@dataclass(frozen=True)
class Network:
    """A network: the seconds before a message begins to arrive, and the bytes in a second."""

    name: str
    latency: float
    bandwidth: float

    def message(self, size: float) -> float:
        """The seconds of a message of `size` bytes."""
        return self.latency + size / self.bandwidth


NETWORKS = (
    Network("Ethernet, 1 Gbit/s", 50e-6, 0.117e9),
    Network("Ethernet, 10 Gbit/s", 20e-6, 1.17e9),
    Network("InfiniBand, 100 Gbit/s", 2e-6, 12e9),
)
"""Assumed networks: usual latencies of MPI messages, and about 94 % of the nominal bandwidth."""


def ring(ranks: int, network: Network, size: float) -> float:
    """The seconds of a sum over a ring."""
    return 2 * (ranks - 1) * network.message(size / ranks)


def tree(ranks: int, network: Network, size: float) -> float:
    """The seconds of a sum over a binary tree."""
    return 2 * (ranks - 1).bit_length() * network.message(size)


WAYS: dict[str, Callable[[int, Network, float], float]] = {"ring": ring, "tree": tree}


def simulated_ring(size: int, begins: Sequence[float], network: Network) -> float:
    """The end of a sum over a ring, message by message; each rank begins at its own time.

    Chunks are whole numbers of bytes. A rank sends a chunk when it has received the one before.
    """
    n = len(begins)
    chunks = [size * (i + 1) // n - size * i // n for i in range(n)]
    now = list(begins)
    for round_ in range(2 * (n - 1) if n > 1 else 0):
        sent = [now[r] + network.message(chunks[(r - round_) % n]) for r in range(n)]
        now = [max(now[r], sent[r - 1]) for r in range(n)]
    return max(now)


def simulated_tree(size: int, begins: Sequence[float], network: Network) -> float:
    """The end of a sum over a binary tree, message by message."""
    n, now, distance = len(begins), list(begins), 1
    while distance < n:
        for r in range(0, n - distance, 2 * distance):
            now[r] = max(now[r], now[r + distance] + network.message(size))
        distance *= 2
    while distance > 1:
        distance //= 2
        for r in range(0, n - distance, 2 * distance):
            now[r] += network.message(size)  # one message at a time leaves a rank
            now[r + distance] = now[r]
    return max(now)


def fitted(times: Sequence[tuple[float, float]]) -> Network:
    """The network that fits measured pairs (bytes, seconds of a message) best, in relative terms.

    It minimizes the sum of ((latency + bytes / bandwidth) / seconds - 1)^2, by its normal equations.
    """
    rows = [(1 / t, b / t) for b, t in times]
    aa, ab, bb = (sum(r[i] * r[j] for r in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    a, b = (sum(r[i] for r in rows) for i in (0, 1))
    det = aa * bb - ab * ab
    latency, per_byte = (a * bb - b * ab) / det, (aa * b - ab * a) / det
    return Network("measured", max(latency, 0.0), 1 / per_byte)


def step(
    compute: float, buckets: Sequence[tuple[float, float]], cost: Callable[[float], float]
) -> tuple[float, float]:
    """The seconds of a training step, and how many of them wait for messages.

    Args:
        compute: the seconds without messages.
        buckets: for each bucket its bytes, and the seconds after the beginning at which it is full. The
            buckets travel one after another.
        cost: the seconds of the sum of so many bytes.
    """
    free = 0.0
    for size, full in buckets:
        free = max(free, full) + cost(size)
    end = max(compute, free)
    return end, end - compute
