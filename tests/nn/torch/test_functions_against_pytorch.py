"""Functions and methods of `nn.torch` on the inputs of PyTorch's: dtypes, shapes, values, gradients.

Each line is an expression. It is evaluated with PyTorch and with `nn.torch`, on the same numbers.
"""

# ruff: noqa: E501  (one expression, or several of one kind, a line)

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import nn.torch

rng = np.random.default_rng(5)
REAL = {
    "a": rng.uniform(0.1, 0.9, (3, 4)),
    "b": rng.uniform(0.1, 0.9, (3, 4)),
    "c": rng.uniform(-0.9, 0.9, (2, 3, 4)),
    "v": rng.uniform(-0.9, 0.9, 4),
    "w": rng.uniform(-0.9, 0.9, 4),
    "s": np.array(0.7),
    "q": np.eye(4) * 2 + rng.uniform(-0.4, 0.4, (4, 4)),
    "p": np.eye(4) * 2 + np.full((4, 4), 0.3),
}
"""Inputs that have a gradient, in the dtype of the run."""

FIXED = {
    "i": np.array([[2, 0], [1, 1], [3, 0]]),
    "k": np.array([3, 0, 2, 1]),
    "n": np.array([[7, -3, 2], [5, 5, -8]]),
    "mask": np.array([[True, False, True, False], [False, True, True, False], [True, True, False, False]]),
    "z": rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)),
    "e": np.array([[3, 1j, 0.5], [-1j, 2, 0.2 - 0.3j], [0.5, 0.2 + 0.3j, 2]]),
    "nans": np.array([1.5, np.nan, -np.inf, 0.0, np.inf]),
    "ties": np.array([[2.0, 1.0, 2.0, 3.0], [0.0, 0.0, 1.0, 0.0]]),
    "h": np.array([0.5, 1.5, -2.25], np.float32),
    "d0": np.array(2.5),
    "n0": np.array(3),
    "u": np.array([1, 200, 3], np.uint8),
}
"""Inputs without a gradient, in dtypes of their own."""

POINTWISE = """
    a.sin() + torch.cos(b) * a.tan() - a.asin() + a.acos() * a.atan()
    c.sinh() + torch.cosh(c) - c.tanh() + c.asinh() + (1 + a).acosh().sum() + c.atanh()
    torch.exp(a) + a.exp2() - a.expm1() + a.log() + a.log2() - a.log10() + a.log1p()
    a.sqrt() + a.rsqrt() + a.reciprocal() + a.sigmoid() + torch.erf(a) + a.erfc() + a.square()
    a.sinc() + a.deg2rad() + b.rad2deg()
    c.neg().abs() + c.frac() * c.relu() + torch.positive(c)
    c.sign() + c.sgn() + (5 * c).round() + (4 * c).floor() - (3 * c).ceil() + (9 * c).trunc() + (7 * c).fix()
    torch.round(7.777 * a, decimals=2)
    a.logit() + torch.logit(a, eps=0.2)
    torch.arcsin(a) + torch.arctan2(a, b) + a.absolute() + a.negative() + a.arccos()
    torch.nan_to_num(nans), nans.nan_to_num(nan=2.0, posinf=9.0)
    nans.isnan(), torch.isinf(nans), nans.isfinite(), torch.isposinf(nans), torch.isneginf(nans), torch.signbit(nans)
    torch.add(a, b, alpha=2) + a.sub(b, alpha=0.5) * a.mul(b) / torch.div(a, b) + torch.rsub(a, b)
    torch.div(c, a, rounding_mode="floor"), torch.div(c, a, rounding_mode="trunc"), c.div(0.3, rounding_mode="floor")
    torch.div(n, 2, rounding_mode="floor"), torch.div(n, 2, rounding_mode="trunc"), n.div(2), n // 2, n % 3
    a.pow(2) + torch.pow(a, b) + a**-1 + 2**b + torch.float_power(a, 2)
    torch.fmod(c, 0.25) + c.remainder(0.25) + torch.fmod(a, b)
    torch.maximum(a, b) + torch.minimum(a, b) * torch.fmax(a, b) - torch.fmin(a, b)
    torch.atan2(a, b) + torch.hypot(a, b) + torch.logaddexp(a, b) + torch.logaddexp2(a, b)
    torch.copysign(a, c) + torch.ldexp(a, n0)
    torch.xlogy(a, b), torch.xlogy(0 * a, b), torch.heaviside(ties - 1, d0)
    torch.addcmul(a, a, b, value=0.5) + a.addcdiv(b, a, value=2) + torch.lerp(a, b, 0.25) + a.lerp(b, a)
    a.clamp(0.3, 0.7) + torch.clamp(a, min=0.5) + b.clamp_max(0.4) + b.clamp_min(0.6) + a.clip(max=0.5)
    torch.clamp(a, b - 0.1, b + 0.2)
    torch.isclose(a, a + 1e-9), torch.allclose(a, b), torch.equal(a, a), a.eq(b), a.ne(a), a.lt(b), a.le(b)
    torch.gt(a, b), torch.ge(a, 0.5), a.greater(b), a.less_equal(b), a.not_equal(b), a == b, a != 0.5, a > b
    torch.logical_and(a > 0.5, mask), mask.logical_or(a > 2), torch.logical_xor(mask, a > 0.5), mask.logical_not()
    n.bitwise_and(3), torch.bitwise_or(n, n0), n ^ 5, ~n, ~mask, mask & (a > 0.5), mask | mask, n << 1, n >> 1
    torch.bitwise_not(n), torch.bitwise_left_shift(n, 1), torch.gcd(n, n0), torch.lcm(n, n0)
    torch.lgamma(a) + torch.digamma(b)
    torch.conj(z) * z.angle(), z.real + z.imag, z.abs(), torch.polar(a, b), torch.complex(a, b), torch.view_as_real(z)
    torch.special.expit(a) + torch.special.xlogy(a, b) + torch.special.entr(a) + torch.special.erfc(a)
"""

