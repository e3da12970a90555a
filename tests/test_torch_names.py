"""PyTorch's names on Tensors: the same call on the same numbers, here and there."""
# ruff: noqa: E501  (one name a line)

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import AutogradLiteError, OptionError, UnsupportedError

rng = np.random.default_rng(3)
A = rng.uniform(0.1, 0.9, (3, 4))
B = rng.uniform(0.1, 0.9, (3, 4))
C = rng.uniform(0.1, 0.9, (2, 3, 4))
PLACES = np.array([[2, 0], [1, 1], [3, 0]])

CALLS: dict[str, Callable[..., Any]] = {
    "view": lambda a, b, c, i: c.view(-1, 4).view((4, 6)).view_as(c.reshape(3, 8)),
    "reshape_as": lambda a, b, c, i: c.reshape_as(a.expand(2, 3, 4)),
    "unsqueeze": lambda a, b, c, i: a.unsqueeze(0) + a.unsqueeze(-1).sum(),
    "permute": lambda a, b, c, i: c.permute(2, 0, 1) * c.permute((2, 0, 1)),
    "transpose": lambda a, b, c, i: c.transpose(1, 2) @ c.transpose(-2, -1).transpose(1, 2),
    "t": lambda a, b, c, i: a.t() @ b,
    "expand": lambda a, b, c, i: a[:, :1].expand(-1, 5).sum() + a[:1].expand_as(b) + a.expand(2, -1, -1),
    "flatten": lambda a, b, c, i: c.flatten(1) + c.flatten(start_dim=1, end_dim=2) + c.flatten()[:12],
    "unflatten": lambda a, b, c, i: c.unflatten(-1, (2, 2)).unflatten(0, (1, 2)),
    "flip": lambda a, b, c, i: c.flip(0) + c.flip(1, 2) + c.flip((0, 2)),
    "roll": lambda a, b, c, i: a.roll(1, 1) + a.roll(2, dims=0) if hasattr(a, "layout") else a.roll(1, 1) + a.roll(2, 0),
    "repeat_interleave": lambda a, b, c, i: a.repeat_interleave(2, dim=1),
    "tril, triu": lambda a, b, c, i: a.tril() + a.triu(1) - a[:, :3].diag().sum(),
    "split": lambda a, b, c, i: sum((k + 1) * p.sum() for k, p in enumerate(a.split(3, dim=1) + a.split([1, 2]))),
    "chunk": lambda a, b, c, i: sum((k + 1) * p.sum() for k, p in enumerate(a.chunk(2, 1) + a.chunk(5, dim=0))),
    "unbind": lambda a, b, c, i: sum((k + 1) * p for k, p in enumerate(c.unbind(1))),
    "select, narrow": lambda a, b, c, i: c.select(1, 2) + c.narrow(1, 1, 2).sum(1),
    "index_select": lambda a, b, c, i: c.index_select(2, i[0]),
    "masked_fill": lambda a, b, c, i: a.masked_fill(b > 0.5, float("-inf")).softmax(dim=-1),
    "masked_select": lambda a, b, c, i: c.masked_select(b > 0.5),
    "gather": lambda a, b, c, i: a.gather(1, i) + a[:2, :].gather(0, i[:1, :] % 2).sum(),
    "scatter": lambda a, b, c, i: a.scatter(1, i[:, :1], b[:, :1]) + a.scatter(1, i[:, 1:], 2.5),
    "scatter_": lambda a, b, c, i: (b * 1).scatter_(1, i[:, :1], a[:, :1]),
    "scatter_add": lambda a, b, c, i: b.scatter_add(1, i, a[:, :2]) + b.scatter_add(0, i % 3, a[:, :2]) + (a * 1).scatter_add_(1, i * 0, b[:, :2]),
    "where": lambda a, b, c, i: a.where(b > 0.5, b) + a.hypot(b).amax(dim=0) + a.logit() + a.asinh().frac() + (3 * a).frac(),
    "data": lambda a, b, c, i: a * b.data.clone().mul_(2).add_(1).clamp_(max=2.5),
    "unfold": lambda a, b, c, i: c.unfold(2, 2, 1).unfold(1, 3, 2),
    "topk": lambda a, b, c, i: a.topk(2).values + a.topk(2, largest=False)[0] * (a.topk(2, dim=1)[1] + 1.0),
    "sort": lambda a, b, c, i: a.sort(dim=0).values + a.sort(descending=True)[0] + a.argsort(dim=0, descending=True),
    "max, min": lambda a, b, c, i: a.max(dim=1).values * a.min(dim=1, keepdim=True)[0] + c.max(dim=2)[1].sum(),
    "argmax": lambda a, b, c, i: a * a.argmax(dim=1, keepdim=True) + b.argmin(dim=0),
    "sum, mean": lambda a, b, c, i: c.sum(dim=(0, 2)) + c.mean(dim=1, keepdim=True).sum(-1) + c.cumsum(dim=1).prod(dim=0)[:, 0],
    "var": lambda a, b, c, i: c.var(dim=1, unbiased=False) + c.var(1, unbiased=True) + c.std(dim=1, correction=0),
    "softmax": lambda a, b, c, i: a.softmax(dim=0) + a.log_softmax(dim=1) + a.logsumexp(dim=1, keepdim=True),
    "norm": lambda a, b, c, i: a.norm() + a.norm(p=1) + a.norm(dim=1).sum() + a.norm(3, dim=0, keepdim=True),
    "arithmetic": lambda a, b, c, i: a.add(b, alpha=2).sub(0.5).mul(b).div(a.pow(2)).neg().abs() + a.sub(b, alpha=3),
    "addcmul": lambda a, b, c, i: a.addcmul(a, b, value=0.5).addcdiv(b, a, value=2).lerp(b, 0.25),
    "matrices": lambda a, b, c, i: a.matmul(b.t()).mm(a) + c.bmm(c.transpose(1, 2)).sum() + a.mv(b[0]).outer(b[0]),
    "addmm": lambda a, b, c, i: b[:, :3].addmm(a, b.t(), beta=0.5, alpha=2).det(),
    "clamp": lambda a, b, c, i: a.clamp(0.3, 0.7) + a.clamp(min=0.5) + b.clamp_min(0.4) + b.clamp_max(max=0.6),
    "functions": lambda a, b, c, i: (
        a.exp() + a.log() + a.sqrt() + a.rsqrt() + a.square() + a.reciprocal() + a.sigmoid() + a.tanh() + a.relu()
        + a.sin() * a.cos() - a.tan() + a.asin() + a.acos() + a.atan() + a.log1p() + a.expm1() + a.erf() + a.log2()
    ),
    "rounded": lambda a, b, c, i: a * (3 * b).floor() + b * (3 * a).ceil() + (5 * a).round() + (a - b).sign(),
    "questions": lambda a, b, c, i: (
        a * a.gt(b) + b * a.le(b).float() + a * a.eq(a).double() + b * (a > b).long() + a * a.isnan().logical_not()
    ),
    "accuracy": lambda a, b, c, i: a.sum() * (a.argmax(1) == i[:, 0]).float().mean().item(),
    "in place": lambda a, b, c, i: (a * 1).add_(b, alpha=2).mul_(3).clamp_(max=3.5).sub_(b).div_(2).zero_().add_(a),
    "fill_": lambda a, b, c, i: (a * 1).fill_(2.0).copy_(b[0]) + (a * 1).masked_fill_(b > 0.5, 0.0).pow_(2),
    "dtypes": lambda a, b, c, i: a.float().double() * a.to(b).type_as(b) + a.to("cpu").cpu().contiguous().clone(),
    "sizes": lambda a, b, c, i: a * (c.size(0) + c.size(-1) + c.dim() + c.numel() + len(c.size()) + c.element_size()),
    "new": lambda a, b, c, i: a + a.new_zeros(3, 4) + a.new_ones((3, 4)) + a.new_full((4,), 2.0) + a.new_tensor([1.0]),
}  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("name", CALLS)
def test_the_same_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    call = CALLS[name]
    ours = [ag.Tensor(x, requires_grad=True) for x in (A, B, C)]
    theirs = [torch.tensor(x, requires_grad=True) for x in (A, B, C)]
    result, expected = call(*ours, ag.Tensor(PLACES)), call(*theirs, torch.tensor(PLACES))
    np.testing.assert_allclose(result.numpy(), expected.detach().numpy(), rtol=1e-12)
    result.sum().backward()
    expected.sum().backward()
    for mine, other in zip(ours, theirs, strict=True):
        if other.grad is None:
            assert mine.grad is None or not mine.grad.numpy().any()
        else:
            assert mine.grad is not None
            np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_size_is_numpys_number_and_called_the_shape() -> None:
    x = ag.Tensor(C)
    assert x.size == 24 and isinstance(x.size, int) and x.size() == (2, 3, 4) and x.size(-1) == 4
    assert json.dumps(x.size) == "24" and type(pickle.loads(pickle.dumps(x.size))) is int


