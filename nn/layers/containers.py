"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autograd_lite.errors import IndexingError

from ..module import Module

__all__ = ["ModuleList", "Sequential"]


class ModuleList(Module):
    """A list of layers whose parameters are found, for a `forward` that calls them itself.

    Args:
        modules: the layers.

    Raises:
        DTypeError: one of them is not a Module.

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
        """The layers with their names, in order; one that stands in two places comes twice."""
        return [(name, module) for name, module in self._modules.items() if module is not None]

    def __iter__(self) -> Iterator[Module]:
        return (module for _, module in self.named_layers())

    def __len__(self) -> int:
        return len(self._modules)


class Sequential(ModuleList):
    """Layers one after another: the output of each is the input of the next.

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
