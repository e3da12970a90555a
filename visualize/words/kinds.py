"""The families of layers, by the names of their classes."""

from __future__ import annotations

import re

__all__ = ["FAMILIES", "family"]

FAMILIES = {
    "conv": "convolution",
    "dense": "dense layer",
    "norm": "normalization",
    "activation": "activation",
    "pool": "pooling",
    "dropout": "dropout",
    "recurrent": "recurrent layer",
    "attention": "attention",
    "embedding": "embedding",
    "shape": "change of shape",
    "container": "module with layers in it",
    "other": "another layer",
}
"""The name of each family on a page; each has its colour there."""

_PATTERNS = [
    ("pool", r"Pool"),
    ("dropout", r"Drop"),
    ("conv", r"Conv"),
    ("norm", r"Norm"),
    ("recurrent", r"RNN|LSTM|GRU|Recurrent"),
    ("attention", r"Attention|Transformer"),
    ("embedding", r"Embedding"),
    ("dense", r"[Ll]inear$|LTU|Maxout|RBF"),
    ("shape", r"[Ff]latten|Pad|Upsampl|Shuffle|^Fold|^Unfold|Reshape|Identity"),
    ("activation", r"[A-Z]L?U$|Tanh|Sigmoid|Soft(max|min|plus|sign|shrink)|Hard|Swish|Mish|Threshold|shrink"),
]


def family(kind: str, inner: bool = False) -> str:
    """The family of a module.

    Args:
        kind: the name of the module's class.
        inner: whether the module has submodules.

    Example:
        >>> [family(kind) for kind in ("Conv2d", "AvgPool2d", "LeakyReLU", "BatchNorm1d", "Bilinear")]
        ['conv', 'pool', 'activation', 'norm', 'dense']
        >>> family("Sequential", inner=True), family("Mine")
        ('container', 'other')
    """
    found = next((name for name, pattern in _PATTERNS if re.search(pattern, kind)), "other")
    return "container" if inner and found not in ("attention", "recurrent") else found
