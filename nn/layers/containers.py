"""Containers of layers and of parameters."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from autograd_lite import Tensor
from autograd_lite.arrays import is_array
from autograd_lite.errors import DataError, IndexingError, OptionError

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

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        self.extend(modules or ())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "a ModuleList only holds layers: call each of them in your forward, or use nn.Sequential(*layers)"
        )

    # -- changes -----------------------------------------------------------------------------------

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
        self._renew(layers)

    def pop(self, index: int = -1) -> Module:
        """Remove a layer and return it."""
        module = self[index]
        del self[index]
        return module

    def __setitem__(self, index: int, module: Module) -> None:
        self[index]  # an index out of range is refused
        setattr(self, self.named_layers()[index][0], module)

    def __delitem__(self, index: int | slice) -> None:
        self[index]
        layers = list(self)
        del layers[index]
        self._renew(layers)

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, modules: Iterable[Module]) -> Self:
        return self._made([*self, *modules])

    def _renew(self, layers: list[Module]) -> None:
        """Hold these layers, numbered from 0."""
        self._modules.clear()
        self.extend(layers)

    # -- reads -------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return self._made(list(self)[index])
        try:
            return list(self)[operator.index(index)]
        except IndexError:
            raise IndexingError(
                f"model[{index}]: this {type(self).__name__} has {len(self)} layers, 0 to {len(self) - 1}"
            ) from None

    def _made(self, layers: list[Module]) -> Self:
        """A new container of the same kind; a class with its own constructor is left out."""
        made: Self = _plain(self, ModuleList)(layers)
        return made

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
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            made: Self = _plain(self, Sequential)(dict(self.named_layers()[index]))
            return made
        return super().__getitem__(index)

    def _made(self, layers: list[Module]) -> Self:
        made: Self = _plain(self, Sequential)(*layers)
        return made

    def __mul__(self, times: int) -> Self:
        if not isinstance(times, int) or times < 1:
            raise OptionError(f"Sequential * {times!r}: expected an int of at least 1")
        return self._made(list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self * times)[len(self) :])


def _plain(container: Any, kind: type[Module]) -> Any:
    """The first class of a container that has the constructor of its kind."""
    return next(c for c in type(container).__mro__ if c.__init__ is kind.__init__)  # type: ignore[misc]


class _Named(Module):
    """What dicts of layers and of parameters share: names, which may be those of methods."""

    def _check_name(self, name: str, register: dict[str, Any]) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise DataError(f"{name!r} cannot be a name in a module: expected a string without dots")

    def _register(self) -> dict[str, Any]:
        """The dict that holds the entries."""
        raise NotImplementedError

    def __getitem__(self, name: str) -> Any:
        register = self._register()
        if name not in register:
            known = ", ".join(register) or "nothing"
            raise IndexingError(f"{type(self).__name__} has no {name!r}; it has {known}")
        return register[name]

    def __setitem__(self, name: str, value: Any) -> None:
        raise NotImplementedError

    def __delitem__(self, name: str) -> None:
        self[name]
        del self._register()[name]

    def pop(self, key: str, *default: Any) -> Any:
        """Remove an entry and return it; without the entry, return the default if there is one."""
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def clear(self) -> None:
        """Remove all entries."""
        self._register().clear()

    def update(self, entries: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add entries of a dict or of pairs, or replace those of the same names."""
        pairs = entries.items() if hasattr(entries, "items") else entries
        for name, value in list(pairs):
            self[name] = value

    def __contains__(self, name: object) -> bool:
        return name in self._register()

    def __iter__(self) -> Iterator[str]:
        return iter(self._register())

    def __len__(self) -> int:
        return len(self._register())

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._register().keys()

    def values(self) -> Iterable[Any]:
        """The entries."""
        return self._register().values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and entries."""
        return self._register().items()


class ModuleDict(_Named):
    """A dict of layers. Their parameters belong to the model.

    Args:
        modules: the layers by name, a dict or pairs.

    Example:
        >>> import nn
        >>> heads = nn.ModuleDict({"colour": nn.Linear(8, 3), "shape": nn.Linear(8, 5)})
        >>> sorted(heads), heads["shape"]
        (['colour', 'shape'], Linear(in_features=8, out_features=5, bias=True))
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        self.update(modules or {})

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a ModuleDict only holds layers: call one by its name in your forward")

    def _register(self) -> dict[str, Any]:
        return self._modules

    def __setitem__(self, name: str, module: Module) -> None:
        self.register_module(name, module)