DTYPES = """
    n / 2, n * 2.5, 2.5 * n, n + 1, 1 - n, n**2, n + True, n + n0, n * d0, n / d0, n + h[0], n * h[:, None].sum()
    h + d0, h * 2, h * n0, h + n[:, :1].sum(), h / 3, h**2, h[0] + d0, d0 + n0, n0 / n0, mask + 1, mask * 2.5
    mask + mask, mask.sum(), mask.float().mean(), mask.long() * h[0], u + 1, u + n[0], u / 2, u * h, u.sum(), u.float()
    n.square().sqrt(), n.exp().sum(), n.float().mean(), mask.cumsum(1), n.prod(), n.cumprod(0), n.sin(), n0.log()
    n.type(torch.float32), n.to(torch.float64), n.double(), n.half(), n.int(), n.short(), n.byte(), n.bool(), n.char()
    h.to(n), h.type_as(n), h.type(torch.LongTensor), h.type("torch.DoubleTensor"), h.to(torch.float32), h.to("cpu")
    torch.tensor([1, 2]) / 2, torch.tensor([1, 2.5]), torch.tensor(3), torch.tensor([True, False]), torch.tensor(2.5)
    torch.tensor([[1, 2], [3, 4]], dtype=torch.float64), torch.tensor([]), torch.tensor([1, 2.5], dtype=torch.int64)
    torch.tensor(np.ones(2)), torch.tensor([np.float32(1), np.float32(2)]), torch.tensor(np.arange(3)), torch.tensor(1j)
    torch.as_tensor([1, 2.0]), torch.as_tensor(np.ones(2)), torch.from_numpy(np.arange(3)), torch.asarray([1, 2])
    torch.Tensor([1, 2]), torch.FloatTensor([1, 2]), torch.LongTensor([1, 2]), torch.Tensor(2, 3).shape, torch.Tensor().shape
    torch.ByteTensor([1]), torch.BoolTensor([True]), torch.DoubleTensor([[1.0]]), torch.IntTensor([3]), torch.Tensor(np.ones(2))
    torch.result_type(n, 2.5), torch.promote_types(torch.int32, torch.float16), torch.can_cast(torch.float64, torch.int32)
    torch.arange(5), torch.arange(1, 4), torch.arange(1, 2, 0.25), torch.arange(5.0), torch.arange(start=1, end=7, step=2)
    torch.arange(5, dtype=torch.float64), torch.arange(4, 0, -1), torch.arange(0, 1, 0.1), torch.arange(end=3)
    torch.zeros(2, 3), torch.zeros((2, 3)), torch.ones(size=(2,)), torch.empty(3).shape, torch.zeros([2], dtype=torch.long)
    torch.zeros(()), torch.full((2, 2), 3), torch.full((2,), 2.5), torch.full((1,), True), torch.full((2,), 1, dtype=torch.float)
    torch.zeros_like(n), torch.ones_like(h), torch.full_like(n, 7), torch.zeros_like(n, dtype=torch.float32), torch.empty_like(n).shape
    torch.eye(3), torch.eye(2, 3), torch.eye(2, dtype=torch.int64), torch.linspace(0, 1, 5), torch.logspace(0, 2, 3)
    torch.linspace(start=0, end=1, steps=3, dtype=torch.float64), torch.logspace(0, 3, 4, base=2)
    torch.tril_indices(3, 3), torch.triu_indices(3, 4, 1), torch.tril_indices(3, 3, offset=-1), torch.hann_window(6)
    torch.hamming_window(5, periodic=False), torch.blackman_window(4), torch.bartlett_window(5), torch.scalar_tensor(3)
    n.new_zeros(2), h.new_ones((2, 2)), h.new_full((2,), 5), n.new_tensor([1.0, 2.0]), h.new_tensor([1, 2]), h.new_empty(2).shape
    torch.where(mask, 1.0, 0.0), torch.where(mask, n0, 0), torch.where(mask, h[0], d0), mask.float() @ torch.ones(4)
    h.is_floating_point(), torch.is_complex(z), torch.is_tensor(h), h.numel(), torch.numel(n), h.dim(), n.size(), n.size(0)
    n.shape.numel(), h.element_size(), n.nelement(), n.ndim, n.stride(), n.t().stride(), n.is_contiguous(), n.t().is_contiguous()
    torch.Size([2, 3]), tuple(n.shape), n.shape[1], n.shape[:1], torch.finfo(torch.float32).eps, torch.iinfo(torch.int8).max
    torch.float32.is_floating_point, torch.int64.is_complex, torch.float16.itemsize, h.dtype == torch.float32, h.dtype is torch.float
    str(h.dtype), repr(torch.bool), n.dtype, h.type(), n.type(), {torch.float32: 1}[h.dtype], torch.get_default_dtype()
"""

