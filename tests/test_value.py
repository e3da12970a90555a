"""`autograd_lite.tiny.Value` under programs in the manner of micrograd, makemore and microgpt."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import random
import weakref
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import (
    CompileError,
    DTypeError,
    NotDifferentiableError,
    ShapeError,
    TapeError,
    UnsupportedError,
)
from autograd_lite.testing import check_grads
from autograd_lite.tiny import MLP, Layer, Module, Neuron, Value
from benchmarks.workloads.tiny import training
from visualize import draw


def slopes(f: Any, *at: float) -> list[float]:
    """The derivatives of a function of numbers, by central differences of order four."""
    h, found = 1e-3, []
    for i in range(len(at)):
        moved = [f(*[x + k * h * (i == j) for j, x in enumerate(at)]) for k in (-2, -1, 1, 2)]
        found.append((moved[0] - 8 * moved[1] + 8 * moved[2] - moved[3]) / (12 * h))
    return found


# -- expressions -----------------------------------------------------------------------------------


def mixed(a: Any, b: Any) -> Any:
    """Operators with numbers on both sides, and names that are given anew."""
    c = a + b
    c += 1 + c + (-a)
    c *= 2
    d = 3 - a * b + b**3 - (a - 2) / 4
    d -= 1.5
    d /= 2.0
    return (c - d) ** 2 / 10 + 10.0 / d + 2.0**a + (+b)


def squashed(a: Any, b: Any) -> Any:
    if isinstance(a, Value):
        return (a * b).tanh() + (b.exp() + a.exp()).log() * (a - b).relu()
    return math.tanh(a * b) + math.log(math.exp(b) + math.exp(a)) * max(a - b, 0)


@pytest.mark.parametrize("f", [mixed, squashed])
def test_expressions_have_the_gradients_of_differences(f: Any) -> None:
    a, b = Value(1.3), Value(-0.7)
    y = f(a, b)
    y.backward()
    assert type(y) is Value and y.data == pytest.approx(f(1.3, -0.7), rel=1e-14)
    assert [a.grad, b.grad] == pytest.approx(slopes(f, 1.3, -0.7), rel=1e-8)
    assert all(type(x) is float for x in (y.data, a.data, a.grad, y.grad))


def test_names_given_anew_leave_the_inputs_as_they_are() -> None:
    a = b = Value(2.0)
    a += 1
    a **= 2
    assert (a.data, b.data) == (9.0, 2.0) and b._prev == set()


def test_data_and_grad_are_numbers_that_may_be_set() -> None:
    p = Value(3)
    assert repr(p) == "Value(data=3.0, grad=0.0)" and p.label == "" and p._op == ""
    (p * p).backward()
    assert p.grad == 6.0
    p.data -= 0.5 * p.grad
    p.grad = 0
    assert (p.data, p.grad) == (0.0, 0.0)
    p.data = 4
    (p * p).backward()
    (p * p).backward()
    assert p.grad == 16.0
    p.grad = 2.5
    assert p.grad == 2.5
    p.grad = None
    assert p.grad == 0.0


def test_every_step_has_its_gradient() -> None:
    x = Value(0.5)
    a = x * 3
    b = a.tanh()
    c = a * b
    c.backward()
    assert (c.grad, b.grad) == (1.0, 1.5)
    assert a.grad == pytest.approx(slopes(lambda a: a * math.tanh(a), 1.5)[0], rel=1e-9)


def test_a_second_pass_adds_to_inputs_alone() -> None:
    x = Value(3.0)
    a = x * x
    y = a * 2
    y.backward()
    y.backward()
    assert (x.grad, a.grad) == (24.0, 2.0)


# -- graphs ----------------------------------------------------------------------------------------


def lecture() -> tuple[Value, dict[str, Value]]:
    found = {name: Value(v, label=name) for name, v in [("a", 2.0), ("b", -3.0), ("c", 10.0)]}
    e = found["a"] * found["b"]
    e.label = "e"
    d = e + found["c"]
    d.label = "d"
    L = (d * e) ** 2
    L.label = "L"
    return L, {**found, "e": e, "d": d}


def traced(root: Value, children: str) -> tuple[list[Value], set[tuple[int, int]]]:
    """The nodes and edges that a program's own `draw_dot` finds, by the identities of objects."""
    nodes: list[Value] = []
    edges = set()

    def visit(v: Value) -> None:
        if v in nodes:
            return
        nodes.append(v)
        for child in getattr(v, children):
            visit(child)
            edges.add((id(child), id(v)))

    visit(root)
    return nodes, edges


