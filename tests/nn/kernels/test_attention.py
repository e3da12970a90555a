"""The kernels of attention give what the composed definition gives, in one block and in many."""

import numpy as np
import pytest

import autograd_lite as ag
import nn
from nn.functional.attention import attention, has_kernel, self_attention
from nn.kernels import threads

rng = np.random.default_rng(0)
B, H, L, S, E, V = 3, 2, 7, 9, 4, 5


def operands(dtype=np.float64, lead=(B, H), keys=S):
    shapes = ((L, E), (keys, E), (keys, V))
    return [rng.normal(size=(*lead, *shape)).astype(dtype) for shape in shapes]


def masks(keys=S):
    """A mask of each kind; the last ones hide all keys from a query."""
    seen = rng.random((L, keys)) < 0.6
    blind = seen.copy()
    blind[2] = False
    padding = np.zeros((B, 1, 1, keys))
    padding[1, ..., keys // 2 :] = -np.inf
    return {
        "none": None,
        "seen": seen | np.eye(L, keys, dtype=bool),
        "numbers": rng.normal(size=(B, H, L, keys)),
        "padding": padding,
        "heads": rng.normal(size=(H, 1, keys)),
        "blind": blind,
        "blind numbers": np.where(blind, 0.0, -np.inf),
    }


@pytest.fixture(params=["one block", "small blocks", "threads"])
def blocks(request, monkeypatch):
    """Sequences in one block; in blocks of two queries; and shared among three threads."""
    if request.param == "one block":
        return
    for name, value in {"BLOCK": 2 * S, "KEPT": 0, "ROWS": 2}.items():
        monkeypatch.setattr(f"nn.kernels.attention.{name}", value)
    if request.param == "threads":
        monkeypatch.setattr("nn.kernels.attention.SMALL", 0)
        monkeypatch.setattr(threads, "_blas_threads", lambda: (lambda: 3, lambda n: None))


def compare(op, args, dtype=np.float64, **options):
    """Results and cotangents of the op and of its definition."""
    tensors = [[ag.Tensor(x, requires_grad=True) for x in args[:-1]] for _ in range(2)]
    results = [f(*xs, args[-1], **options) for f, xs in zip((op, op.__wrapped__), tensors, strict=True)]
    results = [r if isinstance(r, tuple) else (r,) for r in results]
    limit = 1e-12 if dtype == np.float64 else 1e-5
    weights = [rng.normal(size=r.shape).astype(dtype) for r in results[0]]
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=limit, atol=limit)
    for result in results:
        sum(np.sum(r * w) for r, w in zip(result, weights, strict=True)).backward()
    for ours, theirs in zip(*tensors, strict=True):
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=limit, atol=10 * limit)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", masks())
def test_the_kernel_is_the_definition(kind, causal, weights, blocks):
    compare(attention, (*operands(), masks()[kind]), causal=causal, scale=0.7, weights=weights)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("kind", ["none", "seen", "padding"])
def test_heads_side_by_side(kind, weights, blocks):
    qkv = rng.normal(size=(B, L, 3 * H * E))
    options = {"heads": H, "causal": kind == "none", "scale": 0.5, "weights": weights}
    compare(self_attention, (qkv, masks(L)[kind]), **options)


@pytest.mark.parametrize("lead", [(), (4,), (2, 1, 3), (0, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_leading_axes(lead, dtype, blocks):
    compare(attention, (*operands(dtype, lead), None), dtype, causal=True, scale=0.5)
    compare(attention, (*operands(dtype, lead, keys=3), None), dtype, causal=True, scale=0.5)


def test_layouts_of_every_kind(blocks):
    q, k, v = operands()
    strange = [np.swapaxes(np.ascontiguousarray(np.swapaxes(x, 1, 2)), 1, 2)[..., ::-1] for x in (q, k)]
    compare(attention, (*strange, np.broadcast_to(v[:1], v.shape), None), causal=False, scale=1.0)


def test_a_mask_with_a_gradient_has_one():
    q, k, v = operands()
    mask = ag.Tensor(rng.normal(size=(L, S)), requires_grad=True)
    nn.functional.scaled_dot_product_attention(q, k, v, mask).sum().backward()
    assert mask.grad.shape == (L, S)
    assert not has_kernel(mask, q.dtype, (B, H)) and has_kernel(mask.numpy(), q.dtype, (B, H))


@pytest.mark.parametrize("mask", [np.zeros((4, B, H, L, S)), np.zeros((5, 1, L, S)), np.zeros(S)])
def test_masks_that_change_the_shape_are_left_to_the_definition(mask):
    assert not has_kernel(mask, np.dtype(float), (B, H))


def test_a_long_sequence_makes_no_array_of_all_pairs():
    tracemalloc = pytest.importorskip("tracemalloc")
    T = 1024
    q, k, v = (ag.Tensor(rng.normal(size=(1, T, 8)).astype(np.float32), requires_grad=True) for _ in range(3))
    tracemalloc.start()
    try:
        nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True).sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < T * T * 4  # one array of all pairs has as many bytes


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_go_where_the_definition_sends_them(special, blocks):
    q, k, v = operands()
    for spoilt in (q, k, v):
        before, spoilt[1, 1, 2, 3] = spoilt[1, 1, 2, 3], special
        y = attention(q, k, v, None, causal=False, scale=0.7)
        z = attention.__wrapped__(q, k, v, None, causal=False, scale=0.7)
        np.testing.assert_array_equal(np.isnan(y), np.isnan(z))
        spoilt[1, 1, 2, 3] = before
