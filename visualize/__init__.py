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

from .calls import Call
from .explain import Explanation, explain
from .graph import Edge, Graph, Vertex, draw
from .plots import learning_curves, learning_rate_curve
from .steps import Step, Steps, backprop_steps

__all__ = [
    "Call",
    "Edge",
    "Explanation",
    "Graph",
    "Step",
    "Steps",
    "Vertex",
    "backprop_steps",
    "draw",
    "explain",
    "learning_curves",
    "learning_rate_curve",
]
