"""Draw a model, a function or a recorded result: `python -m visualize model.py:net`."""

from __future__ import annotations

import argparse
import inspect
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.errors import AutogradLiteError, OptionError, UnsupportedError
from autograd_lite.named import named, numbers

from .graph import Graph, draw
from .writers import STYLES


def picture(found: Any, inputs: tuple[Any, ...], style: str | None) -> Graph:
    """The picture of what a command line names; a model without an input gets the slides' neurons."""
    if isinstance(found, type) and _is_model(found):
        found = found()
    if callable(found) and not inputs and not _is_model(found):
        parameters = inspect.signature(found).parameters.values()
        inputs = tuple(p.default for p in parameters if p.default is not p.empty)
        if not inputs:
            found = found()  # a function that makes a model or a result
            return picture(found, inputs, style) if not callable(found) or _is_model(found) else draw(found)
    if style is None:
        style = ("model" if inputs else "neurons") if _is_model(found) else "lecture"
    try:
        return draw(found, *inputs, style=style)
    except UnsupportedError as error:
        raise OptionError(
            f"{error}; from the command line: --shape 1,3,32,32 for an input of zeros"
        ) from error


def _is_model(x: Any) -> bool:
    return hasattr(x, "named_parameters")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and write the picture; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m visualize", description=__doc__)
    parser.add_argument("object", help="file.py:name or module:name of a model, a function or a Tensor")
    parser.add_argument("--at", help='arguments of the function or model, "1.0,[2.0,3.0]"')
    parser.add_argument("--shape", action="append", help="the shape of an input of zeros, 1,3,32,32; repeat")
    parser.add_argument("--style", choices=sorted(STYLES), help="of the picture; chosen by the object")
    parser.add_argument("--out", type=Path, help="the file; its ending names the format (NAME.html)")
    parser.add_argument("--no-browser", action="store_true", help="write the file and open nothing")
    options = parser.parse_args(arguments)
    try:
        inputs = numbers(options.at) if options.at else ()
        shapes = [tuple(int(n) for n in numbers(shape)) for shape in options.shape or ()]
        inputs += tuple(np.zeros(shape, np.float32) for shape in shapes)
        out = options.out or Path(options.object.rpartition(":")[2] + ".html")
        path = picture(named(options.object), inputs, options.style).save(out)
    except (AutogradLiteError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(path)
    if path.suffix == ".html" and not options.no_browser:
        webbrowser.open(path.resolve().as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
