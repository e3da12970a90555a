import numpy as np
import pytest

import autograd_lite as ag
import nn

X = np.random.default_rng(0).normal(size=(4, 3))


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x, y):
        return self.a(x) * self.b(y), self.a(y)


def test_hooks_before_and_after_may_change_what_passes():
    layer = nn.Linear(3, 2).double()
    plain = layer(X).numpy()
    before = layer.register_forward_pre_hook(lambda module, args: 2 * args[0])
    after = layer.register_forward_hook(lambda module, args, y: y + args[0].sum())
    np.testing.assert_allclose(layer(X).numpy(), layer.forward(2 * X).numpy() + 2 * X.sum())
    before.remove()
    after.remove()
    after.remove()
    np.testing.assert_array_equal(layer(X).numpy(), plain)


def test_hooks_run_in_order_and_see_the_module():
    layer, seen = nn.ReLU(), []
    for i in range(3):
        layer.register_forward_hook(lambda module, args, y, i=i: seen.append((i, module is layer)))
    layer(X)
    assert seen == [(0, True), (1, True), (2, True)]


def gradients(module_of, tensor):
    """What a hook of a module with two inputs and two outputs sees, used twice in one graph."""
    module, seen = module_of, []
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x, y = tensor(X), tensor(X[::-1].copy())
    p, q = module(x, y)
    r, _ = module(y * 2, x)
    ((p * p).sum() + (q * x[:, :2]).sum() + r.sum()).backward()
    return seen, x, y


def test_backward_hooks_see_complete_gradients():
    nn.manual_seed(0)
    module = Two().double()
    seen, x, _ = gradients(module, lambda a: ag.Tensor(a, requires_grad=True))
    assert len(seen) == 2
    (second_in, second_out), (first_in, first_out) = seen
    np.testing.assert_allclose(second_out[0].numpy(), np.ones((4, 2)))
    direct = X @ np.eye(3, 2) * 0 + first_out[1].numpy()
    np.testing.assert_allclose(direct, X[:, :2])
    expected = first_in[0].numpy() + second_in[1].numpy()
    q = module.a(X[::-1]).numpy()
    expected[:, :2] += q
    np.testing.assert_allclose(x.grad.numpy(), expected)


@pytest.mark.torch
def test_backward_hooks_see_what_torchs_see(torch):
    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)

        def forward(self, x, y):
            return self.a(x) * self.b(y), self.a(y)

    nn.manual_seed(0)
    module, twin = Two().double(), Twin().double()
    twin.load_state_dict({k: torch.tensor(v) for k, v in module.state_dict().items()})
    ours = gradients(module, lambda a: ag.Tensor(a, requires_grad=True))
    theirs = gradients(twin, lambda a: torch.tensor(a, requires_grad=True))
    for seen, other in zip(ours[0], theirs[0], strict=True):
        for a, b in zip(seen[0] + seen[1], other[0] + other[1], strict=True):
            np.testing.assert_allclose(
                a.numpy(), b.numpy() if b is not None else np.zeros((4, 2)), atol=1e-15
            )
    for x, t in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy())


def test_a_backward_hook_may_change_the_gradient_of_the_input():
    layer = nn.Linear(3, 2).double()
    handle = layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    x = ag.Tensor(X, requires_grad=True)
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 10 * np.ones((4, 2)) @ layer.weight.numpy())
    handle.remove()
    x.grad = None
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.ones((4, 2)) @ layer.weight.numpy())


def test_an_input_without_a_gradient_is_none():
    layer, seen = nn.Linear(3, 2).double(), []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].numpy())))
    layer(X).sum().backward()
    assert seen[0][0] == (None,)
    np.testing.assert_array_equal(seen[0][1], np.ones((4, 2)))
    assert layer.weight.grad is not None
