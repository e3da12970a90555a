"""Uses of DistributedDataParallel that are easy to get wrong; each returns whether gradients are right."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
import weakref
from typing import Any

import numpy as np

import autograd_lite as ag
import nn
import nn.distributed as dist
from tests.ranks.checks import close
from tests.ranks.programs import X, model

SMALL = 0.0002
"""Megabytes of a bucket: several buckets for a small net."""


def net() -> Any:
    nn.manual_seed(0)
    return model()


def parallel(**options: Any) -> Any:
    return dist.DistributedDataParallel(net(), **{"bucket_cap_mb": SMALL, **options})


def own() -> Any:
    return X[dist.rank() :: dist.world_size()]


def squares(m: Any, x: Any) -> Any:
    return np.sum(m(x) ** 2)


def grads(m: Any) -> list[Any]:
    return [p.grad.numpy() for p in m.parameters()]


def right(m: Any, f: Any = squares, times: int = 1) -> bool:
    """Whether the gradients of a model are the means over the ranks' samples."""
    alone, n = net(), dist.world_size()
    for r in range(n):
        f(alone, X[r::n]).backward()
    return close(grads(m), [times * g / n for g in grads(alone)])


def same(gradient: Any) -> bool:
    """Whether all ranks have a gradient with the same bits."""
    return len({g.tobytes() for g in dist.all_gather_object(gradient)}) == 1


def learned(m: Any) -> bool:
    m.zero_grad()
    squares(m, own()).backward()
    return right(m)


def two_forward_passes() -> bool:
    m = parallel()

    def f(m: Any, x: Any) -> Any:
        return squares(m, x) + np.sum(m(2 * x) ** 3)

    f(m, own()).backward()
    return right(m, f)


def the_model_inside_called_alone() -> bool:
    m = parallel()
    m.module(own())
    return all(isinstance(p, nn.Parameter) for p in m.parameters()) and learned(m)


class Checkpointed(nn.Module):
    def __init__(self, layers: Any) -> None:
        super().__init__()
        self.first, self.second = layers[:3], layers[3:]

    def forward(self, x: Any) -> Any:
        return self.second(ag.checkpoint(self.first)(x))


def a_checkpoint_inside() -> bool:
    return learned(dist.DistributedDataParallel(Checkpointed(net()), bucket_cap_mb=SMALL))


def a_checkpoint_outside() -> bool:
    m = parallel()
    squares(ag.checkpoint(m), own()).backward()
    return right(m) and learned(m)


def backward_twice() -> bool:
    m = parallel()
    loss = squares(m, own())
    loss.backward(retain_graph=True)
    loss.backward()
    return right(m, times=2)


def a_gradient_of_a_gradient() -> bool:
    m = parallel()

    def f(m: Any, x: Any) -> Any:
        return squares(m, x) + np.sum(ag.grad(lambda x: np.sum(m(x)))(x) ** 2)

    f(m, own()).backward()
    return right(m, f)


def a_deleted_wrapper() -> bool:
    m = parallel()
    inner, gone = m.module, weakref.ref(m)
    del m
    gc.collect()
    squares(inner, own()).backward()
    return gone() is None and not right(inner)  # the gradients of this rank alone


def a_forward_pass_that_raises() -> bool:
    m = parallel()
    try:
        m(own()[:, :2])
    except ValueError:
        return learned(m)
    return False


def a_backward_pass_that_raises() -> bool:
    m = parallel()

    def fault(g: Any) -> None:
        raise ZeroDivisionError

    handle = next(m.parameters()).register_hook(fault)
    try:
        squares(m, own()).backward()
    except ZeroDivisionError:
        handle.remove()
        return learned(m)
    return False


def two_models_in_one_pass() -> bool:
    m, critic = parallel(), dist.DistributedDataParallel(nn.Linear(1, 2).double())

    def f(m: Any, x: Any) -> Any:
        return np.sum(critic.module(m(x)) ** 2)

    np.sum(critic(m(own())) ** 2).backward()
    return same(critic.module.weight.grad.numpy()) and right(m, f)


def frozen_and_thawed() -> bool:
    m = parallel()
    w = m.module[0].weight
    w.requires_grad_(False)
    squares(m, own()).backward()
    without = w.grad is None
    w.requires_grad_(True)
    return without and learned(m)


def thawed() -> bool:
    inner = net()
    inner[0].requires_grad_(False)
    m = dist.DistributedDataParallel(inner)
    inner[0].requires_grad_(True)
    return learned(m)


def another_dtype() -> bool:
    m = dist.DistributedDataParallel(net().float())
    m.double()
    m.load_state_dict({f"module.{k}": v for k, v in net().state_dict().items()})
    return learned(m) and grads(m)[0].dtype == np.float64


def a_copy() -> bool:
    m = parallel()
    other = copy.deepcopy(m)
    return learned(other) and m.module[0].weight.grad is None and learned(pickle.loads(pickle.dumps(m)))


def half_precision_parameters() -> bool:
    m = dist.DistributedDataParallel(net().to(np.float16))
    squares(m, own().astype(np.float16)).backward()
    return same(grads(m)[0])


def compiled() -> bool:
    m = parallel()
    step = ag.compile(lambda x: squares(m, x).backward())
    results = []
    for _ in range(3):
        m.zero_grad()
        with warnings.catch_warnings(action="ignore"):
            step(own())
        results.append(right(m))
    return all(results) and "its ranks exchange gradients" in step.signatures[0]


def branches_beside_batch_norm() -> bool:
    """Ranks that use other parameters send their buckets at other moments than batch norm sends its sums."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(4, 3), dist.SyncBatchNorm(3), nn.Linear(3, 3)
            self.extra = nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            y = self.last(self.norm(self.first(x)))
            return y + self.extra(y) if dist.rank() == 0 else y

    nn.manual_seed(0)
    m = dist.DistributedDataParallel(Net().double(), bucket_cap_mb=1e-5)
    squares(m, own()).backward()
    return same(grads(m)[0])


def batch_norm_in_a_checkpoint() -> bool:
    """The running values move once for each batch."""
    states = []
    for of in (lambda norm: norm, ag.checkpoint):
        norm = dist.SyncBatchNorm(4)
        squares(of(norm), ag.Tensor(own(), requires_grad=True)).backward()
        states.append([np.asarray(value).tolist() for value in norm.state_dict().values()])
    return states[0] == states[1] and states[0][-1] == 1


CASES = [
    two_forward_passes,
    the_model_inside_called_alone,
    a_checkpoint_inside,
    a_checkpoint_outside,
    backward_twice,
    a_gradient_of_a_gradient,
    a_deleted_wrapper,
    a_forward_pass_that_raises,
    a_backward_pass_that_raises,
    two_models_in_one_pass,
    frozen_and_thawed,
    thawed,
    another_dtype,
    a_copy,
    half_precision_parameters,
    compiled,
    branches_beside_batch_norm,
    batch_norm_in_a_checkpoint,
]


def all_cases() -> dict[str, bool]:
    return {case.__name__: bool(case()) for case in CASES}
