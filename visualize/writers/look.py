"""How a computation is shown: the options of `draw`, and what a writer gets."""

from __future__ import annotations

from dataclasses import dataclass

from ..computation import Computation

__all__ = ["Look", "Picture"]


@dataclass(frozen=True, slots=True)
class Look:
    """The options of a picture, which `draw` takes by the same names.

    Attributes:
        style: "lecture", as on slides: operations in circles, inputs by name, on every edge the
            value above the line in green and the gradient below it in red. A value that is used
            several times has a share of its gradient on each line, and their sum Σ at itself.
            "model": a box for each layer, a frame around the layers of each module, shapes on the arrows.
            "ops": a box for each step with its dtype, shape and numbers, and its file and line where it was
            recorded under `ag.detect_anomaly()`.
            "neurons": the slides' diagram of a plain chain of Linear layers and activations: neurons as
            circles, weights on the lines, values above, deltas below; or the cell of an LSTM. It draws a
            model without an input too.
        values: whether values are shown. "stats" shows arrays by smallest, mean and largest entry and norm,
            "full" small ones by all of their entries, "pictures" as heat maps and images.
        grads: whether gradients are shown; one that is not there (before `backward`) is a dash in the
            lecture style, and left out in the others.
        constants: whether inputs are drawn that no gradient belongs to.
        direction: "LR", from left to right, the default of the styles "lecture" and "neurons"; or "TB", from
            top to bottom, that of the others. None for a model in the lecture style: "LR", but "TB" on its
            page.
        depth: how many levels of modules are open; those below are boxes. 0 draws the model as one box.
            The styles "lecture" and "neurons" have no modules.
        unroll: whether each call of a module with parameters is drawn by itself, rather than all as one box
            with their number, e.g. the steps of a recurrent cell through time.
        flow: whether arrows are wide and coloured by the norm of their gradient.
        theme: "light", "dark" or "print".
        legend: whether what the colours mean is said below; by default in all but the lecture style.

    Example:
        >>> from visualize import draw
        >>> draw(lambda x: x * x, 3.0, direction="TB", theme="dark").look.direction
        'TB'
    """

    style: str = "lecture"
    values: bool | str = True
    grads: bool = True
    constants: bool = True
    direction: str | None = "LR"
    depth: int | None = None
    unroll: bool = False
    flow: bool = False
    theme: str = "light"
    legend: bool | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Picture(Computation):
    """A computation and how it is shown.

    Attributes:
        look: the options.
    """

    look: Look = Look()
