"""Differentiation of NumPy code, from the command line."""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .config import config, show_config
from .errors import AutogradLiteError, OptionError
from .named import named, numbers
from .shadows import require_own
from .tensor import Tensor
from .testing import check_grads
from .transforms import value_and_grad

START = """

  python -m autograd_lite demo                    one neuron with its gradients, as a page in the browser
  python -m autograd_lite check loss.py:f         are the derivatives of f right?
  python -m autograd_lite config                  versions, BLAS, threads and native kernels
  python -m visualize model.py:net                the picture of a model or function
  python -m visualize.playground                  a small network that learns, in the browser"""


def demo(out: Path, browser: bool) -> None:
    """Write the page of one neuron, and open the page."""
    require_own("visualize")
    visualize = importlib.import_module("visualize")
    names = {"w1": 2.0, "x1": -1.0, "w2": -3.0, "x2": -2.0, "b": -3.0}
    w1, x1, w2, x2, b = leaves = [Tensor(v, requires_grad=True, name=name) for name, v in names.items()]
    f: Any = 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b)))
    f.backward()
    print("f = 1 / (1 + np.exp(-(w1 * x1 + w2 * x2 + b))); f.backward()\n")
    for x in leaves:
        print(f"{x.name:>3} = {x.item():4}   df/d{x.name:<2} = {x.grad:7.4f}")
    path = visualize.draw(f).save(out)
    print(f"\nThe graph with its numbers: {path}")
    if browser:
        webbrowser.open(path.resolve().as_uri())


def check(text: str, at: str | None, order: int) -> None:
    """Compare the derivatives of a function with finite differences."""
    f = named(text)
    if not callable(f):
        raise OptionError(f"{text} is {type(f).__name__}, not a function")
    args = numbers(at) if at is not None else _defaults(f, text)
    try:
        inspect.signature(f).bind(*args)
    except TypeError as error:
        raise OptionError(
            f'{text} does not take {len(args)} arguments ({error}); one array is written --at "[1.0,2.0]"'
        ) from error
    except ValueError:
        pass  # a built-in function that tells no signature
    check_grads(f, args, order)
    value, grads = value_and_grad(lambda *xs: np.sum(f(*xs)), tuple(range(len(args))))(*args)
    orders = {1: "first", 2: "first and second"}.get(order, f"first to {order}th")
    print(f"{text}: the derivatives of {orders} order are right, in reverse and forward mode")
    print(f"  sum of the results: {value}")
    for i, grad in enumerate(grads):
        print(f"  its gradient for argument {i}: {grad}")


def _defaults(f: Any, text: str) -> tuple[Any, ...]:
    """The values that a function has for its arguments."""
    parameters = inspect.signature(f).parameters.values()
    args = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    missing = [p.name for p in args if p.default is p.empty]
    if missing or not args:
        raise OptionError(
            f"{text} has no default for {', '.join(missing) or 'any argument'}; give the arguments: "
            "--at 1.0,2.0"
        )
    return tuple(p.default for p in args)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and do what it says; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m autograd_lite", description=__doc__)
    version = f"autograd-lite {config()['autograd-lite']}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("config", help="print versions, BLAS, threads and native kernels")
    one = commands.add_parser("demo", help="draw one neuron with its gradients, and open the page")
    one.add_argument("--out", type=Path, default=Path("neuron.html"), help="the file (neuron.html)")
    one.add_argument("--no-browser", action="store_true", help="write the file and open nothing")
    one = commands.add_parser("check", help="compare the derivatives of a function with finite differences")
    one.add_argument("function", help="module:function or file.py:function")
    one.add_argument("--at", help='the arguments, "1.0,[2.0,3.0]"; without, the defaults of the function')
    one.add_argument("--order", type=int, default=2, choices=(1, 2, 3), help="the highest order (2)")
    options = parser.parse_args(arguments)
    try:
        if options.command == "config":
            show_config()
        elif options.command == "demo":
            demo(options.out, not options.no_browser)
        elif options.command == "check":
            check(options.function, options.at, options.order)
        else:
            print(version + START)
    except (AutogradLiteError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
