"""`nn.torch.autograd` against PyTorch: Functions, gradients, functional forms, dual numbers, modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn.torch
from autograd_lite.errors import GradientCheckError, OptionError, ShapeError, TapeError, UnsupportedError
from nn.torch.autograd.graph import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks

X = np.array([0.5, -1.2, 2.0])
# PyTorch's forward mode scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
LIBRARIES = [nn.torch, pytest.param("torch", marks=pytest.mark.torch)]


@pytest.fixture(params=LIBRARIES, ids=["ours", "torch"])
def library(request: Any) -> Any:
    """The same test runs with `nn.torch` and, where it is installed, with PyTorch."""
    return pytest.importorskip("torch") if request.param == "torch" else request.param


def leaf(library: Any, values: Any = X) -> Any:
    return library.tensor(np.asarray(values, float), requires_grad=True)


def numbers(x: Any) -> Any:
    return np.asarray(x.detach())


# -- Function --------------------------------------------------------------------------------------


def test_saved_inputs_outputs_and_intermediates(library: Any) -> None:
    class Kind(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, factor: float, y: Any) -> Any:
            square = x * x
            out = square * factor
            ctx.factor = factor
            ctx.save_for_backward(x, None, out, square)
            assert ctx.needs_input_grad == (True, False, False)
            return out

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, nothing, out, square = ctx.saved_tensors
            assert nothing is None
            np.testing.assert_allclose(numbers(out), ctx.factor * X**2)
            np.testing.assert_allclose(numbers(square), X**2)
            return 2 * ctx.factor * g * x, None, None

    x = leaf(library)
    y = Kind.apply(x, 3.0, library.tensor(X))
    assert y.requires_grad and "KindBackward" in y.grad_fn.name()
    (g,) = library.autograd.grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(numbers(g), 6 * X)
    (h,) = library.autograd.grad(g.sum(), x)
    np.testing.assert_allclose(numbers(h), 6.0)


def test_double_backward_through_a_saved_output(library: Any) -> None:
    class Exp(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (y,) = ctx.saved_tensors
            return g * y

    x = leaf(library)
    assert library.autograd.gradcheck(Exp.apply, (x,)) and library.autograd.gradgradcheck(Exp.apply, (x,))
    g = y = Exp.apply(x)
    for _ in range(3):
        (g,) = library.autograd.grad(g.sum(), x, create_graph=True)
    np.testing.assert_allclose(numbers(g), numbers(y), rtol=1e-14)


def test_several_outputs_constants_and_unused_ones(library: Any) -> None:
    seen: list[Any] = []

    class Split(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, materialize: bool) -> Any:
            ctx.set_materialize_grads(materialize)
            index = x.argsort()
            ctx.mark_non_differentiable(index)
            return x * 2, index, x * 3, "no Tensor"

        @staticmethod
        def backward(ctx: Any, a: Any, index: Any, b: Any, text: Any) -> Any:
            seen.append((a, b))
            return sum((k * g for k, g in ((2, a), (3, b)) if g is not None)), None

    for materialize in (True, False):
        x = leaf(library)
        a, index, b, text = Split.apply(x, materialize)
        assert not index.requires_grad and text == "no Tensor" and b.requires_grad
        a.sum().backward()
        np.testing.assert_allclose(numbers(x.grad), 2.0)
    assert np.all(numbers(seen[0][1]) == 0) and seen[1][1] is None


def test_an_output_that_is_marked_carries_no_gradient(library: Any) -> None:
    class Both(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            mask = x * 0 + 1
            ctx.mark_non_differentiable(mask)
            return x * 2, mask

        @staticmethod
        def backward(ctx: Any, g: Any, of_mask: Any) -> Any:
            return 2 * g

    y, mask = Both.apply(leaf(library))
    assert y.requires_grad and not mask.requires_grad


def test_the_context_set_up_apart(library: Any) -> None:
    class Scaled(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(x: Any, k: float) -> Any:
            return x * k

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            x, ctx.k = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            assert len(ctx.saved_tensors) == 1
            return g * ctx.k, None

    x = leaf(library)
    Scaled.apply(x, 3.0).sum().backward()
    np.testing.assert_allclose(numbers(x.grad), 3.0)


def test_an_input_changed_in_place(library: Any) -> None:
    class Double(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g

    x = leaf(library)
    y = x * 5
    before = y * 1
    z = Double.apply(y)
    assert z is y
    np.testing.assert_allclose(numbers(y), 10 * X)
    (y.sum() + 0 * before.sum()).backward()
    np.testing.assert_allclose(numbers(x.grad), 10.0)


def test_off_the_tape_nothing_is_recorded(library: Any) -> None:
    class Twice(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return 2 * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * g

    assert not Twice.apply(library.tensor(X)).requires_grad
    with library.no_grad():
        assert not Twice.apply(leaf(library)).requires_grad


def test_once_differentiable(library: Any) -> None:
    from_library = library.autograd.function.once_differentiable

    class Cube(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @from_library
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * g * x * x

    x = leaf(library)
    (g,) = library.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(numbers(g), 3 * X**2)
    with pytest.raises(RuntimeError, match="once_differentiable|does not require grad"):
        g.sum().backward()


def test_a_graph_inside_of_a_backward_pass(library: Any) -> None:
    """As checkpoints do: the backward pass computes the forward pass again, and differentiates it."""

    class Again(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.sin() * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x = ctx.saved_tensors[0].detach().requires_grad_()
            with library.enable_grad():
                y = x.sin() * x
            y.backward(g)
            return x.grad

    x = leaf(library)
    Again.apply(x).sum().backward()
    np.testing.assert_allclose(numbers(x.grad), np.cos(X) * X + np.sin(X), rtol=1e-14)


def test_a_function_that_keeps_its_inputs_and_runs_a_module_again(library: Any) -> None:
    """As checkpoints of diffusion models do: parameters are inputs, and are kept as attributes."""

    class Checkpoint(library.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, run: Any, length: int, *args: Any) -> Any:
            ctx.run, ctx.inputs, ctx.params = run, list(args[:length]), list(args[length:])
            with library.no_grad():
                return ctx.run(*ctx.inputs)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            inputs = [x.detach().requires_grad_(True) for x in ctx.inputs]
            with library.enable_grad():
                outputs = ctx.run(*[x.view_as(x) for x in inputs])
            return (
                None,
                None,
                *library.autograd.grad(outputs, inputs + ctx.params, grads, allow_unused=True),
            )

    x, w = leaf(library), leaf(library, [2.0, 3.0, 4.0])
    y = Checkpoint.apply(lambda v: (v * w).sin(), 1, x, w)
    y.sum().backward()
    np.testing.assert_allclose(numbers(x.grad), np.cos(X * numbers(w)) * numbers(w), rtol=1e-14)
    np.testing.assert_allclose(numbers(w.grad), np.cos(X * numbers(w)) * X, rtol=1e-14)


class Cube(nn.torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * g * x * x


def test_a_function_inside_of_the_transformations() -> None:
    f = lambda x: np.sum(Cube.apply(x))
    np.testing.assert_allclose(ag.vmap(ag.grad(Cube.apply))(X), 3 * X**2)
    np.testing.assert_allclose(ag.hessian(f)(X), np.diag(6 * X))
    np.testing.assert_allclose(ag.jvp(Cube.apply, (X,), (np.ones(3),))[1], 3 * X**2)
    step = ag.compile(ag.grad(f))
    for k in range(4):
        np.testing.assert_allclose(step(X + k), 3 * (X + k) ** 2)


def test_a_wrong_backward_is_found() -> None:
    class Wrong(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * Cube.backward(ctx, g)

    with pytest.raises(GradientCheckError, match="WrongBackward"):
        nn.torch.autograd.gradcheck(Wrong.apply, (leaf(nn.torch),))
    assert not nn.torch.autograd.gradcheck(Wrong.apply, leaf(nn.torch), raise_exception=False)
    with pytest.raises(OptionError, match="requires_grad=True"):
        nn.torch.autograd.gradcheck(Cube.apply, nn.torch.tensor(X))


def test_the_graph_is_freed() -> None:
    x = leaf(nn.torch)
    y = Cube.apply(x).sum()
    y.backward()
    with pytest.raises(TapeError, match="retain_graph"):
        y.backward()


def test_mistakes_in_a_function() -> None:
    class Short(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return ()

    class Empty(nn.torch.autograd.Function):
        pass

    class Saves(Cube):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(3)
            return x

    class Dirty(Cube):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x * 2)
            return x

    with pytest.raises(ShapeError, match="0 gradients for 1 arguments"):
        Short.apply(leaf(nn.torch)).sum().backward()
    for kind, message in ((Empty, "forward"), (Saves, "ctx.size = size"), (Dirty, "no input of forward")):
        with pytest.raises((UnsupportedError, OptionError), match=message):
            kind.apply(leaf(nn.torch))


def test_hooks_of_saved_tensors() -> None:
    class Exp(nn.torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x * 1)
            return np.exp(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * np.exp(ctx.saved_tensors[0])

    x, calls = leaf(nn.torch), []
    with (
        save_on_cpu(pin_memory=True),
        saved_tensors_hooks(lambda t: calls.append("pack") or t.numpy(), nn.torch.tensor),
    ):
        y = Exp.apply(x)
        with disable_saved_tensors_hooks("no hooks"):
            Exp.apply(x)
    y.sum().backward()
    assert calls == ["pack"]
    np.testing.assert_allclose(numbers(x.grad), np.exp(X))


# -- grad and backward -----------------------------------------------------------------------------


def test_grad_of_several_outputs_and_inputs(library: Any) -> None:
    x, y = leaf(library), leaf(library, [2.0, 3.0, 4.0])
    outputs = [x * y, (x**2).sum()]
    grads = library.autograd.grad(outputs, {"x": x, "y": y}.values(), [library.ones_like(x), None])
    np.testing.assert_allclose(numbers(grads[0]), numbers(y) + 2 * X)
    np.testing.assert_allclose(numbers(grads[1]), X)
    assert x.grad is None


def test_an_unused_input(library: Any) -> None:
    x, unused = leaf(library), leaf(library)
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        library.autograd.grad((x * 1).sum(), [x, unused])
    _, nothing = library.autograd.grad((x * 1).sum(), [x, unused], allow_unused=True)
    assert nothing is None
    zeros = library.autograd.grad((x * 1).sum(), [x, unused], materialize_grads=True)[1]
    assert np.all(numbers(zeros) == 0) and zeros.shape == unused.shape


def test_grad_of_what_is_not_on_the_tape(library: Any) -> None:
    x = leaf(library)
    with pytest.raises(RuntimeError, match="does not require"):
        library.autograd.grad(library.tensor(1.0), x)
    with pytest.raises(RuntimeError, match="implicitly created only for"):
        library.autograd.grad(x * 2, x)
    with pytest.raises(RuntimeError, match="require"):
        library.autograd.grad(x.sum(), library.tensor(X))


def test_grad_frees_the_tape_unless_it_is_retained(library: Any) -> None:
    x = leaf(library)
    y = (x**2).sum()
    library.autograd.grad(y, x, retain_graph=True)
    library.autograd.grad(y, x)
    with pytest.raises(RuntimeError):
        library.autograd.grad(y, x)


def test_grad_by_a_result_keeps_what_is_below(library: Any) -> None:
    x = leaf(library)
    middle = x**2
    (g,) = library.autograd.grad((middle**2).sum(), middle)
    middle.backward(g)
    np.testing.assert_allclose(numbers(x.grad), 4 * X**3)


def test_grad_touches_only_the_steps_between(library: Any) -> None:
    x, w = leaf(library), leaf(library, [2.0, 3.0, 4.0])
    below = (x**2).exp()
    seen: list[Any] = []
    below.register_hook(seen.append)
    loss = (below * w).sum()
    (g,) = library.autograd.grad(loss, w)
    np.testing.assert_allclose(numbers(g), np.exp(X**2))
    assert not seen
    below.sum().backward()
    np.testing.assert_allclose(numbers(x.grad), 2 * X * np.exp(X**2))


def test_a_graph_of_numbers_with_dead_branches(library: Any) -> None:
    x, y = (library.tensor(v, requires_grad=True, dtype=library.float64) for v in (2.0, 3.0))
    out = library.where(library.tensor(True), x * 2, y * x)
    g, h = library.autograd.grad(out, [x, y], retain_graph=True)
    assert (g.item(), h.item()) == (2.0, 0.0)
    assert library.autograd.grad(out, y)[0].item() == 0.0


def test_batched_cotangents(library: Any) -> None:
    x = leaf(library)
    (rows,) = library.autograd.grad(x**2, x, library.tensor(np.eye(3)), is_grads_batched=True)
    np.testing.assert_allclose(numbers(rows), np.diag(2 * X))


def test_backward_of_several_and_of_chosen_leaves(library: Any) -> None:
    x, y = leaf(library), leaf(library)
    library.autograd.backward([(x * y).sum(), x**2], [None, library.ones_like(x)], inputs=[x])
    np.testing.assert_allclose(numbers(x.grad), 3 * X)
    assert y.grad is None
    library.autograd.backward([(x * y).sum(), x**2], [None, library.ones_like(x)])
    np.testing.assert_allclose(numbers(x.grad), 6 * X)


# -- functional ------------------------------------------------------------------------------------


def quantities(library: Any) -> list[Any]:
    f = library.autograd.functional
    x, y = library.tensor(X), library.tensor(np.array([2.0, 3.0, 4.0]))
    v, w = library.tensor(np.array([1.0, -1.0, 0.5])), library.tensor(np.array([0.3, 0.2, 0.1]))
    pair = lambda a, b: (a * b, (a**2).sum())
    one = lambda a, b: (a**3 * b).sum()
    return [
        f.jacobian(lambda a: a**2, x),
        f.jacobian(lambda a: a**2, x, vectorize=True, strategy="forward-mode"),
        f.jacobian(pair, (x, y), create_graph=False, strict=False),
        f.hessian(lambda a: (a**3).sum(), x),
        f.hessian(one, (x, y)),
        f.vjp(pair, (x, y), (v, library.tensor(2.0, dtype=x.dtype))),
        f.vjp(lambda a: (a**2).sum(), x),
        f.jvp(pair, (x, y), (v, w)),
        f.hvp(one, (x, y), (v, w)),
        f.vhp(lambda a: (a**3).sum(), x, v),
    ]


def flat(value: Any) -> list[Any]:
    return [a for item in value for a in flat(item)] if isinstance(value, tuple) else [numbers(value)]


def shape_of(value: Any) -> Any:
    return tuple(map(shape_of, value)) if isinstance(value, tuple) else "Tensor"


@pytest.mark.torch
def test_functional_forms_are_those_of_pytorch(torch: Any) -> None:
    for mine, theirs in zip(quantities(nn.torch), quantities(torch), strict=True):
        assert shape_of(mine) == shape_of(theirs)
        for a, b in zip(flat(mine), flat(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


def test_functional_options(library: Any) -> None:
    f = library.autograd.functional
    x = leaf(library)
    assert not f.jacobian(lambda a: a**2, x).requires_grad
    kept = f.jacobian(lambda a: a**2, x, create_graph=True)
    (g,) = library.autograd.grad(kept.sum(), x)
    np.testing.assert_allclose(numbers(g), 2.0)
    with pytest.raises(RuntimeError, match="independent|does not depend"):
        f.jacobian(lambda a, b: a**2, (x, x), strict=True)


# -- dual numbers ------------------------------------------------------------------------------------


def test_dual_numbers(library: Any) -> None:
    fw = library.autograd.forward_ad
    x, t = library.tensor(X), library.tensor(np.array([1.0, 2.0, 3.0]))
    with fw.dual_level():
        dual = fw.make_dual(x, t)
        assert fw.unpack_dual(x).tangent is None
        primal, tangent = fw.unpack_dual(dual.sin() * 2)
        np.testing.assert_allclose(numbers(primal), 2 * np.sin(X))
        np.testing.assert_allclose(numbers(tangent), 2 * np.cos(X) * numbers(t), rtol=1e-14)
        assert fw.unpack_dual(x * 2).tangent is None
    with pytest.raises(RuntimeError, match="level"):
        fw.make_dual(x, t)


def test_gradients_of_tangents(library: Any) -> None:
    fw = library.autograd.forward_ad
    w = leaf(library)
    with fw.dual_level():
        dual = fw.make_dual(library.tensor(X), library.ones_like(w.detach()))
        tangent = fw.unpack_dual((dual**2 * w).sum()).tangent
        (g,) = library.autograd.grad(tangent, w)
    np.testing.assert_allclose(numbers(g), 2 * X)


# -- modes, graphs, names ----------------------------------------------------------------------------


def test_switches_hold_from_the_call_on(library: Any) -> None:
    x = leaf(library)
    switch = library.set_grad_enabled
    try:
        switch(False)
        assert not (x * 2).requires_grad
        with switch(True):
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    finally:
        switch(True)
    assert (x * 2).requires_grad

    @switch(False)
    def double(x: Any) -> Any:
        return 2 * x

    assert not double(x).requires_grad and (x * 2).requires_grad


def test_inference_mode(library: Any) -> None:
    x = leaf(library)
    with library.inference_mode():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


@pytest.mark.filterwarnings("ignore:Anomaly Detection:UserWarning")
def test_anomaly_mode(library: Any) -> None:
    x = library.tensor(np.array(0.0), requires_grad=True)
    for mode in (library.autograd.set_detect_anomaly(True), library.autograd.detect_anomaly()):
        with pytest.raises((RuntimeError, FloatingPointError)), np.errstate(all="ignore"), mode:
            (0 * x.sqrt() / x).backward()
    (x * 2).backward()


def test_hooks_at_the_end_of_a_backward_pass(library: Any) -> None:
    x, y, z = (library.tensor(v, requires_grad=True) for v in (2.0, 3.0, 5.0))
    seen: list[Any] = []
    graph = library.autograd.graph
    handles = [
        x.register_hook(lambda g: 10 * g),
        graph.register_multi_grad_hook([x, y], lambda grads: seen.append([g.item() for g in grads])),
        graph.register_multi_grad_hook((x, y), lambda g: seen.append(type(g) is library.Tensor), mode="any"),
        x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad.item()))),
        z.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None)),
    ]
    (x * y * z).backward()
    assert sorted(seen, key=repr) == [(True, 150.0), True, [150.0, 10.0]]
    assert z.grad is None and y.grad.item() == 10.0
    for handle in handles:
        handle.remove()
    (x * y).backward()
    assert len(seen) == 3 and x.grad.item() == 153.0


def test_a_step_of_an_optimizer_within_the_backward_pass(library: Any) -> None:
    weights = [library.tensor([1.0, 2.0], requires_grad=True) for _ in range(2)]
    optimizers = {w: library.optim.SGD([w], lr=0.5) for w in weights}

    def step(w: Any) -> None:
        optimizers[w].step()
        optimizers[w].zero_grad()

    for w in weights:
        w.register_post_accumulate_grad_hook(step)
    for _ in range(2):
        (weights[0] * weights[1]).sum().backward()
        assert all(w.grad is None for w in weights)
    assert weights[0].tolist() == [0.25, 0.5]


def test_mistakes_with_hooks_are_told() -> None:
    x = nn.torch.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="a leaf that requires a gradient"):
        (x * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(ValueError, match='expected "all" or "any"'):
        nn.torch.autograd.graph.register_multi_grad_hook([x], print, mode="each")


def test_a_hook_leaves_no_cycle() -> None:
    import gc
    import weakref

    x = nn.torch.ones(2, requires_grad=True)
    x.register_post_accumulate_grad_hook(print)
    gone = weakref.ref(x)
    gc.disable()
    try:
        del x
        assert gone() is None
    finally:
        gc.enable()


def test_walking_the_graph(library: Any) -> None:
    x = leaf(library)
    y = (x.exp() * x).sum()
    names, found = [], [y.grad_fn]
    for fn in found:
        names.append(fn.name() if hasattr(fn, "name") else type(fn).__name__)
        found.extend(parent for parent, _ in fn.next_functions if parent is not None)
    assert [name.rpartition("::")[2] for name in names] == [
        "SumBackward0",
        "MulBackward0",
        "ExpBackward0",
        "AccumulateGrad",
        "AccumulateGrad",
    ]
    assert type(y.grad_fn).__name__ == "SumBackward0" and x.grad_fn is None
    y.backward()
    assert (numbers(found[-1].variable.grad) == numbers(x.grad)).all()


def test_former_names(library: Any) -> None:
    x = library.autograd.Variable(library.tensor(X), requires_grad=True)
    assert x.requires_grad and isinstance(x, library.autograd.Variable)
    with library.autograd.profiler.profile() as p, library.autograd.profiler.record_function("a block"):
        (x * 2).sum()
    assert "time" in p.key_averages().table(sort_by="self_cpu_time_total").lower()
