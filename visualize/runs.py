"""The page of a run: a recorder's steps with weights, gradients, losses, outputs and samples.

The recorder is read by its public names alone, see `nn.callbacks.Recorder`. The page holds a bounded number
of steps and of weights, so that it stays small for large models.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import AutogradLiteError, DataError, DTypeError, OptionError

from . import render
from .writers.html import filled

__all__ = ["RunPage", "history"]

Array = npt.NDArray[Any]

SIDE = 32
"""So many rows a map has at most."""

CELLS = SIDE * SIDE
"""So many weights a map has at most."""

LAYERS = 12
"""So many arrays the page shows at most: the largest ones."""

TOP = 4
"""So many samples the page names for each weight."""

POINTS = 1000
"""So many points the curve of the loss has at most."""

KINDS = {"weights": "histogram", "gradients": "slopes"}
"""What a step has of each layer, and the names of their histograms."""

BINS = 30
FRAME = 720


@dataclass(frozen=True)
class RunPage:
    """The page of a run; a notebook shows the page by itself.

    Attributes:
        text: the page, as HTML.
        steps: the steps that the page shows.
    """

    text: str
    steps: tuple[int, ...]

    def save(self, path: str | Path) -> Path:
        """Write the page to a file that works without a network.

        Raises:
            OptionError: the path does not end in ".html".
            FileError: the file cannot be written.
        """
        path = render.as_path(path)
        if path.suffix.lower() != ".html":
            raise OptionError(f"history(...).save({str(path)!r}): the page is HTML; write save('run.html')")
        return render.write(self.text.encode(), path)

    def __repr__(self) -> str:
        return f"<RunPage: {len(self.steps)} steps; .save('run.html') writes the page>"

    def _repr_html_(self) -> str:
        text = html.escape(self.text, quote=True)
        return (
            f'<iframe srcdoc="{text}" sandbox="allow-scripts" title="The history of a run" '
            f'style="width: 100%; height: {FRAME}px; border: 1px solid rgba(128, 128, 128, 0.35)"></iframe>'
        )


def history(
    recorder: Any, steps: int | Sequence[int] = 24, *, samples: bool = True, theme: str | None = None
) -> RunPage:
    """A page to go through a run step by step: weights, gradients, losses, outputs, and samples.

    A map shows at most 1,024 weights of each of the 12 largest arrays: of a larger array, those that changed
    most in their block. A click on a weight names the samples that moved the weight most. Two steps
    can stand side by side, with their difference. A page of 24 steps has at most about 13 MB.

    Args:
        recorder: an `nn.callbacks.Recorder`.
        steps: how many of the kept steps the page shows, evenly spaced; or which ones.
        samples: find the samples that moved each weight. For each step of a model with 250,000 weights
            this takes about a quarter of a second.
        theme: "light" or "dark"; by default that of the reader's browser.

    Raises:
        DTypeError: the object is no recorder.
        DataError: the recorder has kept no steps.
        OptionError: an option has an invalid value.

    Example:
        >>> import numpy as np, nn
        >>> model = nn.Linear(1, 1)
        >>> recorder = nn.callbacks.Recorder()
        >>> trainer = nn.Trainer(model, nn.MSELoss(), nn.optim.SGD(model.parameters(), lr=0.1),
        ...                      callbacks=recorder)
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> run = trainer.fit(X, 3 * X, epochs=5, verbose=False)
        >>> history(recorder)
        <RunPage: 6 steps; .save('run.html') writes the page>
    """
    if not (hasattr(recorder, "at") and hasattr(recorder, "losses")):
        raise DTypeError(
            f"history({type(recorder).__name__}): expected a recorder: recorder = nn.callbacks.Recorder(); "
            "nn.Trainer(..., callbacks=recorder).fit(X, y); history(recorder)"
        )
    if theme not in (None, "light", "dark"):
        raise OptionError(f"history(theme={theme!r}): expected 'light' or 'dark'")
    shown = _shown(recorder, steps)
    told = _told(recorder, shown, samples)
    files = resources.files("visualize") / "page"
    parts = {name: (files / f"history.{end}").read_text(encoding="utf-8") for name, end in FILES}
    parts["title"] = "A run step by step"
    parts["about"] = html.escape(_about(recorder, shown))
    return RunPage(
        filled((files / "history.html").read_text(encoding="utf-8"), parts, {**told, "theme": theme}),
        tuple(shown),
    )


FILES = (("style", "css"), ("script", "js"))


def _shown(recorder: Any, steps: int | Sequence[int]) -> list[int]:
    """The steps of the page."""
    kept = list(recorder.steps)
    if not kept:
        raise DataError("history: the recorder has kept no steps; train first: trainer.fit(X, y)")
    if isinstance(steps, (int, np.integer)):
        if steps < 1 or isinstance(steps, bool):
            raise OptionError(f"history(steps={steps}): expected a number of steps of at least 1")
        places = np.linspace(0, len(kept) - 1, min(int(steps), len(kept))).round().astype(int)
        return [kept[i] for i in places]
    chosen = sorted(set(steps))
    if lacking := [step for step in chosen if step not in kept]:
        raise OptionError(f"history(steps=...): step {lacking[0]} is not kept; see recorder.steps")
    if not chosen:
        raise OptionError("history(steps=[]): expected at least one step")
    return chosen


def _about(recorder: Any, shown: Sequence[int]) -> str:
    total, kept = len(recorder.losses), len(recorder.steps)
    return f"{len(shown)} of {kept} kept states; the run has {total} steps"


# -- the page's data -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layer:
    """One array of the model, and which of its weights the map shows."""

    name: str
    shape: tuple[int, ...]
    places: Array
    columns: int

    def cells(self, array: Array) -> Array:
        """The shown numbers of an array, of shape (n,)."""
        return np.ravel(array)[self.places].astype(np.float32)


def _told(recorder: Any, shown: Sequence[int], samples: bool) -> dict[str, Any]:
    """The data of the page, ready for JSON."""
    first, last = (recorder.at(shown[i]).weights for i in (0, -1))
    sizes = {name: np.size(x) for name, x in last.items() if np.asarray(x).dtype.kind == "f" and np.size(x)}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:LAYERS]
    layers = [_layer(name, last[name], first[name]) for name in sizes if name in largest]
    ranges = _ranges(recorder, shown, layers)
    frames, why, seen = [], "", set()
    for step in shown:
        moment = recorder.at(step)
        parts: dict[str, Array] = {}
        if samples and moment.gradients:
            try:
                parts = recorder.parts(step, [x.name for x in layers if x.name in moment.gradients])
            except AutogradLiteError as error:
                samples, why = False, f"Its samples are not known. {error}"
        frame = _frame(moment, layers, parts, ranges)
        seen |= {frame["samples"][i] for i in frame.pop("named")}
        frames.append(frame)
    reach = [_reach(frames, i) for i in range(len(layers))]
    return {
        "first": min(recorder.first, shown[0]),
        "last": max(recorder.first + len(recorder.losses), shown[-1]),
        "losses": list(_curve(recorder)),
        "layers": [
            {
                "name": x.name,
                "shape": list(x.shape),
                "size": sizes[x.name],
                "columns": x.columns,
                "places": _base64(x.places.astype("<i4")),
                "largest": weights,
                "steepest": slopes,
            }
            for x, (weights, slopes) in zip(layers, reach, strict=True)
        ],
        "frames": [_written(frame) for frame in frames],
        "top": TOP,
        "said": _said(recorder),
        "why": why or "The samples that moved a weight are not on this page.",
        **_pictures(recorder, sorted(seen)),
    }


def _layer(name: str, last: Array, first: Array) -> _Layer:
    """Which weights a map shows: all, or of each block the one that changed most."""
    shape = np.shape(last)
    rows, columns = (shape[0], int(np.prod(shape[1:]))) if len(shape) > 1 else (1, int(np.prod(shape)))
    moved = np.nan_to_num(np.abs(np.asarray(last, float) - first)).reshape(rows, columns)
    places = [
        np.ravel_multi_index(_strongest(moved, down, along), moved.shape)
        for down in np.array_split(np.arange(rows), min(rows, SIDE))
        for along in np.array_split(np.arange(columns), min(columns, CELLS // min(rows, SIDE)))
    ]
    return _Layer(name, tuple(map(int, shape)), np.array(places), len(places) // min(rows, SIDE))


def _strongest(moved: Array, down: Array, along: Array) -> tuple[int, int]:
    block = moved[down[0] : down[-1] + 1, along[0] : along[-1] + 1]
    i, j = np.unravel_index(int(np.argmax(block)), block.shape)
    return int(down[0] + i), int(along[0] + j)


def _frame(
    moment: Any,
    layers: Sequence[_Layer],
    parts: dict[str, Array],
    ranges: dict[tuple[str, str], float],
) -> dict[str, Any]:
    """The numbers of one step."""
    maps, named = [], set()
    for layer in layers:
        told: dict[str, Any] = {}
        for kind, histogram in KINDS.items():
            array = getattr(moment, kind).get(layer.name)
            told[kind] = None if array is None else layer.cells(array)
            if array is not None:
                most = ranges[kind, layer.name] or 1.0
                told[histogram] = np.histogram(_finite(array), BINS, (-most, most))[0].tolist()
        if layer.name in parts and len(moment.samples) < 2**16:
            mine = parts[layer.name].reshape(len(moment.samples), -1)[:, layer.places]
            order = np.argsort(-np.abs(mine), axis=0, kind="stable")[:TOP]
            told["who"] = np.pad(order, ((0, TOP - len(order)), (0, 0))).T.astype("<u2")
            largest = np.take_along_axis(mine, order, 0)
            told["parts"] = np.pad(largest, ((0, TOP - len(order)), (0, 0))).T.astype("<f4")
            named |= set(np.unique(order).tolist())
        maps.append(told)
    try:
        rows = (np.ravel(row)[:16].tolist() for row in moment.outputs[:16])
        outputs = [[x if np.isfinite(x) else None for x in row] for row in rows]
    except (OptionError, DTypeError):
        outputs = None
    return {
        "step": moment.step,
        "epoch": moment.epoch,
        "loss": moment.loss,
        "end": moment.loss is None,
        "samples": moment.samples.tolist(),
        "outputs": outputs,
        "maps": maps,
        "named": named,
    }


def _reach(frames: Sequence[dict[str, Any]], i: int) -> tuple[float, float]:
    """The largest weight and the largest gradient of a layer over all steps."""

    def largest(kind: str) -> float:
        arrays = [np.abs(f["maps"][i][kind]) for f in frames if f["maps"][i][kind] is not None]
        finite = [float(np.max(x[np.isfinite(x)], initial=0)) for x in arrays]
        return max(finite, default=0.0)

    return largest("weights"), largest("gradients")


def _ranges(recorder: Any, shown: Sequence[int], layers: Sequence[_Layer]) -> dict[tuple[str, str], float]:
    """The largest weight and gradient of each layer over all steps, by kind and name."""
    ranges: dict[tuple[str, str], float] = {}
    for step in shown:
        moment = recorder.at(step)
        for kind in KINDS:
            for name in {layer.name for layer in layers} & getattr(moment, kind).keys():
                most = float(np.max(np.abs(_finite(getattr(moment, kind)[name])), initial=0))
                ranges[kind, name] = max(ranges.get((kind, name), 0.0), most)
    return ranges


def _finite(array: Array) -> Array:
    return array[np.isfinite(array)]


def _written(frame: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a step as base64."""
    maps = [
        {name: _base64(x) if isinstance(x, np.ndarray) else x for name, x in told.items()}
        for told in frame["maps"]
    ]
    loss = frame["loss"]
    return {**frame, "maps": maps, "loss": loss if loss is None or np.isfinite(loss) else None}


