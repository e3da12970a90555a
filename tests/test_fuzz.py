"""Wrong calls: each ends in an error of the family, or in NumPy's number.

The calls of `tests/samples.py` are spoiled as users spoil calls. An argument is replaced, missing, or too
many; options make no sense; arrays come by keyword; options are Tensors. NumPy on plain arrays is the
reference for values, finite differences are the reference for gradients. New ops are tested as soon as they
are in the table of samples.
"""

from __future__ import annotations

import inspect
import operator
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.errors import (
    AutogradLiteError,
    DTypeError,
    GradientCheckError,
    KinkError,
    ShapeError,
    UnsupportedError,
)
from autograd_lite.recording import current
from autograd_lite.testing import check_grads
from autograd_lite.tree import flatten
from tests.helpers import leaf
from tests.samples import HERMITIAN, SAMPLES, Sample, is_numpys

# -- what comes where something else should ------------------------------------------------------

JUNK: dict[str, Callable[[], Any]] = {
    # no numbers at all
    "None": lambda: None,
    "text": lambda: "text",
    "bytes": lambda: b"ab",
    "an object": object,
    "a dict": lambda: {"a": 1.0},
    "a set": lambda: {1, 2},
    "a function": lambda: np.sin,
    "a slice": lambda: slice(None),
    "an ellipsis": lambda: Ellipsis,
    "a type": lambda: float,
    # numbers of a kind that does not belong
    "a number": lambda: 1.5,
    "a large integer": lambda: 99,
    "a negative integer": lambda: -99,
    "True": lambda: True,
    "a complex number": lambda: 2j,
    "NaN": lambda: float("nan"),
    # arrays
    "no dimensions": lambda: np.array(0.5),
    "int8": lambda: np.array([1, 2, 3], np.int8),
    "objects": lambda: np.array([1.0, None, "a"], object),
    "dates": lambda: np.array(["2020-01-01"], "M8[D]"),
    "records": lambda: np.zeros(2, [("a", float)]),
    "strings": lambda: np.array(["a", "b"]),
    "masked": lambda: np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
    "a matrix": lambda: np.matrix([[1.0, 2.0]]),
    # containers
    "a list": lambda: [0, 1],
    "an empty tuple": lambda: (),
    "a tuple": lambda: (0, 0),
    "a ragged list": lambda: [[1.0], [1.0, 2.0]],
    "a list of Tensors": lambda: [leaf(1.0), leaf(2.0)],
    "nested Tensors": lambda: [[leaf(1.0)], [2.0]],
    # Tensors
    "an integer Tensor": lambda: ag.Tensor(np.array([1, 0])),
    "a boolean Tensor": lambda: ag.Tensor(np.array([True, False])),
    "a Tensor of one integer": lambda: ag.Tensor(np.array(1)),
    "a leaf": lambda: leaf(0.0),
    "a leaf of one entry": lambda: leaf([1.0]),
    "a complex leaf": lambda: leaf([1 + 2j, 0.5]),
    "an empty leaf": lambda: leaf(np.zeros(0)),
    "an empty matrix": lambda: leaf(np.zeros((0, 3))),
    "another shape": lambda: leaf(np.arange(35.0).reshape(5, 7)),
    "four axes": lambda: leaf(np.linspace(1, 2, 12).reshape(2, 1, 2, 3)),
    "float16": lambda: leaf(np.array([1, 2, 3], np.float16)),
    "long double": lambda: leaf(np.array([1, 2, 3], np.longdouble)),
}

