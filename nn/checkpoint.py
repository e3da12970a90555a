"""Checkpoints: all that a run needs to go on as if it had never been interrupted, in one file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Protocol, runtime_checkable

import numpy as np

from autograd_lite.errors import AutogradLiteError, DataError

from .module import Module
from .random import generator
from .serialization import load, save

__all__ = ["LoadedCheckpoint", "load_checkpoint", "save_checkpoint"]


RANDOM = "random state"
"""What the state of nn's random numbers is called: no keyword argument can have this name."""


@runtime_checkable
class Stateful(Protocol):
    """What has a state: modules, optimizers, schedules."""

    def state_dict(self) -> Mapping[str, Any]:
        """The state, by name."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Go on from a state."""


class LoadedCheckpoint(dict[str, Any]):
    """The values in a checkpoint, by name, and the keys that `strict=False` has passed over."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.missing_keys: list[str] = []
        self.unexpected_keys: list[str] = []


class _RandomState:
    """A generator of random numbers, seen as something with a state."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def state_dict(self) -> Mapping[str, Any]:
        return self.generator.bit_generator.state

    def load_state_dict(self, state_dict: Any, /) -> None:
        self.generator.bit_generator.state = state_dict


def save_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Stateful | None = None,
    scheduler: Stateful | None = None,
    **others: Any,
) -> None:
    """Write a model, its optimizer, its schedule and the state of nn's random numbers to one file.

    The file is of safetensors and holds no code. It appears whole or not at all: the one that was there
    before stays until the new one is complete.

    Args:
        path: the file, by custom `name.safetensors`.
        model: of which the parameters and buffers are kept.
        optimizer: with all that it remembers, e.g. momenta.
        scheduler: where in the schedule the run is.
        others: by name, further models, optimizers and whatever else has a `state_dict`; generators of
            random numbers, such as that of a DataLoader; and values that `nn.save` takes: the epoch,
            the history, ...

    Raises:
        DTypeError: a value that cannot be saved.
        FileError: the file cannot be written.

    Example:
        >>> import os, tempfile, nn
        >>> model = nn.Linear(2, 1)
        >>> optimizer = nn.optim.Adam(model.parameters())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "run.safetensors")
        ...     nn.save_checkpoint(path, model, optimizer, epoch=3)
        ...     nn.load_checkpoint(path, model, optimizer)["epoch"]
        3
    """
    parts, values = _sorted(model, optimizer, scheduler, others)
    states = {name: part.state_dict() for name, part in parts.items()}
    save({"parts": states, RANDOM: generator.bit_generator.state, "values": values}, path)


def load_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Stateful | None = None,
    scheduler: Stateful | None = None,
    *,
    strict: bool = True,
    **others: Any,
) -> LoadedCheckpoint:
    """Go on from a checkpoint: everything that is given here takes over its state in the file.

    With an optimizer, training goes on, so nn's random numbers do too; a model alone is loaded for use.

    Args:
        path: what `save_checkpoint` has written.
        model: as it was built for the saved one.
        optimizer: likewise.
        scheduler: likewise.
        strict: whether missing and unexpected keys of modules are errors.
        others: further things with a state, under the names that they were saved by.

    Returns:
        The values that were saved, by name; its `missing_keys` and `unexpected_keys` list what
        `strict=False` has passed over.

    Raises:
        FileError: the file cannot be read.
        DataError: it is damaged or no checkpoint, or a state in it does not fit. Everything is then left
            as it was.
    """
    parts, _ = _sorted(model, optimizer, scheduler, others)
    content = _content(path)
    states = content["parts"]
    if optimizer is not None:
        parts, states = {**parts, RANDOM: _RandomState(generator)}, {**states, RANDOM: content[RANDOM]}
    found = LoadedCheckpoint(content["values"])
    with ExitStack() as undo:
        for name, part in parts.items():
            if name not in states:
                raise DataError(f"load_checkpoint: {path} has no {name}; it has {', '.join(states)}")
            undo.callback(part.load_state_dict, part.state_dict())
            try:
                if isinstance(part, Module):
                    keys = part.load_state_dict(states[name], strict)
                    found.missing_keys += [f"{name}.{key}" for key in keys.missing_keys]
                    found.unexpected_keys += [f"{name}.{key}" for key in keys.unexpected_keys]
                else:
                    part.load_state_dict(states[name])
            except AutogradLiteError as error:
                raise DataError(f"load_checkpoint: the {name} in {path} does not fit: {error}") from error
            except Exception as error:  # whatever a state of another make leads to
                raise DataError(
                    f"load_checkpoint: the {name} in {path} is no state of a {type(part).__name__} "
                    f"({type(error).__name__}: {error})"
                ) from error
        undo.pop_all()
    return found


def _content(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What is in a checkpoint; another file is refused."""
    content = load(path)
    shape = {name: type(content.get(name)) for name in ("parts", RANDOM, "values")}
    if content.keys() != shape.keys() or set(shape.values()) != {dict}:
        raise DataError(
            f"load_checkpoint: {path} is no checkpoint; of weights that nn.save has written, write "
            "model.load_state_dict(nn.load(path))"
        )
    return content


def _sorted(
    model: Module, optimizer: Stateful | None, scheduler: Stateful | None, others: Mapping[str, Any]
) -> tuple[dict[str, Stateful], dict[str, Any]]:
    """What has a state, and what is a value."""
    given = {"model": model, "optimizer": optimizer, "scheduler": scheduler, **others}
    given = {k: _RandomState(v) if isinstance(v, np.random.Generator) else v for k, v in given.items()}
    parts = {name: value for name, value in given.items() if isinstance(value, Stateful)}
    return parts, {name: value for name, value in others.items() if name not in parts}
