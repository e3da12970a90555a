"""The stubs in `autograd_lite/listed`: a signature for each function that the package takes from NumPy.

`python -m tests.listed` writes them anew.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.known import Rule, known, numpy_names

FOLDER = Path(ag.__file__).parent / "listed"
OURS = ("erf", "log_softmax", "logsumexp", "relu", "sigmoid", "softmax", "softplus")

HEAD = '''"""Signatures of {what} for checkers and completion; `python -m tests.listed` writes this file."""

{imports}
'''
ONLY = inspect.Parameter.POSITIONAL_ONLY
OPTIONS = inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)
IMPORTS = "from typing import Any{overload}\n{names}"


def of_module(module: Any) -> dict[str, Any]:
    """The functions of a namespace of NumPy, by name."""
    return {name: f for name in module.__all__ if not isinstance(f := getattr(module, name), type)}


def tables() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """By file: what is in it, and the functions by name."""
    own = {name: getattr(ag, name) for name in OURS}
    return {
        "__init__": ("ops", numpy_names() | own),
        "linalg": ("np.linalg", of_module(np.linalg)),
        "fft": ("np.fft", of_module(np.fft)),
    }


def text(what: str, functions: Mapping[str, Any]) -> str:
    """The text of one stub."""
    lines = [line for name in sorted(functions) for line in stub(name, functions[name])]
    several = any(line == "@overload" for line in lines)
    names = "\nfrom ..tensor import Tensor\n" if several else ""
    imports = IMPORTS.format(overload=", overload" * several, names=names)
    return HEAD.format(what=what, imports=imports) + "\n".join(lines) + "\n"


def stub(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """The lines of one function: a Tensor in one of the places of a ufunc with a rule gives a Tensor."""
    if isinstance(function, np.ufunc):  # the options are the same for all: written out they would take pages
        arguments = ["x"] if function.nin == 1 else [f"x{i + 1}" for i in range(function.nin)]
        places = [inspect.Parameter(each, ONLY) for each in arguments] + [OPTIONS]
    else:
        places = list(inspect.signature(function).parameters.values())
    single = name in OURS or (
        isinstance(function, np.ufunc) and function.nout == 1 and isinstance(known.get(function), Rule)
    )
    for tensor in range(getattr(function, "nin", 1) if single else 0):
        yield "@overload"
        yield f"def {name}({parameters(places, tensor)}) -> Tensor: ..."
    if single:
        yield "@overload"
    yield f"def {name}({parameters(places, None)}) -> Any: ..."


def parameters(places: list[inspect.Parameter], tensor: int | None) -> str:
    """Parameters as the stub writes them; the one at the index `tensor` is a Tensor."""
    written, kinds = [], inspect.Parameter
    for i, place in enumerate(places):
        if place.kind is kinds.KEYWORD_ONLY and not any("*" in part for part in written):
            written.append("*")
        star = {kinds.VAR_POSITIONAL: "*", kinds.VAR_KEYWORD: "**"}.get(place.kind, "")
        default = "" if place.default is place.empty else f" = {shown(place.default)}"
        written.append(f"{star}{place.name}: {'Tensor' if i == tensor else 'Any'}{default}")
        only = place.kind is kinds.POSITIONAL_ONLY
        if only and (i + 1 == len(places) or places[i + 1].kind is not kinds.POSITIONAL_ONLY):
            written.append("/")
    return ", ".join(written)


def shown(default: Any) -> str:
    """A default as a stub writes it: a plain value, else dots."""
    plain = default is None or isinstance(default, (bool, int, float, str))
    return repr(default).replace("'", '"') if plain else "..."


def main() -> None:
    for file, (what, functions) in tables().items():
        (FOLDER / f"{file}.pyi").write_text(text(what, functions), encoding="utf-8")


if __name__ == "__main__":
    main()