@pytest.mark.parametrize("children", ["_prev", "_children"])
def test_programs_find_nodes_and_edges(children: str) -> None:
    L, named = lecture()
    L.backward()
    nodes, edges = traced(L, children)
    known = {id(v) for v in nodes}
    assert len(nodes) == len(set(nodes)) == 7 and len(edges) == 7
    assert all(a in known and b in known for a, b in edges)
    ops = {v.label: v._op for v in nodes}
    assert ops == {"a": "", "b": "", "c": "", "e": "*", "d": "+", "": "*", "L": "**2"}
    for v in nodes:
        if v.label in named:
            assert v == named[v.label] and v.grad == named[v.label].grad
    assert set(named.values()) <= set(nodes)


def test_names_of_ops() -> None:
    a = Value(0.5)
    assert [v._op for v in (a + 1, a - 1, 2 * a, a / 2, -a, a**-1, a**a)] == [*"+-*/-", "**-1", "power"]
    assert [v._op for v in (a.exp(), a.log(), a.tanh(), a.relu())] == ["exp", "log", "tanh", "relu"]


def test_a_number_in_the_graph_has_its_gradient() -> None:
    a = Value(3.0)
    y = a * 4
    y.backward()
    assert [(v.data, v.grad) for v in y._children] == [(3.0, 4.0), (4.0, 3.0)]
    assert y._local_grads == (4.0, 3.0)
    assert a._children == () and a._local_grads == ()


def test_a_pass_by_hand_is_the_pass() -> None:
    expected, by = lecture()
    expected.backward()
    L, named = lecture()
    L.grad = 1.0
    (product,) = L._prev
    for v in (L, product, named["d"], named["e"], named["a"]):
        v._backward()
    assert {k: v.grad for k, v in named.items()} == pytest.approx({k: v.grad for k, v in by.items()})


def test_every_number_is_on_the_picture() -> None:
    L, _ = lecture()
    L.backward()
    dot = draw(L).to_dot()
    for shown in ("576.0", "-24.00", "-6.00", "4.00", "10.00"):
        assert f">{shown}<" in dot
    for gradient in ("1.00", "-48.00", "288.0", "-192.0", "-288.0", "192.0"):
        assert f">{gradient}<" in dot


# -- ops of the program ----------------------------------------------------------------------------


def sine_by_slopes(x: Value) -> Value:
    return Value(math.sin(x.data), (x,), (math.cos(x.data),))


def sine_by_function(x: Value) -> Value:
    out = Value(math.sin(x.data), (x,), "sin")

    def backward() -> None:
        x.grad += math.cos(x.data) * out.grad

    out._backward = backward
    return out


@pytest.mark.parametrize("sine", [sine_by_slopes, sine_by_function])
def test_an_op_of_the_program(sine: Any) -> None:
    x = Value(0.3)
    z = x * 2
    y = sine(z) * z + sine(x)
    y.backward()
    f = lambda x: math.sin(2 * x) * 2 * x + math.sin(x)
    assert (y.data, x.grad) == pytest.approx((f(0.3), slopes(f, 0.3)[0]), rel=1e-9)
    assert z.grad == pytest.approx(slopes(lambda z: math.sin(z) * z, 0.6)[0], rel=1e-9)
    assert len(draw(y).to_dot()) > 100
    assert sine(z)._children == (z,)


