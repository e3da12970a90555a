"""Who reads a Tensor on the tape as a plain array: a picture may, a computation would cut the graph."""

from __future__ import annotations

import opcode
from types import FrameType

from .errors import UnsupportedError, package

__all__ = ["STORE_SUBSCR", "cut", "draws"]

STORE_SUBSCR = opcode.opmap["STORE_SUBSCR"]
"""The instruction of `a[i] = x`."""

PICTURES = frozenset({"matplotlib", "mpl_toolkits"})
"""Packages that show values and compute nothing that a gradient could be asked of."""


def _reader(frame: FrameType) -> FrameType:
    """The innermost caller outside of NumPy and the engine, which read in the name of others."""
    while package(frame) in {"numpy", "autograd_lite"} and frame.f_back is not None:
        frame = frame.f_back
    return frame


def draws(frame: FrameType) -> bool:
    """Whether a frame runs code of a library of pictures, or NumPy's and ours on its behalf."""
    return package(_reader(frame)) in PICTURES


def cut(frame: FrameType) -> UnsupportedError:
    """The error for code that is about to make a plain array of a Tensor on the tape.

    Args:
        frame: that of the code.
    """
    reader = _reader(frame)
    if "site-packages" in reader.f_code.co_filename:
        return UnsupportedError(
            f"{package(reader)} reads plain arrays, and was about to make one of a Tensor on the tape, which "
            "would silently cut the graph; where no gradient is wanted give it x.detach().numpy(), else "
            "compute with NumPy's functions and ag's: np.stack([x, y]), ag.softmax(x), ag.logsumexp(x)"
        )
    if frame.f_code.co_code[frame.f_lasti] == STORE_SUBSCR:
        return UnsupportedError(
            "a[i] = x: the NumPy array a cannot record what is assigned to it, which would silently cut the "
            "graph; make a a Tensor first: a = ag.Tensor(a); a[i] = x, or build it in one call: "
            "np.stack([x, y]), np.where(mask, x, a)"
        )
    return UnsupportedError(
        "a Tensor on the tape was about to become a plain array, which would silently cut the graph. "
        + _instead(frame)
    )


def _instead(frame: FrameType | None) -> str:
    """What to write where NumPy asks only the elements of a list, which hear of no call to take part in."""
    called = None
    while frame is not None and package(frame) == "numpy":
        called, frame = frame, frame.f_back
    if called is None:
        return (
            "To compute with it, call a NumPy function on the Tensor itself, e.g. np.stack([x, y]) in place "
            "of np.array([x, y]); to fill an array, make it a Tensor: a = ag.Tensor(a); a[i] = x; to read "
            "the values, write x.numpy() or x.detach()"
        )
    name, home = called.f_code.co_name, str(called.f_globals["__name__"]).split(".")[1]
    if name == "__getitem__":  # of np.r_ or np.c_
        columns = type(called.f_locals.get("self")).__name__ == "CClass"
        return f"Write np.{'stack([x, y], axis=1)' if columns else 'concatenate([x, y])'}"
    if name in ("full", "full_like"):
        return f"np.{name} makes a plain array; write np.broadcast_to(x, shape)"
    name = f"np.{home}.{name}" if home in ("linalg", "fft") else f"np.{name}"
    return f"{name} does not look for Tensors in a list; write {name}(np.stack([x, y])) for {name}([x, y])"
