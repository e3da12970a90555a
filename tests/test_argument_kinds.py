"""Arrays with other operators are refused by every function; containers come back as they were."""

from __future__ import annotations

import operator
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
import nn
from autograd_lite.errors import DTypeError, IndexingError, UnsupportedError
from autograd_lite.testing import check_grads

Array = Any


class Doubled(np.ndarray):
    """An array with a sum of its own, as libraries for units have."""

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if not all(isinstance(x, (np.ndarray, float)) for x in args):
            return NotImplemented
        return 2 * getattr(ufunc, method)(*(np.asarray(x) for x in args), **kwargs)


KINDS: dict[str, tuple[Callable[[], Array], str]] = {
    "matrix": (lambda: np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix), r"np\.asarray\(m\)"),
    "subclass of matrix": (lambda: np.eye(2).view(type("M", (np.matrix,), {})), r"np\.asarray\(m\)"),
    "masked": (lambda: np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[0, 1], [0, 0]]), r"m\.filled\(0\)"),
    "masked without a mask": (lambda: np.ma.array([[1.0, 2.0], [3.0, 4.0]]), r"m\.filled\(0\)"),
    "another arithmetic": (lambda: np.eye(2).view(Doubled), r"np\.asarray\(m\)"),
}


def leaf() -> ag.Tensor:
    return ag.Tensor([[0.5, 0.7], [0.2, 0.4]], requires_grad=True)


def f(x: Any) -> Any:
    return np.sum(x * x)


def plain() -> Array:
    return np.array([[0.5, 0.7], [0.2, 0.4]])


def assigned(name: str, m: Array) -> None:
    setattr(leaf(), name, m)


def put(m: Array) -> None:
    x = leaf() * 1.0
    x[:2] = m


def with_hook(m: Array) -> None:
    x = leaf()
    x.register_hook(lambda g: m)
    f(x).backward()


def with_rule(m: Array) -> None:
    op = ag.primitive(lambda x: x * 1.0)
    ag.defvjp(op, lambda g, y, x: m)
    np.sum(op(leaf())).backward()


def returned(m: Array) -> None:
    op = ag.primitive(lambda x: m)
    ag.defvjp(op, lambda g, y, x: g)
    op(leaf())


def custom() -> Any:
    op = ag.custom_vjp(lambda x: x * 1.0)
    op.defvjp(lambda x: (x * 1.0, None), lambda residuals, g: (g,))
    return op


def with_custom(m: Array) -> None:
    op = ag.custom_vjp(lambda x: x * 1.0)
    op.defvjp(lambda x: (x * 1.0, None), lambda residuals, g: (m,))
    np.sum(op(leaf())).backward()


def from_tape(m: Array) -> None:
    x = leaf()
    with ag.Tape() as tape:
        y = x * 2
    tape.gradient(y, x, m)


def in_place(op: Callable[[Any, Any], Any], m: Array) -> None:
    op(leaf() * 1.0, m)


