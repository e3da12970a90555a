"""NumPy's ways of calling: convert the arguments of a user to the form that an op and its rule take.

A list of Tensors becomes one Tensor. Tensors given by keyword become positional, and options given by
position become keywords. PyTorch's keywords become NumPy's. A call that cannot be recorded is refused, with
advice.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .arrays import is_array, on_host, refuse_other_arithmetic, stored, to_host, unwrap
from .arrays import owned as copied
from .box import Box, Value
from .errors import AxisError, DTypeError, UnsupportedError
from .given import as_numbers, require_inexact
from .known import Composition, Rule, is_built_in, known
from .node import Op, op_name
from .recording import current
from .words.advice import unsupported_call
from .words.explain import describe, missing_rule

__all__ = [
    "NUMPY_FUNCTION",
    "ValuesAndIndices",
    "axis_of",
    "before_out",
    "boxes",
    "deep_unwrap",
    "named",
    "numpy_words",
    "operand",
    "owned",
    "plain_index",
    "positional",
    "require_rule",
    "stacked",
    "takes",
    "vetted",
    "with_plain_options",
    "with_stacks",
    "without_out",
]

Args = tuple[Any, ...]
Options = dict[str, Any]

NUMPY_FUNCTION = type(np.sum)
"""The class of the functions that NumPy dispatches through `__array_function__`."""

_OPTIONS = frozenset({type(None), bool, int, float, str, tuple})
"""The classes of most options; none of them is a Tensor or array."""


# -- values ----------------------------------------------------------------------------------------


def owned(data: Any, requires_grad: bool, dtype: npt.DTypeLike | None) -> Value:
    """A copy of `data` as an array, or as a scalar if it is 0-d."""
    if isinstance(data, Box):
        if data.node is not None and current().listeners is not None:
            raise UnsupportedError(
                "Tensor(x) of an x on the tape would silently cut the graph; write x.copy() to stay on "
                "the tape, or Tensor(x.detach()) to leave it"
            )
        data = data._data
    if data.__class__ is not np.ndarray:
        refuse_other_arithmetic(data, "Tensor(m)")
    try:
        if data.__class__ is np.ndarray or on_host(data):
            array = np.array(data, dtype=dtype)
        else:
            array = copied(data) if dtype is None else data.astype(dtype)
    except UnsupportedError:
        raise
    except (TypeError, ValueError) as error:
        repair = "expected numbers or arrays"
        if isinstance(data, int) and not isinstance(requires_grad, bool):
            repair += "; write Tensor([1, 2]) for entries, and Tensor(np.zeros((2, 3))) for zeros of a shape"
        raise DTypeError(f"Tensor({describe(data)}): {error}; {repair}") from error
    if array.dtype.kind not in "biufc":
        raise DTypeError(
            f"Tensor({describe(data)}): dtype {array.dtype} holds no numbers; expected floats, ints, "
            "booleans or complex numbers"
        )
    if requires_grad and array.dtype.kind in "biu":
        if dtype is not None or is_array(data):
            require_inexact(array.dtype, "Tensor(array, requires_grad=True)")
        array = array.astype(np.float64)
    return stored(array)


def operand(value: Any) -> Any:
    """The other operand of an operator, with lists made into arrays; NotImplemented for other objects."""
    if isinstance(value, (Box, int, float, complex)) or is_array(value):
        refuse_other_arithmetic(value)
        return value
    if not isinstance(value, (list, tuple)):
        return NotImplemented
    own = stacked(value)
    return own if isinstance(own, Box) else as_numbers(own, "an operand")


def plain_index(index: Any) -> Any:
    """An index with the arrays in place of Tensors."""
    if isinstance(index, Box):
        if not np.issubdtype(index.dtype, np.integer) and index.dtype != bool:
            raise DTypeError(
                f"x[i]: i is a {index.dtype} Tensor; expected integers or booleans: x[i.astype(int)]"
            )
        return index._data
    if isinstance(index, tuple):
        return tuple(map(plain_index, index))
    if isinstance(index, list) and index:
        if any(isinstance(i, Box) for i in index):
            index = [plain_index(i) for i in index]
        with contextlib.suppress(ValueError):  # ragged: NumPy raises when it reads the index
            return np.array(index)
    return index


def boxes(value: Any) -> Iterator[Box]:
    """The Tensors in nested lists, tuples and dicts."""
    if isinstance(value, Box):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from boxes(item)
    elif isinstance(value, dict):
        yield from boxes(list(value.values()))


def deep_unwrap(value: Any) -> Any:
    """Nested lists, tuples and dicts with the arrays in place of Tensors."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(deep_unwrap, value))
    if isinstance(value, dict):
        return {key: deep_unwrap(item) for key, item in value.items()}
    return unwrap(value)


