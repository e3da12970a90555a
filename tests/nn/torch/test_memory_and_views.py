"""Programs that write in place: PyTorch and `nn.torch` end with the same numbers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn as plain
import nn.torch
from autograd_lite.errors import DTypeError


def shared_with_numpy(torch: Any) -> Any:
    a = np.arange(6.0).reshape(2, 3)
    x = torch.from_numpy(a)
    x.add_(1)
    x[0] = 7
    x[1, 2] = -1.0
    x[:, 0].mul_(2)
    x.t()[1] += 5
    b = x.numpy()
    b[0, 0] = 100
    zero = np.zeros(())
    torch.from_numpy(zero).fill_(3)
    y = torch.as_tensor(a)
    y += 1
    y -= torch.ones(3, dtype=torch.float64)
    y *= 2
    c = torch.tensor(a)
    c.zero_()
    return a, x, zero, c


def numbers_are_views(torch: Any) -> Any:
    x = torch.zeros(4)
    one = x[1]
    one.fill_(5)
    x[2] = 3
    two = x[2]
    x[2] += 1
    for entry in x:
        entry.add_(0.5)
    rows = torch.zeros(2, 2)
    for row in rows:
        row[0] = 1
    corner = rows[1][1]
    corner -= 4
    copied = x[[0, 1]]
    copied.zero_()
    masked = x[x > 1]
    masked.zero_()
    return x, one, two, rows, corner, x[1].shape, x[-1].item()


def views_of_views(torch: Any) -> Any:
    x = torch.arange(12.0)
    grid = x.view(3, 4)
    grid[1].zero_()
    grid[:, 1:3][0] = -1
    x.reshape(2, 6).T[0] = 9
    left, right = grid.chunk(2, 1)
    left.mul_(2)
    right[0].copy_(torch.tensor([5.0, 6.0]))
    grid.unbind(0)[2].add_(100)
    grid.flatten()[5] = 77
    grid.squeeze().unsqueeze(0)[0, 0, 0] = 55
    x.narrow(0, 10, 2).fill_(1)
    grid.permute(1, 0)[3, 1] = 33
    grid.movedim(0, 1).select(0, 2).sub_(1)
    return x, grid, left, right


def detached(torch: Any) -> Any:
    w = torch.ones(3, requires_grad=True)
    w.data.mul_(3)
    w.detach()[0] = 10
    w.data[1] = 20
    held = w.data
    held += 1
    y = (w * w).sum()
    y.backward()
    w.grad.data.clamp_(max=30)
    w.grad[2] = 0
    before = w.grad.clone()
    w.grad.zero_()
    with torch.no_grad():
        w -= 0.5 * before
        w.add_(1)
        w[0] = 2
    w.data = w.data * 2
    return w, before, w.grad, w.is_leaf, y


def gradients_apart(torch: Any) -> Any:
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    (a + b).sum().backward()
    a.grad.mul_(10)
    a.grad.add_(b.grad)
    (a * b).sum().backward()
    held = a.grad.data
    held.add_(1)
    a.grad.mul_(2)
    b.grad.zero_()
    return a.grad, b.grad, held


def recorded(torch: Any) -> Any:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = x * 2
    y[0] = 0
    y[:, 1].mul_(3)
    y.add_(x)
    y += 1
    z = y.clone()
    z[1, 1] = 5
    z.masked_fill_(torch.tensor([[True, False], [False, False]]), 7.0)
    z.t()[0, 1] += 2
    (z * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    return y, z, x.grad


def written_by_index(torch: Any) -> Any:
    x = torch.zeros(3, 4)
    x[torch.tensor([0, 2])] = 1
    x[:, torch.tensor([1])] = 2
    x[torch.tensor([0, 1]), torch.tensor([2, 3])] = torch.tensor([5.0, 6.0])
    x[x == 2] = 8
    x[1] = torch.arange(4)
    x[..., -1] += 1
    x[2, :2] = torch.tensor([1.5, 2.5], dtype=torch.float64)
    n = torch.zeros(3, dtype=torch.long)
    n[0] = 2.7
    n[1:] = torch.tensor([1.9, -1.9])
    mask = torch.zeros(3, dtype=torch.bool)
    mask[1] = 1
    return x, n, mask


def other_shapes(torch: Any) -> Any:
    x = torch.arange(6.0)
    x.unsqueeze_(0)
    x.squeeze_().unsqueeze_(1)
    y = torch.ones(2, 3)
    y.t_()
    y[2, 1] = 4
    y.transpose_(0, 1).mul_(2)
    z = torch.zeros(0)
    z.resize_(2, 2).fill_(1)
    return x, y, z


def modules(torch: Any) -> Any:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(2, 2)
            self.scale = torch.nn.Parameter(torch.ones(2))
            self.register_buffer("mean", torch.zeros(2))
            self.register_buffer("count", torch.tensor(0))
            self.register_buffer("mask", torch.tril(torch.ones(2, 2)).bool(), persistent=False)

        def forward(self, x: Any) -> Any:
            if self.training:
                self.mean.mul_(0.9).add_(0.1 * x.detach().mean(0))
                self.count += 1
            h = self.fc(x) * self.scale - self.mean
            return h.masked_fill(self.mask.unsqueeze(0).squeeze(0).float().sum(0) > 1, 0.0)

    net = Net()
    with torch.no_grad():
        net.fc.weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        net.fc.bias.zero_()
        net.fc.weight.data.transpose(0, 1)[0, 1] = 30
    for _ in range(3):
        y = net(torch.tensor([[1.0, -1.0], [2.0, 0.5]]))
    y.sum().backward()
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.1 * p.grad
    state = net.state_dict()
    batch = torch.nn.BatchNorm1d(2)
    batch(torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    types = [type(m) is torch.nn.Linear for m in net.modules()]
    parameters = [isinstance(p, torch.nn.Parameter) for p in net.parameters()]
    return (
        *(
            y,
            net.mean,
            net.count,
            net.fc.weight,
            net.scale.grad,
            *state.values(),
            list(state),
            types,
            parameters,
        ),
        *(batch.running_mean, batch.running_var, batch.num_batches_tracked, net.mask.dtype == torch.bool),
        [name for name, _ in net.named_buffers()],
    )


PROGRAMS = [
    *(shared_with_numpy, numbers_are_views, views_of_views, detached, gradients_apart, recorded),
    *(written_by_index, other_shapes, modules),
]


def listed(value: Any) -> Any:
    """A result as lists of numbers."""
    return value.tolist() if hasattr(value, "tolist") else list(value) if isinstance(value, tuple) else value


@pytest.mark.torch
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_the_same_as_pytorch(program: Callable[[Any], Any], torch: Any) -> None:
    found, expected = program(nn.torch), program(torch)
    for place, (a, b) in enumerate(zip(found, expected, strict=True)):
        if torch.is_tensor(b):
            assert type(a) in (nn.torch.Tensor, nn.torch.nn.Parameter), place
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-6, err_msg=str(place))
        else:
            assert listed(a) == listed(b), place


# -- without PyTorch -------------------------------------------------------------------------------

torch = nn.torch


def test_the_named_silent_wrongs() -> None:
    mask = (torch.triu(torch.ones(3, 3)) == 1).transpose(0, 1)
    assert mask.tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    x = torch.tensor([[1.0, 5.0, 3.0], [9.0, 2.0, 4.0]])
    assert x.max(1)[1].tolist() == [1, 0]
    assert x.std(dim=1).tolist() == pytest.approx([2.0, np.std([9, 2, 4], ddof=1)])
    assert x[0].repeat(2).tolist() == [1.0, 5.0, 3.0] * 2
    assert x.sort().indices.tolist() == [[0, 2, 1], [1, 2, 0]] and x[0].tolist() == [1.0, 5.0, 3.0]
    assert torch.Tensor(2, 3).shape == (2, 3)
    assert (torch.tensor([1, 2]) / 2).dtype == torch.float32
    assert torch.tanh is torch.tanh and torch.nn.functional.relu is torch.nn.functional.relu


def test_numpys_tensor_keeps_numpys_meanings() -> None:
    x = ag.Tensor([[1.0, 5.0], [9.0, 2.0]])
    assert x.max(1).tolist() == [5.0, 9.0] and x.std(1).tolist() == [2.0, 3.5]
    assert x.transpose(0, 1).tolist() == x.tolist() and x.repeat(2).tolist()[:2] == [1.0, 1.0]
    assert type(plain.Linear(2, 2).weight) is plain.Parameter
    assert type(plain.Linear(2, 2)(np.ones((1, 2), np.float32))) is ag.Tensor


def test_an_op_with_one_of_pytorchs_gives_one() -> None:
    x, y = torch.ones(2), ag.Tensor(np.ones(2))
    layer = plain.Linear(2, 2)
    for result in (x + y, y + x, y * x, np.sin(x), np.ones(2) * x, x > y, np.argmax(x), layer(x), -x):
        assert type(result) is torch.Tensor
    w = torch.nn.Linear(2, 2).weight
    assert type(w * 2) is type(w @ w) is type(w[0]) is type(w.t()) is type(w.detach()) is torch.Tensor
    (w * 2).sum().backward()
    assert type(w.grad) is torch.Tensor and type(w) is torch.nn.Parameter


def test_where_memory_is_needed_by_the_tape_it_is_not_written_into() -> None:
    w = torch.ones(2, requires_grad=True)
    h = w * 3
    values = h.detach()
    values.zero_()
    values.numpy()[:] = 5
    (h * h).sum().backward()
    assert w.grad.tolist() == [18.0, 18.0]
    big = torch.ones(1 << 17)
    z = (w.sum() * big).sum()
    big.add_(1)
    with pytest.raises(ag.errors.TapeError, match="was changed"):
        z.backward()


def test_a_result_that_does_not_fit_is_refused() -> None:
    n = torch.tensor([1, 2])
    with pytest.raises(DTypeError, match="cannot hold"):
        n.add_(0.5)
    with pytest.raises(ag.errors.ShapeError):
        torch.ones(1).add_(torch.ones(3))
    with pytest.raises(DTypeError, match="no bfloat16"):
        torch.ones(2, dtype=torch.bfloat16)
    assert {torch.float32: 1, torch.bfloat16: 2}[torch.bfloat16] == 2


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ([1.5, 2], "tensor([1.5000, 2.0000])"),
        ([1.0, 2], "tensor([1., 2.])"),
        (3.0, "tensor(3.)"),
        ([[1, 2], [3, 4]], "tensor([[1, 2],\n        [3, 4]])"),
        ([True], "tensor([True])"),
        ([1e-8, 1.0], "tensor([1.0000e-08, 1.0000e+00])"),
        ([], "tensor([])"),
        ([float("nan"), 1.0], "tensor([nan, 1.])"),
    ],
)
def test_how_it_looks(data: Any, text: str) -> None:
    assert repr(torch.tensor(data)) == text
    assert repr(torch.ones(1, requires_grad=True)) == "tensor([1.], requires_grad=True)"
    assert repr(torch.ones(1, dtype=torch.float64)) == "tensor([1.], dtype=torch.float64)"


@pytest.mark.torch
def test_how_it_looks_in_pytorch(torch: Any) -> None:
    numbers = np.random.default_rng(0)
    for x in (
        *(
            numbers.random((3, 4)) * 1000,
            np.arange(2000.0),
            np.array(3.0),
            np.zeros((2, 0)),
            np.array([1 + 2j]),
        ),
        *(
            np.arange(24).reshape(2, 3, 4),
            np.array([-1.0, 2.5e5]),
            np.array([[-1, 200], [3, 4]]),
            np.zeros(0, int),
        ),
        *(np.array([np.nan, np.inf, 1.0]), numbers.random((40, 40)), np.array([1e10, 1.0])),
    ):
        y = x.astype({"f": np.float32, "c": np.complex64}.get(x.dtype.kind, x.dtype))
        assert repr(nn.torch.tensor(y)).split() == repr(torch.tensor(y)).split()


def test_copies_and_pickles() -> None:
    x, model = (
        torch.ones(2, requires_grad=True),
        torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)),
    )
    for made in (copy.deepcopy, copy.copy, lambda v: pickle.loads(pickle.dumps(v))):
        y = made(x)
        assert type(y) is torch.Tensor and y.requires_grad and type(y.numpy()) is np.ndarray
        assert y.tolist() == [1.0, 1.0]
    for made in (copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))):
        twin = made(model)
        assert type(twin[0]) is torch.nn.Linear and type(twin[0].weight) is torch.nn.Parameter
        with torch.no_grad():
            twin[0].weight.zero_()
            twin[1].running_mean.fill_(3)
        assert model[0].weight.abs().sum() > 0 and model[1].running_mean.tolist() == [0.0, 0.0]


def test_numbers_of_numpy_are_numbers() -> None:
    x, n = torch.ones(2), torch.tensor([1, 2])
    for y in (
        np.float64(3) * x,
        x * np.float64(3),
        np.int64(3) - x,
        np.float32(1) / x,
        np.float64(2.5) * n,
        n * np.float64(2),
    ):
        assert y.dtype == torch.float32


def test_a_batch_of_calls() -> None:
    x = torch.tensor(np.random.default_rng(0).normal(size=(3, 4)))
    f = lambda a: a.max(0)[0] + a.std() + a.sort(0)[0][1] + torch.softmax(a, 0)[2]
    np.testing.assert_allclose(ag.vmap(f)(x).numpy(), [f(row).item() for row in x], rtol=1e-12)


def test_the_default_dtype() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        made = (
            torch.ones(1),
            torch.tensor(1.0),
            torch.rand(2),
            torch.nn.Linear(1, 1).weight,
            torch.tensor([1]) / 2,
        )
        assert all(x.dtype == torch.float64 for x in made)
    finally:
        torch.set_default_dtype(torch.float32)
