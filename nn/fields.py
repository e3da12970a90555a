"""Options as the fields of a class: each option is declared once, with name, type and default."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY
from typing import Any

__all__ = ["constructor", "declared"]

_BY_PLACE, _BY_NAME = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
_SELF = inspect.Parameter("self", _BY_PLACE)


def declared(cls: type, inherited: Iterable[inspect.Parameter] = ()) -> tuple[inspect.Parameter, ...]:
    """The options of a class: the inherited options, then its own fields with their defaults.

    Fields below `_: KW_ONLY` are keyword arguments. The defaults are removed from the class, because
    the values belong to its objects.

    Args:
        cls: the class. Its annotated names are fields, except those of type `ClassVar`.
        inherited: the options of the base class; a field of the same name replaces an inherited option.

    Example:
        >>> class Scale:
        ...     factor: float = 1.0
        >>> [(option.name, option.default) for option in declared(Scale)]
        [('factor', 1.0)]
    """
    options = {option.name: option for option in inherited}
    by_name = False
    for name, annotation in inspect.get_annotations(cls).items():
        if annotation is KW_ONLY or annotation == "KW_ONLY":
            by_name = True
        elif not str(annotation).startswith(("ClassVar", "typing.ClassVar")):
            default = vars(cls).get(name, inspect.Parameter.empty)
            if name in vars(cls):
                delattr(cls, name)
            kind = options[name].kind if name in options else _BY_NAME if by_name else _BY_PLACE
            options[name] = inspect.Parameter(name, kind, default=default, annotation=annotation)
    return tuple(sorted(options.values(), key=lambda option: option.kind))


def constructor(
    options: Iterable[inspect.Parameter], begin: Callable[[Any, Mapping[str, Any]], None]
) -> Callable[..., None]:
    """An `__init__` with options as its arguments.

    Args:
        options: the arguments.
        begin: a function that is called with the new object and its options by name.
    """
    options = tuple(options)
    signature = inspect.Signature([_SELF, *options])

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}{inspect.Signature(options)}: {error}") from None
        bound.apply_defaults()
        begin(self, dict(list(bound.arguments.items())[1:]))

    init.__name__, init.__signature__ = "__init__", signature  # type: ignore[attr-defined]
    return init