def vetted(op: Op, arg: Any) -> Any:
    """An argument as rules take it: lists of numbers as arrays, lists of Tensors as one Tensor.

    Raises:
        UnsupportedError: an array whose operators have another meaning, or a list of Tensors for an op of
            the user's own.
    """
    refuse_other_arithmetic(arg)
    if not isinstance(arg, (list, tuple)):
        return arg
    if any(True for _ in boxes(arg)):
        if is_built_in(op):
            return stacked(arg)
        raise UnsupportedError(
            f"{op_name(op)} got a {type(arg).__name__} holding Tensors, which the tape would not see; "
            f"pass np.stack({type(arg).__name__}_of_tensors), or each Tensor as an argument of its own"
        )
    return as_numbers(arg, op_name(op)) if isinstance(op, np.ufunc) else arg


def stacked(value: Any) -> Any:
    """A list that holds Tensors as one Tensor, made by np.stack; any other object is returned unchanged."""
    if isinstance(value, (list, tuple)) and any(True for _ in boxes(value)):
        return np.stack([stacked(item) for item in value])
    return value


# -- arguments -------------------------------------------------------------------------------------


def with_plain_options(op: Op, args: Args, kwargs: Options) -> tuple[Options, bool]:
    """Convert constant integer Tensors among the options, as in `axis=i`, to plain numbers; refuse `out` and
    `where`.

    Returns:
        The options, and whether arrays or other Tensors are among them.
    """
    by_keyword = False
    for key, option in kwargs.items():
        if option.__class__ not in _OPTIONS:
            if isinstance(option, Box) and option.node is None and option.dtype.kind in "biu":
                kwargs = {**kwargs, key: to_host(option).tolist()}
            elif isinstance(option, Box) or is_array(option):
                refuse_other_arithmetic(option)
                by_keyword = True
    if ("out" in kwargs or "where" in kwargs) and op is not np.copyto:
        kwargs = without_out(op, args, kwargs)
    return kwargs, by_keyword


def with_stacks(op: Op, args: Args, kwargs: Options) -> tuple[Args, Options]:
    """Stack each list of Tensors to one Tensor; for an op on a list of arrays, stack inside of that list."""
    if op is np.block:
        return args, kwargs
    if op in _OF_SEVERAL:
        args = tuple([[*map(stacked, x)] if isinstance(x, (list, tuple)) else x for x in args])
        return args, kwargs
    return tuple(map(stacked, args)), {key: stacked(value) for key, value in kwargs.items()}


_OF_SEVERAL = frozenset(
    {np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.select, np.choose}
    | {np.piecewise, np.linalg.multi_dot}
)
"""Functions that take a list of arrays."""


def positional(op: Op, args: Args, kwargs: Options) -> tuple[Args, Options]:
    """Make Tensors given by keyword positional, since rules take inputs by position."""
    try:
        bound = inspect.signature(op).bind(*args, **kwargs)
    except ValueError as error:  # NumPy 2.0 has no signatures of ufuncs, which take options by keyword
        raise unsupported_call(op, next(iter(kwargs)), args, kwargs) from error
    if any(isinstance(value, Box) for value in bound.kwargs.values()):
        bound.apply_defaults()
    if any(isinstance(value, Box) for value in bound.kwargs.values()):
        if op_name(op) in ("concatenate", "stack"):
            raise UnsupportedError(f"{op_name(op)} takes its arrays as one list: np.{op_name(op)}([x, y])")
        raise UnsupportedError(
            f"{op_name(op)} takes a Tensor by position only: {op_name(op)}(x, y), not "
            f"{op_name(op)}({', '.join(f'{key}=...' for key in kwargs)})"
        )
    return bound.args, bound.kwargs


