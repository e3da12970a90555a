"""Hooks with options, hooks of all modules, hooks of states, and what programs override."""

from collections import OrderedDict

import numpy as np
import pytest

import nn
from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError, MissingAttributeError, UnsupportedError
from nn import hooks

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 2)

    def forward(self, x, *, times=1.0):
        if times < 0:
            raise ValueError("negative")
        return self.inner(x) * times


# -- hooks of modules ------------------------------------------------------------------------------


def test_hooks_see_and_change_keyword_arguments():
    model, seen = Scaled(), []
    model.register_forward_hook(lambda m, args, kwargs, y: seen.append(kwargs), with_kwargs=True)
    before = model.register_forward_pre_hook(lambda m, args, kwargs: (args, {"times": 3.0}), with_kwargs=True)
    np.testing.assert_allclose(model(X, times=2.0).numpy(), 3 * model.inner(X).numpy(), rtol=1e-6)
    before.remove()
    model(X, times=2.0)
    assert seen == [{"times": 3.0}, {"times": 2.0}]


def test_hooks_are_called_in_order_and_also_after_an_error():
    model, seen = Scaled(), []
    model.register_forward_hook(lambda m, args, y: seen.append("second"))
    model.register_forward_hook(lambda m, args, y: seen.append("first"), prepend=True)
    model.register_forward_hook(lambda m, args, y: seen.append(y), always_call=True)
    with pytest.raises(ValueError, match="negative"):
        model(X, times=-1.0)
    assert seen == [None]
    model(X)
    assert seen[1:3] == ["first", "second"] and seen[3].shape == (4, 2)


def test_hooks_are_read_and_cleared_under_their_names_in_pytorch():
    model = Scaled()
    assert not any((model._forward_hooks, model._forward_pre_hooks, model._backward_hooks))
    hook = model.register_forward_hook(print)
    assert list(model._forward_hooks) == [hook.id] and not model.inner._forward_hooks
    model._forward_hooks.clear()
    model(X)
    with model.register_full_backward_hook(lambda *a: None), model.register_full_backward_pre_hook(len):
        assert len(model._backward_hooks) == len(model._backward_pre_hooks) == 1
    assert not model._backward_hooks


def test_a_backward_pre_hook_changes_the_gradient_of_the_output():
    layer, x = nn.Linear(3, 2), Tensor(X, requires_grad=True)
    layer.register_full_backward_pre_hook(lambda m, g: (2 * g[0],))
    seen = []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(go[0].numpy().max()))
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.tile(layer.weight.numpy().sum(0), (4, 1)), rtol=1e-6)
    assert seen == [2.0]


def test_hooks_of_all_modules():
    model, seen = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), []

    def note(kind):
        return lambda module, *others: seen.append((kind, type(module).__name__))

    with (
        hooks.register_module_forward_pre_hook(note("pre")),
        hooks.register_module_forward_hook(note("after"), with_kwargs=True, always_call=True),
        hooks.register_module_full_backward_pre_hook(note("back")),
        hooks.register_module_full_backward_hook(note("done")),
    ):
        y = model(Tensor(X, requires_grad=True))
        y.sum().backward()
    assert seen[:3] == [("pre", "Sequential"), ("pre", "Linear"), ("after", "Linear")]
    assert seen[-2:] == [("done", "Linear"), ("done", "Sequential")] and ("back", "ReLU") in seen
    count = len(seen)
    model(X)
    assert len(seen) == count and nn.Module._hooks is None


# -- states ----------------------------------------------------------------------------------------


def test_a_state_with_prefix_goes_into_a_dict():
    model, into = Scaled(), OrderedDict(other=1)
    assert model.state_dict(destination=into, prefix="net.") is into
    assert list(into) == ["other", "net.inner.weight", "net.inner.bias"]
    assert model.state_dict(keep_vars=True)["inner.weight"] is model.inner.weight
    assert model.state_dict()["inner.weight"] is not model.inner.weight.data


def test_assigned_arrays_keep_their_dtype():
    model, state = Scaled(), {k: v.astype(np.float64) for k, v in Scaled().state_dict().items()}
    weight = model.inner.weight
    keys = model.load_state_dict(state, assign=True)
    assert not keys.missing_keys and not keys.unexpected_keys
    assert model.inner.weight is weight and weight.dtype == np.float64
    model.load_state_dict(state)
    assert not np.shares_memory(weight.data, state["inner.weight"])


def test_hooks_of_states():
    model, seen = Scaled(), []
    model.inner.register_state_dict_pre_hook(lambda module, prefix, keep: seen.append(prefix))
    model.register_state_dict_post_hook(lambda module, state, prefix, meta: state.update(version=np.ones(1)))
    state = model.state_dict()
    assert seen == ["inner."] and "version" in state

    def drop(module, state, prefix, meta, strict, missing, unexpected, errors):
        state.pop("version")

    handle = model.register_load_state_dict_pre_hook(drop)
    model.register_load_state_dict_post_hook(lambda module, keys: seen.append(len(keys.missing_keys)))
    model.load_state_dict(state)
    assert "version" in state  # the dict that was given does not change
    handle.remove()
    with pytest.raises(DataError, match="unexpected: version"):
        model.load_state_dict(state)
    model._register_load_state_dict_pre_hook(lambda state, *others: state.pop("version"))
    del state["inner.bias"]
    forgive = model.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    state["inner.weight"] = np.ones((2, 3), np.float32)
    model.load_state_dict(state)
    assert model.inner.weight.data.min() == 1
    forgive.remove()