def test_answers_are_plain_arrays_with_more_names() -> None:
    x = ag.Tensor(A, requires_grad=True)
    for answer in (x > 0.5, np.argmax(x, axis=0), np.sign(x), x.round()):
        assert isinstance(answer, np.ndarray) and not isinstance(answer, ag.Tensor)
        assert repr(answer) == repr(np.array(answer))
        assert type(answer * 2.5) is np.ndarray and type(np.sqrt(answer + 1.0)) is np.ndarray
        assert (answer == answer.clone()).long().sum() == answer.size
        assert type((answer * x).numpy()) is np.ndarray
        assert answer.view(-1).shape == (answer.size,) and answer.view(np.ndarray).base is not None
    assert isinstance((x > 0.5).sum(), np.integer) and (x > 0.5).view(np.uint8).dtype == np.uint8
    mask = x > 0.5
    mask[0] = False  # it is the user's own
    np.testing.assert_array_equal(np.where(mask, x, 0).numpy(), np.where(mask, A, 0))
    assert isinstance(x.sum() > 0, np.bool_)


def test_in_place_methods_rebind() -> None:
    w = ag.Tensor(A, requires_grad=True)
    with pytest.raises(AutogradLiteError, match="leaf"):
        w.add_(1.0)
    with ag.no_grad():
        w.sub_(B, alpha=0.1)
    np.testing.assert_array_equal(w.numpy(), A - 0.1 * B)
    y = w * 1
    z = y * y
    y.zero_()
    z.sum().backward()
    assert w.grad is not None
    np.testing.assert_allclose(w.grad.numpy(), 2 * w.numpy())
    assert w.grad.zero_() is w.grad and not w.grad.numpy().any()


