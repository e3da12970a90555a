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

from functools import partial
from typing import Any

from autograd_lite.errors import DataError, ShapeError

from ..arrays import as_array
from ..layers.containers import ModuleDict, ModuleList
from ..module import Module, Parameter
from .computed import check_parameter, compute, settle

__all__ = [
    "ParametrizationList",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
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
    inverse = getattr(parametrization, "right_inverse", None)
    originals = parameter.numpy() if inverse is None else inverse(parameter.numpy())
    parts = ParametrizationList([parametrization])
    if isinstance(originals, tuple):
        for i, original in enumerate(originals):
            parts.register_parameter(f"original{i}", Parameter(original))
    else:
        parts.original = Parameter(originals)
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
    compute(module, tensor_name, partial(_parametrized, name=tensor_name), {_path(tensor_name): parts})
    return module


def _path(name: str) -> str:
    return f"parametrizations.{name}"


def _parametrized(module: Module, name: str) -> Any:
    return module.parametrizations[name]()


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a parameter of the layer is parametrized; without a name, whether any is."""
    parts = module._modules.get("parametrizations")
    return isinstance(parts, ModuleDict) and (len(parts) > 0 if tensor_name is None else tensor_name in parts)


def remove_parametrizations(module: Module, tensor_name: str) -> Module:
    """Make a parametrized attribute a parameter again, with its current value.

    Raises:
        DataError: the attribute is not parametrized.
    """
    if not is_parametrized(module, tensor_name):
        raise DataError(f"{type(module).__name__}.{tensor_name} is not parametrized")
    settle(module, tensor_name)
    if not len(module.parametrizations):
        del module.parametrizations
    return module
