"""The exception family.

Every error of the library is an `AutogradLiteError` and also the built-in that
a NumPy user would catch for the same mistake, so that both of these work::

    except ag.errors.ShapeError: ...
    except ValueError: ...

A message names the op, the argument, the shapes and dtypes that came, what was
expected, and the line of code that repairs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

__all__ = [
    "AnomalyError",
    "AssignmentError",
    "AutogradLiteError",
    "AxisError",
    "BatchError",
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
    """The root of the family: catch this to catch everything the library raises on purpose."""


class ShapeError(AutogradLiteError, ValueError):
    """Shapes, or values, that do not fit together."""


class AxisError(ShapeError, np.exceptions.AxisError):
    """An axis that the array does not have."""


class LinAlgError(ShapeError, np.linalg.LinAlgError):
    """A matrix that is not square, not invertible, not positive definite, or did not converge."""


class DTypeError(AutogradLiteError, TypeError):
    """A dtype, or a kind of object, that the operation cannot take."""


class IndexingError(AutogradLiteError, IndexError):
    """An index outside of the array, or of a kind that cannot index."""


class NotDifferentiableError(AutogradLiteError, TypeError):
    """A derivative was needed that has no rule."""


class MissingAttributeError(AutogradLiteError, AttributeError):
    """An attribute, or a method, that is not there.

    Args:
        message: what was asked for.
        hint: gives the rest of the message, which names what was probably meant. It is asked when the
            message is read: most such errors only answer `hasattr`.
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
    """A name that a package of ours has not, in `from package import name`."""


class MissingPackageError(AutogradLiteError, ImportError):
    """A package that is not installed, of those that only some features need."""


class OptionError(AutogradLiteError, ValueError):
    """An option of a value that it cannot have."""


class UnsupportedError(AutogradLiteError, TypeError):
    """A way of calling that would cut the graph or write into recorded values."""


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


class AnomalyError(AutogradLiteError, FloatingPointError):
    """An op produced NaN or inf while `detect_anomaly` was on."""


class GradientCheckError(AutogradLiteError, AssertionError):
    """An analytic gradient and its numeric reference disagree."""


class KinkError(GradientCheckError):
    """The function has a kink at the point, so that finite differences have no limit there."""


class DataError(AutogradLiteError, ValueError):
    """Data, or a file's contents, that cannot be what they should be."""


class FileError(AutogradLiteError, OSError):
    """A file that cannot be read or written."""


class DataFileError(FileError, DataError):
    """A file that is damaged, or of another kind than it should be."""


class RendererError(AutogradLiteError, RuntimeError):
    """No program is at hand that turns a graph into a picture."""


class MistakeWarning(AutogradLiteError, UserWarning):  # noqa: N818  (a warning, no error)
    """What runs, and is a mistake more often than not: the message says what to write."""


# -- the line of the user's code that an error names -----------------------------------------------

_LIBRARIES = ("autograd_lite", "nn", "visualize", "numpy")
"""Packages whose lines are not the user's."""


def package(frame: FrameType) -> str:
    """The top-level package that a frame runs code of."""
    name: str = frame.f_globals.get("__name__") or ""
    return name.partition(".")[0]


def user_line() -> str:
    """File and line of the innermost caller outside of this library and NumPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and package(frame) in _LIBRARIES:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