def test_an_op_of_two_children_by_function() -> None:
    def product(a: Value, b: Value) -> Value:
        out = Value(a.data * b.data, (a, b), "times")

        def backward() -> None:
            a.grad += b.data * out.grad
            b.grad += a.data * out.grad

        out._backward = backward
        return out

    x, y = Value(3.0), Value(-2.0)
    out = product(product(x, x), y)
    out.backward()
    assert (x.grad, y.grad, out._op) == (-12.0, 9.0, "times")


def test_what_is_wrong_with_an_op_of_the_program() -> None:
    x = Value(1.0)
    with pytest.raises(NotDifferentiableError, match=r"Value\(data, children, 'f'\) has no derivative"):
        Value(2.0, (x,), "f").backward()
    with pytest.raises(UnsupportedError, match=r"multiply has a rule already"):
        (x * 2)._backward = lambda: None
    x._backward = lambda: None  # as programs do for inputs
    with pytest.raises(ShapeError, match="2 derivatives for 1 children"):
        Value(2.0, (x,), (1.0, 1.0))


# -- as a Tensor -----------------------------------------------------------------------------------


def test_what_a_value_refuses() -> None:
    with pytest.raises(ShapeError, match=r"expected one number; for an array write ag\.Tensor"):
        Value([1.0, 2.0])
    with pytest.raises(DTypeError):
        Value("two")
    with ag.no_grad():
        y = Value(1.0) * 2
    assert (y.data, y.grad, y._prev, y._op) == (2.0, 0.0, set(), "")
    with pytest.raises(TapeError):
        y.backward()
    with pytest.raises(TapeError, match="grad"):
        y.grad = 1.0


def test_a_value_is_equal_to_its_own_step_alone() -> None:
    a, b = Value(2.0), Value(2.0)
    assert a == a and a != b and a != 2.0 and len({a, b, a}) == 2
    assert a * 1 < 3 and (a > 1) and not a < b


def test_numpy_and_transforms_take_values() -> None:
    x = Value(0.4)
    assert type(np.sin(x)) is Value
    check_grads(lambda a, b: (a * b).tanh() / (a * a + 1), (0.3, -1.2))
    assert ag.grad(lambda a: Value(2.0) * a**3)(2.0) == 24.0
    y = sum([x, x, 1])
    y.backward(create_graph=True)
    assert x.grad == 2.0


def test_copies_and_pickles() -> None:
    model = Neuron(2)
    model([1.0, 2.0]).backward()
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert [p.data for p in twin.parameters()] == [p.data for p in model.parameters()]
        twin.w[0].data = 9.0
        assert model.w[0].data != 9.0
    assert [p.grad for p in copy.deepcopy(model).parameters()] == [p.grad for p in model.parameters()]


def test_the_graph_is_freed_with_its_output() -> None:
    gc.disable()
    try:
        x = Value(2.0)
        y = sine_by_slopes(x * 3) + 1
        gone = weakref.ref(y)
        y.backward()
        assert all(v._prev for v in y._prev if v._op)
        del y
        assert gone() is None
    finally:
        gc.enable()


# -- networks --------------------------------------------------------------------------------------


def test_networks_have_their_names_and_parameters() -> None:
    random.seed(3)
    model = MLP(3, [4, 4, 1])
    assert isinstance(model, Module) and len(model.parameters()) == 41
    assert str(model.layers[0]) == f"Layer of [{', '.join(['ReLUNeuron(3)'] * 4)}]"
    assert str(model).endswith("Layer of [LinearNeuron(4)]]")
    random.seed(3)
    assert model.parameters()[0].data == random.uniform(-1, 1)
    assert Module().parameters() == []
    assert len(Layer(2, 3)([1.0, 2.0])) == 3
    model([1.0, 2.0, 3.0]).backward()
    model.zero_grad()
    assert {p.grad for p in model.parameters()} == {0.0}


class Squashed(Neuron):
    """A program's own neuron."""

    def __call__(self, x: Any) -> Value:
        return sum((w * v for w, v in zip(self.w, x, strict=True)), self.b).tanh()


