"""Reading a graph from the tape."""

from __future__ import annotations

import time

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import DTypeError, OptionError, TapeError
from tests.helpers import leaf
from visualize import Graph, draw


def ops(graph: Graph) -> list[str]:
    return [vertex.op for vertex in graph.vertices if vertex.op is not None]


def named(graph: Graph) -> list[str | None]:
    return [vertex.name for vertex in graph.vertices if vertex.op is None]


# -- gradients of edges ----------------------------------------------------------------------------


def test_a_value_used_twice_has_two_edges_with_their_own_gradients():
    """f = a b + a at (3, 5): the first use of a is worth b = 5, the second 1; a.grad is their sum."""
    a, b = leaf(3.0, "a"), leaf(5.0, "b")
    f = a * b + a
    f.backward()
    graph = draw(f)
    grads = [(graph.vertices[e.source].name, float(e.grad)) for e in graph.edges]
    assert grads == [("a", 5.0), ("b", 3.0), (None, 1.0), ("a", 1.0), (None, 1.0)]
    assert a.grad.item() == 6.0


def test_both_arguments_of_a_square_have_an_edge():
    a = leaf(3.0, "a")
    f = a * a
    f.backward()
    assert [(e.position, float(e.grad)) for e in draw(f).edges] == [(0, 3.0), (1, 3.0), (0, 1.0)]


def test_a_gradient_of_an_earlier_pass_does_not_belong_to_a_new_graph():
    a = leaf(3.0, "a")
    (a * 2.0).backward()
    assert all(e.grad is None for e in draw(a * 4.0).edges)


def test_a_zero_gradient_is_a_number():
    x = leaf(-1.0, "x")
    f = ag.relu(x)
    f.backward()
    assert [float(e.grad) for e in draw(f).edges] == [0.0, 1.0]


def test_constants_have_no_gradient():
    x, c = leaf(2.0, "x"), ag.Tensor(7.0, name="c")
    f = x * c
    f.backward()
    assert [None if e.grad is None else float(e.grad) for e in draw(f).edges] == [7.0, None, 1.0]


def test_the_gradient_of_an_array_that_only_a_reduction_used():
    x = leaf([1.0, 2.0, 3.0], "x")
    f = np.sum(x)
    f.backward()
    np.testing.assert_array_equal(draw(f).edges[0].grad, [1.0, 1.0, 1.0])


def test_arrays_on_a_tape_keep_values_and_gradients():
    """f = sum (W x)^2, so df/d(Wx) = 2 Wx = (2, -2), df/dW = outer((2, -2), x), df/dx = W^T (2, -2)."""
    W, x = leaf([[1.0, 0.0], [1.0, -1.0]], "W"), leaf([1.0, 2.0], "x")
    with ag.Tape() as tape:
        f = np.sum((W @ x) ** 2)
    f.backward()
    graph = draw(tape)
    by_source = {graph.vertices[e.source].name or graph.vertices[e.source].op: e for e in graph.edges}
    np.testing.assert_array_equal(by_source["W"].grad, [[2.0, 4.0], [-2.0, -4.0]])
    np.testing.assert_array_equal(by_source["x"].grad, [0.0, 2.0])
    np.testing.assert_array_equal(by_source["matmul"].grad, [2.0, -2.0])
    np.testing.assert_array_equal(by_source["matmul"].value, [1.0, -1.0])
    assert graph.edges[-1].value == 2.0


def test_a_backward_pass_that_was_recorded_can_be_drawn_itself():
    """f = x^3 at 2: f' = 3 x^2 = 12, and the graph of f' ends with that value."""
    x = leaf(2.0, "x")
    f = x * x * x
    f.backward(create_graph=True)
    assert [float(e.grad) for e in draw(f).edges if e.target is None] == [1.0]
    assert [float(e.value) for e in draw(x.grad).edges if e.target is None] == [12.0]
    x.grad = None  # f and its gradient hold each other


def test_a_step_from_numbers_has_local_derivatives_before_any_backward_pass():
    """d(a / b)/da = 1/4 and d(a / b)/db = -3/16 at (3, 4)."""
    graph = draw(leaf(3.0, "a") / leaf(4.0, "b"))
    assert [e.local for e in graph.edges] == [0.25, -0.1875, None]
    assert [e.grad for e in graph.edges] == [None, None, None]


def test_steps_of_arrays_and_steps_whose_rule_fails_have_no_local_derivative():
    @ag.primitive
    def unruly(x):
        return 2 * x

    ag.defvjp(unruly, lambda g, y, x: g @ x)
    assert [e.local for e in draw(unruly(leaf(3.0))).edges] == [None, None]
    assert [e.local for e in draw(np.sum(leaf([1.0, 2.0]))).edges] == [None, None]


# -- what may be drawn -----------------------------------------------------------------------------


