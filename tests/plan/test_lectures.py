"""The lecture programs learn the same, to the bit, when their trainers replay the passes of each batch."""

from __future__ import annotations

import functools
import importlib
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.lectures.__main__ import programs
from nn.training import Trainer


def uses_a_trainer(name: str) -> bool:
    return "Trainer(" in inspect.getsource(importlib.import_module(f"examples.lectures.{name}"))


TRAINED = [name for name in programs() if uses_a_trainer(name)]


def numbers(value: Any) -> Any:
    """The results of a program as nested lists, without what the clock decides."""
    if isinstance(value, dict):
        return [(key, numbers(item)) for key, item in value.items() if not clocked(key)]
    if isinstance(value, (list, tuple)):
        return [numbers(item) for item in value]
    if hasattr(value, "numpy"):
        value = value.numpy()
    return (value.dtype.str, value.tobytes()) if isinstance(value, (np.ndarray, np.generic)) else repr(value)


def clocked(key: Any) -> bool:
    return any(word in str(key) for word in ("second", "minute", "time", "speed"))


def test_most_trainers_of_the_lectures_are_found() -> None:
    assert len(TRAINED) > 15


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ag.compile:autograd_lite.errors.MistakeWarning")
@pytest.mark.parametrize("name", TRAINED)
def test_a_program_learns_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = functools.partial(importlib.import_module(f"examples.lectures.{name}").run, True, 0)
    eager = numbers(run(tmp_path))
    replayed: list[str] = []
    made = Trainer.__init__

    @functools.wraps(made)
    def compiled(self: Trainer, *args: Any, **options: Any) -> None:
        made(self, *args, **{**options, "compile": True})

    fit = Trainer.fit

    @functools.wraps(fit)
    def fitted(self: Trainer, *args: Any, **options: Any) -> Any:
        history = fit(self, *args, **options)
        replayed.extend(self.signatures)
        return history

    monkeypatch.setattr(Trainer, "__init__", compiled)
    monkeypatch.setattr(Trainer, "fit", fitted)
    assert numbers(run(tmp_path)) == eager
    assert any("replayed" in line for line in replayed), replayed