def test_a_loop_of_a_program_learns() -> None:
    random.seed(4)
    hidden, last = [Squashed(3) for _ in range(4)], Squashed(4)
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    parameters = [p for n in (*hidden, last) for p in n.parameters()]
    for _ in range(60):
        predictions = [last([n(x) for n in hidden]) for x in xs]
        loss = sum((p - y) ** 2 for p, y in zip(predictions, ys, strict=True))
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data += -0.1 * p.grad
    assert loss.data < 0.1 and [p.data > 0 for p in predictions] == [y > 0 for y in ys]


def test_a_table_of_pairs_of_letters() -> None:
    """makemore's manner: the likelihood of a text under the softmax of a table, against NumPy's."""
    letters, text = "abc.", "abacab.cab.abba.cc."
    rng = np.random.default_rng(0)
    table = rng.normal(size=(4, 4))
    W = [[Value(w) for w in row] for row in table]
    pairs = [(letters.index(p), letters.index(q)) for p, q in pairwise(text)]
    losses = []
    for i, j in pairs:
        counts = [w.exp() for w in W[i]]
        losses.append(-(counts[j] / sum(counts)).log())
    loss = sum(losses) / len(losses) + 0.01 * sum(w**2 for row in W for w in row)
    loss.backward()
    first, second = np.array(pairs).T
    f = lambda T: -np.mean(ag.log_softmax(T)[first, second]) + 0.01 * np.sum(T**2)
    np.testing.assert_allclose([[w.grad for w in row] for row in W], ag.grad(f)(table), rtol=1e-12)


# -- a scalar GPT ----------------------------------------------------------------------------------

WIDTH, LETTERS, LENGTH = 4, 5, 4


def linear(x: list[Any], W: list[list[Any]]) -> list[Any]:
    return [sum(w * v for w, v in zip(row, x, strict=True)) for row in W]


def softmax(logits: list[Any]) -> list[Any]:
    most = max(v.data for v in logits)
    powers = [(v - most).exp() for v in logits]
    total = sum(powers)
    return [p / total for p in powers]


def normed(x: list[Any]) -> list[Any]:
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


def gpt_loss(weights: dict[str, list[list[Any]]], tokens: list[int], softmax: Any = softmax) -> Any:
    """One block with one head, token by token, keys and values kept."""
    keys: list[Any] = []
    values: list[Any] = []
    losses = []
    for place, (token, target) in enumerate(pairwise(tokens)):
        x = normed([t + p for t, p in zip(weights["wte"][token], weights["wpe"][place], strict=True)])
        q = linear(x, weights["q"])
        keys.append(linear(x, weights["k"]))
        values.append(linear(x, weights["v"]))
        attention = softmax([sum(a * b for a, b in zip(q, k, strict=True)) / WIDTH**0.5 for k in keys])
        mixed = [sum(a * v[j] for a, v in zip(attention, values, strict=True)) for j in range(WIDTH)]
        x = [a + b for a, b in zip(x, linear(mixed, weights["o"]), strict=True)]
        h = [v.relu() ** 2 for v in linear(normed(x), weights["up"])]
        x = [a + b for a, b in zip(x, linear(h, weights["down"]), strict=True)]
        losses.append(-softmax(linear(x, weights["head"]))[target].log())
    return sum(losses) * (1 / len(losses))


def gpt_weights() -> dict[str, list[list[Value]]]:
    rng = random.Random(1)
    shapes = {"wte": (LETTERS, WIDTH), "wpe": (LENGTH, WIDTH), "head": (LETTERS, WIDTH)}
    shapes |= dict.fromkeys("qkvo", (WIDTH, WIDTH))
    shapes |= {"up": (2 * WIDTH, WIDTH), "down": (WIDTH, 2 * WIDTH)}
    return {
        k: [[Value(rng.gauss(0, 0.5)) for _ in range(m)] for _ in range(n)] for k, (n, m) in shapes.items()
    }