REDUCTIONS = """
    a.sum() + c.sum(1).sum() + c.sum(dim=(0, 2)).sum() + c.sum(-1, keepdim=True).sum() + c.sum((0, 1), True).sum()
    torch.sum(c, dim=1), torch.sum(c, [0, 1]), c.sum(axis=2), c.sum(dim=-1, dtype=torch.float64), torch.sum(input=a)
    c.mean(1, True), c.mean([0, 1]), a.mean(), torch.mean(c, dim=(1, 2)), c.mean(dim=-1, keepdim=True)
    c.prod(1) + c.prod() + torch.prod(c, dim=-1, keepdim=True).sum()
    c.std(), c.std(1), c.std(dim=1), c.std(1, False), c.std(unbiased=False), c.std(dim=1, correction=0), c.std(False)
    c.var(dim=(0, 1), keepdim=True), torch.var(c, 2, unbiased=True), torch.std_mean(c, dim=1), torch.var_mean(c)
    c.max(), c.min(), c.max(1), torch.max(c, 2), c.min(dim=0, keepdim=True), torch.min(a, b), torch.max(a, other=b)
    c.max(1)[1], c.max(dim=1).values + c.min(1).indices, a.amax(0), a.amin(dim=(0, 1)), c.amax((0, 2), True), a.aminmax()
    c.argmax(), c.argmax(1), c.argmin(dim=2, keepdim=True), torch.argmax(c, -1), torch.argmax(a, dim=1, keepdim=True)
    ties.max(1)[0], ties.median(1)[0], ties.mode(1), ties.mode(0).values
    a.median(), c.median(dim=1), torch.median(c, -1, True), c.nanmedian(), nans.nanmedian(), torch.nanmedian(nans, 0)[0]
    torch.quantile(a, 0.3), a.quantile(0.75, dim=1), a.quantile(0.5, dim=0, keepdim=True), torch.nanquantile(a, 0.2)
    a.quantile(0.4, dim=1, interpolation="lower"), a.quantile(0.4, interpolation="nearest")
    mask.all(), mask.any(1), mask.all(dim=0, keepdim=True), torch.any(n), n.all(), torch.count_nonzero(n), n.count_nonzero(0)
    c.logsumexp(1) + torch.logsumexp(c, dim=(1,)), torch.logsumexp(c, (0, 2), keepdim=True)
    c.softmax(1) + c.log_softmax(dim=-1), torch.softmax(c, dim=0, dtype=torch.float64), torch.softmax(n.float(), 1)
    c.norm(), c.norm(1), c.norm(p=2, dim=1), torch.norm(c, dim=(1, 2)), c.norm(3, 0, True), torch.norm(c, "fro"), c.norm(float("inf"))
    torch.dist(a, b), torch.dist(a, b, p=1), a.nansum(), nans[:2].nansum(), torch.nanmean(nans[:2])
    c.cumsum(1) + torch.cumprod(c, dim=2), a.cumsum(dim=-1), n.cumsum(0)
    c.cummax(1).values, c.cummin(dim=2), torch.cummax(n, 1), torch.logcumsumexp(c, 1)
    torch.diff(c), c.diff(n=2, dim=2), torch.diff(v, prepend=w[:1]), torch.trapezoid(c), torch.trapz(c, dx=0.5, dim=1)
    torch.trapezoid(v, w), torch.cumulative_trapezoid(v), q.trace(), torch.cov(a), torch.corrcoef(a), a.cov(correction=0)
    torch.bincount(k), k.bincount(minlength=7), torch.bincount(k, weights=w.detach()), torch.histc(h, bins=4, min=-3, max=3)
    a.renorm(2, 0, 0.5), s.sum() + s.mean() + s.max() + s.prod()
"""