ENGINE: dict[str, Callable[[Array], Any]] = {
    "Tensor(m)": ag.Tensor,
    "Tensor(m, requires_grad)": lambda m: ag.Tensor(m, requires_grad=True),
    "Tensor([m, m])": lambda m: ag.Tensor([m, m]),
    "grad": lambda m: ag.grad(f)(m),
    "grad of a nested argument": lambda m: ag.grad(lambda p: f(p["w"][0]))({"w": [m]}),
    "vjp of what returns it": lambda m: ag.vjp(lambda x: m, 2.0)[1](plain()),
    "value_and_grad": lambda m: ag.value_and_grad(f)(m),
    "vjp": lambda m: ag.vjp(f, m),
    "pullback": lambda m: ag.vjp(lambda x: x * 2, plain())[1](m),
    "jvp": lambda m: ag.jvp(f, (m,), (plain(),)),
    "jvp, tangent": lambda m: ag.jvp(f, (plain(),), (m,)),
    "jacobian": lambda m: ag.jacobian(lambda x: x * 2)(m),
    "jacobian of what returns it": lambda m: ag.jacobian(lambda x: m)(2.0),
    "hessian": lambda m: ag.hessian(f)(m),
    "hvp": lambda m: ag.hvp(f, m, plain()),
    "hvp, vector": lambda m: ag.hvp(f, plain(), m),
    "checkpoint": lambda m: ag.checkpoint(f)(m),
    "custom_vjp": lambda m: custom()(m),
    "custom_vjp: backward returns it": with_custom,
    "a rule returns it": with_rule,
    "a primitive returns it": returned,
    "a primitive takes it": lambda m: ag.primitive(lambda x, y: x)(leaf(), m),
    "check_grads": lambda m: check_grads(f, m),
    "check_grads of several": lambda m: check_grads(lambda x, y: f(x) + f(y), (plain(), m)),
    "backward(m)": lambda m: (leaf() * 2).backward(m),
    "tape.gradient(..., m)": from_tape,
    "a hook returns it": with_hook,
    "x.data = m": lambda m: assigned("data", m),
    "x.grad = m": lambda m: assigned("grad", m),
    "x[i] = m": put,
    "np.add(x, m)": lambda m: np.add(leaf(), m),
    "np.add(m, x)": lambda m: np.add(m, leaf()),
    "np.concatenate": lambda m: np.concatenate([leaf(), m]),
    "np.stack": lambda m: np.stack([m, leaf()]),
    "np.where": lambda m: np.where(plain() > 0.5, leaf(), m),
    "np.clip(x, a_max=m)": lambda m: np.clip(leaf(), a_min=None, a_max=m),
    "np.average(x, weights=m)": lambda m: np.average(leaf(), weights=m),
    "np.einsum": lambda m: np.einsum("ij,jk->ik", leaf(), m),
    "np.dot": lambda m: np.dot(m, leaf()),
    "np.linalg.solve": lambda m: np.linalg.solve(m, leaf()),
    "x.dot(m)": lambda m: leaf().dot(m),
    "x.add_(m)": lambda m: leaf().detach().add_(m),
    "ag.relu(m)": ag.relu,
    "ag.softmax(m)": ag.softmax,
}
for name in ("add", "sub", "mul", "truediv", "pow", "matmul", "mod", "floordiv", "lt", "eq", "ge", "ne"):
    op = getattr(operator, name)
    ENGINE[f"x {name} m"] = lambda m, op=op: op(leaf(), m)
    if name != "pow":  # a matrix asks for an int there: an error of NumPy's own
        ENGINE[f"m {name} x"] = lambda m, op=op: op(m, leaf())
for name in ("iadd", "isub", "imul", "itruediv"):
    op = getattr(operator, name)
    ENGINE[f"x {name} m"] = lambda m, op=op: in_place(op, m)
ENGINE["constant x * m"] = lambda m: ag.Tensor(plain()) * m
ENGINE["m @ constant x"] = lambda m: m @ ag.Tensor(plain())


def trainer() -> nn.Trainer:
    model = nn.Linear(2, 2)
    return nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1))


def optimized(m: Array) -> None:
    layer = nn.Linear(2, 2)
    layer.weight.grad = m


