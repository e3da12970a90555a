"""`Look`, the options of a picture; and `Picture`, the argument of every writer."""

from __future__ import annotations

from dataclasses import dataclass

from ..computation import Computation

__all__ = ["Look", "Picture"]


@dataclass(frozen=True, slots=True)
class Look:
    """The options of a picture, which `draw` takes by the same names.

    Attributes:
        style: "lecture" draws ops as circles, inputs by name, and on every edge the value above the line in
            green and the gradient below in red. A value with several uses has the gradient of each use on
            its line, and their sum Σ at the value.
            "model" draws a box for each layer, a frame around each module, and shapes on the arrows.
            "ops" draws a box for each step, with dtype, shape and numbers. Steps recorded under
            `ag.detect_anomaly()` show their file and line.
            "plan" draws a plan: ops as circles, a frame around each group of fused steps, shapes on the
            arrows. Results that share a buffer share a colour. `depth=0` draws each group as one box.
            "neurons" draws a plain chain of Linear layers and activations: neurons as circles, weights on
            the lines, values above, deltas below. It also draws the cell of an LSTM, and a model without an
            input.
        values: show values. "stats" shows arrays by smallest, mean and largest entry and norm; "full" shows
            all entries of small arrays; "pictures" shows heat maps and images.
        grads: show gradients. The lecture style marks a missing gradient (before `backward`) by a dash.
        constants: draw inputs without a gradient.
        direction: "LR" draws from left to right, the default of the styles "lecture" and "neurons". "TB"
            draws from top to bottom, the default of the others. None draws a model in the lecture style as
            "LR", but its page as "TB".
        depth: the number of open levels of modules; deeper modules are boxes. 0 draws the model as one box.
            The styles "lecture" and "neurons" do not have this option.
        unroll: draw each call of a module with parameters as its own box, e.g. the steps of a recurrent cell
            through time. By default all calls share one box, which shows their number.
        flow: draw arrows wide and coloured by the norm of their gradient.
        theme: "light", "dark" or "print".
        legend: explain the colours below the picture; the default in all styles but "lecture".
        rounding: show a third number, below the gradient: how far the rounding of the value may move the
            output, which is |gradient| times the largest rounding error of the step. At an output the number
            is the sum over all steps, the bound of `ag.rounding`. Only the style "lecture" has this option.

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
    rounding: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Picture(Computation):
    """A computation with the options of its picture.

    Attributes:
        look: the options.
    """

    look: Look = Look()