SHAPES = """
    c.view(-1, 4) + c.view((6, 4)) + c.reshape(6, 4), c.view_as(c.reshape(3, 8)), c.reshape_as(a.expand(2, 3, 4))
    c.permute(2, 0, 1), torch.permute(c, (2, 0, 1)), c.permute(dims=(1, 0, 2)), c.movedim(0, 2), torch.moveaxis(c, (0, 1), (1, 0))
    c.transpose(0, 1), a.transpose(0, 1), torch.transpose(c, -1, 1), c.swapaxes(0, 2), a.t(), v.t(), a.T, c.mT, a.swapdims(0, 1)
    a.unsqueeze(0), a.unsqueeze(-1), torch.unsqueeze(a, dim=1), c[:1].squeeze(), c[:1].squeeze(0), c.squeeze(1), c[:1, :1].squeeze((0, 1))
    a[:, :1].expand(-1, 5), a.expand(2, -1, -1), a[:1].expand_as(b), v.expand(3, 4), s.expand(2, 2), v.broadcast_to(3, 4)
    c.flatten(), c.flatten(1), c.flatten(0, 1), torch.flatten(c, start_dim=1), s.flatten(), c.ravel(), c.unflatten(-1, (2, 2))
    torch.unflatten(c, 2, (4, 1)), torch.atleast_2d(v), torch.atleast_1d(s), torch.atleast_3d(a), torch.broadcast_tensors(a, v)
    c.select(1, 2), c.narrow(1, 1, 2), c.narrow(2, -2, 2), c.unfold(2, 2, 1), c.diagonal(0, 1, 2), torch.diagonal(c, dim1=1, dim2=2)
    torch.diagonal(a, offset=1), c.diagonal(offset=-1, dim1=-2, dim2=-1)
    a.split(3, dim=1), torch.split(a, [1, 2]), torch.split(a, split_size_or_sections=2, dim=0), a.split([1, 3], 1), c.chunk(2, 2)
    torch.chunk(a, 2), c.unbind(1), torch.unbind(a), c.tensor_split(3, dim=2), torch.tensor_split(v, (1, 3)), torch.hsplit(a, 2), torch.vsplit(q, 2)
    c.flip(0), c.flip(1, 2), torch.flip(c, [0, 2]), c.flip(dims=(1,)), torch.fliplr(a), a.flipud(), torch.roll(a, 1), a.roll(2, 0)
    torch.roll(a, shifts=(1, 2), dims=(0, 1)), torch.roll(a, shifts=1, dims=1), torch.rot90(a), a.rot90(2), torch.rot90(c, 1, dims=[1, 2])
    v.repeat(2), a.repeat(2, 1), a.repeat(2, 1, 3), a.repeat((1, 2)), v.tile(2), torch.tile(a, (2, 2)), a.repeat_interleave(2), a.repeat_interleave(2, dim=1)
    torch.repeat_interleave(a, torch.tensor([1, 0, 2]), dim=0), torch.repeat_interleave(v, repeats=3)
    a.tril() + a.triu(1), torch.tril(a, diagonal=-1), torch.triu(c, diagonal=1), torch.diag(v), torch.diag(v, diagonal=1), q.diag(), q.diag(-1)
    torch.diagflat(v), torch.diag_embed(a), torch.diag_embed(v, offset=1), torch.diag_embed(a, dim1=0, dim2=2)
    (torch.triu(torch.ones(4, 4)) == 1).transpose(0, 1), torch.ones(2, 3).triu(), torch.ones(3, 3).tril(-1)
    torch.cat((a, b)), torch.cat([a, b], dim=1), torch.cat((a, b), axis=1), torch.cat((n, n.float())), torch.concat((a, b), 0), torch.cat((torch.tensor([]), v))
    torch.stack((a, b)), torch.stack([a, b], dim=2), torch.stack([a, b], -1), torch.hstack((a, b)), torch.vstack((v, w)), torch.dstack((a, b)), torch.column_stack((v, w))
    torch.meshgrid(v, w, indexing="ij"), torch.meshgrid(v, w[:2], indexing="xy"), torch.cartesian_prod(v, w), torch.combinations(v), torch.combinations(v, r=3)
    torch.block_diag(a, q), torch.vander(v.detach()), torch.vander(w.detach(), N=3, increasing=True), a.clone(), a.contiguous(), a.t().contiguous()
    a.view(-1)[5], a[0], a[0, 1], a[:, 1], a[..., 0], a[None], a[1:, ::2], a[[0, 2]], a[mask], a[k[1:3] % 3], a[:, [1, 2]], a[i[:, 0] % 3, i[:, 1]], v[2], v[-1], c[1, 2, 3], a[n0 - 2]
    torch.view_as_complex(c.reshape(2, 3, 2, 2)), torch.adjoint(a), a.mT
"""