def gpt_of_arrays(w: dict[str, Any], tokens: Any) -> Any:
    """The same net in arrays."""
    n = len(tokens) - 1
    norm = lambda x: x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)
    x = norm(w["wte"][tokens[:-1]] + w["wpe"][:n])
    q, k, v = (x @ w[name].T for name in "qkv")
    scores = np.where(np.tril(np.ones((n, n), bool)), q @ k.T / WIDTH**0.5, -np.inf)
    x = x + ag.softmax(scores) @ v @ w["o"].T
    x = x + np.maximum(norm(x) @ w["up"].T, 0) ** 2 @ w["down"].T
    return -np.mean(ag.log_softmax(x @ w["head"].T)[np.arange(n), tokens[1:]])


def test_a_language_model_of_single_numbers() -> None:
    weights, tokens = gpt_weights(), [0, 3, 1, 4, 2]
    loss = gpt_loss(weights, tokens)
    loss.backward()
    arrays = {k: np.array([[p.data for p in row] for row in W]) for k, W in weights.items()}
    value, expected = ag.value_and_grad(gpt_of_arrays)(arrays, np.array(tokens))
    assert loss.data == pytest.approx(value, rel=1e-13)
    for name, W in weights.items():
        got = [[p.grad for p in row] for row in W]
        np.testing.assert_allclose(got, expected[name], rtol=1e-10, atol=1e-14, err_msg=name)


# -- compiled --------------------------------------------------------------------------------------


def points(n: int) -> tuple[list[list[float]], list[float]]:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n, 2))
    return X.tolist(), np.where(X[:, 0] > X[:, 1], 1.0, -1.0).tolist()


def test_a_compiled_step_does_what_the_eager_step_does() -> None:
    import autograd_lite.tiny as tiny

    X, y = points(3)
    eager = training(tiny, [3, 1], X, y)
    planned = ag.compile(training(tiny, [3, 1], X, y))
    for _ in range(6):
        (want,), (got,) = eager(), planned()
        assert type(got) is Value and got.data == pytest.approx(want.data, rel=1e-14)
    assert [line.partition(":")[0] for line in planned.signatures] == [
        "watched",
        "replayed",
    ]  # no gradients, gradients


def test_a_decision_on_a_number_is_no_plan() -> None:
    weights = gpt_weights()
    step = ag.compile(lambda: gpt_loss(weights, [0, 3, 1]))
    with pytest.raises(CompileError, match=r"test_value\.py"):
        step()
        step()


def test_without_the_decision_the_language_model_compiles() -> None:
    def soft(logits: list[Any]) -> list[Any]:
        powers = [v.exp() for v in logits]
        total = sum(powers)
        return [p / total for p in powers]

    def step_of(weights: Any) -> Any:
        parameters = [p for W in weights.values() for row in W for p in row]

        def step() -> Any:
            loss = gpt_loss(weights, [0, 3, 1], soft)
            for p in parameters:
                p.grad = 0
            loss.backward()
            for p in parameters:
                p.data -= 0.1 * p.grad
            return loss

        return step

    eager, planned = step_of(gpt_weights()), ag.compile(step_of(gpt_weights()))
    for _ in range(4):
        assert planned().data == pytest.approx(eager().data, rel=1e-13)
    assert planned.signatures[-1].startswith("replayed")  # the first call has no gradients yet


def test_micrograds_own_numbers() -> None:
    engine = pytest.importorskip("micrograd.engine")
    ours, its = (Value(1.3), Value(-0.7)), (engine.Value(1.3), engine.Value(-0.7))
    mixed_ours = (ours[0] * ours[1] + 2).relu() ** 3 / 4 - ours[0]
    mixed_its = (its[0] * its[1] + 2).relu() ** 3 / 4 - its[0]
    mixed_ours.backward()
    mixed_its.backward()
    assert [v.grad for v in ours] == pytest.approx([v.grad for v in its], rel=1e-14)
