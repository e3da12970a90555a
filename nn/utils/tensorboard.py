"""A writer of event files that TensorBoard shows; named as in `torch.utils.tensorboard`.

>>> import tempfile
>>> with tempfile.TemporaryDirectory() as folder, SummaryWriter(folder) as writer:
...     writer.add_scalar("loss", 0.5, global_step=1)
"""

from __future__ import annotations

import io
import itertools
import os
import struct
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError, DTypeError, FileError, OptionError, ShapeError, UnsupportedError
from autograd_lite.files import append, checked_path

from ..arrays import as_array
from .events import Single, message, packed, record
from .images import make_grid, png

__all__ = ["SummaryWriter"]

Array = npt.NDArray[Any]


class SummaryWriter:
    """Writes scalars, histograms, images, texts and hyperparameters for `tensorboard --logdir runs`.

    Args:
        log_dir: the folder; by default `runs/DATE_HOST`.
        comment: added to the default name of the folder.
        purge_step: TensorBoard drops what an earlier run wrote for this step and later ones.
        max_queue: the number of entries that wait to be written.
        flush_secs: as in PyTorch; without effect.
        filename_suffix: added to the name of the file.

    Raises:
        FileError: the file cannot be written.
    """

    _files = itertools.count()

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        import socket  # here, as the import takes longer than that of most modules, and few programs need it

        host = socket.gethostname()
        if not log_dir:
            log_dir = Path("runs", f"{datetime.now():%b%d_%H-%M-%S}_{host}{comment}")
        self.log_dir = os.fspath(checked_path("SummaryWriter", log_dir))
        self.max_queue = max_queue
        name = f"events.out.tfevents.{int(time.time()):010d}.{host}.{os.getpid()}"
        self._path = Path(self.log_dir, f"{name}.{next(SummaryWriter._files)}{filename_suffix}")
        self._waiting: list[bytes] = []
        self._write({1: time.time(), 3: "brain.Event:2"})
        if purge_step is not None:
            self._write({1: time.time(), 2: int(purge_step), 7: message({1: 1})})  # a new session starts
        self.flush()

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            content, self._waiting = b"".join(self._waiting), []
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                append(self._path, content)
            except OSError as error:
                raise FileError(f"SummaryWriter: cannot write {self._path}: {error.strerror}") from error

    close = flush

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # -- what is shown -----------------------------------------------------------------------------

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """A point of a curve.

        Args:
            tag: the name of the curve; "train/loss" is in the group "train".
            scalar_value: a number, or a Tensor with one entry.
            global_step: the place on the horizontal axis.
            walltime: the time in seconds since 1970; now by default.
            new_style, double_precision: as in PyTorch; without effect.

        Raises:
            ShapeError: the value has several entries.
        """
        value = _plain(scalar_value)
        if value.size != 1:
            raise ShapeError(f"add_scalar({tag!r}): expected one number, got an array of shape {value.shape}")
        self._add(tag, {2: Single(value.item())}, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Points of several curves in one picture; each curve has a subfolder of its own.

        Args:
            main_tag: the name of the picture.
            tag_scalar_dict: the values by the names of the curves.
            global_step, walltime: as in `add_scalar`.
        """
        for name, value in tag_scalar_dict.items():
            with SummaryWriter(Path(self.log_dir, f"{main_tag.replace('/', '_')}_{name}")) as writer:
                writer.add_scalar(main_tag, value, global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """The distribution of many numbers, e.g. of weights.

        Args:
            tag: the name.
            values: the numbers.
            global_step, walltime: as in `add_scalar`.
            bins: "tensorflow" for bins that grow by a tenth, or bins of `np.histogram`.
            max_bins: at most so many bins; the others are joined.

        Raises:
            DataError: there are no numbers, or one is NaN or infinite.
        """
        x = _plain(values).astype(np.float64).ravel()
        if not x.size or not np.isfinite(x).all():
            raise DataError(f"add_histogram({tag!r}): expected finite numbers, and at least one")
        counts, limits = np.histogram(x, _bins() if isinstance(bins, str) and bins == "tensorflow" else bins)
        if max_bins is not None and len(counts) > max_bins:
            step = -(-len(counts) // max_bins)
            counts, limits = np.add.reduceat(counts, range(0, len(counts), step)), limits[::step]
        full = np.flatnonzero(counts)
        first, last = max(0, full[0] - 1), full[-1] + 1
        last_limits = np.append(limits[1:], limits[-1])[: len(counts)]
        histogram: dict[int, Any] = {
            1: float(x.min()),
            2: float(x.max()),
            3: float(x.size),
            4: float(x.sum()),
        }
        histogram |= {5: float(x @ x), 6: packed(last_limits[first:last]), 7: packed(counts[first:last])}
        self._add(tag, {5: message(histogram)}, global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """An image.

        Args:
            tag: the name.
            img_tensor: floats from 0 to 1, or uint8, with 1 or 3 channels.
            global_step, walltime: as in `add_scalar`.
            dataformats: the order of the axes, "CHW", "HWC" or "HW".
        """
        self.add_images(tag, _plain(img_tensor)[None], global_step, walltime, "N" + dataformats)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several images in a grid; arguments as in `add_image`, with an axis N more.

        Raises:
            OptionError: `dataformats` does not name the axes.
        """
        x = _plain(img_tensor)
        if len(dataformats) != x.ndim or not set("NHW") <= set(dataformats) <= set("NCHW"):
            raise OptionError(
                f"add_image({tag!r}, dataformats={dataformats.removeprefix('N')!r}): the image has the shape "
                f'{x.shape}; expected its axes, e.g. "CHW" or "HWC"'
            )
        order = [dataformats.index(axis) for axis in "NCHW" if axis in dataformats]
        x = x.transpose(order)
        x = x if "C" in dataformats else x[:, None]
        x = x / np.float32(255) if x.dtype == np.uint8 else x
        grid = np.clip(make_grid(x[:, :3]).numpy() * 255, 0, 255).astype(np.uint8).transpose(1, 2, 0)
        H, W, _ = grid.shape
        self._add(tag, {4: message({1: H, 2: W, 3: 3, 4: png(grid)})}, global_step, walltime)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A figure of Matplotlib as an image.

        Args:
            tag: the name.
            figure: the figure.
            global_step, walltime: as in `add_scalar`.
            close: as in PyTorch; without effect.
        """
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi="figure")
        encoded = file.getvalue()
        width, height = struct.unpack_from(">II", encoded, 16)  # after the signature of the file
        self._add(tag, {4: message({1: height, 2: width, 3: 4, 4: encoded})}, global_step, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A text in Markdown.

        Args:
            tag: the name.
            text_string: the text.
            global_step, walltime: as in `add_scalar`.
        """
        tensor = message({1: 7, 2: message({2: message({1: 1})}), 8: text_string})  # one string
        about = message({1: message({1: "text"})})
        self._add(f"{tag}/text_summary", {8: tensor, 9: about}, global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """The hyperparameters of a run and its results, as a row of the table of runs.

        Args:
            hparam_dict: numbers, texts and booleans by name.
            metric_dict: results by name.
            hparam_domain_discrete: as in PyTorch; without effect.
            run_name: the name of the row and of its subfolder; the time by default.
            global_step: the step of the results.

        Raises:
            DTypeError: a hyperparameter is something else.
        """
        kinds = {name: _kind(name, value) for name, value in hparam_dict.items()}
        infos = [message({1: name, 4: kind}) for name, (kind, _) in kinds.items()]
        metrics = [message({1: message({2: name})}) for name in metric_dict]
        entries = [message({1: name, 2: value}) for name, (_, value) in kinds.items()]
        parts = {
            "experiment": {2: message({4: infos, 5: metrics})},
            "session_start_info": {3: message({1: entries})},
            "session_end_info": {4: message({1: 1})},
        }
        with SummaryWriter(Path(self.log_dir, run_name or str(time.time()))) as writer:
            for name, part in parts.items():
                content = message({1: message({1: "hparams", 2: message(part)})})
                writer._add(f"_hparams_/{name}", {9: content}, None, None)
            for name, value in metric_dict.items():
                writer.add_scalar(name, value, global_step)

    def add_graph(self, *args: Any, **options: Any) -> None:
        """Not there.

        Raises:
            UnsupportedError: always; the message names `visualize.draw`.
        """
        raise UnsupportedError(
            "add_graph: TensorBoard's graphs are those of other libraries; write "
            'visualize.draw(model, x).save("graph.html")'
        )

    def _add(self, tag: str, value: dict[int, Any], step: int | None, walltime: float | None) -> None:
        summary = message({1: message({1: tag, **value})})
        when = time.time() if walltime is None else float(walltime)
        self._write({1: when, 2: 0 if step is None else int(step), 5: summary})

    def _write(self, event: dict[int, Any]) -> None:
        self._waiting.append(record(message(event)))
        if len(self._waiting) > self.max_queue:
            self.flush()


def _plain(x: Any) -> Array:
    return as_array(x.detach() if hasattr(x, "detach") else x)


def _bins() -> list[float]:
    """Limits that grow by a tenth from 1e-12 to 1e20, on both sides of 0."""
    grown = [1e-12]
    while grown[-1] < 1e20:
        grown.append(1.1 * grown[-1])
    return [-v for v in grown[::-1]] + [0.0] + grown


def _kind(name: str, value: Any) -> tuple[int, bytes]:
    """The kind of a hyperparameter and its value, as TensorBoard has them."""
    if isinstance(value, bool):
        return 2, message({4: int(value)})
    if isinstance(value, str):
        return 1, message({3: value})
    try:
        return 3, message({2: float(_plain(value).item())})
    except (TypeError, ValueError) as error:
        raise DTypeError(
            f"add_hparams: {name} is a {type(value).__name__}, expected a number, a text or a boolean; write "
            f"str({name})"
        ) from error