INDEXING = """
    a.gather(1, i), torch.gather(a, dim=0, index=i[:2] % 3), a.gather(-1, i)
    a.scatter(1, i[:, :1], b[:, :1]), a.scatter(1, i[:, :1], 2.5), torch.scatter(a, 1, i[:, :1], b.detach()), a.scatter(dim=1, index=i[:, :1], value=0.5)
    b.scatter_add(1, i, a[:, :2]), torch.scatter_add(b, 0, i % 3, a[:, :2]), a.detach().scatter(1, i, b.detach(), reduce="add")
    a.scatter_reduce(1, i, b[:, :2], "sum"), a.scatter_reduce(1, i, b[:, :2], "amax"), a.scatter_reduce(1, i, b[:, :2], "prod"), a.scatter_reduce(1, i, b[:, :2], "mean", include_self=False)
    a.scatter_reduce(0, i % 3, b[:, :2], reduce="amin", include_self=False), a.scatter_reduce(1, i, b[:, :2], "mean")
    c.index_select(2, k), torch.index_select(a, dim=0, index=k[1:] % 3), a.index_add(0, k[:3] % 3, b), a.index_add(1, k, b, alpha=2), torch.index_add(a, 0, torch.tensor([1, 1, 0]), b)
    a.index_copy(1, k, b), a.index_fill(1, k[:2], 0.5), a.index_put((i[:, 0] % 3, i[:, 1]), v[:3]), a.index_put((torch.tensor([0, 0]), torch.tensor([1, 1])), v[:2], accumulate=True)
    a.masked_fill(mask, 0.5), a.masked_fill(b > 0.5, float("-inf")).softmax(-1), torch.masked_select(a, mask), a.masked_select(mask), a.masked_scatter(mask, c)
    torch.where(a > 0.5, a, b), a.where(mask, b), torch.where(mask, a, 0.0), torch.where(a > b), torch.where(mask, 0, a)
    mask.nonzero(), torch.nonzero(n), torch.nonzero(n > 0, as_tuple=True), torch.argwhere(mask), n0.nonzero(), a.take(k), torch.take(a, i)
    torch.take_along_dim(a, i, dim=1), torch.take_along_dim(a, k), a.take_along_dim(a.argsort(1), 1)
    a.select_scatter(v, 0, 1), a.slice_scatter(b[:, :2], 1, 1, 3), torch.diagonal_scatter(q, v)
    c.sort(), c.sort(dim=1, descending=True), torch.sort(ties, dim=1, stable=True), v.sort()[1], c.argsort(), torch.argsort(c, dim=1, descending=True), c.msort()
    c.topk(2), torch.topk(c, 2, dim=1, largest=False), c.topk(k=2, dim=0)[1], c.kthvalue(2), torch.kthvalue(c, 1, dim=1, keepdim=True)
    torch.searchsorted(v.sort()[0].detach(), w.detach()), torch.bucketize(w.detach(), v.sort()[0].detach(), right=True), torch.isin(n, k)
    torch.searchsorted(a.detach().sort()[0], b.detach(), right=True)
    torch.unique(n), n.unique(return_counts=True), torch.unique(n, return_inverse=True, return_counts=True), torch.unique(i, dim=0), torch.unique_consecutive(ties[1]), ties.unique(sorted=True)
    torch.unique_consecutive(ties[1], return_inverse=True, return_counts=True)
    (a * 1).add_(b, alpha=2).mul_(3).clamp_(max=3.5).sub_(b).div_(2) + (a * 1).zero_().add_(a) + (a * 1).fill_(2.0).copy_(b[0])
    (a * 1).masked_fill_(mask, 0.0).pow_(2), (a * 1).scatter_(1, i[:, :1], b[:, :1]), (a * 1).scatter_add_(1, i * 0, b[:, :2]), (b * 1).index_add_(0, k[:3] % 3, a)
    torch.zeros(4, 5).scatter_(1, torch.tensor([[1], [0], [4], [2]]), 1), a.detach().clone().exp_().sqrt_().neg_().abs_().log_(), a.detach().clone().tanh_().sigmoid_()
    (a * 1).unsqueeze_(0), (a * 1).t_(), (a * 1).transpose_(0, 1), (a[:1] * 1).squeeze_(), torch.ones(3).unsqueeze_(1), (q * 1).fill_diagonal_(0.0)
    (a * 1).tril_() + (a * 1).triu_(1), (a * 1).clip_(0.2, 0.8), (a * 1).round_(), (a * 1).lerp_(b, 0.5), (a * 1).addcmul_(a, b, value=2)
"""

