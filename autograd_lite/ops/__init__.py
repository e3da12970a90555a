"""The rule tables, by mathematical kind. Importing them fills the registry."""

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
    slopes,
    special,
    statistics,
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
    "slopes",
    "special",
    "statistics",
    "wide",
]

# PyTorch has these functions as methods of a Tensor, too.
Tensor.sigmoid = method_of(special.sigmoid)
Tensor.softplus = method_of(special.softplus)
Tensor.erf = method_of(special.erf)
Tensor.relu = method_of(selection.relu)
Tensor.softmax = method_of(reductions.softmax)
Tensor.log_softmax = method_of(reductions.log_softmax)
Tensor.logsumexp = method_of(reductions.logsumexp)
