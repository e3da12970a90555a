"""The exercises of the course, one function for each. Its cases go from simple to hard.

A case that fails names the mistake: the cases before it passed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.testing import check_grads

from .grader import WrongError, exercise, expect, expect_gradient, expect_pull

RNG = np.random.default_rng(0)

# -- 1: derivatives --------------------------------------------------------------------------------


@exercise
def derivative(derivative: Any) -> None:
    for words, f, x, slope in [
        ("lambda x: 3 * x, 2.0", lambda x: 3 * x, 2.0, 3.0),
        ("lambda x: x**2, 3.0", lambda x: x**2, 3.0, 6.0),
        ("np.sin, 1.0", np.sin, 1.0, np.cos(1.0)),
    ]:
        hint = "the difference of f(x + h) and f(x - h), over their distance 2 h."
        expect(f"derivative({words})", derivative(f, x), slope, hint, rtol=1e-4)
    hint = "a one-sided difference has an error as large as h. Take f(x + h) and f(x - h)."
    expect("derivative(np.exp, 1.0)", derivative(np.exp, 1.0), np.e, hint, rtol=1e-8)


@exercise
def local_derivatives(local: Any) -> None:
    functions = {
        "+": (lambda a, b: a + b, "each input moves a sum by as much as it moves itself."),
        "*": (lambda a, b: a * b, "if a moves by h, a * b moves by h * b: the OTHER factor."),
        "/": (lambda a, b: a / b, "d(a/b)/da = 1/b, and d(a/b)/db = -a/b**2."),
        "sin": (np.sin, "the derivative of the sine is the cosine, at the same input."),
    }
    for op, (f, hint) in functions.items():
        args = (0.7,) if op == "sin" else (2.0, -3.0)
        what = f'local["{op}"]({", ".join(map(str, args))})'
        expect_gradient(what, f, lambda *xs, op=op: local[op](*xs), args, hint)


@exercise
def chain(dx: Any, dy: Any, dz: Any) -> None:
    f = lambda x, y, z: (x + y) * z  # noqa: E731
    hint = "multiply the local derivatives along the way from f: first through the product, then the sum."
    expect_gradient("f = (x + y) * z at (-2, 5, -4)", f, lambda *_: (dx, dy, dz), (-2.0, 5.0, -4.0), hint)


# -- 2: a graph of numbers -------------------------------------------------------------------------


@exercise
def forward(Value: Any) -> None:
    a, b = Value(2.0), Value(-3.0)
    for words, made, value, op in [("a + b", a + b, -1.0, "+"), ("a * b", a * b, -6.0, "*")]:
        hint = "the new Value holds what the op gives: self.value and other.value."
        expect(f"({words}).value with a = 2, b = -3", made.value, value, hint)
        expect(f"({words}).op", made.op, op, 'the op is a string: "+" or "*".')
        same = len(made.args) == 2 and made.args[0] is a and made.args[1] is b
        expect(f"({words}).args is (a, b)", same, True, "keep the Values themselves, in their order.")
    expect("(a * 2).value: a number beside a Value", (a * 2).value, 4.0, "wrap it: Value(other).")
    expect("(a.sin()).value", a.sin().value, np.sin(2.0), "np.sin(self.value), with the op 'sin'.")


@exercise
def trace(Value: Any, trace: Any) -> None:
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    d = c + a
    steps = list(trace(d))
    hint = "visit each argument once; look whether you have seen a step before."
    expect("how many steps (a * b) + a has", len(steps), 4, hint)
    place = {id(step): i for i, step in enumerate(steps)}
    for step in steps:
        for arg in step.args:
            expect(
                "whether each step comes after its arguments",
                place[id(arg)] < place[id(step)],
                True,
                "append a step to the list AFTER you have visited its arguments.",
            )


# -- 3: the backward pass --------------------------------------------------------------------------


@exercise
def by_hand(gradients: Any) -> None:
    x, y = 3.0, -1.0
    p, q = x + y, x * y
    expected = {"f": 1.0, "p": q, "q": p, "x": q + p * y, "y": q + p * x}
    for name, value in expected.items():
        hint = {
            "f": "the derivative of f by itself.",
            "x": "x is used twice: in the sum and in the product. What comes back over both ways adds up.",
            "y": "y is used twice: in the sum and in the product. What comes back over both ways adds up.",
        }.get(name, "f is p * q: the gradient of f, times the OTHER factor.")
        expect(f'gradients["{name}"]', gradients.get(name), value, hint)


def of_values(Value: Any, backward: Any, f: Any) -> Any:
    """The gradient of a function of Values by the student's sweep."""

    def gradient(*xs: Any) -> list[Any]:
        leaves = [Value(float(x)) for x in xs]
        backward(f(*leaves))
        return [leaf.grad for leaf in leaves]

    return gradient


