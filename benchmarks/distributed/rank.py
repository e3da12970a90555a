"""What each rank measures, started by `report` under mpiexec; rank 0 prints the results as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import nn
import nn.distributed as dist

from .nets import BATCH, NETS, batch

SIZES = (8, 1024, 16_384, 131_072, 1_048_576, 4_194_304)


def fastest(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The least seconds of each piece of work, in turns; all ranks begin together."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            dist.barrier()
            begin = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - begin)
    return {name: max(dist.all_gather_object(seconds)) for name, seconds in best.items()}


def messages(rounds: int) -> list[tuple[int, float]]:
    """The seconds of a message from rank 0 to rank 1, for several sizes: half of there and back."""
    comm, found = dist.communicator(), []
    for size in SIZES:
        x = np.zeros(size, np.uint8)

        def there_and_back(x: Any = x) -> None:
            for mine in (0, 1):
                if dist.rank() == mine:
                    comm.Send(x, 1 - mine)
                else:
                    comm.Recv(x, mine)

        found.append((size, fastest({"": there_and_back}, 20 * rounds)[""] / 2))
    return found


def net(name: str, rounds: int) -> dict[str, Any]:
    """The step of a net: seconds with messages, without, and of the messages alone; its buckets."""
    ranks = dist.world_size()
    nn.manual_seed(0)
    ddp = dist.DistributedDataParallel(NETS[name](nn), bucket_cap_mb=0.25)
    optimizer = nn.optim.SGD(ddp.parameters(), lr=0.01)
    # One rank makes the batch of two.
    x, y = batch(dist.rank(), BATCH if ranks > 1 else 2 * BATCH)
    full: dict[int, float] = {}
    begin = [0.0]
    buckets = ddp.averager.buckets
    for i, bucket in enumerate(buckets):
        start = bucket.start

        def noted(comm: Any, start: Any = start, i: int = i) -> None:
            full[i] = min(full.get(i, 1e9), time.perf_counter() - begin[0])
            start(comm)

        bucket.start = noted  # type: ignore[method-assign]

    def step() -> None:
        begin[0] = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(ddp(x), y).backward()
        optimizer.step()

    def alone() -> None:
        with ddp.no_sync():
            step()
        ddp.averager._left = False  # the sums of this step are not sent later

    def send() -> None:
        for bucket in buckets:
            ddp.averager.comm.Allreduce(bucket.sent, bucket.got)

    works: dict[str, Callable[[], object]] = {"step": step, "compute": alone, "messages": send}
    fastest(works, 2)
    return {
        "net": name,
        **fastest(works, rounds),
        "buckets": [(bucket.nbytes, full.get(i, 0.0)) for i, bucket in enumerate(buckets)],
    }


if __name__ == "__main__":
    dist.init()
    rounds = int(sys.argv[1])
    result: dict[str, Any] = {"nets": [net(name, rounds) for name in NETS]}
    if dist.world_size() == 2:
        result["messages"] = messages(rounds)
    if dist.rank() == 0:
        print(json.dumps(result))