def without_out(op: Op, args: Args, kwargs: Options) -> Options:
    """Refuse `out=` and `where=`, unless they have their neutral values None and True."""
    for key, neutral in (("out", None), ("where", True)):
        if kwargs.get(key, neutral) is not neutral:
            raise unsupported_call(op, key, args, kwargs)
    return {key: value for key, value in kwargs.items() if key not in ("out", "where")}


def named(op: Op, arrays: int, args: Args, kwargs: Options) -> tuple[Args, Options]:
    """Make positional options keywords: `np.sum(x, 0, None, out)` becomes `np.sum(x, axis=0, out=out)`."""
    options = [parameter.name for parameter in _parameters(op)[arrays:]]
    kwargs = {**dict(zip(options, args[arrays:], strict=False)), **kwargs}
    for key, value in kwargs.items():
        if isinstance(value, Box):
            if key == "initial":
                raise unsupported_call(op, key, args[:arrays], kwargs)
            raise UnsupportedError(
                f"{op_name(op)}(..., {key}={describe(value)}): no gradient goes to {key}; give a plain "
                f"number, {key}=t.item(), or write it as an op of its own"
            )
    return args[:arrays], without_out(op, args[:arrays], kwargs)


@functools.cache
def takes(function: Callable[..., Any], keyword: str) -> bool:
    """Whether a function takes a keyword."""
    parameters = inspect.signature(function).parameters
    return keyword in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


@functools.cache
def before_out(op: Op) -> int:
    """The number of parameters of a NumPy function before `out`; 0 if `out` is not positional."""
    is_out = [p.kind is p.POSITIONAL_OR_KEYWORD and p.name == "out" for p in _parameters(op)]
    return is_out.index(True) if any(is_out) else 0


@functools.cache
def _parameters(op: Op) -> list[inspect.Parameter]:
    """The parameters of a NumPy function. NumPy 2.0 has no signature of np.dot and similar functions: then
    the parameters of the composition count."""
    try:
        return list(inspect.signature(op).parameters.values())
    except ValueError:
        entry = known.get(op)
        if not isinstance(entry, Composition):
            return []
        return list(inspect.signature(entry.function).parameters.values())


def require_rule(op: Op, rule: Rule, args: Args, kwargs: Options) -> None:
    """Refuse a call whose rule is missing or does not accept a keyword."""
    if rule.joint is None and not rule.vjps:
        raise missing_rule(op, known.all(Rule))
    for keyword in kwargs:
        if not rule.takes(keyword):
            raise unsupported_call(op, keyword, args, kwargs)


# -- PyTorch's words -------------------------------------------------------------------------------


class ValuesAndIndices(NamedTuple):
    """Selected entries along an axis, and their indices."""

    values: Any
    indices: Any


def numpy_words(options: Options) -> Options:
    """Translate PyTorch's keywords to NumPy's: `dim`, `keepdim`, `correction` and `unbiased`."""
    words = {"dim": "axis", "keepdim": "keepdims", "correction": "ddof"}
    options = {words.get(key, key): value for key, value in options.items()}
    if "unbiased" in options:
        options["ddof"] = int(options.pop("unbiased"))
    return options


def axis_of(x: Any, method: str, dim: int) -> int:
    """The index of an axis of x, from 0."""
    if not -x.ndim <= dim < x.ndim:
        raise AxisError(f"{method}: x of shape {x.shape} has no axis {dim}; axes run from -ndim to ndim - 1")
    return dim % int(x.ndim)
