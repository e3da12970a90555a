"""Containers of layers and of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autograd_lite.errors import IndexingError

from ..module import Module, Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


class ModuleList(Module):
    """A list of layers, for a `forward` that calls them itself. Their parameters belong to the model.

    Args:
        modules: the layers.

    Raises:
        DTypeError: an entry is not a Module.

    Example:
        >>> import nn
        >>> layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        >>> len(layers), len(list(layers.parameters()))
        (3, 6)
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        for module in modules:
            self.append(module)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "a ModuleList only holds layers: call each of them in your forward, or use nn.Sequential(*layers)"
        )

    def append(self, module: Module) -> Self:
        """Add a layer at the end."""
        self.register_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several layers at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Insert a layer before the one at an index."""
        layers = list(self)
        layers.insert(index, module)
        self._modules.clear()
        self.extend(layers)

    def __setitem__(self, index: int, module: Module) -> None:
        name = self.named_layers()[index][0]
        setattr(self, name, module)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return ModuleList(list(self)[index])
        try:
            return list(self)[index]
        except IndexError:
            raise IndexingError(
                f"model[{index}]: this {type(self).__name__} has {len(self)} layers, 0 to {len(self) - 1}"
            ) from None

    def named_layers(self) -> list[tuple[str, Module]]:
        """The layers with their names, in order. A layer with two names comes twice."""
        return [(name, module) for name, module in self._modules.items() if module is not None]

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_layers())

    def __len__(self) -> int:
        return len(self._modules)


class Sequential(ModuleList):
    """A chain of layers: the output of each is the input of the next.

    Args:
        args: the layers, or one dict of layers by name.

    Raises:
        DTypeError: an argument is not a Module.

    Example:
        >>> import nn
        >>> model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
        >>> model[-1]
        Linear(in_features=32, out_features=10, bias=True)
        >>> len(model[:2])
        2
    """

    def __init__(self, *args: Module | Mapping[str, Module]) -> None:
        named = args[0] if len(args) == 1 and isinstance(args[0], Mapping) else dict(enumerate(args))
        for name, module in named.items():
            self.register_module(str(name), module)  # type: ignore[arg-type]

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return Sequential(dict(self.named_layers()[index]))
        return super().__getitem__(index)


class ModuleDict(Module):
    """A dict of layers. Their parameters belong to the model.

    Args:
        modules: the layers by name.

    Example:
        >>> import nn
        >>> heads = nn.ModuleDict({"colour": nn.Linear(8, 3), "shape": nn.Linear(8, 5)})
        >>> sorted(heads), heads["shape"]
        (['colour', 'shape'], Linear(in_features=8, out_features=5, bias=True))
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add layers, or replace those of the same names."""
        for name, module in modules.items():
            self[name] = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a ModuleDict only holds layers: call one by its name in your forward")

    def __getitem__(self, name: str) -> Module:
        module: Module = _found(self, self._modules, name)
        return module

    def __setitem__(self, name: str, module: Module) -> None:
        self._modules.pop(name, None)
        self.register_module(name, module)

    def __delitem__(self, name: str) -> None:
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Module | None]:
        """The layers."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Module | None]]:
        """Names and layers."""
        return self._modules.items()


class ParameterList(Module):
    """A list of parameters, which belong to the model.

    Args:
        values: Tensors or arrays, which become parameters.

    Example:
        >>> import numpy as np, nn
        >>> weights = nn.ParameterList([np.zeros(2), np.ones(3)])
        >>> [name for name, p in weights.named_parameters()]
        ['0', '1']
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a parameter at the end."""
        self.register_parameter(str(len(self)), value if isinstance(value, Parameter) else Parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several parameters at the end."""
        for value in list(values):
            self.append(value)
        return self

    def __getitem__(self, index: int) -> Any:
        return list(self._parameters.values())[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._parameters.values()))

    def __len__(self) -> int:
        return len(self._parameters)


class ParameterDict(Module):
    """A dict of parameters, which belong to the model.

    Args:
        parameters: Tensors or arrays by name, which become parameters.

    Example:
        >>> import numpy as np, nn
        >>> nn.ParameterDict({"scale": np.ones(2)})["scale"].requires_grad
        True
    """

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        for name, value in (parameters or {}).items():
            self[name] = value

    def __getitem__(self, name: str) -> Any:
        return _found(self, self._parameters, name)

    def __setitem__(self, name: str, value: Any) -> None:
        self._parameters.pop(name, None)
        self.register_parameter(name, value if isinstance(value, Parameter) else Parameter(value))

    def __contains__(self, name: object) -> bool:
        return name in self._parameters

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)


def _found(module: Module, register: Mapping[str, Any], name: str) -> Any:
    if name not in register:
        known = ", ".join(register) or "nothing"
        raise IndexingError(f"{type(module).__name__} has no {name!r}; it has {known}")
    return register[name]
