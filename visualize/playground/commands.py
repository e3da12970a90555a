"""What the page may ask for: one function a command, from the session's worker and the request to an answer.

An answer is bytes, a frame for the page to draw, or a dict, which is sent as JSON. What takes long returns a
function that makes the answer from a copy, so that the run goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_lite.errors import OptionError

from . import frames
from .attack import attacked
from .check import checked
from .data import read_csv
from .options import PROBLEMS, SIDE, Config
from .pad import Pad
from .program import program as program_of
from .sample import walk
from .sessions import Sessions
from .surface import surface as surface_of
from .worker import Worker

__all__ = ["COMMANDS", "answer"]

Answer = bytes | dict[str, Any]
Command = Callable[[Worker, Mapping[str, Any]], Answer | Callable[[], Answer]]

COMMANDS: dict[str, Command] = {}
MOST_STEPS = 2000
FASTEST = 100_000


def command(function: Command) -> Command:
    """Add a command under the name of its function."""
    COMMANDS[function.__name__.rstrip("_")] = function
    return function


def answer(sessions: Sessions, name: str, request: Mapping[str, Any]) -> Answer:
    """Answer a request.

    Raises:
        OptionError: an unknown command, or a request that cannot be.
        GoneError: the session is no more.
    """
    if name == "open":
        session = sessions.open(Config.of(request.get("config", {})))
        worker = sessions.get(session)
        return worker.ask(lambda: frame_of(worker, whole=True, session=session))
    if name == "digit":
        return digit(sessions.pad, request)
    if name not in COMMANDS:
        raise OptionError(f"there is no command {name[:40]!r}; there are open, {', '.join(COMMANDS)}")
    worker = sessions.get(request.get("session"))
    found = worker.ask(lambda: COMMANDS[name](worker, request))
    if not callable(found):
        return found
    with np.errstate(all="ignore"):
        return found()


def frame_of(worker: Worker, whole: bool = False, **more: Any) -> bytes:
    """The frame of a worker's run."""
    header = {"running": worker.running, "problem": worker.problem, **more}
    return frames.of_run(worker.run, header, whole)


def number(request: Mapping[str, Any], name: str, low: float, high: float) -> float:
    """A number of a request.

    Raises:
        OptionError: it is not there, or beyond its bounds.
    """
    value = request.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise OptionError(f"{name}: expected a number from {low:g} to {high:g}, got {value!r}")
    return value


def whole(request: Mapping[str, Any], name: str, low: int, high: int) -> int:
    """A whole number of a request."""
    value = number(request, name, low, high)
    if value != int(value):
        raise OptionError(f"{name}: expected a whole number, got {value!r}")
    return int(value)


# -- the run ---------------------------------------------------------------------------------------


@command
def frame(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """How the run looks now."""
    return frame_of(worker)


@command
def change(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """Go on with another config."""
    config = Config.of(request.get("config", {}))
    worker.problem = None
    anew = worker.run.change(config)
    return frame_of(worker, whole=True, anew=anew)


@command
def run(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """Train; `speed` in steps a second, none for as many as go."""
    slow = request.get("speed") is not None
    worker.start(number(request, "speed", 0.1, FASTEST) if slow else None)
    return frame_of(worker)


@command
def pause(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """Train no longer."""
    worker.pause()
    return frame_of(worker)


@command
def step(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """Pause, and make `steps` steps, or all that are left of an epoch."""
    worker.pause()
    if request.get("epoch"):
        worker.advance(worker.run.left_of_epoch())
    else:
        worker.advance(whole({"steps": 1, **request}, "steps", 1, MOST_STEPS))
    return frame_of(worker)


@command
def reset(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """Back to the first weights."""
    worker.pause()
    worker.problem = None
    worker.run.reset()
    return frame_of(worker, whole=True, anew=True)


@command
def weight(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """Set one weight by hand; without a column a bias."""
    column = None if request.get("column") is None else whole(request, "column", 0, 100)
    place = whole(request, "layer", 0, 100), whole(request, "row", 0, 100), column
    worker.run.set_parameter(*place, number(request, "value", -1e6, 1e6))
    return frame_of(worker)


@command
def csv(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """The points of a CSV, for the page to put into its config."""
    text, problem = request.get("text"), request.get("problem")
    if not isinstance(text, str) or problem not in PROBLEMS:
        raise OptionError("expected the text of a CSV, and classification or regression")
    return {"points": read_csv(text, problem)}


# -- looks inside ----------------------------------------------------------------------------------


@command
def sample(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """The tape of one sample."""
    return walk(worker.run, *place_of(request))


@command
def attack(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """An adversarial step on a point."""
    return attacked(worker.run, *place_of(request), eps=number(request, "eps", 0, 2 * SIDE))


@command
def surface(worker: Worker, request: Mapping[str, Any]) -> Callable[[], Answer]:
    """The loss surface and the path."""
    if not len(worker.run.data.X):
        raise OptionError("there is no point to train on, and so no loss")
    twin = worker.run.twin()

    def made() -> Answer:
        heights, path, bounds = surface_of(twin)
        return frames.packed({"bounds": bounds, "side": len(heights)}, heights=heights, path=path)

    return made


@command
def check(worker: Worker, request: Mapping[str, Any]) -> Callable[[], Answer]:
    """The gradient check."""
    if not len(worker.run.data.X):
        raise OptionError("there is no point to train on, and so no gradient")
    twin = worker.run.twin()
    return lambda: checked(twin)


@command
def program(worker: Worker, request: Mapping[str, Any]) -> Answer:
    """The run as a program."""
    if not len(worker.run.data.X):
        raise OptionError("there is no point to train on, and so nothing to export")
    return {"text": program_of(worker.run.config, worker.run.steps or 1000)}


def place_of(request: Mapping[str, Any]) -> tuple[float, float, float]:
    """The point that a request is about, and its target."""
    bounds = {"x1": SIDE, "x2": SIDE, "target": 1.0}
    x1, x2, target = (float(number(request, name, -most, most)) for name, most in bounds.items())
    return x1, x2, target


def digit(pad: Pad, request: Mapping[str, Any]) -> Answer:
    """What the pad's network reads in `pixels`, 784 numbers from 0 to 1, or in the test digit `example`."""
    if "example" in request:
        image = pad.example(whole(request, "example", 0, 10**9))
    else:
        pixels = request.get("pixels")
        good = (
            isinstance(pixels, list) and len(pixels) == 784 and all(type(x) in (int, float) for x in pixels)
        )
        if not good:
            raise OptionError("pixels: expected 784 numbers from 0 to 1, row by row")
        image = np.clip(np.nan_to_num(np.array(pixels, float)), 0, 1).reshape(28, 28)
    found = pad.read(image)
    arrays = {name: found.pop(name) for name in ("chances", "seen", "slope")}
    return frames.packed(found, image=image, **arrays)