OPTIONS: dict[str, list[Any]] = {
    "axis": [0, -1, 7, -9, None, (0, 0), (), (0, 1), 1.5, "a", ag.Tensor(0), leaf(0.0), np.int64(0), [0]],
    "keepdims": ["x", None, 2, np.True_],
    "out": [np.zeros(3), ag.Tensor(np.zeros(3)), (ag.Tensor(np.zeros(3)),), leaf(np.zeros(3))],
    "where": [False, np.array([True]), [True], None],
    "dtype": [int, np.float32, complex, "nonsense", None, bool, ag.Tensor(1.0)],
    "order": ["Z", "F", "A", None, ag.Tensor(1)],
    "casting": ["unsafe", "x"],
    "initial": ["x", None, 2, 0.5j, leaf(1.0), np.ones(3)],
    "ddof": [leaf(1.0), "x", None, 1, 0.5, 99],
    "nonsense": [1, leaf(1.0)],
    "n": [0, -1, 3, None, "x", leaf(3.0)],
    "shape": [(-1,), 3, "x", ag.Tensor([2, 2]), (2.0,)],
    "indices": [99, [0, 1], ag.Tensor([0, 1]), leaf(0.0), "x"],
    "mode": ["clip", "wrap", "nonsense", None],
    "signature": ["d->d"],
    "like": [np.ones(2), leaf(1.0)],
    "k": [99, -99, 1, 1.5, "x", ag.Tensor(1), leaf(1.0)],
    "offset": [99, -99, 1.5, ag.Tensor(1)],
    "axes": [(0, 1), (1, 0), [(0,), (0,), ()], "x", 7, ag.Tensor(1)],
    "weights": [leaf(np.ones(3)), None, "x"],
    "q": [2.0, -0.1, leaf(0.5), "x", [0.1, 0.2]],
    "ord": ["x", 7, leaf(2.0), (1,)],
    "rcond": [leaf(0.1), "x"],
    "method": ["nonsense"],
    "kind": ["stable"],
    "period": [0, 0.0, "x", leaf(3.0)],
}

Call = tuple[str, list[Any], dict[str, Any]]


def spoiled(sample: Sample) -> Iterator[Call]:
    """The call in all the wrong ways: what is wrong, its arguments, its options."""

    def fresh() -> list[Any]:
        return [as_leaves(arg) for arg in sample.args]

    for i in range(len(sample.args)):
        for name, make in JUNK.items():
            args = fresh()
            args[i] = make()
            yield f"argument {i} is {name}", args, sample.kwargs
    for name in ("None", "a leaf", "another shape", "text", "a large integer", "a dict"):
        yield f"{name} besides", [*fresh(), JUNK[name]()], sample.kwargs
    if sample.args:
        yield "the last argument is missing", fresh()[:-1], sample.kwargs
    for key, values in OPTIONS.items():
        for value in values:
            yield f"{key}={value!r}", fresh(), {**sample.kwargs, key: value}
    try:
        names = list(inspect.signature(sample.op).parameters)
    except ValueError:
        return
    for i in range(min(len(names), len(sample.args))):
        named = dict(zip(names[i:], fresh()[i:], strict=False))
        yield f"arguments from {i} by keyword", fresh()[:i], {**named, **sample.kwargs}


def as_leaves(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(as_leaves, value))
    inexact = isinstance(value, (float, np.ndarray, np.generic)) and np.asarray(value).dtype.kind in "fc"
    return leaf(value) if inexact else value


# -- what must come of it ------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """The same with arrays for Tensors."""
    if isinstance(value, ag.Tensor):
        return np.array(value.numpy())[()]
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value)) if not hasattr(value, "_fields") else tuple(map(plain, value))
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def agree(got: Any, expected: Any) -> bool:
    """Equal up to rounding; a dtype may be wider or narrower, since compositions round elsewhere."""
    if isinstance(expected, (list, tuple)):
        return len(got) == len(expected) and all(map(agree, got, expected))
    got, expected = np.asarray(plain(got)), np.asarray(expected)
    if got.shape != expected.shape:
        return False
    if expected.dtype.kind not in "fc":
        return bool(np.all(got == expected))
    rough = min(got.dtype.itemsize, expected.dtype.itemsize) < 8
    rtol, atol = (1e-2, 1e-3) if rough else (1e-6, 1e-9)
    return np.allclose(got.astype(complex), expected.astype(complex), rtol, atol, equal_nan=True)


def came_through_us(error: BaseException) -> bool:
    """Whether the library took part. NumPy may fail by itself, before or without asking a Tensor."""
    return any("/autograd_lite/" in frame.filename for frame in traceback.extract_tb(error.__traceback__))


LENIENT = {
    # What these take beyond what NumPy takes has one meaning, and gives the number it says.
    "array_equal", "clip", "correlate", "convolve", "cov", "corrcoef", "cross", "ediff1d", "full_like",
    "insert", "linspace", "geomspace", "logspace", "meshgrid", "nan_to_num", "nanmean", "pad", "polyder",
    "polydiv", "polyint", "sort", "take", "tensorinv", "trapezoid", "trim_zeros", "vander", "vecdot",
    "interp", "einsum", "outer", "repeat", "compress", "append", "gradient", "astype", "bincount",
}  # fmt: skip

