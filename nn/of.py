"""`Of`: a layer made of a function. The options of the function are the fields of the layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, dataclass_transform

from .descriptions import described
from .fields import constructor, declared
from .module import Module

__all__ = ["Of"]


@dataclass_transform()
class Of(Module):
    """A layer made of a function: the fields of the class are the options of the function.

    The fields give the layer its constructor, its signature and its repr. The docstring of the function
    describes them. A function with an argument `training` gets the mode of the layer.

    Example:
        >>> import numpy as np, nn
        >>> class Scale(nn.of.Of):
        ...     function = lambda input, factor=1.0: input * factor
        ...     factor: float = 1.0
        >>> Scale(factor=2.0), Scale(2.0)(np.ones(2)).tolist()
        (Scale(factor=2.0), [2.0, 2.0])
    """

    function: ClassVar[Callable[..., Any]]
    shown: ClassVar[tuple[str, ...] | None] = None
    """The options in the repr; by default all, but `inplace` only if it is True."""
    _fields: ClassVar[tuple[inspect.Parameter, ...]] = ()
    _trains: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        inherited, cls._fields = cls._fields, declared(cls, cls._fields)
        made = cls._fields != inherited or cls.__init__ is Module.__init__
        if made and "__init__" not in vars(cls):
            cls.__init__ = constructor(cls._fields, _begin)  # type: ignore[method-assign]
        if "function" in vars(cls) and "forward" not in vars(cls):
            takes, fields = _parameters(cls.function), {field.name for field in cls._fields}
            cls._trains = "training" in takes
            inputs = [name for name, p in takes.items() if p.default is p.empty and name not in fields]
            cls.forward = _forward(inputs)  # type: ignore[method-assign]
        if "function" in vars(cls) and cls.__doc__:  # Python -OO has no docstrings
            cls.__doc__ = described(cls.__doc__, cls.function, [field.name for field in cls._fields])

    def check(self) -> None:
        """Refuse invalid options at once, and store arrays as buffers."""

    def options(self) -> dict[str, Any]:
        """The options that the function is called with."""
        options = {field.name: getattr(self, field.name) for field in self._fields}
        return {**options, "training": self.training} if self._trains else options

    def compute(self, *inputs: Any, **named: Any) -> Any:
        """Call the function with the options."""
        return type(self).function(*inputs, **named, **self.options())

    def extra_repr(self) -> str:
        """The options as text."""
        names = [field.name for field in self._fields] if self.shown is None else self.shown
        options = ((name, getattr(self, name)) for name in names)
        return ", ".join(f"{name}={value!r}" for name, value in options if name != "inplace" or value)


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # a ufunc of NumPy 2.0
        return {"input": inspect.Parameter("input", _BY_PLACE)}


_BY_PLACE = inspect.Parameter.POSITIONAL_OR_KEYWORD
_SELF = inspect.Parameter("self", _BY_PLACE)


def _begin(layer: Of, options: Mapping[str, Any]) -> None:
    """Store the options in a new layer."""
    for name, value in options.items():
        setattr(layer, name, value)
    layer.check()


def _forward(inputs: list[str]) -> Callable[..., Any]:
    """A `forward` that calls the function of the layer with its options."""

    def forward(self: Of, *inputs: Any, **named: Any) -> Any:
        return self.compute(*inputs, **named)

    parameters = [_SELF, *(inspect.Parameter(name, _BY_PLACE) for name in inputs)]
    forward.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return forward
