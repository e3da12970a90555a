"""A module whose calls are replayed, as `nn.torch.compile(model)` gives it."""

from __future__ import annotations

from typing import Any

import autograd_lite as ag

from .module import Module

__all__ = ["OptimizedModule"]


class OptimizedModule(Module):
    """A module that shares all with another one, and replays its calls by `ag.compile`.

    Parameters, buffers and modes are those of the module inside. As in PyTorch, the keys of the state begin
    with "_orig_mod.".

    Args:
        module: the module; it can still be called itself.

    Attributes:
        signatures: what is kept, one line for each signature; see `ag.compile`.

    Example:
        >>> import numpy as np, autograd_lite as ag, nn.torch as torch
        >>> model = torch.compile(torch.nn.Linear(2, 1))
        >>> with ag.no_grad():
        ...     for _ in range(3):
        ...         y = model(np.ones((4, 2), np.float32))
        >>> tuple(y.shape), list(model.state_dict()), model.signatures
        ((4, 1), ['_orig_mod.weight', '_orig_mod.bias'], ['replayed: float32 (4, 2)'])
    """

    def __init__(self, module: Module) -> None:
        self._orig_mod = module
        self._call = ag.compile(module)
        self.training = module.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    @property
    def signatures(self) -> list[str]:
        """What is kept, one line for each signature."""
        return self._call.signatures

    def __getattr__(self, name: str) -> Any:
        inside = self.__dict__.get("_modules", {}).get("_orig_mod")
        if name == "_orig_mod" or inside is None:
            return super().__getattr__(name)
        return getattr(inside, name)
