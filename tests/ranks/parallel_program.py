"""One program for PyTorch's DistributedDataParallel and for ours; only the imports differ."""

OURS = """
import nn.torch as torch
import nn.torch.distributed as dist
from nn.torch import nn, optim
from nn.parallel import DistributedDataParallel as DDP
"""

THEIRS = """
import torch
import torch.distributed as dist
from torch import nn, optim
from torch.nn.parallel import DistributedDataParallel as DDP
torch.set_num_threads(1)
"""

PROGRAM = """
import sys
import numpy as np

folder = sys.argv[1]
dist.init_process_group("gloo")
rank, ranks = dist.get_rank(), dist.get_world_size()
data = np.load(folder + "/data.npz")
X, y = torch.tensor(data["X"]), torch.tensor(data["y"])
model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 3))
if rank == 0:
    model.load_state_dict({k: torch.tensor(data[k]) for k in model.state_dict()})
ddp = DDP(model, bucket_cap_mb=0.001)
optimizer = optim.SGD(ddp.parameters(), lr=0.1, momentum=0.9)
sampler = torch.utils.data.distributed.DistributedSampler(X, shuffle=False)
own = list(sampler)
for step in range(4):
    optimizer.zero_grad()
    nn.functional.cross_entropy(ddp(X[own]), y[own]).backward()
    optimizer.step()
total = torch.tensor([float(rank + 1)])
dist.all_reduce(total, op=dist.ReduceOp.SUM)
found = [None] * ranks
dist.all_gather_object(found, rank)
assert found == list(range(ranks)) and total.item() == ranks * (ranks + 1) / 2
assert list(ddp.state_dict())[0] == "module.0.weight"
np.savez(
    folder + "/" + sys.argv[2] + str(rank) + ".npz",
    **{k: p.grad.detach().numpy() for k, p in model.named_parameters()},
    **{"weights of " + k: p.detach().numpy() for k, p in model.named_parameters()},
)
dist.destroy_process_group()
"""
