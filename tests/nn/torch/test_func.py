"""`nn.torch.func` against PyTorch: each program runs with both libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nn.torch
from autograd_lite import tree
from autograd_lite.errors import BatchError, DataError, OptionError

# PyTorch's forward mode scripts its decompositions.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

X = np.array([0.5, -1.2, 2.0])
Y = np.array([2.0, 3.0, 4.0])
ROWS = np.arange(12.0).reshape(4, 3) / 7 - 0.6


def transforms(torch: Any) -> Any:
    f = torch.func
    x, y = torch.tensor(X), torch.tensor(Y)
    one = lambda a, b: (a**3 * b).sum()
    return (
        f.grad(one)(x, y),
        f.grad(one, argnums=(0, 1))(x, y),
        f.grad(lambda a: ((a**2).sum(), {"kept": a * 2}), has_aux=True)(x),
        f.grad_and_value(one, argnums=1)(x, y),
        f.grad_and_value(lambda a: ((a**2).sum(), a), has_aux=True)(x),
        f.grad(f.grad(lambda a: a.sin()))(torch.tensor(0.3, dtype=torch.float64)),
        f.grad(lambda p: (p["w"] * p["b"][0]).sum())({"w": x, "b": [y]}),
    )


def products(torch: Any) -> Any:
    f = torch.func
    x, y = torch.tensor(X), torch.tensor(Y)
    out, pull = f.vjp(lambda a, b: (a * b, b), x, y)
    single, pull_one = f.vjp(lambda a: a**2, x)
    _, pull_aux, aux = f.vjp(lambda a: (a**2, a * 3), x, has_aux=True)
    return (
        out,
        pull((x, y)),
        single,
        pull_one(y),
        pull_aux(y),
        aux,
        f.jvp(lambda a, b: a * b, (x, y), (y, x)),
        f.jvp(lambda a: (a**2, a * 3), (x,), (y,), has_aux=True),
        f.linearize(lambda a: a.sin(), x)[1](y),
    )


def matrices(torch: Any) -> Any:
    f = torch.func
    x, y = torch.tensor(X), torch.tensor(Y)
    return (
        f.jacrev(lambda a: a**2)(x),
        f.jacfwd(lambda a: a**2)(x),
        f.jacrev(lambda a, b: a * b, argnums=(0, 1))(x, y),
        f.jacrev(lambda a: (a**2, a * 3), has_aux=True)(x),
        f.jacfwd(lambda a: (a**2, a * 3), has_aux=True)(x),
        f.jacrev(lambda a: {"s": a.sum(), "c": a.cos()}, chunk_size=2)(x),
        f.hessian(lambda a: (a**3).sum())(x),
        f.hessian(lambda a, b: (a**2 * b).sum(), argnums=(0, 1))(x, y),
        f.vmap(f.jacrev(lambda a: a.sin()))(torch.tensor(ROWS)),
    )


def batches(torch: Any) -> Any:
    v = torch.func.vmap
    rows, y = torch.tensor(ROWS), torch.tensor(Y)
    dot = lambda a, b: (a * b).sum()
    return (
        v(lambda a: a.sum())(rows),
        torch.vmap(dot, in_dims=(0, None))(rows, y),
        v(dot, in_dims=(None, 1))(rows[:, 0], rows),
        v(v(lambda a, b: a * b, (0, None)), (None, 0))(y, y),
        v(lambda a: a * 2, out_dims=1)(rows),
        v(lambda a: (a, a.sum()), out_dims=(1, 0))(rows),
        v(lambda p, a: a @ p["w"], in_dims=({"w": None}, 0))({"w": y}, rows),
        v(lambda a: a.sum(), chunk_size=3)(rows),
        v(lambda a, b: (a * b, a.sum()), in_dims=(0, None), out_dims=(1, 0), chunk_size=3)(rows, y),
    )


def network(torch: Any) -> Any:
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(3, 5)
            self.norm = nn.LayerNorm(5)
            self.out = nn.Linear(5, 2)

        def forward(self, x: Any) -> Any:
            return self.out(torch.tanh(self.norm(self.hidden(x))))

    return Net


def filled(model: Any, torch: Any, seed: int) -> Any:
    numbers = np.random.default_rng(seed)
    state = {
        name: torch.tensor(numbers.normal(size=tuple(np.shape(value))).astype(np.float32))
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(state)
    return model


LABELS = np.array([0, 1, 1, 0])


def per_sample_gradients(torch: Any) -> Any:
    model = filled(network(torch)(), torch, 0)
    params = {name: p.detach() for name, p in model.named_parameters()}
    buffers = {name: b.detach() for name, b in model.named_buffers()}

    def loss(params: Any, buffers: Any, sample: Any, target: Any) -> Any:
        out = torch.func.functional_call(model, (params, buffers), (sample.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(out, target.unsqueeze(0))

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, None, 0, 0))
    data = torch.tensor(ROWS.astype(np.float32)), torch.tensor(LABELS)
    grads = each(params, buffers, *data)
    total = torch.func.grad(lambda p: sum(loss(p, buffers, x, t) for x, t in zip(*data, strict=True)))(params)
    for name, g in grads.items():
        np.testing.assert_allclose(np.asarray(g).sum(axis=0), np.asarray(total[name]), rtol=1e-4, atol=1e-5)
    return tuple(grads[name] for name in sorted(grads))


def ensemble(torch: Any) -> Any:
    kind = network(torch)
    models = [filled(kind(), torch, seed) for seed in range(3)]
    params, buffers = torch.func.stack_module_state(models)
    assert all(p.requires_grad for p in params.values())
    base = models[0]

    def call(p: Any, b: Any, x: Any) -> Any:
        return torch.func.functional_call(base, (p, b), (x,))

    x = torch.tensor(ROWS.astype(np.float32))
    together = torch.func.vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    apart = torch.stack([model(x) for model in models])
    np.testing.assert_allclose(
        np.asarray(together.detach()), np.asarray(apart.detach()), rtol=1e-5, atol=1e-6
    )
    (together**2).sum().backward()
    return together, *(params[name].grad for name in sorted(params))


def hessian_vector_products(torch: Any) -> Any:
    f = torch.func
    one = lambda a: (a.sin() * a).sum()
    x, v = torch.tensor(X), torch.tensor(Y)
    return f.jvp(f.grad(one), (x,), (v,))[1], f.vjp(f.grad(one), x)[1](v), f.jacfwd(f.jacrev(one))(x) @ v


def maml(torch: Any) -> Any:
    """A gradient step inside of a loss, for a batch of tasks."""
    x = torch.tensor(ROWS)

    def loss(w: Any, x: Any, y: Any) -> Any:
        return ((x @ w - y) ** 2).mean()

    def adapted(w: Any, y: Any) -> Any:
        return loss(w - 0.1 * torch.func.grad(loss)(w, x, y), x, y)

    targets = torch.tensor(np.stack([ROWS.sum(axis=1), ROWS[:, 0]]))
    total = lambda w: torch.func.vmap(adapted, (None, 0))(w, targets).sum()
    return torch.func.grad_and_value(total)(torch.tensor(X))


PROGRAMS: list[Callable[[Any], Any]] = [
    transforms,
    products,
    matrices,
    batches,
    per_sample_gradients,
    ensemble,
    hessian_vector_products,
    maml,
]


@pytest.mark.torch
@pytest.mark.parametrize("program", PROGRAMS, ids=[p.__name__ for p in PROGRAMS])
def test_programs_give_the_same_numbers(program: Any, torch: Any) -> None:
    mine, theirs = program(nn.torch), program(torch)
    assert tree.skeleton(mine) == tree.skeleton(theirs)
    for a, b in zip(tree.flatten(mine)[0], tree.flatten(theirs)[0], strict=True):
        assert isinstance(a, nn.torch.Tensor)
        single = np.asarray(b.detach()).dtype == np.float32
        tolerance = {"rtol": 2e-4, "atol": 2e-5} if single else {"rtol": 1e-11, "atol": 1e-12}
        np.testing.assert_allclose(np.asarray(a.detach()), np.asarray(b.detach()), **tolerance)


@pytest.mark.parametrize("program", PROGRAMS, ids=[p.__name__ for p in PROGRAMS])
def test_programs_run_without_pytorch(program: Any) -> None:
    results, _ = tree.flatten(program(nn.torch))
    assert all(np.isfinite(np.asarray(x.detach())).all() for x in results)


def test_functional_call_leaves_the_module_as_it_was() -> None:
    model = filled(network(nn.torch)(), nn.torch, 0)
    before = model.hidden.weight.numpy().copy()
    zeros = {"hidden.weight": nn.torch.zeros(5, 3)}
    x = nn.torch.tensor(ROWS.astype(np.float32))
    out = nn.torch.func.functional_call(model, zeros, x)
    assert not np.allclose(out.detach().numpy(), model(x).detach().numpy())
    assert (model.hidden.weight.numpy() == before).all()


def test_mistakes() -> None:
    model = network(nn.torch)()
    x = nn.torch.tensor(ROWS)
    with pytest.raises(DataError, match="hidden.bias"):
        nn.torch.func.functional_call(model, {"hidden.weight": x}, x, strict=True)
    with pytest.raises(DataError, match="no wrong"):
        nn.torch.func.functional_call(model, {"wrong": x}, x)
    with pytest.raises(DataError, match="at least one"):
        nn.torch.func.stack_module_state([])
    with pytest.raises(DataError, match="same class"):
        nn.torch.func.stack_module_state([model, nn.Linear(1, 1)])
    with pytest.raises(OptionError, match="chunk_size=0"):
        nn.torch.func.vmap(lambda a: a, chunk_size=0)
    with pytest.raises(BatchError, match="randomness"):
        nn.torch.func.vmap(lambda a: a + nn.torch.rand(3))(x)
