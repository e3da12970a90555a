import copy
import pickle

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DataError, DTypeError, IndexingError, ShapeError


class Net(nn.Module):
    """Layers at two depths, a parameter and two buffers of its own."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 3))
        self.head = nn.Linear(3, 2, bias=False)
        self.scale = nn.Parameter(np.full(2, 2.0, np.float32))
        self.register_buffer("count", np.array(0))
        self.register_buffer("cache", np.zeros(2), persistent=False)

    def forward(self, x):
        return self.head(self.body(x)) * self.scale


NAMES = ["scale", "body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias", "head.weight"]


@pytest.fixture
def net():
    nn.manual_seed(0)
    return Net()


# -- parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex128])
def test_a_parameter_keeps_the_dtype_of_its_array_and_copies_it(dtype):
    array = np.ones((2, 3), dtype)
    p = nn.Parameter(array)
    array[0, 0] = 7
    assert p.dtype == dtype
    assert p.requires_grad
    assert p.numpy()[0, 0] == 1


def test_a_parameter_can_be_frozen_and_refuses_integer_arrays():
    assert not nn.Parameter(np.ones(2), requires_grad=False).requires_grad
    with pytest.raises(TypeError, match="astype"):
        nn.Parameter(np.ones(2, int))


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copied_parameter_is_a_parameter_with_values_of_its_own(twin_of):
    p = nn.Parameter(np.array([1.0, 2.0], np.float32), name="w")
    twin = twin_of(p)
    assert type(twin) is nn.Parameter
    assert twin.requires_grad
    assert twin.name == "w"
    assert twin.dtype == np.float32
    p.data = np.zeros(2, np.float32)
    np.testing.assert_array_equal(twin.numpy(), [1, 2])


# -- the tree --------------------------------------------------------------------------------------


def test_names_come_in_the_order_of_registration(net):
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_modules()] == ["", "body", "body.0", "body.1", "body.2", "head"]
    assert [name for name, _ in net.named_children()] == ["body", "head"]
    assert [name for name, _ in net.named_buffers()] == ["count", "cache"]
    assert [name for name, _ in net.named_parameters(recurse=False)] == ["scale"]
    assert list(net.modules())[1] is net.body
    assert next(iter(net.children())) is net.body


def test_shared_parts_are_counted_once(net):
    net.twin = net.head
    net.head2 = nn.Linear(3, 2, bias=False)
    net.head2.weight = net.head.weight
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert sum(1 for _ in net.children()) == 3
    everywhere = [name for name, _ in net.named_parameters(remove_duplicate=False)]
    assert everywhere == [*NAMES, "twin.weight", "head2.weight"]
    assert set(net.state_dict()) == {*everywhere, "count"}


def test_forgetting_super_init_does_no_harm():
    class Forgetful(nn.Module):
        def __init__(self):
            self.inner = nn.Linear(2, 2)

        def forward(self, x):
            return self.inner(x)

    assert [name for name, _ in Forgetful().named_parameters()] == ["inner.weight", "inner.bias"]


def test_attributes_change_their_kind(net):
    net.head = None
    assert net.head is None
    assert "head.weight" not in net.state_dict()
    net.scale = nn.Linear(1, 1)  # was a parameter
    assert "scale.weight" in net.state_dict()
    assert "scale" not in net.state_dict()
    net.note = "text"
    net.note = nn.Parameter(np.ones(1))  # was an ordinary attribute
    assert "note" in net.state_dict()
    del net.note
    assert not hasattr(net, "note")
    assert {"body", "scale", "count"} <= set(dir(net))


def test_assigning_to_a_buffer_keeps_it_a_buffer(net):
    net.count = net.count + 1
    assert net.state_dict()["count"] == 1


@pytest.mark.parametrize(("name", "value"), [("scale", np.ones(2)), ("body", lambda x: x)])
def test_a_part_cannot_become_something_else(net, name, value):
    before = getattr(net, name)
    with pytest.raises(DTypeError, match=f"Net.{name} is a .* and cannot become"):
        setattr(net, name, value)
    assert getattr(net, name) is before


@pytest.mark.parametrize("name", ["a.b", "", "forward"])
def test_names_that_cannot_be_registered(net, name):
    for register in (net.register_parameter, net.register_buffer, net.register_module):
        with pytest.raises(DataError):
            register(name, None)


def test_a_missing_attribute_is_an_attribute_error(net):
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'haed'"):
        _ = net.haed


def test_apply_visits_children_first(net):
    seen = []
    assert net.apply(lambda module: seen.append(type(module).__name__)) is net
    assert seen == ["Linear", "ReLU", "Linear", "Sequential", "Linear", "Net"]


# -- modes, gradients, dtypes ----------------------------------------------------------------------


def test_train_and_eval_reach_all_modules(net):
    assert net.training
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())


def test_gradients_arrive_and_are_forgotten(net):
    net(np.ones((5, 4), np.float32)).sum().backward()
    assert all(p.grad.shape == p.shape and p.grad.dtype == p.dtype for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all((p.grad.numpy() == 0).all() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_requires_grad_freezes_and_thaws(net):
    net.body.requires_grad_(False)
    net(np.ones((5, 4), np.float32)).sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is not None] == ["scale", "head.weight"]
    net.requires_grad_()
    assert all(p.requires_grad for p in net.parameters())


def test_to_casts_floats_gradients_and_buffers_but_not_integers(net):
    net(np.ones((5, 4), np.float32)).sum().backward()
    before = net.state_dict()
    assert net.double() is net
    for name, p in net.named_parameters():
        assert p.dtype == p.grad.dtype == np.float64
        np.testing.assert_array_equal(p.numpy(), before[name])
    assert net.count.dtype.kind == "i"
    assert net.float().cache.dtype == np.float32
    with pytest.raises(DTypeError, match="floating-point"):
        net.to(np.int64)


def test_a_cast_model_computes_in_the_new_dtype(net):
    out = net.double()(np.ones((1, 4)))
    assert out.dtype == np.float64
    out.sum().backward()
    assert net.head.weight.grad.dtype == np.float64


# -- the state -------------------------------------------------------------------------------------


def test_the_state_is_of_plain_copies(net):
    state = net.state_dict()
    assert list(state) == ["scale", "count", *NAMES[1:]]
    assert all(type(x) is np.ndarray for x in state.values())
    state["scale"][:] = 99
    assert net.scale.numpy().tolist() == [2, 2]


def test_a_state_makes_two_models_equal(net):
    other = Net()
    x = np.ones((2, 4), np.float32)
    assert not np.array_equal(net(x).numpy(), other(x).numpy())
    assert other.load_state_dict(net.state_dict()) == ([], [])
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())
    other.scale.data = other.scale.data * 0
    assert net.scale.numpy().tolist() == [2, 2]


def test_loading_casts_to_the_dtype_here(net):
    state = {name: x.astype(np.float64) if x.dtype.kind == "f" else x for name, x in net.state_dict().items()}
    net.load_state_dict(state)
    assert {p.dtype for p in net.parameters()} == {np.dtype(np.float32)}


def test_a_state_that_does_not_fit_is_told_in_full_and_changes_nothing(net):
    before = net.state_dict()
    state = {name: x + 1 for name, x in before.items()}
    state["head.weight"] = np.zeros((3, 2))
    state["scale"] = np.zeros(2, complex)
    state["extra"] = state.pop("body.0.bias")
    with pytest.raises(DataError) as error:
        net.load_state_dict(state)
    for part in (
        "missing: body.0.bias",
        "unexpected: extra",
        "head.weight is (2, 3) here, (3, 2) in the state",
        "scale is float32 here, complex128",
    ):
        assert part in str(error.value)
    for name, x in net.state_dict().items():
        np.testing.assert_array_equal(x, before[name])


def test_not_strict_passes_over_keys_but_not_over_shapes(net):
    state = net.state_dict()
    state["extra"] = state.pop("scale")
    state["count"] = np.array(5)
    keys = net.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["scale"]
    assert keys.unexpected_keys == ["extra"]
    assert net.count == 5
    state["head.weight"] = np.zeros(1)
    with pytest.raises(ValueError, match="wrong shape"):
        net.load_state_dict(state, strict=False)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_of_a_module_share_nothing_with_it_but_keep_what_is_shared_inside(net, twin_of):
    net.body[2].weight = net.body[0].weight = nn.Parameter(np.eye(3, 4, dtype=np.float32))
    net.body[2].weight = net.body[0].weight
    twin = twin_of(net)
    assert twin.body[0].weight is twin.body[2].weight
    twin.scale.data = np.zeros(2)
    assert net.scale.numpy().tolist() == [2, 2]
    assert repr(twin) == repr(net)


# -- calls, and what is said when they fail --------------------------------------------------------


def test_a_wrong_shape_names_the_layer_and_its_place(net):
    with pytest.raises(ShapeError) as error:
        net(np.ones((32, 7), np.float32))
    assert str(error.value).startswith(
        "Net.body.0 (Linear(in_features=4, out_features=3, bias=True)) expects (..., 4), got (32, 7)"
    )
    with pytest.raises(ValueError, match=r"^Sequential\.0 \(Linear"):
        net.body(np.ones((32, 7), np.float32))
    with pytest.raises(ValueError, match=r"^Linear\(.*\) expects \(\.\.\., 3\), got \(\)"):
        net.head(np.array(1.0))


@pytest.mark.parametrize(
    ("shape", "repair"), [((5, 2, 2), "reshape"), ((4, 5), r"x\.T"), ((5, 9), r"Linear\(9, \.\.\.\)")]
)
def test_a_wrong_shape_comes_with_the_line_that_repairs_it(shape, repair):
    with pytest.raises(ShapeError, match=repair):
        nn.Linear(4, 3)(np.ones(shape))


def test_a_module_without_forward():
    with pytest.raises(NotImplementedError, match="def forward"):
        nn.Module()(1)


def test_repr_is_that_of_torch(net):
    assert repr(net) == (
        "Net(\n"
        "  (body): Sequential(\n"
        "    (0): Linear(in_features=4, out_features=3, bias=True)\n"
        "    (1): ReLU()\n"
        "    (2): Linear(in_features=3, out_features=3, bias=True)\n"
        "  )\n"
        "  (head): Linear(in_features=3, out_features=2, bias=False)\n"
        ")"
    )


def test_functional_call_replaces_shared_parameters_everywhere_and_puts_them_back():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = shared = model[0].weight
    out = nn.functional_call(model, {"0.weight": 3 * np.eye(2)}, (np.ones((1, 2)),))
    np.testing.assert_array_equal(out, [[9, 9]])
    assert model[0].weight is shared
    assert model[1].weight is shared
    with pytest.raises(ShapeError):
        nn.functional_call(model, {"0.weight": np.eye(2)}, (np.ones((1, 3)),))
    assert model[0].weight is shared
    with pytest.raises(DataError, match="has no wieght; it has 0.weight, 1.weight"):
        nn.functional_call(model, {"wieght": np.eye(2)}, (np.ones((1, 2)),))


def test_functional_call_makes_a_model_a_function_of_its_parameters(net):
    net.double()
    x = np.linspace(-1, 1, 12).reshape(3, 4)
    parameters = {name: p.numpy() for name, p in net.named_parameters()}
    gradients = ag.grad(lambda values: nn.functional_call(net, values, (x,)).sum())(parameters)
    net(x).sum().backward()
    for name, p in net.named_parameters():
        np.testing.assert_allclose(gradients[name], p.grad.numpy(), rtol=1e-12)


# -- Sequential ------------------------------------------------------------------------------------


def test_sequential_is_indexed_sliced_and_walked():
    layers = [nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert list(model) == layers
    assert model[0] is layers[0]
    assert model[-1] is layers[2]
    assert type(model[1:]) is nn.Sequential
    assert list(model[1:]) == layers[1:]
    with pytest.raises(IndexingError, match="3 layers"):
        model[3]
    assert model.append(nn.Tanh()) is model
    assert type(model[3]) is nn.Tanh


def test_sequential_takes_names_and_the_same_layer_twice():
    square = nn.Linear(3, 3)
    model = nn.Sequential({"first": square, "act": nn.Tanh(), "again": square})
    assert list(model.state_dict()) == ["first.weight", "first.bias", "again.weight", "again.bias"]
    assert len(list(model)) == 3
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(model(x).numpy(), square(np.tanh(square(x))).numpy())
    with pytest.raises(DTypeError, match=r"write nn\.Tanh\(\)"):
        nn.Sequential(nn.ReLU(), np.tanh)


def test_an_empty_sequential_passes_its_input_on():
    x = np.ones(3)
    assert nn.Sequential()(x) is x


def test_parts_are_found_by_their_paths():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh()))
    assert model.get_submodule("1.0") is model[1][0] and model.get_submodule("") is model
    assert model.get_parameter("0.bias") is model[0].bias
    with pytest.raises(AttributeError, match=r"no parameter '0.weights'; there are '0.weight', '0.bias'"):
        model.get_parameter("0.weights")
