"""Plots of the distributions of each layer's outputs and gradients during training."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.errors import DataError, DTypeError, OptionError

from .figures import array, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LayerWatch"]

SAMPLE = 1000
"""The most entries of an array that are kept; of a longer array, evenly spaced ones."""


class LayerWatch:
    """Keeps samples of the outputs of each layer, and of their gradients, while a model is called.

    Args:
        model: a module; its layers are the modules without submodules.
        every: keep the samples of each `every`-th call.

    Raises:
        DTypeError: `model` is not a module.
        OptionError: `every` is not a positive integer.

    Example:
        >>> import autograd_lite as ag, nn
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        >>> with LayerWatch(model) as watch:
        ...     for _ in range(5):
        ...         np.sum(model(np.ones((4, 2)))).backward()
        >>> sorted(watch.activations), len(watch.gradients["0"])
        (['0', '1'], 5)
        >>> figure = watch.histograms("gradients")
    """

    def __init__(self, model: Any, every: int = 1) -> None:
        if not hasattr(model, "named_modules"):
            raise DTypeError(f"LayerWatch: {type(model).__name__} is no module; write LayerWatch(model)")
        if type(every) is not int or every < 1:
            raise OptionError(f"LayerWatch(every={every!r}): expected a positive integer")
        self.activations: dict[str, list[Any]] = defaultdict(list)
        self.gradients: dict[str, list[Any]] = defaultdict(list)
        self._model, self._every = model, every
        self._calls: dict[str, int] = defaultdict(int)
        self._handles: list[Any] = []

    def __enter__(self) -> LayerWatch:
        for path, module in self._model.named_modules():
            if not any(True for _ in module.children()):
                self._handles.append(module.register_forward_hook(self._hook(path)))
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def _hook(self, path: str) -> Any:
        def keep(module: Any, args: tuple[Any, ...], output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output
            self._calls[path] += 1
            if (self._calls[path] - 1) % self._every:
                return
            self.activations[path].append(_sample(output))
            if getattr(output, "requires_grad", False):
                output.register_hook(lambda g: self.gradients[path].append(_sample(g)))

        return keep

    def histograms(self, what: str = "activations", columns: int = 3, bins: int = 40) -> Figure:
        """Plot for each layer the histogram of its numbers at each call; darker means more entries.

        The line is the median. For gradients the axis is logarithmic, so that small ones are visible;
        zeros are left out.

        Args:
            what: "activations" or "gradients".
            columns: the number of panels side by side.
            bins: the number of intervals of the axis.

        Raises:
            OptionError: `what` is unknown.
            DataError: no samples were kept.
            RendererError: matplotlib is not installed.
        """
        if what not in ("activations", "gradients"):
            raise OptionError(f"histograms({what!r}): expected 'activations' or 'gradients'")
        kept: dict[str, list[Any]] = getattr(self, what)
        if not kept:
            raise DataError(
                f"histograms: no {what} were kept; call the model in 'with LayerWatch(model) as watch:'"
                + (", and backward() too" if what == "gradients" else "")
            )
        figure, panes = panels("LayerWatch.histograms", len(kept), columns, 3.3, 2.4)
        titles = {p: f"{p} {type(m).__name__}".strip() for p, m in self._model.named_modules()}
        paths = [path for path in titles if path in kept]
        for axes, path in zip(panes, paths, strict=True):
            columns_of = [_logarithms(a) if what == "gradients" else a[np.isfinite(a)] for a in kept[path]]
            every = np.concatenate(columns_of)
            low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
            high = high if high > low else low + 1.0
            shares = [np.histogram(c, bins, (low, high))[0] / max(c.size, 1) for c in columns_of]
            extent = (0.5, len(columns_of) + 0.5, low, high)
            image = np.sqrt(np.stack(shares, axis=1))  # the root makes thin tails visible
            axes.imshow(image, aspect="auto", origin="lower", extent=extent, cmap="Blues")
            median = [float(np.median(c)) if c.size else np.nan for c in columns_of]
            axes.plot(range(1, len(median) + 1), median, color="#c2300b", linewidth=1.2)
            axes.set_title(titles[path], fontsize=10)
            axes.spines[["top", "right"]].set_visible(False)
        for axes in panes:
            axes.set_xlabel("call", fontsize=8)
            axes.set_ylabel("log₁₀ |gradient|" if what == "gradients" else "output", fontsize=8)
            axes.tick_params(labelsize=8)
        return figure


def _sample(x: Any) -> Any:
    flat = array(x).ravel()
    return np.array(flat[:: max(1, -(-flat.size // SAMPLE))], dtype=float)


def _logarithms(values: Any) -> Any:
    sizes = np.abs(values[np.isfinite(values)])
    return np.log10(sizes[sizes > 0])
