"""`check_grads`, and a decorator that makes pytest tests from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..arrays import refuse_other_arithmetic, to_host
from ..dependence import check_dependence
from ..errors import DTypeError, GradientCheckError, KinkError, OptionError
from ..words.explain import describe
from .blame import culprit
from .comparison import Check, Function, Options
from .directions import Directions
from .report import CheckError, report

__all__ = ["check_grads", "gradient_test"]

__tracebackhide__ = True  # pytest shows the lines of the test, not of this file


def check_grads(
    f: Function,
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("rev", "fwd"),
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    directions: Directions = None,
) -> None:
    """Compare the derivatives of `f` at `args` with finite differences, and with the complex step.

    Args:
        f: a function of arrays, or of nested containers of arrays, that returns arrays or containers of
            them. It is called on Tensors. Integer and boolean arguments are not checked.
        args: a tuple or list of arguments; any other object is the only argument.
        order: the highest order of derivatives to check.
        modes: "rev" (vjp), "fwd" (jvp), or both; for order 2 in all combinations.
        eps: the largest step of the finite differences, relative to the entry if its magnitude is above 1.
            Steps shrink until the result settles. Default: 2^-6.
        atol, rtol: a derivative d passes if it is within atol + rtol |d| of its reference, plus the
            estimated error of the reference. Default of rtol: 1e-6 for float64, 1e-12 with the complex step,
            2e-3 for narrower dtypes. Default of atol: rtol times the largest derivative of the argument.
        directions: "all" checks every entry of each argument, in time proportional to its size. An int
            checks along that many random directions, which move all entries at once, and at as many single
            entries. A direction shows that a derivative is wrong, an entry shows where. Default: "all" for
            arguments of up to 64 entries, 4 for larger ones.

    Raises:
        GradientCheckError: a derivative is wrong. The message names the argument, the index, both
            values, the number of wrong entries, and the op to blame. It is also raised if f does not depend
            on its arguments, since nothing would be checked.
        KinkError: the slopes or the values from the left and from the right differ, so f has no derivative
            at this point; move the inputs.
        DTypeError: no argument is floating-point.

    Example:
        >>> import numpy as np
        >>> check_grads(np.tanh, np.linspace(-1, 1, 5))
    """
    if not isinstance(order, int) or order < 1:
        raise OptionError(
            f"check_grads(f, args, order={describe(order)}): expected an int of at least 1; pass several "
            "arguments in one tuple: check_grads(f, (x, y))"
        )
    options = Options(tuple(modes), eps, atol, rtol, directions)
    check, given = _check_of(f, tuple(args) if isinstance(args, (tuple, list)) else (args,), options)
    check_dependence(check.f, check.points, check.names, given)
    try:
        check.run(order)
    except CheckError as failure:
        kind = KinkError if failure.no_slope else GradientCheckError
        raise kind(report(failure, culprit(check, order, failure.no_slope))) from None


def _check_of(f: Function, args: tuple[Any, ...], options: Options) -> tuple[Check, list[Any]]:
    """The check of f as a function of its floating-point arguments alone, and these arguments as given."""
    leaves, rebuild = tree.flatten(args)
    refuse_other_arithmetic(leaves)
    places = [i for i, x in enumerate(leaves) if to_host(x).dtype.kind in "fc"]
    if not places:
        raise DTypeError(
            f"check_grads: no argument is floating-point ({', '.join(map(describe, leaves))}); "
            "write x.astype(float)"
        )

    def flat(*xs: Any) -> Any:
        changed = list(leaves)
        for i, x in zip(places, xs, strict=True):
            changed[i] = x
        return f(*rebuild(changed))

    names = [f"argument {path[1:].replace(']', '', 1)}" for path in tree.paths(args)]
    given = [leaves[i] for i in places]
    points = [np.array(to_host(x)) for x in given]
    return Check(flat, points, [names[i] for i in places], options), given


def gradient_test(*samples: Any, **options: Any) -> Callable[[Function], Function]:
    """Decorate a function to become pytest tests of its own derivatives, one test for each sample.

    Args:
        samples: each is a tuple or list of arguments; any other object is the only argument.
        options: the options of `check_grads`.

    Example:
        >>> import numpy as np
        >>> from autograd_lite.testing import gradient_test
        >>> @gradient_test(np.array([0.5, 2.0]), (np.array([0.5]), 3.0))
        ... def test_softclip(x, width=1.0):
        ...     return width * np.tanh(x / width)
        >>> test_softclip(sample=(0.1, 2.0))      # pytest calls the test with each sample
    """
    import pytest

    def decorate(f: Function) -> Function:
        def test(sample: Any) -> None:
            __tracebackhide__ = True
            check_grads(f, sample, **options)

        test.__name__, test.__doc__, test.__module__ = f.__name__, f.__doc__, f.__module__
        each = [s if isinstance(s, (tuple, list)) else (s,) for s in samples]
        titles = [", ".join(map(describe, args)) for args in each]
        parametrized: Function = pytest.mark.parametrize("sample", samples, ids=titles)(test)
        return parametrized

    return decorate