NN: dict[str, Callable[[Array], Any]] = {
    "Parameter": nn.Parameter,
    "Linear": lambda m: nn.Linear(2, 2)(m),
    "ReLU": lambda m: nn.ReLU()(m),
    "Sequential": lambda m: nn.Sequential(nn.Flatten(), nn.ReLU())(m),
    "Softmax": lambda m: nn.Softmax(dim=1)(m),
    "Dropout in evaluation": lambda m: nn.Dropout(0.5).eval()(m),
    "Identity": lambda m: nn.Identity()(m),
    "LayerNorm": lambda m: nn.LayerNorm(2)(m),
    "BatchNorm1d": lambda m: nn.BatchNorm1d(2)(m),
    "LSTM": lambda m: nn.LSTM(2, 2)(m),
    "Embedding": lambda m: nn.Embedding(9, 2)(m.astype(int)),
    "Bilinear": lambda m: nn.Bilinear(2, 2, 1)(plain(), m),
    "MultiheadAttention": lambda m: nn.MultiheadAttention(2, 1)(plain(), plain(), m),
    "MSELoss": lambda m: nn.MSELoss()(plain(), m),
    "CrossEntropyLoss": lambda m: nn.CrossEntropyLoss()(m, np.array([0, 1])),
    "CrossEntropyLoss, target": lambda m: nn.CrossEntropyLoss()(plain(), m),
    "CrossEntropyLoss, weight": lambda m: nn.CrossEntropyLoss(weight=m[0]),
    "BCEWithLogitsLoss, weight": lambda m: nn.BCEWithLogitsLoss(weight=m),
    "functional.relu": nn.functional.relu,
    "functional.linear": lambda m: nn.functional.linear(plain(), m),
    "functional.mse_loss": lambda m: nn.functional.mse_loss(m, plain()),
    "functional.cross_entropy, weight": lambda m: nn.functional.cross_entropy(plain(), [0, 1], weight=m[0]),
    "register_buffer": lambda m: nn.Module().register_buffer("m", m),
    "load_state_dict": lambda m: nn.Linear(2, 2, bias=False).load_state_dict({"weight": m}),
    "functional_call": lambda m: nn.functional_call(nn.Linear(2, 2), {"weight": m}, plain()),
    "a parameter's data": lambda m: setattr(nn.Linear(2, 2).weight, "data", m),
    "a parameter's gradient": optimized,
    "TensorDataset": lambda m: nn.TensorDataset(m, plain()),
    "DataLoader": lambda m: list(nn.DataLoader([(m, 0), (m, 1)], batch_size=2)),
    "DataLoader of rows": lambda m: list(nn.DataLoader(m, batch_size=2)),
    "DataLoader without batches": lambda m: list(nn.DataLoader([m, m], batch_size=None)),
    "Trainer.fit, X": lambda m: trainer().fit(m, plain(), verbose=False),
    "Trainer.fit, y": lambda m: trainer().fit(plain(), m, verbose=False),
    "Trainer.fit, validation": lambda m: trainer().fit(
        plain(), plain(), validation_data=(m, plain()), verbose=False
    ),
    "Trainer.evaluate": lambda m: trainer().evaluate(m, plain()),
    "Trainer.predict": lambda m: trainer().predict(m),
    "metrics": lambda m: nn.metrics.accuracy(m, np.array([0, 1])),
    "nn.torch.tensor": lambda m: __import__("nn.torch").torch.tensor(m),
    "pad_sequence": lambda m: nn.utils.rnn.pad_sequence([m, m]),
    "save": lambda m: nn.save({"m": m}, "never.safetensors"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", [*ENGINE, *NN])
def test_an_array_with_another_arithmetic_is_refused(door: str, kind: str) -> None:
    make, repair = KINDS[kind]
    call = {**ENGINE, **NN}[door]
    with pytest.raises(UnsupportedError, match=repair):
        call(make())


def test_other_subclasses_are_arrays_like_any_other(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", dtype=float, mode="w+", shape=(2, 2))
    mapped[:] = plain()
    record = plain().view(np.recarray)
    tagged = plain().view(type("Tagged", (np.ndarray,), {"unit": "m"}))
    for x in (mapped, record, tagged):
        np.testing.assert_array_equal(ag.grad(f)(x), 2 * plain())
        np.testing.assert_array_equal((ag.Tensor(plain()) * x).numpy(), plain() ** 2)
        assert nn.Linear(2, 1)(x.astype(np.float32)).shape == (2, 1)
        check_grads(f, x)


def test_where_it_hides_in_a_list_is_found() -> None:
    with pytest.raises(UnsupportedError, match="asarray"):
        ag.Tensor([[1.0, 2.0], (np.eye(2).view(np.matrix)[0],)])


# -- which arguments -------------------------------------------------------------------------------


def product(a: Any, b: Any) -> Any:
    return np.sum(a * b * b)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), (1, 0, 1), (-1, 1), [0, 0, 0]])
def test_an_argument_named_twice_has_its_gradient_twice(argnums: Any) -> None:
    each = (9.0, 12.0)  # b^2 and 2 a b, at (2, 3)
    expected = tuple(each[i] for i in argnums)
    assert ag.grad(product, argnums)(2.0, 3.0) == expected
    assert ag.value_and_grad(product, argnums)(2.0, 3.0) == (18.0, expected)
    assert ag.jacobian(product, argnums)(2.0, 3.0) == expected
    second = ((0.0, 6.0), (6.0, 4.0))
    assert ag.hessian(product, argnums)(2.0, 3.0) == tuple(
        tuple(second[i][j] for j in argnums) for i in argnums
    )


def test_gradients_of_an_argument_named_twice_share_no_memory() -> None:
    one, other = ag.grad(product, (0, 0))(np.ones(2), np.ones(2))
    one += 1
    np.testing.assert_array_equal(other, [1.0, 1.0])


def test_an_argument_named_twice_on_an_outer_tape() -> None:
    assert ag.grad(lambda b: sum(ag.grad(product, (0, 0, 1))(2.0, b)))(3.0) == 6 + 6 + 4


