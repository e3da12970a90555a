"""Modules of `nn` under PyTorch's names: the same functions, with PyTorch's Tensors as results."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from .tensors import torched

__all__ = ["mirror", "torching"]


def torching(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `nn` whose results are PyTorch's Tensors."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        return torched(function(*args, **options))

    return call


def mirror(
    name: str,
    source: ModuleType,
    convert: Callable[[Any], Any] | None = None,
    wrap: Callable[[Callable[..., Any]], Callable[..., Any]] = torching,
    **own: Any,
) -> ModuleType:
    """A module with the names of another one; its functions return PyTorch's Tensors.

    Args:
        name: the path of the new module, e.g. "nn.torch.nn.functional"; it can be imported from then on.
        source: the module that has the functions.
        convert: what becomes of a value that is no function; unchanged by default.
        wrap: what becomes of a function.
        own: names that the new module has itself.
    """
    module = ModuleType(name, source.__doc__)

    def find(key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        value = getattr(source, key)
        if isinstance(value, ModuleType):
            path = f"{name}.{key}"
            value = sys.modules.get(path) or mirror(path, value, convert, wrap)
        elif inspect.isfunction(value) or inspect.isbuiltin(value):
            value = wrap(value)
        elif convert is not None:
            value = convert(value)
        setattr(module, key, value)
        return value

    module.__dict__.update(own, __getattr__=find, __dir__=lambda: sorted({*dir(source), *own}), __path__=[])
    if hasattr(source, "__all__"):
        module.__dict__["__all__"] = sorted({*source.__all__, *own})
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], last, module)
    return module
