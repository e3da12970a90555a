"""`ag.compile` of `ag.vmap`: a map runs as a plan, with the bits of the eager map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite import tree
from autograd_lite.arrays import unwrap
from nn import functional
from tests.samples import SAMPLES

rng = np.random.default_rng(2)


def draw(*shape: int) -> Any:
    return rng.normal(size=shape)


X, W, LABELS = draw(4, 3), draw(3), np.array([0, 1, 2, 0])
PARAMS = [(draw(8, 3), draw(8)), (draw(3, 8), draw(3))]
nn.manual_seed(0)
NET = nn.Sequential(nn.Linear(3, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 2)).double()
NET.requires_grad_(False)


def loss(params: Any, x: Any, label: Any) -> Any:
    for weight, bias in params[:-1]:
        x = ag.relu(functional.linear(x, weight, bias))
    return functional.cross_entropy(functional.linear(x, *params[-1]), label)


def of_images(w: Any, x: Any) -> Any:
    return np.sum(functional.max_pool2d(functional.conv2d(x[None], w), 2) ** 2)


def written(x: Any) -> Any:
    y = x * 2.0
    y[0] = 1.0
    return y


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "a gradient": (ag.vmap(ag.grad(lambda x: np.sum(np.sin(x) * x))), (X,)),
    "what members share": (ag.vmap(lambda x, w: np.tanh(x @ w), (0, None)), (X, W)),
    "the gradient of a map": (
        ag.grad(lambda w: np.sum(ag.vmap(lambda x: np.sum(np.tanh(x * w)))(X))),
        (W,),
    ),
    "both are arguments": (
        ag.grad(lambda w, X: np.sum(ag.vmap(lambda x: np.sum(np.tanh(x * w)))(X)), (0, 1)),
        (W, X),
    ),
    "an index": (ag.vmap(lambda x: x[np.argmax(x)]), (X,)),
    "an index of a constant": (ag.vmap(lambda x: ag.Tensor(W)[np.argmax(x)] * x), (X,)),
    "an assignment": (ag.vmap(written), (X,)),
    "a map of a map": (ag.vmap(ag.vmap(lambda a, b: a * b, (None, 0)), (0, None)), (W, W)),
    "a Hessian": (ag.vmap(ag.hessian(lambda x: np.sum(x**3) * x[0])), (X,)),
    "a Jacobian": (ag.jacobian(lambda x: np.tanh(x) * x[0]), (W,)),
    "columns": (ag.jacfwd(lambda x: np.tanh(x) * x[0]), (W,)),
    "gradients of each sample": (ag.vmap(ag.grad(loss), (None, 0, 0)), (PARAMS, X, LABELS)),
    "gradients of each image": (ag.vmap(ag.grad(of_images), (None, 0)), (draw(2, 1, 3, 3), draw(4, 1, 6, 6))),
    "a network": (ag.vmap(NET), (X,)),
    "a median": (ag.vmap(ag.grad(np.median)), (X,)),
    "linear systems": (ag.vmap(lambda m: np.linalg.solve(m, m[0])), (draw(4, 3, 3),)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_map_runs_as_a_plan_with_equal_bits(name: str) -> None:
    f, args = PROGRAMS[name]
    compiled = ag.compile(f)
    for k in range(4):
        given = tree.map_leaves(
            lambda x, k=k: x + 0.1 * k if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x, args
        )
        got, want = (tree.flatten(call(*given))[0] for call in (compiled, f))
        for g, w in zip(got, want, strict=True):
            assert unwrap(g).tobytes() == unwrap(w).tobytes()
    assert [words.partition(":")[0] for words in compiled.signatures] == ["replayed"]


def squared(y: Any) -> Any:
    return np.sum(np.real(y) ** 2) + np.sum(np.imag(y))


READS = {"piecewise"}
"""Functions of NumPy that choose by values."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ag.compile.* runs eagerly")
def test_ops_on_a_batch_have_equal_bits_in_a_plan() -> None:
    for sample in SAMPLES:
        op, rest, options = sample.op, tuple(sample.args[1:]), sample.kwargs
        x = sample.args[0] if sample.args else None
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or op.__name__ in READS:
            continue
        if options.get("order") in ("A", "K") or not isinstance(
            op(ag.Tensor(x), *rest, **options), ag.Tensor
        ):
            continue
        batch = np.stack([x, 0.97 * x, 0.93 * x])
        for f in (
            ag.vmap(lambda x, op=op, rest=rest, options=options: op(x, *rest, **options)),
            ag.vmap(ag.grad(lambda x, op=op, rest=rest, options=options: squared(op(x, *rest, **options)))),
        ):
            compiled, want = ag.compile(f), unwrap(f(batch))
            for _ in range(3):
                assert unwrap(compiled(batch)).tobytes() == want.tobytes(), sample
