"""How a transformation of functions of one argument becomes one of functions of many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from ..aliases import Function
from ..transforms import are_several

__all__ = ["get_doc", "get_name", "subvals", "unary_to_nary", "wraps"]


def subvals(x: Iterable[Any], ivs: Iterable[tuple[int, Any]]) -> tuple[Any, ...]:
    """The items of x with the items of some indices replaced.

    >>> subvals((1, 2, 3), [(0, 10), (-1, 30)])
    (10, 2, 30)
    """
    items = list(x)
    for i, value in ivs:
        items[i] = value
    return tuple(items)


def get_name(f: Any) -> str:
    """The name of a function."""
    return str(getattr(f, "__name__", "f"))


def get_doc(f: Any) -> str:
    """The docstring of a function."""
    return str(getattr(f, "__doc__", None) or "")


def wraps(fun: Any, namestr: str = "{fun}", docstr: str = "{doc}", **words: Any) -> Callable[[Any], Any]:
    """Name a function after another one: `namestr` and `docstr` are formats."""

    def name(f: Any) -> Any:
        f.__name__ = namestr.format(fun=get_name(fun), **words)
        f.__doc__ = docstr.format(fun=get_name(fun), doc=get_doc(fun), **words)
        return f

    return name


def unary_to_nary(operator: Function) -> Function:
    """An operator on functions of one argument, extended to one argument of many: `argnum`.

    Args:
        operator: `operator(f, x, *options)`, for a function of the argument x alone.

    Returns:
        `extended(f, argnum=0, *options)`, which returns a function of the arguments of f. For a tuple of
        indices, x is the tuple of these arguments.

    Example:
        >>> twice = unary_to_nary(lambda f, x: f(f(x)))
        >>> twice(lambda a, b: a + b, argnum=1)(1, 5)
        7
    """

    @functools.wraps(operator)
    def extended(fun: Function, argnum: Any = 0, *options: Any, **named: Any) -> Function:
        several = are_several(argnum)

        def of_all(*args: Any, **kwargs: Any) -> Any:
            @wraps(fun)
            def of_one(x: Any) -> Any:
                return fun(
                    *subvals(args, zip(argnum, x, strict=True) if several else [(argnum, x)]), **kwargs
                )

            x = tuple(args[i] for i in argnum) if several else args[argnum]
            return operator(of_one, x, *options, **named)

        named_after = wraps(fun, "{op}_of_{fun}_wrt_argnum_{argnum}", op=get_name(operator), argnum=argnum)
        return named_after(of_all)  # type: ignore[no-any-return]

    return extended