MATRICES = """
    a @ b.t(), torch.matmul(a, v), a.mm(q), torch.mm(a, q), c.bmm(c.transpose(1, 2)), torch.bmm(c, c.mT), a.mv(v), torch.dot(v, w), v @ w, v.inner(w)
    torch.outer(v, w), v.ger(w), torch.vdot(v, w), torch.inner(a, b), torch.kron(a, q[:2, :2]), torch.cross(a[:, :3], b[:, :3], dim=1), torch.linalg.cross(a[:, :3], b[:, :3])
    torch.addmm(b, a, q), torch.addmm(b, a, q, beta=0.5, alpha=2), torch.addmv(v, q, w), torch.addr(q, v, w), torch.baddbmm(c[:, :, :3], c, c.mT), torch.addbmm(a[:, :3], c, c.mT)
    torch.tensordot(a, b, dims=2), torch.tensordot(a, b, dims=([1], [1])), torch.einsum("ij,kj->ik", a, b), torch.einsum("b i j, i j -> b", c, a), torch.einsum("bij,bkj->bik", [c, c]), torch.chain_matmul(a, q, q)
    torch.det(q), q.logdet(), torch.slogdet(q), q.inverse(), torch.linalg.inv(q), torch.inverse(q), torch.matrix_power(q, 3), torch.matrix_exp(q), torch.linalg.matrix_exp(p / 3), torch.pinverse(a)
    torch.linalg.solve(q, v), torch.linalg.solve(q, a.t()), torch.linalg.solve_triangular(q, a.t(), upper=True), torch.linalg.solve(q, a, left=False)
    torch.linalg.cholesky(p), torch.cholesky_solve(a.t(), torch.linalg.cholesky(p)), torch.linalg.cholesky_ex(p)[0], torch.cholesky_inverse(torch.linalg.cholesky(p))
    torch.linalg.svdvals(a), torch.svd(a)[1], torch.linalg.svd(a, full_matrices=False)[1], torch.linalg.eigvalsh(q + q.T + a.sum()), torch.linalg.eigh(q + q.mT)[0], torch.linalg.qr(q)[1].abs(), torch.linalg.lstsq(a.t(), v[:, None])[0]
    torch.linalg.norm(a), torch.linalg.norm(a, dim=1), torch.linalg.norm(a, ord=2), torch.linalg.norm(v, 1), torch.linalg.vector_norm(c, dim=(1, 2)), torch.linalg.matrix_norm(c), torch.linalg.vector_norm(a, ord=3, keepdim=True)
    torch.linalg.det(q), torch.linalg.slogdet(q)[1], torch.linalg.matrix_rank(q), torch.linalg.cond(q), torch.linalg.multi_dot([a, q, v]), torch.linalg.pinv(a), torch.linalg.vecdot(a, b), torch.linalg.diagonal(c), torch.linalg.matrix_power(q, 2)
    torch.linalg.cholesky(e, upper=True), torch.linalg.cholesky_ex(e, upper=True)[0], torch.cholesky_solve(z, torch.linalg.cholesky(e)), torch.cholesky_inverse(torch.linalg.cholesky(e, upper=True), upper=True)
    torch.cdist(a, b), torch.cdist(c, c + 1, p=1), torch.cdist(a, b, p=2.0), torch.linalg.vander(v), torch.triangular_solve(a.t(), q)[0]
    torch.fft.fft(a), torch.fft.rfft(a, dim=0), torch.fft.irfft(torch.fft.rfft(a)), torch.fft.fft2(a).abs(), torch.fft.ifft(torch.fft.fft(a, dim=1), dim=1).real, torch.fft.rfft(a, n=6, norm="ortho").abs()
    torch.fft.fftn(c).real, torch.fft.rfft2(c).imag, torch.fft.fftshift(v), torch.fft.ifftshift(a, dim=1), torch.fft.fftfreq(5, d=0.5), torch.fft.rfftfreq(5), torch.fft.irfft2(torch.fft.rfft2(c)), torch.fft.irfftn(torch.fft.rfftn(c))
    torch.matmul(a.detach(), v.detach(), out=torch.empty(3, dtype=a.dtype))
"""

