"""Files of a user that stand in the way of the packages `nn` and `visualize`."""

from __future__ import annotations

import os
from importlib.util import find_spec

from .errors import MissingPackageError

__all__ = ["require_own", "shadow_of"]


def shadow_of(name: str) -> str | None:
    """What to do about a file that `import name` finds in place of our package; None if there is none.

    Python looks for modules in the folder of the program first. So a file nn.py beside a program hides the
    package nn.

    >>> shadow_of("nn") is None
    True
    """
    from pathlib import Path  # imported when it is used: `import autograd_lite` needs no paths

    spec = find_spec(name)
    if spec is None:
        return None
    home = Path(__file__).resolve().parents[1]  # the folder that has all of our packages
    found = Path(spec.origin or next(iter(spec.submodule_search_locations or [name])))
    if found.resolve().parent.parent == home and found.name == "__init__.py":
        return None
    file = found.parent if found.name == "__init__.py" else found
    shown = os.path.join(".", file.name) if file.resolve().parent == Path.cwd() else str(file)
    return (
        f"{shown} shadows the package {name} of autograd-lite: `import {name}` finds this file first; "
        f"give it another name, e.g. my_{name}.py, or run the program from another folder"
    )


def require_own(name: str) -> None:
    """Raise MissingPackageError if `import name` would not find our package."""
    if problem := shadow_of(name):
        raise MissingPackageError(problem)
    if find_spec(name) is None:
        raise MissingPackageError(
            f"the package {name} of autograd-lite is not here; install autograd-lite again"
        )