def test_tensor_tape_and_function_give_the_same_text():
    def f(x, y):
        return x * y + np.sin(x)

    x, y = leaf(2.0, "x"), leaf(3.0, "y")
    with ag.Tape() as tape:
        out = f(x, y)
    assert draw(out).to_dot() == draw(tape).to_dot() == draw(f, 2.0, 3.0).to_dot()


def test_the_same_graph_gives_the_same_text():
    x = leaf([0.5, 2.0], "x")
    f = np.sum(np.exp(x) * np.array([1.0, 2.0]) + x)
    assert draw(f).to_dot() == draw(f).to_dot()


def test_a_function_is_recorded_under_no_grad_too_and_leaves_no_gradient():
    x = leaf(2.0)
    with ag.no_grad():
        graph = draw(lambda a: a * a, x)
    assert ops(graph) == ["multiply"]
    assert x.grad is None
    assert x.name is None
    assert named(graph) == ["a"]


def test_a_model_gives_its_parameters_their_names():
    class Line:
        def __init__(self):
            self.w, self.b = leaf([2.0, 0.5]), leaf(1.0)

        def named_parameters(self):
            yield from {"linear.weight": self.w, "linear.bias": self.b}.items()

        def forward(self, inputs):
            return inputs @ self.w + self.b

        def __call__(self, *inputs):
            return self.forward(*inputs)

    model = Line()
    graph = draw(model, ag.Tensor([1.0, 2.0]))
    assert named(graph) == ["inputs", "linear.weight", "linear.bias"]
    assert [v.constant for v in graph.vertices if v.op is None] == [True, False, False]
    renamed = draw(model, np.array([1.0, 2.0]), params={"w": model.w})
    assert named(renamed) == ["inputs", "w", "linear.bias"]


def test_several_outputs_each_have_a_line_of_their_own():
    x = leaf(2.0, "x")
    graph = draw({"double": x * 2.0, "square": x * x})
    assert sorted(float(e.value) for e in graph.edges if e.target is None) == [4.0, 4.0]
    assert len(ops(graph)) == 2


def test_an_op_with_several_outputs():
    @ag.primitive
    def halves(x):
        return x[:2], x[2:]

    ag.defvjp(halves, lambda g, y, x: np.concatenate(g))
    x = leaf([1.0, 2.0, 3.0, 4.0], "x")
    with ag.Tape():
        first, second = halves(x)
        f = np.sum(first) + np.sum(second * second)
    f.backward()
    graph = draw(f)
    assert [v.index for v in graph.vertices if v.op == "output"] == [0, 1]
    np.testing.assert_array_equal(graph.edges[0].grad, [1.0, 1.0, 6.0, 8.0])
    assert "[0]" in graph.to_dot()


def test_a_leaf_alone():
    graph = draw(leaf(2.0, "x"))
    assert (len(graph.vertices), len(graph.edges)) == (1, 1)
    assert ">2.00<" in graph.to_dot()


# -- inputs and constants --------------------------------------------------------------------------


def test_unnamed_inputs_are_numbered_around_the_names_that_are_taken():
    a, b, c = leaf(1.0), leaf(2.0, "x1"), leaf(3.0)
    assert named(draw(a * b * c)) == ["x2", "x1", "x3"]


def test_constants_are_numbers_names_or_c1():
    x, data = leaf([1.0, 2.0], "x"), np.array([3.0, 4.0])
    graph = draw(np.maximum(x * data + data * x, 0.5) * ag.Tensor([1.0, 1.0], name="mask"))
    assert named(graph) == ["x", "c1", None, "mask"]
    assert ">0.50<" in graph.to_dot()


def test_settings_are_no_inputs():
    x = leaf([[1.0, 2.0]], "x")
    graph = draw(np.sum(np.reshape(np.transpose(x, (1, 0)), (2,))[0:1], 0))
    assert named(graph) == ["x"]
    assert ops(graph) == ["transpose", "reshape", "getitem", "sum"]
    assert "label=<[0:1]>" in graph.to_dot()


def test_an_op_of_the_user_may_be_called_as_one_of_the_engines():
    @ag.primitive
    def output(x):
        return 2 * x

    ag.defvjp(output, lambda g, y, x: 2 * g)
    graph = draw(output(leaf(3.0, "x")))
    assert (ops(graph), graph.vertices[1].index) == (["output"], None)


def test_assignment_shows_its_index_and_its_value():
    x, v = leaf([1.0, 2.0], "x"), leaf(5.0, "v")
    y = x * 1.0
    y[1] = v
    graph = draw(np.sum(y))
    assert named(graph) == ["x", None, "v"]
    assert "label=<[1] =>" in graph.to_dot()


