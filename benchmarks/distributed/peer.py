"""The step of PyTorch's DistributedDataParallel (gloo) on the same nets and batches; rank 0 prints JSON."""

from __future__ import annotations

import json
import sys
import time

import torch
import torch.distributed as dist

from .nets import NETS, batch


def net(name: str, rounds: int) -> float:
    """The least seconds of a step."""
    torch.manual_seed(0)
    ddp = torch.nn.parallel.DistributedDataParallel(NETS[name](torch.nn), bucket_cap_mb=0.25)
    optimizer = torch.optim.SGD(ddp.parameters(), lr=0.01)
    x, y = map(torch.tensor, batch(dist.get_rank()))
    best = float("inf")
    for _ in range(rounds + 2):
        dist.barrier()
        begin = time.perf_counter()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(ddp(x), y).backward()
        optimizer.step()
        best = min(best, time.perf_counter() - begin)
    every = [torch.zeros(1, dtype=torch.float64) for _ in range(dist.get_world_size())]
    dist.all_gather(every, torch.tensor([best], dtype=torch.float64))
    return max(float(x.item()) for x in every)


if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    found = {name: net(name, int(sys.argv[1])) for name in NETS}
    if dist.get_rank() == 0:
        print(json.dumps(found))
    dist.destroy_process_group()
