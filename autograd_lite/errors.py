"""The exception family.

Every error of the library is an `AutogradLiteError`. It is also the built-in error
that a NumPy user would catch for the same mistake, so both of these work::

    except ag.errors.ShapeError: ...
    except ValueError: ...

Where PyTorch raises a RuntimeError, so does the library: programs written for PyTorch catch that one.

A message names the op, the argument, and its shape and dtype. It also says what was
expected, and gives the line of code that repairs the mistake.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, ClassVar

import numpy as np

__all__ = [
    "AnomalyError",
    "AssignmentError",
    "AutogradLiteError",
    "AxisError",
    "BatchError",
    "CompileError",
    "ConvergenceError",
    "DTypeError",
    "DataError",
    "DataFileError",
    "FileError",
    "GradientCheckError",
    "IndexingError",
    "KinkError",
    "LinAlgError",
    "MissingAttributeError",
    "MissingNameError",
    "MissingPackageError",
    "MistakeWarning",
    "NotDifferentiableError",
    "OptionError",
    "RendererError",
    "ShapeError",
    "TapeError",
    "UnsupportedError",
]


class AutogradLiteError(Exception):
    """The root of the family: catch it to catch every error that the library raises on purpose."""

    _drawer: ClassVar[list[Callable[[BaseException], Any]]] = []

    @classmethod
    def drawn_by(cls, draw: Callable[[BaseException], Any]) -> None:
        """Give what draws the graph of an error; a package above this one has it."""
        AutogradLiteError._drawer = [draw]

    @property
    def graph(self) -> Any:
        """What ran until this error was raised, as a graph that `visualize` draws; what failed is red.

        Raises:
            MissingAttributeError: `visualize` is not imported.
            TapeError: no Tensor on the tape led to this error.
        """
        if not self._drawer:
            raise MissingAttributeError("error.graph is drawn by visualize: write import visualize before")
        return self._drawer[0](self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What notebooks show: the message, and the graph where there is one."""
        bundle = {"text/plain": f"{type(self).__name__}: {self}"}
        with contextlib.suppress(Exception):
            bundle |= {k: v for k, v in self.graph._repr_mimebundle_().items() if k != "text/plain"}
        return bundle


class ShapeError(AutogradLiteError, ValueError, RuntimeError):
    """Shapes, or values, that do not fit together."""


class AxisError(ShapeError, np.exceptions.AxisError):
    """An axis that the array does not have."""


class LinAlgError(ShapeError, np.linalg.LinAlgError):
    """A matrix that is not square, not invertible, not positive definite, or did not converge."""


class DTypeError(AutogradLiteError, TypeError, RuntimeError):
    """An argument whose dtype or class the operation does not accept."""


class IndexingError(AutogradLiteError, IndexError):
    """An index outside of the array, or an object that is no index."""


class NotDifferentiableError(AutogradLiteError, TypeError, RuntimeError):
    """The derivative of an op without a rule was needed."""


class MissingAttributeError(AutogradLiteError, AttributeError):
    """An attribute or a method that does not exist.

    Args:
        message: names the attribute.
        hint: returns the rest of the message, which suggests a similar name. It is called only when the
            message is read, since most of these errors only answer `hasattr`.
    """

    def __init__(self, message: str, hint: Callable[[], str] | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self._hint = hint

    def __str__(self) -> str:
        return super().__str__() + (self._hint() if self._hint is not None else "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> Any:
        return type(self), (str(self),)


class MissingNameError(AutogradLiteError, ImportError):
    """A name that does not exist in a package of this library, in `from package import name`."""


class MissingPackageError(AutogradLiteError, ImportError):
    """An optional package that is not installed, and that a feature needs."""


class OptionError(AutogradLiteError, ValueError, RuntimeError):
    """An option has an invalid value."""


class UnsupportedError(AutogradLiteError, TypeError, RuntimeError):
    """A call that would cut the graph or write into recorded values."""


class BatchError(UnsupportedError):
    """Inside of `vmap`: a value was read, or results do not make a batch.

    Args:
        message: what was read, and what to write.
        level: the map whose members can be taken one by one instead; None if that is of no help.
    """

    def __init__(self, message: str, level: Any = None) -> None:
        super().__init__(message)
        self.level = level


class TapeError(AutogradLiteError, RuntimeError):
    """The tape cannot be played: nothing recorded, already played, or released."""


class AssignmentError(AutogradLiteError, RuntimeError):
    """An assignment that would make a leaf a result, write a read-only view, or be lost."""


class CompileError(AutogradLiteError, RuntimeError):
    """A function that cannot become a plan: it reads a value, or two runs of it differ."""


class ConvergenceError(AutogradLiteError, RuntimeError):
    """A solver that did not come to a solution."""


class AnomalyError(AutogradLiteError, FloatingPointError, RuntimeError):
    """An op produced NaN or inf while `detect_anomaly` was on."""


class GradientCheckError(AutogradLiteError, AssertionError):
    """An analytic gradient and its numeric reference disagree."""


class KinkError(GradientCheckError):
    """The function has a kink at the point, so finite differences have no limit there."""


class DataError(AutogradLiteError, ValueError, RuntimeError):
    """Invalid data, or a file with invalid contents."""


class FileError(AutogradLiteError, OSError):
    """A file that cannot be read or written."""


class DataFileError(FileError, DataError):
    """A file that is damaged, or has another format than expected."""


class RendererError(AutogradLiteError, RuntimeError):
    """No installed program can render a graph as a picture."""


class MistakeWarning(AutogradLiteError, UserWarning):  # noqa: N818  (a warning, no error)
    """Code that runs but is probably a mistake; the message says what to write instead."""


# -- the line of the user's code that an error names -----------------------------------------------

_LIBRARIES = ("autograd_lite", "nn", "visualize", "numpy")
"""Packages whose code is not the user's."""


def package(frame: FrameType) -> str:
    """The top-level package whose code a frame runs."""
    name: str = frame.f_globals.get("__name__") or ""
    return name.partition(".")[0]


def user_line() -> str:
    """File and line of the innermost caller outside of this library and NumPy."""
    code, line = user_place(sys._getframe(1))
    return f"{code.co_filename}:{line}"


def user_place(frame: FrameType | None = None) -> tuple[CodeType, int]:
    """The code and the line of the innermost caller outside of this library and NumPy."""
    frame = frame or sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__") or ""):
        frame = frame.f_back
    return frame.f_code, frame.f_lineno


@functools.lru_cache(maxsize=1024)
def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _LIBRARIES
