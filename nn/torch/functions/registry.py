"""The table of PyTorch's functions: a Python function with PyTorch's signature is an entry.

An entry gives `torch.name`, the method `x.name`, and `x.name_`, which assigns the result to x. Each takes
PyTorch's keywords and NumPy's (`dim=` or `axis=`, `keepdim=` or `keepdims=`, `input=` or `x=`), and `out=`.

The body of an entry sees plain Tensors, on which operators and methods have NumPy's meaning; results are
Tensors of PyTorch's class. The body of a `viewing` entry sees the Tensors that were given, since the result
shares the memory of these.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypedDict, TypeVar, Unpack, overload

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DTypeError

from ..tensors import Tensor, as_tensor_of, made, torched, twin

__all__ = ["FUNCTIONS", "METHODS", "alias", "entry", "entry_of", "viewing"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The functions of `torch`, by name."""

METHODS: dict[str, Callable[..., Any]] = {}
"""The methods of Tensor, by name."""

_F = TypeVar("_F", bound=Callable[..., Any])
_WORDS = {
    **{"axis": "dim", "axes": "dims", "keepdims": "keepdim", "x": "input", "x1": "input", "x2": "other"},
    **{"axis0": "dim0", "axis1": "dim1", "element": "elements", "test_element": "test_elements"},
    **{"sections": "indices_or_sections", "indices": "indices_or_sections", "input2": "L", "size": "shape"},
    **{
        "src": "other",
        "tensor_indices_or_sections": "indices_or_sections",
        "split_sizes": "split_size",
        "i": "other",
    },
}
"""Second names of keywords: NumPy's, and those of PyTorch's other forms of a function."""

_IN_PLACE_FUNCTIONS = frozenset(
    "addmv clamp clamp_max clamp_min index_put ldexp logit nan_to_num round xlogy".split()  # noqa: SIM905
)
"""Functions of several arguments of which `torch`, too, has the form that assigns, such as `torch.clamp_`."""

_EFFECTLESS = frozenset({"layout", "pin_memory", "memory_format", "device", "non_blocking"})
"""Keywords that every function accepts."""


class Options(TypedDict, total=False):
    """What `entry` is told of a function."""

    name: str | None
    method: bool
    in_place: bool
    only_method: bool
    views: bool
    table: dict[str, Callable[..., Any]] | None


@overload
def entry(function: None = None, **options: Unpack[Options]) -> Callable[[_F], _F]: ...
@overload
def entry(function: _F, **options: Unpack[Options]) -> _F: ...
def entry(function: Any = None, **options: Unpack[Options]) -> Any:
    """Enter a function in the table; a decorator.

    Args:
        function: has PyTorch's signature. Its first argument is a Tensor.
        options: name: the name in PyTorch, by default that of the function.
            method: whether Tensors have a method of this name, as by default.
            in_place: whether Tensors have a method `name_`.
            only_method: whether `torch` has no function of this name.
            views: whether the body sees the Tensors that were given.
            table: another table, e.g. that of `torch.linalg`; then Tensors have no method of this name.
    """
    return partial(_entered, **options) if function is None else _entered(function, **options)


def _entered(
    function: Callable[..., Any],
    name: str | None = None,
    method: bool = True,
    in_place: bool = False,
    only_method: bool = False,
    views: bool = False,
    table: dict[str, Callable[..., Any]] | None = None,
) -> Any:
    name = name or function.__name__.removesuffix("_of")
    public = _public(function, name, views)
    if table is not None:
        table[name] = public
        return public
    if not only_method:
        FUNCTIONS[name] = public
    if method or only_method:
        METHODS[name] = public
    if in_place:
        METHODS[name + "_"] = _assigning(public)
        if name in _IN_PLACE_FUNCTIONS or len(inspect.signature(function).parameters) == 1:
            FUNCTIONS[name + "_"] = METHODS[name + "_"]
    return public


@overload
def viewing(function: None = None, **options: Unpack[Options]) -> Callable[[_F], _F]: ...
@overload
def viewing(function: _F, **options: Unpack[Options]) -> _F: ...
def viewing(function: Any = None, **options: Unpack[Options]) -> Any:
    """`entry` for a function whose result may share the memory of its argument."""
    options["views"] = True
    return entry(function, **options)


def entry_of(names: str, make: Callable[[str], Callable[..., Any]], **options: Any) -> None:
    """Enter functions of one kind: `make(name)` is the function of a name."""
    for name in names.split():
        entry(make(name), name=name, **options)


def alias(**names: str) -> None:
    """Enter the same functions under second names: `alias(arcsin="asin")`."""
    for name, known in names.items():
        for table in (FUNCTIONS, METHODS):
            for ending in ("", "_"):
                if known + ending in table:
                    table[name + ending] = table[known + ending]


