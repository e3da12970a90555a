"""Idioms of programs for PyTorch whose meaning was once another one here."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from nn.torch.optim.lr_scheduler import LRScheduler, _LRScheduler

import nn.torch as torch
from nn.torch import nn


def test_a_state_shares_the_memory_of_its_module() -> None:
    layer, norm = nn.Linear(2, 2), nn.BatchNorm1d(2)
    layer.state_dict()["weight"].copy_(torch.ones(2, 2))
    norm.state_dict()["running_mean"].fill_(3.0)
    assert layer.weight.tolist() == [[1, 1], [1, 1]]
    assert norm.running_mean.tolist() == [3, 3]


def test_a_deep_copy_of_a_state_is_a_snapshot() -> None:
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, 0.5)  # adding 1 to a drawn weight would round
    before = copy.deepcopy(layer.state_dict())
    layer.weight.data.add_(1.0)
    assert (layer.weight - before["weight"]).tolist() == [[1, 1], [1, 1]]


def test_hooks_get_tensors_of_pytorch() -> None:
    seen: list[Any] = []
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    layer = nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda module, into, out: seen.extend([*into, *out]))
    y = x * 2
    x.register_hook(seen.append)
    y.register_hook(seen.append)
    layer(y).sum().backward()
    assert len(seen) == 4
    assert {type(g) for g in seen} == {torch.Tensor}


@pytest.mark.parametrize("wrong", ["shape", "state", "matrix", "seed", "device"])
def test_errors_are_runtime_errors(wrong: str) -> None:
    calls = {
        "shape": lambda: torch.ones(2, 3) @ torch.ones(2, 4),
        "state": lambda: nn.Linear(2, 2).load_state_dict({}),
        "matrix": lambda: torch.inverse(torch.zeros(2, 2)),
        "seed": lambda: (torch.ones(2, requires_grad=True) * 2).backward(),
        "device": lambda: torch.ones(2).cuda(),
    }
    with pytest.raises(RuntimeError):
        calls[wrong]()


class Warmup(_LRScheduler):
    """A schedule that defines `get_lr` from the first rates and `last_epoch`."""

    def __init__(self, optimizer: Any, steps: int) -> None:
        self.steps = steps
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        return [base * min(1.0, (self.last_epoch + 1) / self.steps) for base in self.base_lrs]


def test_a_schedule_may_define_get_lr() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    schedule = Warmup(optimizer, 4)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(4):
        optimizer.step()
        schedule.step()
        rates += schedule.get_last_lr()
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])
    resumed = Warmup(optimizer, 4)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.last_epoch == 4
    assert issubclass(_LRScheduler, LRScheduler)


class Heavy(torch.optim.Optimizer):  # type: ignore[misc]
    """Momentum, written with `state[p]` and Tensors' in-place methods."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "buffer" not in state:
                    state["buffer"] = torch.zeros_like(p)
                state["buffer"].mul_(0.5).add_(p.grad)
                p.add_(state["buffer"], alpha=-group["lr"])


def test_an_optimizer_with_a_step_of_its_own_resumes() -> None:
    p = nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    first, second = Heavy([p], 0.1), Heavy([p], 0.1)
    first.step()
    second.load_state_dict(first.state_dict())
    second.step()
    assert p.tolist() == pytest.approx([0.75, 0.75])
    assert first.state[p]["buffer"].tolist() == [1, 1]
    assert second.state[p]["buffer"].tolist() == [1.5, 1.5]


def test_a_data_parallel_model_has_the_keys_of_pytorch() -> None:
    model = nn.DataParallel(nn.Linear(2, 1), device_ids=[0])
    assert [name for name, _ in model.named_parameters()] == ["module.weight", "module.bias"]
    assert model(torch.ones(3, 2)).shape == (3, 1)


@pytest.mark.parametrize("offset", [-3, -2, -1, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (0, 2)])
def test_a_diagonal_is_a_view(shape: tuple[int, int], offset: int) -> None:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    expected = values.copy()
    if (diagonal := np.diagonal(expected, offset)).size:
        diagonal.flags.writeable = True
        diagonal -= 1
    x = torch.tensor(values)
    assert torch.diagonal(x, offset).tolist() == np.diagonal(values, offset).tolist()
    torch.diagonal(x, offset).add_(-1)
    assert x.tolist() == expected.tolist()


def test_a_recorded_diagonal_is_written() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    c = x * 1
    on = torch.diagonal(c).add_(-1).pow_(2).sum()
    on.backward()
    assert x.grad.tolist() == [[0, 0], [0, 6]]


def test_numbers_of_numpy_keep_their_dtype() -> None:
    assert torch.tensor(np.float64(1)).dtype == torch.float64
    assert torch.tensor([1.0, np.float64(2)]).dtype == torch.float64
    assert torch.tensor([[1.0, 2.0]]).dtype == torch.float32


def test_one_entry_becomes_an_int() -> None:
    assert int(torch.tensor([3])) == 3
    with pytest.raises(RuntimeError, match="0-d"):
        int(torch.tensor([1, 2]))


def test_versions_are_compared_by_their_numbers() -> None:
    assert torch.__version__ >= "2.4"
    assert torch.__version__ > "1.13.1"
    assert torch.__version__ < "2.100"
    assert torch.__version__ > (1, 8)
    assert int(torch.__version__.split(".")[0]) == 2


def test_hooks_of_all_modules_have_pytorchs_place() -> None:
    names: list[str] = []
    handle = nn.modules.module.register_module_forward_hook(lambda m, i, o: names.append(type(m).__name__))
    nn.Linear(2, 2)(torch.ones(1, 2))
    handle.remove()
    assert names == ["Linear"]
