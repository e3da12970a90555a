"""States of optimizers as they are saved and loaded: arrays and numbers by name."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from autograd_lite import Tensor
from autograd_lite.errors import DataError, DTypeError

__all__ = ["SWITCHES", "State", "copied", "is_dict", "no_state", "plain"]

State = dict[str, Any]
"""The state of one parameter: numbers, and arrays of the parameter's shape."""
SWITCHES = frozenset(
    {"foreach", "fused", "capturable", "differentiable", "maximize", "decoupled_weight_decay"}
)
"""Options that older states lack."""
NUMBERS = frozenset({"step", "eta", "mu", "mu_product"})
"""Entries of states that are numbers here, and Tensors without axes in PyTorch."""


def no_state(name: str, came: object) -> DTypeError | DataError:
    """The error for an object that is not the state of an optimizer."""
    if not isinstance(came, Mapping):
        return DTypeError(
            f"{name}: load_state_dict takes a dict, got a {type(came).__name__}; write "
            "load_state_dict(nn.load(path)) or load_state_dict(other_optimizer.state_dict())"
        )
    repair = "for the weights of a model, write model.load_state_dict(state)"
    if came.keys() >= {"parts", "random state", "values"}:
        repair = "this is a checkpoint: write nn.load_checkpoint(path, model, optimizer)"
    for key, value in came.items():
        if isinstance(value, Mapping) and value.keys() >= {"state", "param_groups"}:
            repair = f"it is one level deeper: write load_state_dict(state[{key!r}])"
    keys = reprlib.repr(list(came))
    return DataError(f'{name}: a state has "state" and "param_groups", this has the keys {keys}; {repair}')


def is_dict(value: object) -> bool:
    """Whether a value has keys and values."""
    return isinstance(value, Mapping)


def plain(entries: Mapping[str, Any]) -> State:
    """The entries of a state as arrays and numbers; PyTorch's states hold Tensors."""
    plain = {k: v.numpy() if isinstance(v, Tensor) else v for k, v in entries.items()}
    if plain.get("momentum_buffer", plain) is None:  # in PyTorch, SGD without momentum has this entry
        del plain["momentum_buffer"]
    numbers = {k: plain[k].item() for k in NUMBERS & plain.keys() if _is_single(plain[k])}
    if isinstance(step := numbers.get("step"), float) and step.is_integer():
        numbers["step"] = int(step)
    return plain | numbers


def _is_single(value: object) -> bool:
    return isinstance(value, np.ndarray) and not value.ndim


def copied(entries: Mapping[str, Any]) -> State:
    """The entries with arrays of their own."""
    return {key: deepcopy(value) for key, value in entries.items()}
