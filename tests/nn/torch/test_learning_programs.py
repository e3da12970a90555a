"""Programs of `programs/`, run by PyTorch and by `nn.torch`: they learn the same.

The two runs differ in their import lines alone. They start from the same weights, and every random number
comes from one NumPy generator with a fixed seed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn.torch

HERE = Path(__file__).parent / "programs"
PROGRAMS = sorted(path.stem for path in HERE.glob("*.py"))


def run(name: str, torch: Any, monkeypatch: Any) -> list[float]:
    """What a program returns, with the imports of a library."""
    source = (HERE / f"{name}.py").read_text(encoding="utf-8")
    if torch is not nn.torch:
        source = re.sub(r"^(import|from) nn\.torch", r"\1 torch", source, flags=re.MULTILINE)
    numbers = np.random.default_rng(0)
    feed(torch, numbers, monkeypatch)

    def prepare(model: Any) -> Any:
        state = {
            key: torch.tensor(
                np.asarray(value) + 0.3 * numbers.normal(size=tuple(np.shape(value))).astype(np.float32)
            )
            if np.ndim(value)
            else value
            for key, value in zeroed(model).items()
        }
        model.load_state_dict(state)
        return model

    space: dict[str, Any] = {"__name__": f"program_{name}"}
    exec(compile(source, name, "exec"), space)
    return list(map(float, space["main"](prepare)))


def zeroed(model: Any) -> dict[str, Any]:
    """The state with zeros in place of random weights."""
    return {
        key: np.zeros_like(np.asarray(value)) if np.ndim(value) else value
        for key, value in model.state_dict().items()
    }


def feed(torch: Any, numbers: np.random.Generator, monkeypatch: Any) -> None:
    """Let the samplers of a library draw from one generator of NumPy."""
    d = torch.distributions

    def normal(self: Any, sample_shape: Any = ()) -> Any:
        shape = tuple(self._extended_shape(torch.Size(sample_shape)))
        return self.loc + self.scale * torch.tensor(numbers.normal(size=shape).astype(np.float32))

    def categorical(self: Any, sample_shape: Any = ()) -> Any:
        u = torch.tensor(
            numbers.random(tuple(self._extended_shape(torch.Size(sample_shape)))).astype(np.float32)
        )
        return (u.unsqueeze(-1) > self.probs.detach().cumsum(-1)).sum(-1)

    monkeypatch.setattr(d.Normal, "rsample", normal)
    monkeypatch.setattr(d.Normal, "sample", lambda self, sample_shape=(): normal(self, sample_shape).detach())
    monkeypatch.setattr(d.Categorical, "sample", categorical)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs(name: str, monkeypatch: Any) -> None:
    losses = run(name, nn.torch, monkeypatch)
    assert len(losses) > 5 and np.isfinite(losses).all()


@pytest.mark.torch
@pytest.mark.few(3)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_learns_the_same(name: str, torch: Any, monkeypatch: Any) -> None:
    mine, theirs = (run(name, library, monkeypatch) for library in (nn.torch, torch))
    # Single precision: differences of rounding grow over the steps.
    np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