def test_data_writes_through() -> None:
    w = ag.Tensor(A, requires_grad=True)
    w.data.mul_(2).clamp_(max=1)
    np.testing.assert_array_equal(w.numpy(), np.minimum(2 * A, 1))
    w.data -= 0.5 * np.ones_like(A)
    w.sum().backward()
    assert w.grad is not None
    w.grad.data.zero_()
    assert not w.grad.numpy().any() and type(w.numpy()) is np.ndarray


def test_leaving_and_entering_the_tape() -> None:
    x = ag.Tensor(A).requires_grad_()
    y = x * 2
    assert x.requires_grad and x.grad_fn is None and y.grad_fn is y.node and "multiply" in str(y.grad_fn)
    assert y.detach_() is y and not y.requires_grad and y.is_leaf
    assert not x.requires_grad_(False).requires_grad


def test_numpys_meaning_stays() -> None:
    x = ag.Tensor(A)
    np.testing.assert_array_equal(x.repeat(2, 1).numpy(), A.repeat(2, 1))
    np.testing.assert_array_equal(x.transpose(0, 1).numpy(), A.transpose(0, 1))
    np.testing.assert_array_equal(x.max(1).numpy(), A.max(1))
    np.testing.assert_array_equal(x.std(0).numpy(), A.std(0))
    np.testing.assert_array_equal(x.flatten("F").numpy(), A.flatten("F"))
    np.testing.assert_array_equal(x.flatten(order="F").numpy(), A.flatten(order="F"))


def test_there_is_only_the_cpu() -> None:
    x = ag.Tensor(A)
    assert x.device == "cpu" and x.device.type == "cpu" and not x.is_cuda and x.to(x.device) is x
    assert x.to("float32").dtype == np.float32 and x.to("cpu", np.float32).dtype == np.float32
    assert x.to(device="cpu:0") is x and x.to(dtype=np.float16).dtype == np.float16
    for call in (lambda: x.cuda(), lambda: x.to("cuda:0"), lambda: x.to("mps")):
        with pytest.raises(UnsupportedError, match="only the CPU; write device = 'cpu'"):
            call()
    with pytest.raises(OptionError, match="add up to 2, not 3"):
        x.split([1, 1])
    with pytest.raises(AutogradLiteError, match="expected a shape"):
        x.view(np.float32)


def test_assigning_to_a_copy_that_is_lost_is_refused() -> None:
    x = ag.Tensor(C)
    with pytest.raises(AutogradLiteError, match=r"x would stay.*x\[i, j\] = v"):
        x[[0, 1]][1] = 5.0
    assert x.numpy().tolist() == C.tolist()
    held = {"x": x, "row": x[0]}
    held["x"][0, 1] = 5.0
    held["row"][1] = 6.0
    row = x[1]
    row[0] = 7.0
    x[1, 0] = 8.0
    x[0][0] = 9.0
    assert x.numpy()[0, :2].tolist() == [[9.0] * 4, [6.0] * 4] and (row[0] == 8).all()
    assert (held["row"][1] == 6).all()


def test_torchs_attributes_of_pairs_are_explained() -> None:
    with pytest.raises(AttributeError, match=r"x.max\(dim=i\)"):
        _ = ag.Tensor(A).max(1).values