def deep(x: Any, y: Any) -> Any:
    """A value that an early step and a late step use."""
    early = x * y
    late = early * x + y
    return late * early * late


@exercise
def sweep(Value: Any, backward: Any) -> None:
    late = "a step may send only when all that used its value have sent. Go through the trace from its end."
    for words, f, args, hint in [
        ("x + y", lambda x, y: x + y, (2.0, 3.0), "start with output.grad = 1.0; a sum hands it on."),
        ("x * y", lambda x, y: x * y, (2.0, 3.0), "step.grad times the local derivative: the other factor."),
        (
            "(x + y) * 2",
            lambda x, y: (x + y) * 2,
            (2.0, 3.0),
            f"step.grad times the local derivative. {late}",
        ),
        ("x * x", lambda x: x * x, (3.0,), "x is both factors: what arrives adds up with +=."),
        (
            "(x + y) * y * 2",
            lambda x, y: (x + y) * y * 2,
            (2.0, 3.0),
            f"y arrives twice: add up with +=. {late}",
        ),
        ("sin(x * y) + x * y", lambda x, y: (x * y).sin() + x * y, (0.5, 2.0), "the cosine of the INPUT."),
        ("a value used early and late", deep, (0.5, 2.0), late),
    ]:
        plain = (lambda x, y: np.sin(x * y) + x * y) if words.startswith("sin") else f
        expect_gradient(f"the gradient of {words}", plain, of_values(Value, backward, f), args, hint)


# -- 4: rules --------------------------------------------------------------------------------------

HINTS = {
    np.add: "a sum hands the cotangent on to both: g, and g.",
    np.subtract: "g to the first, and -g to the second.",
    np.multiply: "g times the OTHER factor.",
    np.divide: "g / b, and -g * y / b, since y = a / b.",
    np.exp: "the derivative of exp is exp, which is y: g * y.",
    np.sin: "g * np.cos(x).",
    np.tanh: "1 - tanh(x)**2 is 1 - y * y.",
}


@exercise
def table(rules: Any) -> None:
    for op, hint in HINTS.items():
        if op not in rules:
            raise WrongError(
                f"rules[np.{op.__name__}]", "not there", "a rule", f"defvjp(np.{op.__name__}, ...)"
            )
        args = [RNG.uniform(0.5, 2.0, (2, 3)) for _ in range(op.nin)]
        pull = lambda g, y, *xs, op=op: [rule(g, y, *xs) for rule in rules[op]]  # noqa: E731
        expect_pull(f"the rule of np.{op.__name__}", op, pull, args, hint)


@exercise
def sums(sum_rule: Any, broadcast_rule: Any) -> None:
    x = RNG.uniform(-1, 1, (2, 3))
    hint = "each entry moves the sum by as much as itself: g for every entry, in the shape of x."
    expect_pull("the rule of np.sum", np.sum, lambda g, y, x: [sum_rule(g, y, x)], [x], hint)
    wide = lambda x: np.broadcast_to(x, (4, 3))  # noqa: E731
    hint = "each entry of x has four copies: sum what arrives at the copies, over axis 0."
    pull = lambda g, y, x: [broadcast_rule(g, y, x)]  # noqa: E731
    expect_pull("the rule of np.broadcast_to(x, (4, 3))", wide, pull, [x[0]], hint)