@pytest.mark.parametrize("transform", [ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian])
@pytest.mark.parametrize("argnums", [1.0, True, (0, True), (), [], "0", None, (0, None), (0, 1.0), {0}])
def test_what_names_no_argument_is_refused_at_once(transform: Any, argnums: Any) -> None:
    with pytest.raises(DTypeError, match="argnums"):
        transform(product, argnums)


@pytest.mark.parametrize("transform", [ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian])
@pytest.mark.parametrize("argnums", [2, -3, (0, 2), (0, 0, -3)])
def test_an_argument_that_is_not_there_is_refused(transform: Any, argnums: Any) -> None:
    with pytest.raises(IndexingError, match="2 positional arguments"):
        transform(product, argnums)(2.0, 3.0)


def test_numpys_ints_name_an_argument() -> None:
    assert ag.grad(product, np.int64(1))(2.0, 3.0) == 12.0
    assert ag.grad(product, tuple(np.arange(2)))(2.0, 3.0) == (9.0, 12.0)


# -- containers ------------------------------------------------------------------------------------


class Layers(list[Any]):
    """A list with a constructor and an attribute of its own."""

    def __init__(self, first: Any, second: Any, name: str) -> None:
        super().__init__([first, second])
        self.name = name


class Pair(tuple[Any, ...]):
    """A tuple with a constructor of its own."""

    def __new__(cls, first: Any, second: Any) -> Pair:
        return super().__new__(cls, (first, second))


class Settings(dict[str, Any]):
    """A dict that refuses new values."""

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError("frozen")


Point = namedtuple("Point", "x y")


class Ordered(Point):
    """A named tuple whose constructor sorts."""

    def __new__(cls, x: Any, y: Any) -> Ordered:
        return super().__new__(cls, *sorted((x, y)))


CONTAINERS: dict[str, Callable[[], Any]] = {
    "list": lambda: [2.0, 3.0],
    "tuple": lambda: (2.0, 3.0),
    "list subclass": lambda: Layers(2.0, 3.0, "both"),
    "tuple subclass": lambda: Pair(2.0, 3.0),
    "named tuple": lambda: Point(2.0, 3.0),
    "named tuple's subclass": lambda: Ordered(2.0, 3.0),
    "OrderedDict": lambda: OrderedDict(b=2.0, a=3.0),
    "defaultdict": lambda: defaultdict(int, b=2.0, a=3.0),
    "Counter": lambda: Counter(b=2.0, a=3.0),  # type: ignore[arg-type]
    "dict": lambda: {"b": 2.0, "a": 3.0},
    "nested": lambda: {"layers": Layers(2.0, Pair(3.0, None), "both")},
}


def kinds(tree: Any) -> Any:
    """Classes all the way down, with the keys in their order."""
    if isinstance(tree, dict):
        return type(tree), [(key, kinds(item)) for key, item in tree.items()]
    return (type(tree), list(map(kinds, tree))) if isinstance(tree, (tuple, list)) else type(tree)


def squares(tree: Any) -> Any:
    return sum(x**3 for x in ag.tree.flatten(tree)[0])


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_comes_back_as_what_it_was(name: str) -> None:
    here = CONTAINERS[name]()
    expected = ag.tree.map_leaves(lambda x: 3 * x**2, here)
    ones = ag.tree.map_leaves(lambda x: 1.0, here)
    received = []

    def f(tree: Any) -> Any:
        received.append(tree)
        return squares(tree)

    gradient = ag.grad(f)(here)
    assert kinds(gradient) == kinds(here) and ag.tree.flatten(gradient)[0] == ag.tree.flatten(expected)[0]
    assert type(received[0]) is type(here)
    product = ag.hvp(squares, (here,), (ones,))
    assert kinds(product) == kinds(here)
    assert ag.tree.flatten(product)[0] == [6 * x for x in ag.tree.flatten(here)[0]]
    (pulled,) = ag.vjp(lambda tree: tree, here)[1](ones)
    assert kinds(pulled) == kinds(here)
    assert kinds(ag.vjp(lambda tree: tree, here)[0]) == kinds(here)


def test_a_containers_attributes_come_back_too() -> None:
    gradient = ag.grad(squares)(Layers(2.0, 3.0, "both"))
    assert isinstance(gradient, Layers) and gradient.name == "both" and gradient == [12.0, 27.0]


