"""A function and its twin in PyTorch: equal values and equal gradients."""

import numpy as np

from autograd_lite import Tensor


def assert_same(torch, ours, theirs, *arrays, rtol=1e-10):
    """Both functions give the same value and the same gradient of a random linear function of the value."""
    here = [Tensor(x.copy(), requires_grad=True) for x in arrays]
    there = [torch.tensor(x.copy(), requires_grad=True) for x in arrays]
    y, expected = ours(*here), theirs(*there)
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=rtol, atol=1e-12)
    cotangent = np.array(np.random.default_rng(1).normal(size=y.shape))
    y.backward(cotangent)
    expected.backward(torch.tensor(cotangent))
    for a, b in zip(here, there, strict=True):
        if b.grad is None:
            assert a.grad is None
        else:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=rtol, atol=1e-12)
