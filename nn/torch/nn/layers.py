"""PyTorch's layers: those of `nn`, with PyTorch's Tensors as parameters, buffers and results."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np

import nn

from ..dtypes import of
from ..mirror import torching
from ..tensors import Tensor, made, torched, torching_arguments

__all__ = ["Buffer", "Module", "Parameter", "UninitializedParameter", "adopt", "twin_of"]


class Parameter(Tensor, nn.Parameter, makes=Tensor):  # type: ignore[misc]
    """A Tensor that a module learns; see `nn.Parameter`.

    Args:
        data: a Tensor or an array, which is copied; None for no entries.
        requires_grad: False freezes the parameter.
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True, name: str | None = None) -> None:
        array = np.zeros(0, np.float32) if data is None else torched(data).detach().numpy()
        nn.Parameter.__init__(self, array, requires_grad, name)

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"Parameter containing:\n{Tensor.__repr__(self)}"


class UninitializedParameter(nn.UninitializedParameter, Parameter, makes=Tensor):  # type: ignore[misc]
    """A parameter without a shape yet; see `nn.UninitializedParameter`."""

    __slots__ = ()
    becomes = Parameter


_PARAMETERS = {nn.Parameter: Parameter, nn.UninitializedParameter: UninitializedParameter}
"""PyTorch's classes of parameters."""


def Buffer(data: Any = None, *, persistent: bool = True) -> Any:  # noqa: N802  (PyTorch's name)
    """A Tensor for `register_buffer`."""
    return torched(np.zeros(0, np.float32) if data is None else data)


class _Made(type(nn.Module)):  # type: ignore[misc]
    """The class of module classes: a new module gets PyTorch's Tensors."""

    def __call__(cls, *args: Any, **options: Any) -> Any:
        device, dtype = options.get("device"), options.get("dtype")
        if device is not None or dtype is not None:
            known = _keywords(cls)
            for key in {"device", "dtype"} - known & options.keys():
                del options[key]
            if dtype is not None and "dtype" in known:
                options["dtype"] = of(dtype).dtype
        module = super().__call__(*args, **options)
        adopt(module)
        if dtype is not None and "dtype" not in options:
            module.to(of(dtype))
        return module


@functools.cache
def _keywords(cls: Any) -> frozenset[str]:
    """The keywords of a class; all that matter if it takes any."""
    parameters = inspect.signature(cls.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return frozenset(parameters) | {"dtype", "device"}
    return frozenset(parameters)


class Module(nn.Module, metaclass=_Made):
    """Base class of layers and models: subclass it, set layers as attributes, define `forward`.

    Example:
        >>> import nn.torch as torch
        >>> layer = torch.nn.Linear(3, 2)
        >>> type(layer.weight).__name__, layer.weight.dtype, layer(torch.ones(1, 3)).shape
        ('Parameter', torch.float32, torch.Size([1, 2]))
    """

    def __getattr__(self, name: str) -> Any:
        buffers = self.__dict__.get("_buffers", ())
        if name in buffers:
            return _shared(buffers[name])
        return super().__getattr__(name)

    def named_buffers(self, *args: Any, **options: Any) -> Any:
        """The buffers with their paths."""
        return ((path, _shared(buffer)) for path, buffer in super().named_buffers(*args, **options))

    def buffers(self, recurse: bool = True) -> Any:
        """The buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def register_full_backward_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(module, grad_input, grad_output)` after the gradients of the inputs."""
        return super().register_full_backward_hook(torching_arguments(hook), prepend)

    def register_full_backward_pre_hook(self, hook: Any, prepend: bool = False) -> Any:
        """Call `hook(module, grad_output)` before the gradients of the inputs."""
        return super().register_full_backward_pre_hook(torching_arguments(hook), prepend)

    register_backward_hook = register_full_backward_hook

    def state_dict(self, *args: Any, **options: Any) -> Any:
        """All parameters and persistent buffers, by path, as Tensors that share their memory."""
        return torched(super().state_dict(*args, **options))

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, True)
        if not keep_vars:
            for name in self._entries():
                destination[prefix + name] = _shared(destination[prefix + name]).detach()


def _shared(buffer: Any) -> Any:
    """A buffer as a Tensor that shares its memory."""
    return buffer if buffer is None or isinstance(buffer, Tensor) else made(buffer)


def adopt(module: Any) -> None:
    """Turn the parameters of a module, and the layers in it, into PyTorch's."""
    for layer in module.modules():
        if not isinstance(layer, Module) and (twin := twin_of(type(layer))) is not type(layer):
            layer.__class__ = twin
        for p in layer._parameters.values():
            if type(p) in _PARAMETERS:
                p.__class__ = _PARAMETERS[type(p)]


def twin_of(cls: Any) -> Any:
    """PyTorch's class of a layer or of a parameter of `nn`; anything else is returned unchanged."""
    if not inspect.isclass(cls) or cls in _PARAMETERS:
        return _PARAMETERS.get(cls, cls)
    if cls not in _twins:
        _twins[cls] = _made(cls)
    return _twins[cls]


_twins: dict[Any, Any] = {}


def _made(cls: Any) -> Any:
    if cls is nn.Module:
        return Module
    if issubclass(cls, Module) or not issubclass(cls, nn.Module) or not cls.__module__.startswith("nn."):
        return cls
    bases = [twin_of(base) for base in cls.__bases__ if issubclass(base, nn.Module)]
    space: dict[str, Any] = {
        "__module__": "nn.torch.nn",
        "__doc__": cls.__doc__,
        "__call__": _call,
        "__qualname__": cls.__name__,
    }
    shown = {name: f for name, f in vars(cls).items() if isinstance(f, staticmethod) and name[0] != "_"}
    if becomes := getattr(cls, "becomes", None):  # a lazy layer
        space["becomes"] = twin_of(becomes)
    space |= {name: staticmethod(torching(f.__func__)) for name, f in shown.items()}
    return _Made(cls.__name__, (cls, *bases), space)


def _call(self: Any, *args: Any, **options: Any) -> Any:
    """Call the layer; the results are PyTorch's Tensors."""
    result = nn.Module.__call__(self, *args, **options)
    return result if result.__class__ is Tensor else torched(result)
