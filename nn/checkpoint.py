"""Checkpoints: one file with all that a run needs to resume to bit-equal results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from copy import deepcopy
from typing import Any, Protocol, runtime_checkable

import numpy as np

from autograd_lite.errors import AutogradLiteError, DataError

from .module import Module
from .random import generator
from .serialization import load, save

__all__ = ["LoadedCheckpoint", "load_checkpoint", "save_checkpoint"]


RANDOM = "random state"
"""The key of the state of nn's random numbers. With a space, it cannot clash with a keyword argument."""


@runtime_checkable
class Stateful(Protocol):
    """An object with a state: a module, an optimizer, a schedule."""

    def state_dict(self) -> Mapping[str, Any]:
        """The state, by name."""

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Load a state."""


class LoadedCheckpoint(dict[str, Any]):
    """The values in a checkpoint, by name, and the keys that `strict=False` has skipped."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.missing_keys: list[str] = []
        self.unexpected_keys: list[str] = []


class _RandomState:
    """A generator of random numbers as a `Stateful` object."""

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

    The file has the safetensors format and holds no code. The write is atomic: an older file stays
    until the new one is complete.

    Args:
        path: the path of the file, usually `name.safetensors`.
        model: the model; its parameters and buffers are saved.
        optimizer: the optimizer; its state (momentum buffers, ...) is saved.
        scheduler: the learning rate schedule; its state is saved.
        others: further entries by name: objects with a `state_dict`, generators of random numbers
            (e.g. the generator of a DataLoader), and values that `nn.save` takes (the epoch, the
            history, ...).

    Raises:
        DTypeError: a value cannot be saved.
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
    save(checkpoint_of(model, optimizer, scheduler, **others), path)


def checkpoint_of(
    model: Module,
    optimizer: Stateful | None = None,
    scheduler: Stateful | None = None,
    **others: Any,
) -> dict[str, Any]:
    """What `save_checkpoint` writes."""
    parts, values = _sorted(model, optimizer, scheduler, others)
    states = {name: part.state_dict() for name, part in parts.items()}
    return {"parts": states, RANDOM: generator.bit_generator.state, "values": values}


def load_checkpoint(
    path: str | os.PathLike[str],
    model: Module,
    optimizer: Stateful | None = None,
    scheduler: Stateful | None = None,
    *,
    strict: bool = True,
    **others: Any,
) -> LoadedCheckpoint:
    """Load a checkpoint: each object that is given here gets its state from the file.

    With an optimizer, the state of nn's random numbers is loaded too, so that training resumes exactly.

    Args:
        path: a file of `save_checkpoint`.
        model: a model built as the saved model was.
        optimizer: an optimizer built as the saved one was.
        scheduler: a schedule built as the saved one was.
        strict: raise an error if keys of a module are missing or unexpected.
        others: further objects with a state, under their names in `save_checkpoint`.

    Returns:
        The saved values, by name; its `missing_keys` and `unexpected_keys` list the keys that
        `strict=False` has skipped.

    Raises:
        FileError: the file cannot be read.
        DataError: the file is damaged or not a checkpoint, or a state does not fit. Nothing is then
            changed.
    """
    content = _content(path)
    return restored("load_checkpoint", path, content, model, optimizer, scheduler, strict=strict, **others)


def restored(
    who: str,
    of: object,
    content: Mapping[str, Any],
    model: Module,
    optimizer: Stateful | None = None,
    scheduler: Stateful | None = None,
    *,
    strict: bool = True,
    **others: Any,
) -> LoadedCheckpoint:
    """Load what `checkpoint_of` has given; see `load_checkpoint`.

    Args:
        who: the function, for messages.
        of: where the content comes from, for messages.
        content: what `checkpoint_of` has given.
        model, optimizer, scheduler, strict, others: as in `load_checkpoint`.
    """
    parts, _ = _sorted(model, optimizer, scheduler, others)
    states = content["parts"]
    if optimizer is not None:
        parts, states = {**parts, RANDOM: _RandomState(generator)}, {**states, RANDOM: content[RANDOM]}
    found = LoadedCheckpoint(content["values"])
    with ExitStack() as undo:
        for name, part in parts.items():
            if name not in states:
                raise DataError(f"{who}: {of} has no {name}; it has {', '.join(states)}")
            undo.callback(part.load_state_dict, deepcopy(part.state_dict()))
            try:
                if isinstance(part, Module):
                    keys = part.load_state_dict(states[name], strict)
                    found.missing_keys += [f"{name}.{key}" for key in keys.missing_keys]
                    found.unexpected_keys += [f"{name}.{key}" for key in keys.unexpected_keys]
                else:
                    part.load_state_dict(states[name])
            except AutogradLiteError as error:
                raise DataError(f"{who}: the {name} in {of} does not fit: {error}") from error
            except Exception as error:  # a foreign state may fail in any way
                raise DataError(
                    f"{who}: the {name} in {of} is not a state of a {type(part).__name__} "
                    f"({type(error).__name__}: {error})"
                ) from error
        undo.pop_all()
    return found


def _content(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a checkpoint; other files are refused."""
    content = load(path)
    if not is_checkpoint(content):
        raise DataError(
            f"load_checkpoint: {path} is not a checkpoint; for weights that nn.save has written, write "
            "model.load_state_dict(nn.load(path))"
        )
    return content


def is_checkpoint(content: Mapping[str, Any]) -> bool:
    """Whether a content is one of `checkpoint_of`."""
    shape = {name: type(content.get(name)) for name in ("parts", RANDOM, "values")}
    return content.keys() == shape.keys() and set(shape.values()) == {dict}


def _sorted(
    model: Module, optimizer: Stateful | None, scheduler: Stateful | None, others: Mapping[str, Any]
) -> tuple[dict[str, Stateful], dict[str, Any]]:
    """The entries with a state, and the plain values."""
    given = {"model": model, "optimizer": optimizer, "scheduler": scheduler, **others}
    given = {k: _RandomState(v) if isinstance(v, np.random.Generator) else v for k, v in given.items()}
    parts = {name: value for name, value in given.items() if isinstance(value, Stateful)}
    return parts, {name: value for name, value in others.items() if name not in parts}