def _public(function: Callable[..., Any], name: str, views: bool) -> Callable[..., Any]:
    signature = inspect.signature(function)
    known = set(signature.parameters)
    first = next(iter(signature.parameters))
    several = signature.parameters[first].kind is inspect.Parameter.VAR_POSITIONAL
    kinds = {p.kind: p.name for p in signature.parameters.values()}
    sizes = kinds.get(inspect.Parameter.VAR_POSITIONAL, "")  # also given by keyword: permute(x, dims=(1, 0))

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        out = None
        if views and not options and args and args[0].__class__ is Tensor:  # the quick ways
            return function(*args)
        if not options and len(args) == 1 and args[0].__class__ is Tensor:
            x = twin(args[0])
            result = function(x)
            if result.__class__ is ag.Tensor and result._views is None and result is not x:
                result.__class__ = Tensor
                return result
            return _own(result, [(x, args[0])])
        if options:
            out = options.pop("out", None)
            options = {
                _word(key, known): value for key, value in options.items() if _counts(key, value, known)
            }
            if not args and first in options:
                args = (options.pop(first),)
            if sizes in options:
                args = (*args, options.pop(sizes))
        if args and not several and not isinstance(args[0], (Tensor, list, tuple, str)):
            if getattr(args[0], "is_sparse", False) and hasattr(args[0], name):  # the method of its class
                bound = signature.bind(*args, **options)
                return getattr(args[0], name)(*bound.args[1:], **bound.kwargs)
            args = (as_tensor_of(args[0], name), *args[1:])
        if views:
            result = function(*args, **options)
            return result if out is None else written(out, result)
        given = [(plain(x), x) for x in (*args, *options.values())]
        values = [x for x, _ in given]
        n = len(args)
        result = function(*values[:n], **dict(zip(options, values[n:], strict=True)))
        own = _own(result, given)
        return own if out is None else written(out, own)

    call.__name__ = call.__qualname__ = name
    call.__signature__ = signature  # type: ignore[attr-defined]
    return call


def _word(key: str, known: set[str]) -> str:
    """A keyword as the function has it: NumPy's words become PyTorch's."""
    return key if key in known else _WORDS.get(key, key)


def _counts(key: str, value: Any, known: set[str]) -> bool:
    """Whether a keyword has an effect; the only device is the CPU."""
    if key in known or key not in _EFFECTLESS:
        return True
    if key == "device":
        ag.Device(value or "cpu")
    return False


def plain(x: Any) -> Any:
    """An argument with plain Tensors in place of PyTorch's."""
    if isinstance(x, Tensor):
        return twin(x)
    if x.__class__ is list or x.__class__ is tuple:
        return x.__class__(map(plain, x))
    return x


def _own(result: Any, given: list[tuple[Any, Any]]) -> Any:
    """The result of a body, with PyTorch's Tensors in place of plain ones and of arrays."""
    kind = result.__class__
    if kind is ag.Tensor:
        for x, own in given:
            if result is x:
                return own
        if result._views is None:  # nobody else holds it
            result.__class__ = Tensor
            return result
        return torched(result)
    if isinstance(result, (np.ndarray, np.generic)):
        return made(np.asarray(result) if isinstance(result, np.ndarray) else result)
    if isinstance(result, (tuple, list)):
        items = [_own(item, given) for item in result]
        return kind(*items) if hasattr(result, "_fields") else kind(items)
    return result


def written(out: Any, result: Any) -> Any:
    """Assign a result to the Tensors given as `out=`."""
    if isinstance(out, (tuple, list)):
        return tuple(written(o, r) for o, r in zip(out, result, strict=True))
    if not isinstance(out, Tensor):
        raise DTypeError(f"out={out!r}: expected a Tensor")
    if out.shape != result.shape:
        out.data = np.empty(result.shape, out._data.dtype)
    out[...] = result
    return out


def _assigning(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that assigns the result of a function to its first argument."""

    def method(self: Any, *args: Any, **options: Any) -> Any:
        return self.assign(f"x.{function.__name__}_()", function(self, *args, **options))

    method.__name__ = method.__qualname__ = function.__name__ + "_"
    method.__doc__ = f"Assign `x.{function.__name__}(...)` to x, which keeps its dtype."
    method.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return method


def whole(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Lengths or axes, given as one sequence or as single numbers."""
    if len(sizes) == 1 and not isinstance(sizes[0], (int, np.integer)) and np.ndim(sizes[0]):
        sizes = tuple(sizes[0])
    return tuple(int(n) for n in sizes)


def axes_of(dim: Any) -> Any:
    """`dim` as NumPy takes axes: None, a number, or a tuple; an empty sequence means all axes."""
    if dim is None or isinstance(dim, int):
        return dim
    if isinstance(dim, (list, tuple)):
        return tuple(int(d) for d in dim) or None
    return int(dim)