def test_a_container_that_cannot_be_made_anew_is_refused() -> None:
    frozen = dict.__new__(Settings)
    dict.update(frozen, a=2.0)
    with pytest.raises(DTypeError, match=r"a Settings cannot be made with other items.*dict\(x\)"):
        ag.grad(squares)(frozen)


@dataclass
class Config:
    """No container of ours."""

    rate: float


@pytest.mark.parametrize("other", [Config(0.1), deque([1.0, 2.0]), {1.0}, iter([1.0])])
def test_other_containers_are_refused_with_what_to_write(other: Any) -> None:
    with pytest.raises(DTypeError, match=r"list\(x\), vars\(x\)"):
        ag.grad(squares)(other)


# -- a list is one argument ------------------------------------------------------------------------


def cube(p: Any) -> Any:
    return p[0] ** 2 * p[1]


def test_hvp_takes_its_arguments_as_grad_does() -> None:
    assert ag.grad(cube)([2.0, 3.0]) == [12.0, 4.0]
    assert ag.hvp(cube, [2.0, 3.0], [1.0, 0.0]) == [6.0, 4.0]
    assert ag.hvp(cube, ([2.0, 3.0],), ([1.0, 0.0],)) == [6.0, 4.0]
    assert ag.hvp(cube, Point(2.0, 3.0), Point(1.0, 0.0)) == Point(6.0, 4.0)
    assert ag.hvp(lambda p: p["a"] ** 2, {"a": 3.0}, {"a": 1.0}) == {"a": 2.0}
    assert ag.hvp(lambda a, b: a**2 * b, (2.0, 3.0), (1.0, 0.0)) == (6.0, 4.0)
    assert [row[0] for row in ag.hessian(cube)([2.0, 3.0])] == [6.0, 4.0]


# -- custom_vjp in a class -------------------------------------------------------------------------


class Scaled:
    """Methods with derivatives of their own, ten times too large so that they are told from the true ones."""

    def __init__(self, k: float) -> None:
        self.k = k

    @ag.custom_vjp
    def method(self, x: Any) -> Any:
        """k x."""
        return self.k * x

    method.defvjp(lambda self, x: (self.k * x, self.k), lambda k, g: (10 * g * k,))

    @ag.custom_vjp
    def with_self(self, x: Any) -> Any:
        return self.k * x

    with_self.defvjp(lambda self, x: (self.k * x, None), lambda self, _, g: (None, 10 * g * self.k))

    @ag.custom_vjp
    @staticmethod
    def static(x: Any) -> Any:
        return x * x

    static.defvjp(lambda x: (x * x, x), lambda x, g: (20 * g * x,))

    @classmethod
    @ag.custom_vjp
    def of_class(cls, x: Any) -> Any:
        assert cls is Scaled
        return x * x


Scaled.__dict__["of_class"].__func__.defvjp(lambda cls, x: (x * x, x), lambda x, g: (20 * g * x,))


@pytest.mark.parametrize("name", ["method", "with_self"])
def test_custom_vjp_makes_methods(name: str) -> None:
    two, three = Scaled(2.0), Scaled(3.0)
    assert getattr(two, name)(5.0) == 10.0
    assert ag.grad(getattr(two, name))(5.0) == 20.0
    assert ag.grad(getattr(three, name))(5.0) == 30.0
    assert ag.grad(lambda x: getattr(Scaled, name)(three, x))(5.0) == 30.0
    # twice: d/dx of 2 (3 x) (10 * 3), where the 3 x inside is differentiated by the same rule
    assert ag.grad(ag.grad(lambda x: getattr(three, name)(x) ** 2))(5.0) == 2 * 30 * 30
    np.testing.assert_array_equal(ag.jacobian(getattr(two, name))(np.ones(2)), 20 * np.eye(2))


@pytest.mark.parametrize("owner", [Scaled(2.0), Scaled])
def test_custom_vjp_makes_static_and_class_methods(owner: Any) -> None:
    assert ag.grad(owner.static)(3.0) == 60.0
    assert ag.grad(owner.of_class)(3.0) == 60.0


def test_custom_vjp_of_a_method_counts_the_cotangents() -> None:
    class Wrong:
        @ag.custom_vjp
        def f(self, x: Any, y: Any) -> Any:
            return x * y

        f.defvjp(lambda self, x, y: (x * y, (x, y)), lambda residuals, g: (g,))

    with pytest.raises(ag.errors.ShapeError, match="one cotangent for each"):
        ag.grad(Wrong().f)(2.0, 3.0)