def _base64(array: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _curve(recorder: Any) -> Iterator[list[float]]:
    """Points (step, loss), thinned to at most `POINTS`."""
    losses = recorder.losses
    for i in range(0, len(losses), -(-len(losses) // POINTS) or 1):
        if np.isfinite(losses[i]):
            yield [recorder.first + i, float(losses[i])]


def _said(recorder: Any) -> str:
    """What the parts of the samples mean for this optimizer."""
    trainer = getattr(recorder, "trainer", None)
    name = type(trainer.optimizer).__name__ if trainer is not None else "The optimizer"
    if name == "SGD":
        return "The parts add up to the gradient. With momentum, a weight also moves by earlier gradients."
    return f"The parts add up to the gradient. {name} changes a weight by it and by earlier ones."


def _pictures(recorder: Any, samples: Sequence[int]) -> dict[str, Any]:
    """The inputs of the samples: grey images if they can be, else their first numbers."""
    inputs = recorder.inputs(samples) if samples else None
    if inputs is None:
        return {"images": None}
    images = _images(inputs)
    if images is None:
        rows = (np.ravel(x)[:6] for x in inputs)
        told = {s: ", ".join(f"{v:.3g}" for v in row) for s, row in zip(samples, rows, strict=True)}
        return {"images": None, "inputs": told}
    low, high = float(images.min()), float(images.max())
    grey = np.round((images - low) * (255 / ((high - low) or 1))).astype(np.uint8)
    return {
        "images": {s: _base64(image) for s, image in zip(samples, grey, strict=True)},
        "size": list(grey.shape[1:]),
    }


def _images(inputs: Array) -> Array | None:
    """Inputs as grey images of at most 32 x 32 pixels, or None."""
    if inputs.dtype.kind not in "uif" or not np.isfinite(inputs).all():
        return None
    x = inputs.astype(float)
    if x.ndim == 4 and x.shape[1] in (1, 3):
        x = x.mean(axis=1)
    side = round(np.sqrt(x.shape[1])) if x.ndim == 2 else 0
    if side >= 5 and side * side == x.shape[1]:
        x = x.reshape(-1, side, side)
    if x.ndim != 3 or min(x.shape[1:]) < 5:
        return None
    every = -(-max(x.shape[1:]) // SIDE)
    return x[:, ::every, ::every]