DEGENERATE = {"polydiv": "division by 0", "gradient": "a spacing of 0"}
"""Where NumPy's infinities and NaNs come in another pattern from a formula of another order."""


def verdict(op: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> str | None:
    """What is wrong with the outcome of a call, or None."""
    if not any(isinstance(x, ag.Tensor) for x in flatten((args, kwargs))[0]):
        return None  # the Tensor has been replaced: this is NumPy's own business
    given, options = plain(args), plain(kwargs)
    try:
        expected, refusal = op(*given, **options), None
    except Exception as error:
        expected, refusal = None, error
    try:
        got = op(*args, **kwargs)
    except AutogradLiteError as error:
        return None if len(str(error)) > 10 else "an error without words"
    except Exception as error:
        if isinstance(error, TypeError) or not came_through_us(error):
            return None  # a wrong Python signature, or NumPy's own refusal
        return f"raises {type(error).__name__}: {error}"
    if refusal is not None:
        known = op.__name__ in LENIENT or "argument" in str(refusal) or "integer" in str(refusal)
        return None if known else f"takes what NumPy refuses: {refusal}"
    if not agree(got, expected):
        numbers = [np.asarray(x) for x in flatten(expected)[0]]
        if op.__name__ in DEGENERATE and not all(np.isfinite(x).all() for x in numbers):
            return None
        return f"gives {got}, NumPy {expected}"
    return wrong_gradient(op, args, kwargs, got)


def wrong_gradient(
    op: Callable[..., Any], args: list[Any], kwargs: dict[str, Any], result: Any
) -> str | None:
    """What finite differences say against the gradient, where they can say anything."""

    def recorded(value: Any) -> list[ag.Tensor]:
        return [x for x in flatten([value])[0] if isinstance(x, ag.Tensor) and x.requires_grad]

    places = [i for i, arg in enumerate(args) if recorded(arg)]
    leaves = [x for arg in args for x in recorded(arg)]
    if not places or not recorded(result) or op in HERMITIAN:
        return None
    numbers = [x.numpy() for x in (*leaves, *recorded(result))]
    if any(x.dtype not in (np.float64, np.complex128) or not np.isfinite(x).all() for x in numbers):
        return None

    def f(*changed: Any) -> Any:
        given = list(args)
        for i, x in zip(places, changed, strict=True):
            given[i] = x
        # With the inputs among the results: a call may be right and depend on none of them.
        return [*(y for y in flatten([op(*given, **kwargs)])[0] if isinstance(y, ag.Tensor)), *changed]

    try:
        check_grads(f, tuple(plain(args[i]) for i in places), order=1, modes=("rev",))
    except GradientCheckError as error:
        if isinstance(error, KinkError) or any(word in str(error) for word in UNDECIDED):
            return None
        return str(error)
    except AutogradLiteError:
        return None
    except Exception as error:
        return f"finite differences raise {type(error).__name__}: {error}"
    return None


UNDECIDED = (
    "not finite around",  # the edge of a domain
    "only to within",  # a kink close by, or cancellation
    "analytic inf",
    "analytic -inf",
    "analytic nan",
    "AutogradLiteError",
    "the backward pass fails: NotDifferentiableError",
    "the backward pass fails: UnsupportedError",
)

SINGULAR = {"qr", "svd", "cond", "pinv", "lstsq", "polyfit", "polydiv", "extract"}
"""Of which no derivative exists at matrices of less than full rank; and how many entries `extract` and
`polydiv` return depends on the values."""


def fuzz(sample: Sample, calls: Iterator[Call]) -> list[str]:
    faults = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for what, args, kwargs in calls:
            fault = verdict(sample.op, args, kwargs)
            singular = sample.op.__name__ in SINGULAR and (
                "analytic" in str(fault) or "differences" in str(fault)
            )
            if fault is not None and not singular:
                faults.append(f"{sample}, {what}: {fault}"[:300])
    return faults


def public_samples() -> list[Sample]:
    """Calls of functions that users call by name; those of SciPy are not among them.

    SciPy computes integers and single numbers in dtypes of its own, so the numeric reference has other
    arguments than the rule. Its functions of complex numbers without a rule raise in the backward pass.
    """

    def public(op: Any) -> bool:
        return is_numpys(op) or getattr(ag, op.__name__, None) is op or op.__name__ == "getitem"

    return [sample for sample in SAMPLES if public(sample.op)]


def first_of_each(count: int) -> list[Sample]:
    seen: Counter[Any] = Counter()
    samples = []
    for sample in public_samples():
        seen[sample.op] += 1
        if seen[sample.op] <= count:
            samples.append(sample)
    return samples


def test_some_hundred_wrong_calls_end_in_words_or_in_numpys_number() -> None:
    """Every op, and of the ways to spoil its call some at random."""
    rng = np.random.default_rng(7)
    faults = []
    for sample in first_of_each(1):
        faults += fuzz(sample, (call for call in spoiled(sample) if rng.random() < 0.04))
    assert faults == []


@pytest.mark.slow
@pytest.mark.parametrize("sample", first_of_each(2), ids=str)
def test_all_wrong_calls_end_in_words_or_in_numpys_number(sample: Sample) -> None:
    assert fuzz(sample, spoiled(sample)) == []


# -- the public functions ------------------------------------------------------------------------


def square(x: Any) -> Any:
    return np.sum(x * x)


def vector() -> Any:
    return np.array([1.0, 2.0])


def played(y: ag.Tensor) -> None:
    np.sum(y).backward()


def with_hook(hook: Any) -> None:
    x = leaf(vector())
    x.register_hook(hook)
    played(x * x)


def with_rule(**rule: Any) -> None:
    op = ag.primitive(lambda x: x * 1.0)
    ag.defvjp(op, **rule) if "joint" in rule else ag.defvjp(op, rule["vjp"])
    played(op(leaf(vector())))


def with_custom(forward: Any, backward: Any) -> None:
    f = ag.custom_vjp(lambda x: x)
    f.defvjp(lambda x: forward, lambda residuals, g: backward)
    played(f(leaf(vector())))


def with_kernels(forward: Any, backward: Any) -> None:
    played(ag.fused(forward=forward, backward=backward)(lambda x: x)(leaf(vector())))


def assign(name: str, value: Any) -> None:
    setattr(leaf(vector()), name, value)


def put(index: Any, value: Any) -> None:
    x = leaf(vector()) * 1.0
    x[index] = value


PUBLIC: dict[str, Callable[[Any], Any]] = {
    "grad(junk)": lambda j: ag.grad(j)(vector()),
    "grad(f)(junk)": lambda j: ag.grad(square)(j),
    "grad(argnums=junk)": lambda j: ag.grad(square, argnums=j)(vector()),
    "grad of what returns junk": lambda j: ag.grad(lambda x: j)(vector()),
    "grad with aux of what returns junk": lambda j: ag.grad(lambda x: j, has_aux=True)(vector()),
    "value_and_grad(junk)": lambda j: ag.value_and_grad(j)(vector()),
    "vjp(junk, x)": lambda j: ag.vjp(j, vector()),
    "vjp(f, junk)": lambda j: ag.vjp(square, j),
    "vjp of what returns junk": lambda j: ag.vjp(lambda x: j, vector())[1](1.0),
    "pullback(junk)": lambda j: ag.vjp(lambda x: x * 2, vector())[1](j),
    "pullback(junk) of two": lambda j: ag.vjp(lambda x: (x * 2, x), vector())[1](j),
    "jvp(junk)": lambda j: ag.jvp(j, (vector(),), (vector(),)),
    "jvp(f, junk)": lambda j: ag.jvp(square, j, (vector(),)),
    "jvp(f, (junk,))": lambda j: ag.jvp(square, (j,), (vector(),)),
    "jvp(f, (x,), junk)": lambda j: ag.jvp(square, (vector(),), j),
    "jvp(f, (x,), (junk,))": lambda j: ag.jvp(square, (vector(),), (j,)),
    "jvp of what returns junk": lambda j: ag.jvp(lambda x: j, (vector(),), (vector(),)),
    "jacobian(junk)": lambda j: ag.jacobian(j)(vector()),
    "jacobian(f)(junk)": lambda j: ag.jacobian(np.sin)(j),
    "jacobian of what returns junk": lambda j: ag.jacobian(lambda x: j)(vector()),
    "hessian(junk)": lambda j: ag.hessian(j)(vector()),
    "hessian(f)(junk)": lambda j: ag.hessian(square)(j),
    "hessian(argnums=junk)": lambda j: ag.hessian(square, argnums=j)(vector()),
    "hvp(junk)": lambda j: ag.hvp(j, vector(), vector()),
    "hvp(f, junk)": lambda j: ag.hvp(square, j, vector()),
    "hvp(f, x, junk)": lambda j: ag.hvp(square, vector(), j),
    "checkpoint(junk)": lambda j: ag.checkpoint(j)(leaf(vector())),
    "checkpoint(f)(junk)": lambda j: ag.checkpoint(square)(j),
    "checkpoint of what returns junk": lambda j: ag.grad(ag.checkpoint(lambda x: j))(vector()),
    "custom_vjp: forward returns junk": lambda j: with_custom(j, (1.0,)),
    "custom_vjp: backward returns junk": lambda j: with_custom((np.ones(2), None), j),
    "fused: forward returns junk": lambda j: with_kernels(lambda x: j, lambda g, r, needs: (g,)),
    "fused: backward returns junk": lambda j: with_kernels(lambda x: (x * 1, None), lambda g, r, needs: j),
    "a rule returns junk": lambda j: with_rule(vjp=lambda g, y, x: j),
    "a rule is junk": lambda j: with_rule(vjp=j),
    "a joint rule returns junk": lambda j: with_rule(joint=lambda g, y, x: j),
    "a primitive returns junk": lambda j: ag.primitive(lambda x: j)(leaf(vector())),
    "Tensor(junk)": lambda j: ag.Tensor(j),
    "Tensor(junk, requires_grad)": lambda j: ag.Tensor(j, requires_grad=True),
    "Tensor(dtype=junk)": lambda j: ag.Tensor(vector(), dtype=j),
    "backward(junk)": lambda j: (leaf(vector()) * 2).backward(j),
    "backward(junk) of a number": lambda j: square(leaf(vector())).backward(j),
    "register_hook(junk)": with_hook,
    "a hook returns junk": lambda j: with_hook(lambda g: j),
    "x.grad = junk": lambda j: assign("grad", j),
    "x.data = junk": lambda j: assign("data", j),
    "x[junk]": lambda j: leaf(vector())[j],
    "x[junk] = 1": lambda j: put(j, 1.0),
    "x[0] = junk": lambda j: put(0, j),
    "x[:] = junk": lambda j: put(slice(None), j),
    "reshape(junk)": lambda j: leaf(vector()).reshape(j),
    "transpose(junk)": lambda j: leaf(vector()).transpose(j),
    "sum(junk)": lambda j: leaf(vector()).sum(j),
    "std(ddof=junk)": lambda j: leaf(vector()).std(ddof=j),
    "max(keepdims=junk)": lambda j: leaf(vector()).max(keepdims=j),
    "clip(junk)": lambda j: leaf(vector()).clip(j),
    "dot(junk)": lambda j: leaf(vector()).dot(j),
    "squeeze(junk)": lambda j: leaf(vector()).squeeze(j),
    "argmax(junk)": lambda j: leaf(vector()).argmax(j),
    "any(junk)": lambda j: leaf(vector()).any(j),
    "round(junk)": lambda j: leaf(vector()).round(j),
    "astype(junk)": lambda j: leaf(vector()).astype(j),
    "divmod(x, junk)": lambda j: divmod(leaf(vector()), j),
    "divmod(junk, x)": lambda j: divmod(j, leaf(vector())),
    "junk in x": lambda j: j in leaf(vector()),
    "tape.gradient(junk, x)": lambda j: ag.Tape().gradient(j, [leaf(vector())]),
    "tape.gradient(y, junk)": lambda j: ag.Tape().gradient(square(leaf(vector())), j),
    "defvjp(junk)": lambda j: ag.defvjp(j),
    "apply(np.sin, junk)": lambda j: ag.apply(np.sin, j),
    "check_grads(junk)": lambda j: check_grads(j, (vector(),)),
    "check_grads(f, order=junk)": lambda j: check_grads(square, (vector(),), order=min(j, 2)),
}
for _symbol, _operator in {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "%": operator.mod, "//": operator.floordiv, "@": operator.matmul, "<": operator.lt, "==": operator.eq,
    "&": operator.and_, "+=": operator.iadd, "@=": operator.imatmul, "//=": operator.ifloordiv,
}.items():  # fmt: skip
    PUBLIC[f"x {_symbol} junk"] = lambda j, op=_operator: op(leaf(vector()) * 1, j)  # type: ignore[misc]
    PUBLIC[f"junk {_symbol} x"] = lambda j, op=_operator: op(j, leaf(vector()) * 1)  # type: ignore[misc]


def ended_well(call: Callable[[], Any]) -> bool:
    """In no error, one of the family, a TypeError of Python's own, or one that we have not raised."""
    try:
        call()
    except AutogradLiteError as error:
        return len(str(error)) > 10
    except TypeError:
        return True
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "/autograd_lite/" not in last.filename or "truth value" in str(error)
    return True


@pytest.mark.parametrize("name", PUBLIC)
def test_junk_ends_in_words_and_leaves_no_trace(name: str) -> None:
    """An error of the family, or a TypeError of Python's own, or it is no junk to this function."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for what, make in JUNK.items():
            assert ended_well(lambda make=make: PUBLIC[name](make())), what
            now = current()
            assert (now.listeners, now.watchers, now.checks, now.transforms) == ((), (), None, 0)


# -- what it has found ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mixed",
    [
        lambda x, m: x * m,
        lambda x, m: m * x,
        lambda x, m: np.multiply(x, m),
        lambda x, m: np.concatenate([x, x]) * m,
        lambda x, m: np.append(m, x),
    ],
)
@pytest.mark.parametrize("other", [np.ones((1, 2)).view(np.matrix), np.ma.array([1.0, 2.0], mask=[0, 1])])
def test_arrays_with_an_arithmetic_of_their_own_are_refused(mixed: Any, other: Any) -> None:
    """`*` of a matrix is the matrix product, and a masked array would lose its mask: wrong numbers both."""
    with pytest.raises(UnsupportedError, match=r"np\.(asarray|ma\.filled)"):
        mixed(leaf([[0.5, 0.7]]), other)


def test_a_masked_array_is_no_data() -> None:
    with pytest.raises(UnsupportedError, match="filled"):
        ag.Tensor(np.ma.array([1.0, 2.0], mask=[0, 1]))


def test_lists_are_operands_of_functions_and_operators() -> None:
    x = np.array([0.3, 0.7])
    for f in (np.hypot, np.power, np.divide, np.arctan2, np.logaddexp):
        check_grads(lambda x, f=f: f(x, [1, 2]), x)
        check_grads(lambda x, f=f: f([1, 2], x), x)
    with pytest.raises(ShapeError, match="no array"):
        leaf(x) * [[1.0], [1.0, 2.0]]


def test_arrays_and_integers_come_by_keyword_too() -> None:
    a = np.array([[2.0, 1.0], [0.5, 3.0]])
    check_grads(lambda a: np.linalg.solve(a, b=np.ones((2, 1))), a)
    check_grads(lambda a: np.sum(a, axis=ag.Tensor(1)), a)
    check_grads(lambda a: np.linalg.norm(a, axis=ag.Tensor(0)), a)


def test_small_integers_do_not_round_the_derivative() -> None:
    """The logarithm of an int8 is a float16 in NumPy."""
    check_grads(lambda x: np.power(np.array([2, 3], np.int8), x), np.array([0.3, 0.7]))


def test_slopes_of_whole_numbers_are_not_rounded() -> None:
    whole = np.array([1, 2, 4, 4])
    np.testing.assert_array_equal(np.gradient(ag.Tensor(whole)).numpy(), np.gradient(whole))


def test_a_singular_matrix_raises_what_numpy_users_catch() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="Singular") as caught:
        np.linalg.inv(leaf(np.zeros((2, 2))))
    assert isinstance(caught.value, AutogradLiteError)


def test_sigmoid_refuses_complex_numbers() -> None:
    with pytest.raises(DTypeError, match="exp"):
        ag.sigmoid(leaf([1 + 2j]))


def test_numpys_own_words_where_a_composition_stumbles() -> None:
    with pytest.raises(DTypeError, match="must be real number"):
        np.interp(leaf([0.5]), [0.0, 1.0], [0.0, 1.0], "text")


def test_a_users_exception_comes_through_as_it_is() -> None:
    @ag.primitive
    def picky(x: Any) -> Any:
        raise KeyError("nothing here")

    with pytest.raises(KeyError, match="nothing here"):
        picky(leaf(1.0))