class ParameterList(Module):
    """A list of parameters, which belong to the model.

    Args:
        values: Tensors or arrays, which become parameters. Other objects stay what they are, and are not
            learned.

    Example:
        >>> import numpy as np, nn
        >>> weights = nn.ParameterList([np.zeros(2), np.ones(3)])
        >>> [name for name, p in weights.named_parameters()]
        ['0', '1']
    """

    _others: dict[str, Any]

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        self.__dict__["_others"] = {}
        self.extend(values or ())

    def append(self, value: Any) -> Self:
        """Add a parameter at the end."""
        _put(self, str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several parameters at the end."""
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def __setitem__(self, index: int, value: Any) -> None:
        _put(self, str(range(len(self))[index]), value)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return _plain(self, ParameterList)(list(self)[index])
        return list(self)[operator.index(index)]

    def __iter__(self) -> Iterator[Any]:
        return (_read(self, str(i)) for i in range(len(self)))

    def __len__(self) -> int:
        return len(self._parameters) + len(self._others)

    def extra_repr(self) -> str:
        """The shapes of the parameters."""
        return _shapes(enumerate(self))


class ParameterDict(_Named):
    """A dict of parameters, which belong to the model.

    Args:
        parameters: Tensors or arrays by name, which become parameters. Other objects stay what they are, and
            are not learned.

    Example:
        >>> import numpy as np, nn
        >>> nn.ParameterDict({"scale": np.ones(2)})["scale"].requires_grad
        True
    """

    _others: dict[str, Any]

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        self.__dict__["_others"], self.__dict__["_order"] = {}, {}
        self.update(parameters or {})

    def _register(self) -> dict[str, Any]:
        return {name: _read(self, name) for name in self._order}

    def __setitem__(self, name: str, value: Any) -> None:
        _put(self, name, value)
        self._order[name] = None

    def __delitem__(self, name: str) -> None:
        self[name]
        for own in (self._parameters, self._others, self._order):
            own.pop(name, None)

    def update(self, entries: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add entries of a dict or of pairs, or replace those of the same names.

        Those of a plain dict are added in the order of their names, as in PyTorch.
        """
        if isinstance(entries, dict) and not isinstance(entries, OrderedDict):
            entries = sorted(entries.items())
        super().update(entries)

    def clear(self) -> None:
        """Remove all entries."""
        for name in list(self):
            del self[name]

    def get(self, key: str, default: Any = None) -> Any:
        """The entry, or the default without one."""
        return self._register().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The entry; without one, the default becomes the entry."""
        if key not in self:
            self[key] = default
        return self[key]

    def popitem(self) -> tuple[str, Any]:
        """Remove the last entry and return its name and value."""
        name = next(reversed(self))
        return name, self.pop(name)

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> Self:
        """A new dict with these names and one value."""
        return type(self)((name, default) for name in keys)

    def copy(self) -> Self:
        """A new dict with the same parameters."""
        return type(self)(self._register().items())

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    def __or__(self, other: Mapping[str, Any]) -> Self:
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: Mapping[str, Any]) -> Self:
        made = type(self)(other)
        made.update(self._register().items())
        return made

    def __ior__(self, other: Mapping[str, Any]) -> Self:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        """The shapes of the parameters."""
        return _shapes(self.items())


def _put(container: Any, name: str, value: Any) -> None:
    """Hold a value in a container of parameters: arrays become parameters."""
    container._parameters.pop(name, None)
    container._others.pop(name, None)
    if isinstance(value, Tensor) or is_array(value):
        container.register_parameter(name, value if isinstance(value, Parameter) else Parameter(value))
    else:
        container._check_name(name, container._others)
        container._others[name] = value


def _read(container: Any, name: str) -> Any:
    own = container._parameters
    return own[name] if name in own else container._others[name]


def _shapes(entries: Iterable[tuple[Any, Any]]) -> str:
    parts = (f"({name}): {getattr(value, 'shape', value)}" for name, value in entries)
    return ", ".join(parts)
