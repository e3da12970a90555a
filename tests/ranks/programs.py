"""What the ranks of the tests run."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag
import nn
import nn.distributed as dist

X = np.random.default_rng(0).standard_normal((12, 4))
Y = np.sin(X.sum(axis=1, keepdims=True))


def model(norm: bool = False, dtype: Any = np.float64) -> nn.Module:
    layers = [nn.BatchNorm1d(8)] if norm else []
    return nn.Sequential(
        nn.Linear(4, 8, bias=not norm), *layers, nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)
    ).to(dtype)


OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda params: nn.optim.SGD(params, lr=0.1),
    "momentum": lambda params: nn.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda params: nn.optim.Adam(params, lr=0.01),
}


def numbers(net: nn.Module) -> list[Any]:
    return [np.asarray(v).ravel().tolist() for v in net.state_dict().values()]


def gradients(net: nn.Module) -> list[Any]:
    return [p.grad.numpy().ravel().tolist() for p in net.parameters() if p.grad is not None]


def learned(name: str, norm: bool, bucket_cap_mb: float) -> Any:
    """The state after some steps; each rank begins with other weights, and has every n-th sample."""
    nn.manual_seed(0 if dist.rank() == 0 else 7 + dist.rank())
    net = dist.SyncBatchNorm.convert_sync_batchnorm(model(norm))
    ddp = dist.DistributedDataParallel(net, bucket_cap_mb=bucket_cap_mb)
    optimizer = OPTIMIZERS[name](ddp.parameters())
    own = slice(dist.rank(), None, dist.world_size())
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.mse_loss(ddp(X[own]), Y[own]).backward()
        optimizer.step()
    return numbers(net), len(ddp.averager.buckets)


def alone(name: str, norm: bool) -> list[Any]:
    """The same on one rank, with all samples."""
    nn.manual_seed(0)
    net = model(norm)
    optimizer = OPTIMIZERS[name](net.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(X), Y).backward()
        optimizer.step()
    return numbers(net)


class Branches(nn.Module):
    """A net with a tied layer, a frozen one, one that only some ranks use, one that nobody uses, and a weight
    that is read outside of its layer."""

    def __init__(self) -> None:
        super().__init__()
        self.tied, self.frozen = nn.Linear(4, 4), nn.Linear(4, 4)
        self.odd, self.never, self.read = nn.Linear(4, 1), nn.Linear(4, 1), nn.Linear(4, 1)
        self.frozen.requires_grad_(False)

    def forward(self, x: Any, odd: bool) -> Any:
        h = np.tanh(self.tied(np.tanh(self.frozen(np.tanh(self.tied(x))))))
        y = h @ self.read.weight.T + self.read(h)
        return y + self.odd(h) if odd else y


def branches(as_one: bool) -> Any:
    """The gradients of `Branches`; on one rank as the mean over the ranks' losses."""
    nn.manual_seed(0)
    net = Branches().double()
    if as_one:
        losses = [np.mean(net(X[r::2], odd=r == 1) ** 2) for r in range(2)]
        (sum(losses) / 2).backward()
    else:
        ddp = dist.DistributedDataParallel(net, bucket_cap_mb=0.0002)
        np.mean(ddp(X[dist.rank() :: 2], odd=dist.rank() == 1) ** 2).backward()
    return {
        name: None if p.grad is None else p.grad.numpy().ravel().tolist()
        for name, p in net.named_parameters()
    }


def accumulated() -> Any:
    """Gradients of several passes: two under `no_sync`, one that averages, and one more."""
    nn.manual_seed(0)
    net = dist.DistributedDataParallel(model(), bucket_cap_mb=0.0002)
    parts = np.array_split(np.arange(12).reshape(-1, dist.world_size())[:, dist.rank()], 4)
    seen = []
    for k, part in enumerate(parts):
        if k < 2:
            with net.no_sync():
                np.sum(net(X[part]) ** 2).backward()
        else:
            np.sum(net(X[part]) ** 2).backward()
        seen.append(gradients(net))
    return seen


def joined() -> Any:
    """Gradients where rank 0 has no samples."""
    nn.manual_seed(0)
    net = dist.DistributedDataParallel(model())
    if dist.rank() == 0:
        net.join()
    else:
        np.sum(net(X) ** 2).backward()
    return gradients(net)


def halves() -> Any:
    """Gradients that were sent in half precision."""
    nn.manual_seed(0)
    net = dist.DistributedDataParallel(model(dtype=np.float32), half=True)
    np.sum(net(X[dist.rank() :: 2].astype(np.float32)) ** 2).backward()
    return gradients(net)


def words() -> Any:
    """The functions of `nn.distributed` on small arrays."""
    r, n = dist.rank(), dist.world_size()
    x = np.arange(3.0) + r
    dist.all_reduce(x)
    small, mean, product = np.array([r + 1]), ag.Tensor([float(r)]), np.full(2, r + 1, np.float32)
    dist.all_reduce(small, dist.ReduceOp.MIN)
    dist.all_reduce(mean, dist.ReduceOp.AVG)
    dist.all_reduce(product, "product")
    w = ag.Tensor(np.full((2, 2), float(r)), requires_grad=True)
    dist.broadcast(w, src=n - 1)
    row = np.zeros((4, 2))
    row[:, 0] = r
    dist.broadcast(row[:, 0], src=1)
    work = dist.all_reduce(y := np.ones(2) * r, async_op=True)
    assert work is not None
    work.wait()
    gathered = [np.zeros(1) for _ in range(n)]
    dist.all_gather(gathered, np.array([r * 10.0]))
    listed = dist.all_gather(np.array([r], np.float16))
    assert listed is not None
    dist.barrier()
    return {
        "sum": x.tolist(),
        "min": small.tolist(),
        "mean": mean.tolist(),
        "product": product.tolist(),
        "broadcast": w.tolist(),
        "column": row.tolist(),
        "later": y.tolist(),
        "gathered": [g.tolist() for g in gathered],
        "listed": [g.tolist() for g in listed],
        "objects": dist.all_gather_object({"rank": r}),
        "object": dist.broadcast_object(f"from {r}", src=1),
        "summed": ag.grad(lambda v: np.sum(dist.summed(v) ** 2))(np.array([1.0 + r])).tolist(),
    }
