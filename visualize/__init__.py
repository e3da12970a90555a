"""Pictures of a computation: its graph with the values and gradients on the edges.

>>> import autograd_lite as ag
>>> from visualize import draw
>>> x, y, z = (ag.Tensor(v, requires_grad=True, name=n) for n, v in [("x", -2.0), ("y", 5.0), ("z", -4.0)])
>>> f = (x + y) * z
>>> f.backward()
>>> draw(f)
<Graph: 2 steps, 3 inputs; .save("f.svg") writes it>

A notebook shows the picture by itself.
"""

from typing import TYPE_CHECKING

from autograd_lite.errors import AutogradLiteError as _AutogradLiteError
from autograd_lite.words.names import missing_from_module as _missing_from_module

from .compare import Difference, diff
from .computation import Call, Edge, Step, Vertex
from .costs import Cost, Profile, profile
from .explain import Explanation, explain
from .graph import Graph, draw
from .notebook import show_errors as _show_errors
from .plancosts import PlanProfile, StepCost
from .plots import (
    LayerWatch,
    activation_functions,
    confusion_matrix,
    decision_regions,
    feature_maps,
    heat,
    learning_curves,
    learning_rate_curve,
    learning_rate_schedules,
    loss_surface,
    misclassified,
    schedule,
    sparsity,
    weight_images,
)
from .rows import table
from .runs import RunPage, history
from .steps import Steps, backprop_steps
from .words.names import FOREIGN_NAMES as _FOREIGN_NAMES
from .writers.look import Look

__all__ = [
    "Call",
    "Cost",
    "Difference",
    "Edge",
    "Explanation",
    "Graph",
    "LayerWatch",
    "Look",
    "PlanProfile",
    "Profile",
    "RunPage",
    "Step",
    "StepCost",
    "Steps",
    "Vertex",
    "activation_functions",
    "backprop_steps",
    "confusion_matrix",
    "decision_regions",
    "diff",
    "draw",
    "explain",
    "feature_maps",
    "heat",
    "history",
    "learning_curves",
    "learning_rate_curve",
    "learning_rate_schedules",
    "loss_surface",
    "misclassified",
    "profile",
    "schedule",
    "sparsity",
    "table",
    "weight_images",
]

_AutogradLiteError.drawn_by(draw)
_show_errors()

if not TYPE_CHECKING:  # type checkers shall find a name that is misspelt

    def __getattr__(name):
        raise _missing_from_module(__name__, "visualize.", name, _FOREIGN_NAMES.get, lambda: __all__)