def test_a_graph_shows_what_was_when_it_was_drawn():
    w = leaf([1.0, 2.0], "w")
    f = w * np.array([3.0, 4.0])
    graph = draw(f)
    w.data[...] = 99.0
    np.testing.assert_array_equal(graph.edges[0].value, [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        graph.edges[0].value[0] = 5.0


def test_an_input_that_was_updated_since_shows_what_the_step_received():
    w = leaf(1.0, "w")
    f = w * 3.0
    with ag.no_grad():
        w -= 0.5
    assert w.item() == 0.5
    assert float(draw(f).edges[0].value) == 1.0


# -- errors ----------------------------------------------------------------------------------------


def test_a_released_graph_names_the_ways_to_keep_it():
    x = leaf([1.0, 2.0])
    f = np.sum(x * x)
    f.backward()
    with pytest.raises(
        TapeError, match=r"multiply computed; record inside 'with ag\.Tape\(\) as tape:' and draw again"
    ):
        draw(f)


@pytest.mark.parametrize("way", ["tape", "retain"])
def test_the_ways_to_keep_it_work(way):
    x = leaf([1.0, 2.0])
    if way == "tape":
        with ag.Tape():
            f = np.sum(x * x)
        f.backward()
    else:
        f = np.sum(x * x)
        f.backward(retain_graph=True)
    graph = draw(f)
    np.testing.assert_array_equal(graph.edges[0].grad, [1.0, 2.0])
    assert all(e.grad is not None for e in graph.edges)


@pytest.mark.parametrize(
    "nothing",
    [lambda: draw(ag.Tensor(2.0) * 3), lambda: draw(ag.Tape()), lambda: draw(lambda n: n + 1, np.int64(2))],
)
def test_nothing_recorded(nothing):
    with pytest.raises(TapeError, match="requires_grad=True"):
        nothing()


@pytest.mark.parametrize("wrong", [3.0, "f", None, [1, 2], np.ones(3)])
def test_things_without_a_graph(wrong):
    with pytest.raises(DTypeError, match="expected a recorded Tensor, a Tape"):
        draw(wrong)


def test_inputs_belong_to_a_function():
    with pytest.raises(DTypeError, match=r"draw\(model, x\)"):
        draw(leaf(2.0) * 3, np.ones(3))


class Halving:
    def named_parameters(self):
        return iter(())

    def forward(self, x):
        return x / 2

    __call__ = forward


def product_of(a, b):
    return a * b


@pytest.mark.parametrize(
    ("function", "inputs", "right"),
    [
        (product_of, (), r"product_of\(a, b\).* 0 inputs.*draw\(f, 1\.0, 2\.0\)"),
        (product_of, (1.0,), r"1 input: missing.*'b'.*draw\(f, 1\.0, 2\.0\)"),
        (product_of, (1.0, 2.0, 3.0), r"too many.*draw\(f, 1\.0, 2\.0\)"),
        (Halving(), (), r"Halving\(x\).*draw\(model, x\)"),
    ],
)
def test_inputs_that_a_function_cannot_take(function, inputs, right):
    with pytest.raises(DTypeError, match=right):
        draw(function, *inputs)


def test_an_error_in_the_function_is_its_own():
    def wrong(x):
        return product_of(x)

    with pytest.raises(TypeError, match=r"product_of\(\) missing"):
        draw(wrong, 1.0)


def test_ints_count_as_floats():
    graph = draw(product_of, 2, 3)
    assert named(graph) == ["a", "b"]
    assert [e.value.dtype for e in graph.edges] == [np.float64] * 3


def test_names_for_tensors_come_as_pairs_or_a_dict():
    w, b = leaf(2.0), leaf(3.0)
    for params in ({"w": w, "b": b}, {"w": w, "b": b}.items(), (pair for pair in [("w", w), ["b", b]])):
        assert named(draw(w * b, params=params)) == ["w", "b"]


@pytest.mark.parametrize(
    "wrong", [[leaf(2.0)], iter([leaf([1.0, 2.0])]), {"w": 2.0}, ["w"], 3, {1: leaf(2.0)}, leaf([1.0, 2.0])]
)
def test_params_without_names(wrong):
    with pytest.raises(DTypeError, match=r"params=model\.named_parameters\(\)"):
        draw(leaf(2.0) * 3, params=wrong)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"style": "slides"}, r"style='slides'.*expected 'lecture'"),
        ({"direction": "RL"}, r"direction='RL'.*'LR' or 'TB'"),
        ({"depth": 2}, "'lecture' does not have this option"),
    ],
)
def test_unknown_options(option, message):
    with pytest.raises(OptionError, match=message):
        draw(leaf(2.0) * 3, **option)


# -- size ------------------------------------------------------------------------------------------


def test_five_thousand_steps_in_two_seconds():
    x = leaf(0.5, "x")
    y = x
    for i in range(5000):
        y = np.sin(y) if i % 2 else y * x
    y.backward()
    start = time.process_time()
    dot = draw(y).to_dot()
    assert time.process_time() - start < 2.0
    assert dot.count("TABLE BORDER") == 7501  # an edge for each sin, two for each product, the output's


def test_a_class_is_no_module():
    nn = pytest.importorskip("nn")
    with pytest.raises(DTypeError, match=r"draw\(Linear\(\.\.\.\), x\)"):
        draw(nn.Linear)