BLOCKS = {
    "pointwise": POINTWISE,
    "dtypes": DTYPES,
    "reductions": REDUCTIONS,
    "shapes": SHAPES,
    "indexing": INDEXING,
    "matrices": MATRICES,
}


def inputs(torch: Any, dtype: str) -> dict[str, Any]:
    """The names in the expressions."""
    own = {
        name: torch.tensor(x.astype(dtype), requires_grad=True) if isinstance(x, np.ndarray) else x
        for name, x in REAL.items()
    }
    return {"torch": torch, "np": np, **own, **{name: torch.tensor(x) for name, x in FIXED.items()}}


def leaves(value: Any) -> list[Any]:
    """The results of an expression, flat."""
    if isinstance(value, (tuple, list)) and "Size" not in type(value).__name__:
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def slope(results: list[Any], env: dict[str, Any], torch: Any) -> dict[str, Any]:
    """The gradients of a weighted sum of all results."""
    total = 0.0
    for position, x in enumerate(results):
        if torch.is_tensor(x) and x.requires_grad:
            x = torch.view_as_real(x) if x.is_complex() else x
            weights = torch.linspace(1, 2, x.numel(), dtype=torch.float64).reshape(x.shape) + position
            total = total + (x.double() * weights).sum()
    if not torch.is_tensor(total):
        return {}
    total.backward()
    grads = {name: env[name].grad for name in REAL}
    return {name: g.numpy() for name, g in grads.items() if g is not None}


