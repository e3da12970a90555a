"""The rule tables, by mathematical kind. Importing them fills the registry."""

import importlib

from ..known import libraries
from ..tensor import Tensor
from ..torch_names import method_of
from . import (
    constants,
    decompositions,
    elementwise,
    factors,
    fft,
    indexing,
    linalg,
    norms,
    padding,
    polynomials,
    products,
    ranges,
    reductions,
    running,
    selection,
    shaping,
    signal,
    sinc,
    singular,
    slopes,
    special,
    statistics,
    triangular,
    wide,
)

__all__ = [
    "constants",
    "decompositions",
    "elementwise",
    "factors",
    "fft",
    "indexing",
    "linalg",
    "norms",
    "padding",
    "polynomials",
    "products",
    "ranges",
    "reductions",
    "running",
    "selection",
    "shaping",
    "signal",
    "sinc",
    "singular",
    "slopes",
    "special",
    "statistics",
    "triangular",
    "wide",
]

# PyTorch has these functions as methods of a Tensor too.
Tensor.sigmoid.give(method_of(special.sigmoid))
Tensor.softplus.give(method_of(special.softplus))
Tensor.erf.give(method_of(special.erf))
Tensor.relu.give(method_of(selection.relu))
Tensor.softmax.give(method_of(reductions.softmax))
Tensor.log_softmax.give(method_of(reductions.log_softmax))
Tensor.logsumexp.give(method_of(reductions.logsumexp))

libraries["scipy.special"] = lambda: importlib.import_module(f"{__name__}.scipy_special")
