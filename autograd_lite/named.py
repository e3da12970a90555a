"""What a command line names: an object as `module:name` or `file.py:name`, and the arguments of a call."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .errors import AutogradLiteError, OptionError
from .shadows import shadow_of

__all__ = ["named", "numbers"]


def named(text: str) -> Any:
    """The object that a text names; its module is imported, or its file is run.

    Args:
        text: `module:name` or `path/to/file.py:name`; a name may have dots: `shapes:Circle.area`.

    Raises:
        OptionError: the text has another form, there is no such module, file or name, or the import fails.

    Example:
        >>> named("math:pi")
        3.141592653589793
    """
    place, colon, name = text.rpartition(":")
    if not (colon and place and name):
        raise OptionError(f"{text!r} names no object: write module:name or file.py:name, e.g. model.py:net")
    found = _file(place) if place.endswith(".py") else _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            raise OptionError(f"{place} has no {part}; it has {_names(found)}")
        found = getattr(found, part)
    return found


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise OptionError(f"{name} cannot be imported: {error}") from error
        raise OptionError(
            f"there is no module {name}; for a file write its path: {name.replace('.', '/')}.py:..."
        ) from error


def _file(path: str) -> Any:
    """The module of a file; files beside the file can be imported by it."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None or not Path(path).is_file():
        raise OptionError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(path).resolve().parent))
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (AttributeError, ImportError, SyntaxError) as error:
        shadow = shadow_of("nn") or shadow_of("visualize")
        if isinstance(error, AutogradLiteError) or (isinstance(error, AttributeError) and shadow is None):
            raise
        raise OptionError(f"{path} cannot be run: {error}" + (f"; {shadow}" if shadow else "")) from error
    return module


def _names(found: Any) -> str:
    names = [name for name in vars(found) if not name.startswith("_")]
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "no names"


def numbers(text: str) -> tuple[Any, ...]:
    """Arguments written as on a command line: numbers, and lists that become arrays.

    Raises:
        OptionError: the text holds something else.

    Example:
        >>> numbers("1.0,[2,3]")
        (1.0, array([2., 3.]))
    """
    try:
        values = ast.literal_eval(f"({text},)")
        return tuple(float(v) if np.ndim(v) == 0 else np.array(v, dtype=float) for v in values)
    except (ValueError, SyntaxError, TypeError) as error:
        raise OptionError(
            f'{text!r} is no list of arguments: write numbers and lists of numbers, "1.0,[2.0,3.0]"'
        ) from error