def differences(line: str, dtype: str, theirs: Any) -> list[str]:
    """What is wrong with one expression."""
    found = []
    env, other = inputs(nn.torch, dtype), inputs(theirs, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of its own old names
        expected = leaves(eval(line, dict(other)))
    try:
        results = leaves(eval(line, dict(env)))
    except Exception as error:
        return [f"{line}: {type(error).__name__}: {str(error)[:300]}"]
    if len(results) != len(expected):
        return [f"{line}: {len(results)} results, not {len(expected)}"]
    exact = {"float64": 1e-11, "float32": 2e-4}[dtype]  # linear algebra in float32 loses some digits
    for place, (x, y) in enumerate(zip(results, expected, strict=True)):
        if not theirs.is_tensor(y):
            if not (str(x) == str(y) if not isinstance(y, float) else x == y):
                found.append(f"{line} [{place}]: {x!r}, not {y!r}")
            continue
        if type(x) is not nn.torch.Tensor:
            found.append(f"{line} [{place}]: a {type(x).__name__}")
            continue
        if str(x.dtype) != str(y.dtype) or tuple(x.shape) != tuple(y.shape):
            found.append(f"{line} [{place}]: {x.dtype} {x.shape}, not {y.dtype} {y.shape}")
            continue
        a, b = x.detach().numpy(), y.detach().resolve_conj().numpy()
        loose = max(exact, 1e-5) if x.dtype not in (nn.torch.float64, nn.torch.complex128) else exact
        if not np.allclose(a, b, rtol=loose, atol=loose, equal_nan=True):
            found.append(f"{line} [{place}]: {a.tolist()}, not {b.tolist()}")
        if x.requires_grad and not y.requires_grad:
            found.append(f"{line} [{place}]: requires_grad={x.requires_grad}")
    if not found:
        try:
            others = slope(expected, other, theirs)
        except RuntimeError as error:
            return [f"{line}: PyTorch: {error}"]
        mine = slope(results, env, nn.torch)
        for name in others.keys() | mine.keys():
            zero = np.zeros(REAL[name].shape)
            a, b = mine.get(name, zero), others.get(name, zero)
            if not np.allclose(a, b, rtol=100 * exact, atol=100 * exact, equal_nan=True):
                found.append(f"{line}: gradient of {name}: {a.tolist()}, not {b.tolist()}")
    return found


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_same_as_pytorch(block: str, dtype: str, torch: Any) -> None:
    found = []
    for line in filter(None, map(str.strip, BLOCKS[block].splitlines())):
        found += differences(line, dtype, torch)
    assert not found, "\n" + "\n".join(found)