@exercise
def unbroadcast(unbroadcast: Any) -> None:
    g = RNG.uniform(-1, 1, (4, 3))
    for shape, expected, hint in [
        ((4, 3), g, "nothing was repeated: give g back."),
        ((3,), g.sum(0), "NumPy put axes in front: sum over as many first axes as g has more."),
        ((), g.sum(), "a single number was repeated along every axis: sum over all of them."),
        ((4, 1), g.sum(1, keepdims=True), "an axis of length 1 was repeated: sum over it, keepdims=True."),
        ((1, 3), g.sum(0, keepdims=True), "an axis of length 1 was repeated: sum over it, keepdims=True."),
    ]:
        expect(f"unbroadcast(g of shape (4, 3), {shape})", unbroadcast(g, shape), expected, hint)


# -- 5: the tape -----------------------------------------------------------------------------------


@exercise
def recording(Tensor: Any) -> None:
    x = Tensor(np.array([1.0, 2.0]))
    y = np.multiply(x, 3.0)
    expect("np.multiply(x, 3.0) is a Tensor", isinstance(y, Tensor), True, "return Tensor(value, op, args).")
    expect("its value", y.value, [3.0, 6.0] if isinstance(y.value, list) else np.array([3.0, 6.0]),
           "compute the op on x.value of each Tensor, and on all else as it is.")  # fmt: skip
    expect("its op is np.multiply", y.op is np.multiply, True, "keep the op itself.")
    expect("its args are (x, 3.0)", y.args[0] is x and y.args[1] == 3.0, True, "keep the arguments as given.")
    total = np.sum(x)
    expect("np.sum(x) is a Tensor", isinstance(total, Tensor), True, "__array_function__ calls apply, too.")
    expect("x * 3.0 is recorded", (x * 3.0).op is np.multiply, True, "NDArrayOperatorsMixin does this.")


@exercise
def tape(Tensor: Any, play: Any) -> None:
    X = RNG.uniform(-1, 1, (4, 3))

    def gradient(f: Any) -> Any:
        def of(*xs: Any) -> list[Any]:
            leaves = [Tensor(x) for x in xs]
            cotangents = play(f(*leaves))
            if any(leaf not in cotangents for leaf in leaves):
                raise WrongError(
                    "play(y)", "a leaf got nothing", "a cotangent for each leaf", "return the leaves' too."
                )
            return [getattr(cotangents[leaf], "value", cotangents[leaf]) for leaf in leaves]

        return of

    twice = "a value that is used twice gets the SUM of what both uses send back."
    order = "take the step with the largest index first: all that used its value have been played."
    for words, f, args, hint in [
        ("np.sum(np.sin(x))", lambda x: np.sum(np.sin(x)), [X], "g = rule(g, y, *args) step by step."),
        ("np.sum(x * x)", lambda x: np.sum(x * x), [X], twice),
        ("np.sum(x + b) with b of shape (3,)", lambda x, b: np.sum(x * b + b), [X, X[0]], "unbroadcast."),
        ("a value used early and late", lambda x: np.sum(deep(x, np.tanh(x))), [X], order),
    ]:
        expect_gradient(f"the gradient of {words}", f, gradient(f), args, hint)


# -- 6: kinks, dead entries, second order ----------------------------------------------------------


@exercise
def kink(maximum_rule: Any) -> None:
    a, b = np.array([1.0, 4.0]), np.array([3.0, 2.0])
    pull = lambda g, y, a, b: maximum_rule(g, y, a, b)  # noqa: E731
    expect_pull("np.maximum where a and b differ", np.maximum, pull, [a, b], "g goes to the larger alone.")
    one = np.array([2.0])
    sent = maximum_rule(np.array([1.0]), one, one, one)
    hint = "at a tie both are the maximum: send half of g to each."
    expect("what both get at a tie, with g = 1", [float(s[0]) for s in sent], [0.5, 0.5], hint)


