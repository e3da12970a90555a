"""Parametrizations: parameters that are functions of others; named as in `torch.nn.utils.parametrize`.

>>> import nn, numpy as np
>>> class Symmetric(nn.Module):
...     def forward(self, x):
...         return np.triu(x) + np.triu(x, 1).T
>>> layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
>>> bool((layer.weight == layer.weight.T).all())
True
>>> [name for name, _ in layer.named_parameters()]
['bias', 'parametrizations.weight.original']
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DataError, ShapeError

from ..arrays import as_array
from ..layers.containers import ModuleDict, ModuleList
from ..module import Module, Parameter
from ..undo import undone
from .computed import check_parameter, compute, settle

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]


class ParametrizationList(ModuleList):
    """The parametrizations of an attribute and their original parameters; a call computes the attribute.

    Attributes:
        original: the input of the first parametrization; `original0`, `original1`, ... if there are several.
    """

    def forward(self) -> Any:
        first, *others = self
        value = first(*self._parameters.values())
        for parametrization in others:
            value = parametrization(value)
        return value

    def right_inverse(self, value: Any) -> None:
        """Set the originals so that the attribute gets a value."""
        for parametrization in reversed(list(self)):
            if not hasattr(parametrization, "right_inverse"):
                raise DataError(
                    f"{type(parametrization).__name__} has no right_inverse, so nothing can be assigned; "
                    "define right_inverse(self, value) in the class, or set the original"
                )
            value = parametrization.right_inverse(value)
        values = value if isinstance(value, tuple) else (value,)
        for original, new in zip(self._parameters.values(), values, strict=True):
            assert original is not None
            original.data = np.array(as_array(new), dtype=original.dtype)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let another module compute a parameter.

    Args:
        module: a layer.
        tensor_name: the name of the parameter.
        parametrization: a module from the original to the parameter. If it has a `right_inverse`, this maps
            the current value to the original: one array, or a tuple for several originals. A second
            parametrization of a parameter takes the result of the first.
        unsafe: allow changes of shape and dtype.

    Returns:
        The layer.

    Raises:
        DataError: the layer has no such parameter.
        ShapeError: the parameter would get another shape or dtype.
    """
    if is_parametrized(module, tensor_name):
        parts = module.parametrizations[tensor_name]
        parts.append(parametrization)
        return module
    check_parameter(module, tensor_name)
    parameter = getattr(module, tensor_name)
    originals = _inverted(parametrization, parameter.detach())
    parts = ParametrizationList([parametrization])
    if isinstance(originals, tuple):
        for i, original in enumerate(originals):
            parts.register_parameter(f"original{i}", Parameter(as_array(original)))
    else:
        parts.original = Parameter(as_array(originals))
    value = as_array(parts())
    if not unsafe and (value.shape, value.dtype) != (parameter.shape, parameter.dtype):
        raise ShapeError(
            f"{type(module).__name__}.{tensor_name} is {parameter.dtype} {parameter.shape}, but "
            f"{type(parametrization).__name__} gives {value.dtype} {value.shape}; to allow this, "
            "write register_parametrization(..., unsafe=True)"
        )
    if not isinstance(originals, tuple):  # keep the object: an optimizer may hold it
        parameter.data = parts.original.data
        parts.original = parameter
    if "parametrizations" not in module._modules:
        module.parametrizations = ModuleDict()
    function, assign = (partial(f, name=tensor_name) for f in (_parametrized, _assigned))
    compute(module, tensor_name, function, {_path(tensor_name): parts}, assign)
    return module


def _inverted(parametrization: Module, value: Any) -> Any:
    """The originals of a value; the value itself if the parametrization does not say."""
    try:
        inverse = getattr(parametrization, "right_inverse", None)
        return value if inverse is None else inverse(value)
    except NotImplementedError:
        return value


def _path(name: str) -> str:
    return f"parametrizations.{name}"


_values: ContextVar[dict[tuple[int, str], Any] | None] = ContextVar("parametrized values", default=None)


def _parametrized(module: Module, name: str) -> Any:
    values = _values.get()
    if values is None:
        return module.parametrizations[name]()
    key = id(module), name
    if key not in values:
        values[key] = module.parametrizations[name]()
    return values[key]


def _assigned(module: Module, value: Any, name: str) -> None:
    with ag.no_grad():
        module.parametrizations[name].right_inverse(value)


@contextmanager
def cached() -> Iterator[None]:
    """Inside `with`, each parametrized attribute is computed once, and then reused.

    Example:
        >>> import nn
        >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        >>> with cached():
        ...     layer.weight is layer.weight
        True
    """
    before = _values.get()
    with undone(lambda: _values.set(before)):
        _values.set({} if before is None else before)
        yield


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a parameter of the layer is parametrized; without a name, whether any is."""
    parts = module._modules.get("parametrizations")
    return isinstance(parts, ModuleDict) and (len(parts) > 0 if tensor_name is None else tensor_name in parts)


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized attribute a parameter again.

    Args:
        module: the layer.
        tensor_name: the name of the attribute.
        leave_parametrized: keep the current value; if False, the parameter gets the value of the original.

    Returns:
        The layer.

    Raises:
        DataError: the attribute is not parametrized, or has several originals and should get their value.
    """
    if not is_parametrized(module, tensor_name):
        raise DataError(f"{type(module).__name__}.{tensor_name} is not parametrized")
    originals = list(module.parametrizations[tensor_name]._parameters.values())
    if not leave_parametrized and len(originals) > 1:
        raise DataError(
            f"{type(module).__name__}.{tensor_name} has {len(originals)} originals, not one to go back to; "
            "write remove_parametrizations(module, tensor_name)"
        )
    value = originals[0].numpy()
    settle(module, tensor_name)
    if not leave_parametrized:
        setattr(module, tensor_name, originals[0])
        originals[0].data = value
    if not len(module.parametrizations):
        del module.parametrizations
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of a layer, which parametrizations do not change."""
    return type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give a layer the parametrizations of another one, with copies of the originals.

    Args:
        from_module: the layer with parametrizations.
        to_module: the layer that gets them.
        tensor_name: the name of one attribute; by default all of them.

    Returns:
        `to_module`.
    """
    for name in [tensor_name] if tensor_name else list(from_module.parametrizations):
        theirs = from_module.parametrizations[name]
        for parametrization in theirs:
            register_parametrization(to_module, name, parametrization, unsafe=True)
        ours = to_module.parametrizations[name]._parameters
        for own, other in zip(ours.values(), theirs._parameters.values(), strict=True):
            own.data = other.numpy().copy()
    return to_module
