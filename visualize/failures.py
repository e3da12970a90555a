"""Traceback -> Recorded: the op that failed, its arguments, and the steps before.

The engine keeps nothing for this: the frames of a traceback hold the Tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import CO_OPTIMIZED, unwrap
from types import CodeType, FrameType
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import AnomalyError, TapeError
from autograd_lite.tree import flatten

from .reading import Failed, Recorded, identity, op_name

__all__ = ["failed"]

ENGINE = ("autograd_lite", "numpy")
LIBRARY = (*ENGINE, "nn", "visualize")
"""Packages whose frames are not the user's code."""

PLAYING = ("play", "pull", "check_forward")
"""The engine's functions with a local variable `node`: the step at work."""


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """One call on the way to an error."""

    package: str
    code: CodeType
    line: int
    locals: dict[str, Any]
    globals: dict[str, Any]

    @property
    def is_module(self) -> bool:
        """Whether this frame is the body of a program, where all its variables live."""
        return self.code.co_name == "<module>"

    def variables(self) -> dict[str, Any]:
        """The global variables that the code names, then its local ones."""
        named = {name: self.globals[name] for name in self.code.co_names if name in self.globals}
        return {**named, **self.locals}

    def arguments(self) -> list[Any]:
        """The arguments of the call."""
        count = self.code.co_argcount + self.code.co_kwonlyargcount + bool(self.code.co_flags & 0x04)
        return [self.locals[name] for name in self.code.co_varnames[:count] if name in self.locals]


def failed(error: BaseException, names: dict[Any, str]) -> Recorded:
    """The steps before an error, and the failed op; adds names of parameters and variables to `names`.

    Where no Tensor led to the error, what ran until the one that was being handled when it was raised.

    Raises:
        TapeError: the error was not raised, or no Tensor led to it.
    """
    for at in _handled(error):
        frames = _without_body_of_op(list(_frames(at)))
        found = _recorded(at, frames, names) if frames else None
        if found is not None:
            return found
    if error.__traceback__ is None:
        raise TapeError(
            f"draw({type(error).__name__}): the error has no traceback, so its steps are not known; draw a "
            "caught error: except Exception as error: draw(error)"
        )
    raise TapeError(f"draw({type(error).__name__}): no Tensor on the tape led to this error")


def _recorded(error: BaseException, frames: list[_Frame], names: dict[Any, str]) -> Recorded | None:
    """What ran until an error; None if no Tensor led to it."""
    own = [frame for frame in frames if frame.package not in LIBRARY] or frames[:1]
    line = f"{own[-1].code.co_filename}:{own[-1].line}"
    message = _message(error, frames)
    found, roots = _offender(error, frames, line, message), _roots(frames)
    if found is not None:
        roots = [x for x in found.inputs if _is_taped(x)] or roots
    nodes = [root.node for root in roots] if found is None or found.node is None else [found.node]
    if not nodes and (found is None or not found.inputs):
        return None
    for x, name in _names(frames, own):
        names.setdefault(identity(x), name)
    return Recorded(list(nodes), failed=found or Failed(message, line))


def _message(error: BaseException, frames: list[_Frame]) -> str:
    """What the traceback says of an error, and where in the model it was raised."""
    try:
        said = str(error)
    except Exception:  # as a traceback of Python does
        said = "<exception str() failed>"
    return f"raised {type(error).__name__}{_place(frames, said)}{': ' if said else ''}{said}"


# -- the traceback ---------------------------------------------------------------------------------


def _handled(error: BaseException) -> Iterator[BaseException]:
    """An error, then those that were being handled when it was raised, the latest first."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__context__


def _frames(error: BaseException) -> Iterator[_Frame]:
    """The calls from the `except` to the `raise`, then those of the error's causes.

    The first error of a group counts as its cause.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        traceback = cause.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            package = (frame.f_globals.get("__name__") or "").partition(".")[0]
            yield _Frame(package, frame.f_code, traceback.tb_lineno, _locals(frame, error), frame.f_globals)
            traceback = traceback.tb_next
        cause = cause.__cause__ or (cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None)


def _locals(frame: FrameType, error: BaseException) -> dict[str, Any]:
    """The variables of a call.

    Before Python 3.13 a frame keeps the dictionary of its variables. With the error in that dictionary the
    traceback would stay alive, so the error is removed there; the program's variable stays.
    """
    kept = frame.f_locals
    found = dict(kept)
    if isinstance(kept, dict) and frame.f_code.co_flags & CO_OPTIMIZED:  # else these are the real variables
        for name, value in found.items():
            if value is error:
                del kept[name]
    return found


def _without_body_of_op(frames: list[_Frame]) -> list[_Frame]:
    """The frames without those inside an op of the user: the op itself failed."""
    for k, frame in enumerate(frames[1:], 1):
        op = _op(frames[k - 1])
        if op is not None and frame.code is getattr(unwrap(op[0]), "__code__", None):
            return frames[:k]
    return frames


def _is_taped(x: Any) -> bool:
    """Whether a value is a recorded Tensor that still holds its value."""
    return isinstance(x, ag.Tensor) and x.node is not None and not x.node.released