@exercise
def dead(where_rule: Any, silenced: Any) -> None:
    x, y = np.array([1.0, -4.0]), np.array([5.0, 6.0])
    f = lambda x, y: np.where(np.array([True, False]), x, y)  # noqa: E731
    pull = lambda g, out, x, y: where_rule(g, np.array([True, False]))  # noqa: E731
    expect_pull("the rule of np.where", f, pull, [x, y], "g where the condition chose x, and 0 elsewhere.")
    got = silenced(np.array([0.5, np.nan]), np.array([True, False]))
    hint = "0 * NaN is NaN: a product cannot silence. Choose with np.where(alive, g, 0.0)."
    expect("silenced([0.5, nan], alive=[True, False])", got, np.array([0.5, 0.0]), hint)


@exercise
def second(hvp: Any) -> None:
    f = lambda x: np.sum(np.sin(x) * x) + np.exp(np.sum(x) * 0.5)  # noqa: E731
    x, v = np.array([0.3, -0.7, 1.1]), np.array([1.0, 2.0, -1.0])
    h = 1e-5
    expected = (ag.grad(f)(x + h * v) - ag.grad(f)(x - h * v)) / (2 * h)
    hint = "differentiate the NUMBER sum(grad(f)(x) * v) once more, by grad."
    expect("hvp(f, x, v)", hvp(f, x, v), expected, hint, rtol=1e-5)


# -- 7: a network ----------------------------------------------------------------------------------


@exercise
def network(Tensor: Any, play: Any, scores: Any, loss: Any) -> None:
    X, y = RNG.uniform(-1, 1, (6, 2)), np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])
    weights = [RNG.uniform(-1, 1, shape) for shape in [(2, 4), (4,), (4, 1), (1,)]]
    W1, b1, W2, b2 = weights
    expected = (np.tanh(X @ W1 + b1) @ W2 + b2)[:, 0]
    got = scores(weights, X)
    expect(
        "scores(weights, X)", got, expected, "tanh(X @ W1 + b1) @ W2 + b2, as one axis: np.reshape(_, (-1,))."
    )
    expected = np.mean(np.log1p(np.exp(-y * expected)))
    got = loss(got, y)
    expect("loss(scores, y)", got, expected, "the mean of log(1 + exp(-y * score)).")

    def gradient(*ws: Any) -> list[Any]:
        leaves = [Tensor(w) for w in ws]
        cotangents = play(loss(scores(leaves, X), y))
        return [cotangents[leaf].value for leaf in leaves]

    hint = "use np.sum and products alone: the engine has no rule of np.mean."
    expect_gradient(
        "the gradient by your engine", lambda *ws: loss(scores(ws, X), y), gradient, weights, hint
    )


@exercise
def momentum(step: Any) -> None:
    w, v, g = np.array([1.0, 2.0]), np.array([0.5, 0.0]), np.array([1.0, -1.0])
    new_w, new_v = step(w, v, g, 0.1, 0.9)
    expect("the velocity of step(w, v, g, 0.1, 0.9)", new_v, 0.9 * v + g, "momentum * v + g.")
    expect("the weights of it", new_w, w - 0.1 * (0.9 * v + g), "AGAINST the velocity: w - rate * v.")


# -- 8: the real engine ----------------------------------------------------------------------------


@exercise
def agree(difference: Any) -> None:
    expect(
        "the largest difference", float(difference) < 1e-12, True, "np.max(np.abs(a - b)); both are exact."
    )


@exercise
def own_op(softsign: Any) -> None:
    x = np.array([-2.0, -0.5, 0.3, 4.0])
    expect("softsign(x)", softsign(x), x / (1 + np.abs(x)), "x / (1 + |x|).")
    try:
        check_grads(softsign, x, order=1)
    except AssertionError as error:
        line = str(error).partition("\n")[0]
        hint = "the derivative is 1 / (1 + |x|)**2, times g."
        raise WrongError("check_grads(softsign, x)", line, "what finite differences give", hint) from None


@exercise
def compiled(step: Any, eager: Any) -> None:
    x = np.linspace(-1, 1, 5)
    for _ in range(3):
        got = step(x)
    expect("the gradient of the plan", got, eager(x), "ag.compile(ag.grad(f)): compile the outer function.")
    signatures = getattr(step, "signatures", [""])
    replayed = any(str(line).startswith("replayed") for line in signatures)
    expect("whether the plan is replayed", replayed, True, "wrap the gradient: ag.compile(...).")