def test_a_module_may_change_how_it_is_saved_and_loaded():
    class Renamed(nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, *others):
            if prefix + "kernel" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "kernel").T
            super()._load_from_state_dict(state_dict, prefix, *others)

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "kernel"] = destination.pop(prefix + "weight").T

    model, other = (nn.Sequential(Renamed(3, 2)) for _ in range(2))
    state = model.state_dict()
    assert list(state) == ["0.bias", "0.kernel"]
    other.load_state_dict(state)
    np.testing.assert_array_equal(other(X).numpy(), model(X).numpy())


def test_extra_state_is_saved_and_restored():
    class Counted(nn.Linear):
        count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    model, other = (nn.Sequential(Counted(3, 2)) for _ in range(2))
    model[0].count = 7
    assert model.state_dict()["0._extra_state"] == {"count": 7}
    other.load_state_dict(model.state_dict())
    assert other[0].count == 7
    with pytest.raises(DataError, match="missing: 0._extra_state"):
        other.load_state_dict(nn.Sequential(nn.Linear(3, 2)).state_dict())


# -- the tree of modules ---------------------------------------------------------------------------


def test_a_layer_with_its_own_train_stays_frozen():
    class Frozen(nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    model = nn.Sequential(Frozen(3), nn.BatchNorm1d(3)).train()
    assert model.training and not model[0].training and model[1].training


def test_tensors_of_ones_own_follow_apply():
    class Grid(nn.Module):
        def __init__(self):
            super().__init__()
            self.points = Tensor(X)

        def _apply(self, fn, recurse=True):
            self.points = fn(self.points)
            return super()._apply(fn, recurse)

    assert nn.Sequential(Grid()).double()[0].points.dtype == np.float64


def test_casts_and_paths():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    (model(X) ** 2).sum().backward()
    assert model.type(np.float64)[0].weight.grad.dtype == np.float64
    assert model.to(Tensor(X)).get_buffer("1.running_mean").dtype == np.float32
    assert model.to("cpu", non_blocking=True).to_empty(device="cpu") is model
    with pytest.raises(UnsupportedError, match="bfloat16"):
        model.bfloat16()
    with pytest.raises(DTypeError, match=r"np\.float32"):
        model.type(int)
    model.set_submodule("1", nn.ReLU())
    assert type(model[1]) is nn.ReLU and model._get_name() == "Sequential"
    with pytest.raises(MissingAttributeError, match="no submodule '7'"):
        model.set_submodule("7", nn.ReLU())
    model.shift = nn.Buffer(np.ones(2), persistent=False)
    assert [name for name, _ in model.named_buffers()] == ["shift"] and "shift" not in model.state_dict()


def test_running_values_are_reset():
    layer = nn.BatchNorm1d(3)
    layer(X)
    layer.weight.data = layer.weight.data * 3
    layer.reset_running_stats()
    assert not layer.running_mean.any() and (layer.running_var == 1).all() and layer.num_batches_tracked == 0
    layer.reset_parameters()
    assert (layer.weight.numpy() == 1).all()
    assert nn.BatchNorm2d(2, bias=False).bias is None and nn.GroupNorm(1, 2, bias=False).bias is None


RESET = ["Linear(3, 2)", "Bilinear(2, 3, 4)", "Conv2d(2, 3, 2)", "ConvTranspose3d(2, 3, 2)", "LSTM(2, 3)",
         "GRUCell(2, 3)", "Embedding(4, 3, padding_idx=1)", "EmbeddingBag(4, 3)", "PReLU(3)", "LayerNorm(3)",
         "RMSNorm(3)", "GroupNorm(1, 3)", "InstanceNorm2d(3, affine=True)"]  # fmt: skip


@pytest.mark.parametrize("text", RESET)
def test_parameters_are_drawn_anew(text):
    nn.manual_seed(0)
    layer = eval(f"nn.{text}")
    fresh = layer.state_dict()
    for p in layer.parameters():
        p.data = p.data + 5
    nn.manual_seed(0)
    layer.reset_parameters()
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, fresh[name])


def test_the_device_is_the_cpu_and_no_dtype_means_float32():
    assert nn.Linear(2, 2, device="cpu", dtype=None).weight.dtype == np.float32
    for layer in (nn.Conv1d, nn.GRU, nn.Embedding, nn.LSTMCell, nn.Linear):
        with pytest.raises(UnsupportedError, match="device = 'cpu'"):
            layer(2, 2, **({"kernel_size": 1} if layer is nn.Conv1d else {}), device="cuda:0")