def _tensors(values: Iterable[Any], levels: int = 2) -> Iterator[ag.Tensor]:
    """The Tensors among variables, in their containers and in the attributes of the user's own objects.

    The search has a depth: a container may contain itself.
    """
    for x in values:
        if isinstance(x, ag.Tensor):
            yield x
        elif levels and isinstance(x, (list, tuple)):
            yield from _tensors(x, levels - 1)
        elif levels and isinstance(x, dict):
            yield from _tensors(x.values(), levels - 1)
        elif levels and _is_own(x):
            yield from _tensors(vars(x).values(), levels - 1)


def _is_own(x: Any) -> bool:
    """Whether a value is an object with attributes, and of a class that is neither ours nor built in."""
    kind = type(x)
    return kind.__dictoffset__ != 0 and kind.__module__.partition(".")[0] not in (*LIBRARY, "builtins")


def _roots(frames: list[_Frame]) -> list[ag.Tensor]:
    """The recorded results in the innermost call that has any; in a program's body the latest one."""
    for frame in reversed(frames):
        found = [x for x in _tensors(frame.locals.values()) if _is_taped(x) and not x.is_leaf]
        found.sort(key=lambda x: x.node.index if x.node else 0)
        if found:
            return found[-1:] if frame.is_module else found
    return []


# -- the offender ----------------------------------------------------------------------------------


def _offender(error: BaseException, frames: list[_Frame], line: str, message: str) -> Failed | None:
    """The step that failed; None if a value caused the error, such as a loss that is NaN."""
    for frame in reversed(frames):
        node = frame.locals.get("node")
        if frame.package == "autograd_lite" and frame.code.co_name in PLAYING and isinstance(node, ag.Node):
            arrived = frame.locals.get("g") if frame.code.co_name != "check_forward" else None
            cotangent = arrived if isinstance(arrived, (np.ndarray, np.generic)) else None
            return Failed(message, line, op_name(node), node.op, node=node, cotangent=cotangent)
    inner = _inner(frames)
    for at in reversed(range(len(inner))):
        if _op(inner[at]) is not None:
            while at and inner[at - 1].package in ENGINE:
                at -= 1
            at = next(k for k in range(at, len(inner)) if _op(inner[k]) is not None)
            op, operands = _op(inner[at]) or (None, ())
            return Failed(message, line, getattr(op, "__name__", "op"), op, _numbers(operands))
    if isinstance(error, AnomalyError):
        return None
    layer = next((frame for frame in reversed(inner) if _module(frame) is not None), None)
    if layer is not None:
        return Failed(message, line, type(_module(layer)).__name__, None, _numbers(layer.arguments()[1:]))
    called = next((frame for frame in inner if frame.package != "numpy"), None)
    if called is not None:
        name = called.code.co_name.strip("_")
        return Failed(message, line, name, None, _numbers(called.arguments()))
    return Failed(message, line, type(error).__name__, None, tuple(_roots(frames)))


def _inner(frames: list[_Frame]) -> list[_Frame]:
    """The library frames below the user's innermost frame, outermost first."""
    last = max((k for k, frame in enumerate(frames) if frame.package not in LIBRARY), default=-1)
    return frames[last + 1 :]


def _op(frame: _Frame) -> tuple[Any, tuple[Any, ...]] | None:
    """The op that an engine frame computes, and its arguments; None for other frames."""
    if frame.package != "autograd_lite":
        return None
    given = frame.locals
    op = next((given[name] for name in ("definition", "op", "ufunc") if callable(given.get(name))), None)
    if op is None:
        return None
    if "other" in given:
        turned = frame.code.co_name == "reflected"
        return op, (given["other"], given["self"]) if turned else (given["self"], given["other"])
    return op, tuple(given.get("args", ())) if "x" not in given or "values" in given else (given["x"],)


def _numbers(arguments: Any) -> tuple[Any, ...]:
    """The operands among arguments, also those in lists; the rest are options."""
    kinds = (ag.Tensor, np.ndarray, np.generic, float, complex)
    return tuple(x for x in flatten(list(arguments))[0] if isinstance(x, kinds))


# -- modules, names --------------------------------------------------------------------------------


def _module(frame: _Frame) -> Any:
    """The module whose `forward` runs in a frame, or None."""
    first = frame.arguments()[:1] if frame.code.co_name == "forward" else []
    return next((x for x in first if hasattr(x, "named_modules")), None)


def _place(frames: list[_Frame], message: str) -> str:
    """The path of the innermost running module, ` in encoder.0 (Linear)`; empty if the message has it."""
    running = [module for frame in frames if (module := _module(frame)) is not None]
    if not running:
        return ""
    path = next((path for path, module in running[0].named_modules() if module is running[-1]), "")
    return f" in {path} ({type(running[-1]).__name__})" if path and f".{path} (" not in message else ""


def _names(frames: list[_Frame], own: list[_Frame]) -> Iterator[tuple[Any, str]]:
    """The parameters of all models among the variables, then the user's own Tensors."""
    for frame in frames:
        for x in frame.variables().values():
            for model in (x, getattr(x, "model", None) if frame.package == "nn" else None):
                if model is not None and hasattr(model, "named_parameters") and not isinstance(model, type):
                    yield from ((p, name) for name, p in model.named_parameters())
    for frame in own:
        for name, x in frame.variables().items():
            if isinstance(x, ag.Tensor) and not name.startswith("_"):
                yield x, name
