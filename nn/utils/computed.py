"""Computed attributes of layers: a pruned, shared or normalized weight.

The layer reads `self.weight` as usual, and a function computes the weight from its sources, on the tape. So
the gradient flows to the sources, and an optimizer updates the sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autograd_lite.errors import DataError

from ..module import Computed, Module, Parameter

__all__ = ["check_parameter", "compute", "settle"]


def compute(
    module: Module,
    name: str,
    function: Callable[[Module], Any],
    sources: Mapping[str, Any],
    assign: Callable[[Module, Any], None] | None = None,
) -> None:
    """Replace a parameter by a computed attribute.

    Args:
        module: the layer.
        name: the name of the parameter, e.g. "weight".
        function: a function from the layer to the value, defined at module level so that layers can be
            pickled.
        sources: the parameters, modules, and arrays (which become buffers) that replace the parameter. The
            name "a.b" means b of the layer's submodule a.
        assign: what an assignment to the attribute does; by default it is an error.

    Raises:
        DataError: the layer has no such parameter.

    Example:
        >>> import nn, numpy as np
        >>> layer = nn.Linear(2, 2, bias=False)
        >>> compute(layer, "weight", lambda m: np.exp(m.log_weight), {"log_weight": nn.Parameter(np.eye(2))})
        >>> [name for name, _ in layer.named_parameters()], layer.weight.numpy().round(2).tolist()
        (['log_weight'], [[2.72, 1.0], [1.0, 2.72]])
    """
    check_parameter(module, name)
    del module._parameters[name]
    for source, value in sources.items():
        holder, last = _place(module, source)
        if isinstance(value, (Parameter, Module)):
            setattr(holder, last, value)
        else:
            holder.register_buffer(last, value)
    module.__dict__.setdefault("_computed", {})[name] = Computed(function, tuple(sources), assign)


def settle(module: Module, name: str) -> Module:
    """Make a computed attribute a parameter again, with its current value; remove its sources.

    If a source is a parameter of the same shape, this parameter takes the value. So an optimizer that holds
    the parameter remains valid.

    Raises:
        DataError: the attribute is not computed.
    """
    if module._computed is None or name not in module._computed:
        raise DataError(f"{type(module).__name__}.{name} is not computed, so there is nothing to settle")
    value = getattr(module, name).numpy()
    sources = [getattr(*_place(module, source)) for source in module._computed[name].sources]
    within = [p for part in sources if isinstance(part, Module) for p in part.parameters()]
    fits = [p for p in (*sources, *within) if isinstance(p, Parameter) and p.shape == value.shape]
    parameter = fits[0] if len(fits) == 1 else Parameter(value)
    parameter.data = value
    for source in module._computed.pop(name).sources:
        delattr(*_place(module, source))
    setattr(module, name, parameter)
    return module


def _place(module: Module, source: str) -> tuple[Module, str]:
    path, _, last = source.rpartition(".")
    return (getattr(module, path) if path else module), last


def check_parameter(module: Module, name: str) -> None:
    """Refuse names that are not parameters of the layer itself."""
    if module._parameters.get(name) is None:
        own = [key for key, value in module._parameters.items() if value is not None]
        raise DataError(
            f"{type(module).__name__} has no parameter {name!r} of its own; it has {', '.join(own) or 'none'}"
        )
