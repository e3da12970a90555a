"""Docstrings of layers that are made of functions: what an option does is written once, at the function."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["described"]

SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Source", "Example")
"""The sections of a docstring, in their order."""


def described(doc: str, function: Callable[..., Any], options: Iterable[str]) -> str:
    """The docstring of a layer: what it leaves out comes from the docstring of its function.

    These are the arguments that are options of the layer, the errors, and the source.

    Args:
        doc: the docstring of the layer.
        function: what the layer calls.
        options: the names of the layer's options.

    Example:
        >>> def scale(input, factor=1.0):
        ...     '''Multiply.
        ...
        ...     Args:
        ...         input: of any shape.
        ...         factor: multiplies each entry.
        ...     '''
        >>> print(described("Multiplies each entry.", scale, ["factor"]))
        Multiplies each entry.
        <BLANKLINE>
        Args:
            factor: multiplies each entry.
    """
    own, others = _sections(doc), _sections(function.__doc__ or "")
    entries = re.findall(r"^( +(\w+):.*(?:\n {5,}.*)*)", others.get("Args", ""), re.MULTILINE)
    wanted = [text for option in options for text, name in entries if name == option]
    taken = {"Args": "\n".join(wanted), "Raises": others.get("Raises"), "Source": others.get("Source")}
    found = {name: own.get(name) or taken.get(name) for name in SECTIONS}
    head = [own[""]]
    if getattr(function, "__module__", "").startswith("nn.functional"):
        head.append(f"See `nn.functional.{function.__name__}`.")
    return "\n\n".join([*head, *(f"{name}:\n{text}" for name, text in found.items() if text)])


def _sections(doc: str) -> dict[str, str]:
    """The text of each section by its name; what stands before all sections has the name ""."""
    head, *rest = re.split(rf"^({'|'.join(SECTIONS)}):\n", inspect.cleandoc(doc), flags=re.MULTILINE)
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return {"": head.rstrip(), **{name: text.rstrip() for name, text in pairs}}
