"""Arguments have PyTorch's names, order and defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

GONE = {"self", "size_average", "reduce", "device", "dtype"}
"""Arguments that PyTorch keeps for old programs, or that have another meaning here."""

ANOTHER = {
    ("ModuleList", "modules"): "an empty tuple is as good as None",
    ("ParameterList", "values"): "an empty tuple is as good as None",
    ("Parameter", "data"): "a parameter without data is of no use",
    ("RNNCellBase", "bias"): "the base class of our cells, which have a default",
    ("Transformer", "activation"): '"relu" in place of the function',
    ("TransformerDecoderLayer", "activation"): '"relu" in place of the function',
    ("TransformerEncoderLayer", "activation"): '"relu" in place of the function',
}


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    plain = [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return {p.name: p.default for p in plain if p.name not in GONE}


def here_by_place(function: Callable[..., Any], key: str) -> bool:
    """Whether an argument may be given by its place; the order of the others has no meaning."""
    return inspect.signature(function).parameters[key].kind is not inspect.Parameter.KEYWORD_ONLY


def shared(ours: Any, theirs: Any) -> list[str]:
    names = [name for name in dir(ours) if name[0] != "_" and callable(getattr(ours, name))]
    return [name for name in names if callable(getattr(theirs, name, None))]


PLACES = [
    (nn, torch.nn),
    (nn.functional, torch.nn.functional),
    (nn.init, torch.nn.init),
    (nn.optim, torch.optim),
    (nn.optim.lr_scheduler, torch.optim.lr_scheduler),
]
PAIRS = [(ours, theirs, name) for ours, theirs in PLACES for name in shared(ours, theirs)]


def test_there_are_many() -> None:
    assert len(PAIRS) > 200


@pytest.mark.parametrize(("ours", "theirs", "name"), PAIRS, ids=lambda x: x if isinstance(x, str) else "")
def test_arguments_are_those_of_pytorch(ours: Any, theirs: Any, name: str) -> None:
    here, there = parameters(getattr(ours, name)), parameters(getattr(theirs, name))
    both = [key for key in there if key in here]
    places = [key for key in here if key in there and here_by_place(getattr(ours, name), key)]
    assert places == [key for key in both if key in places]
    other = {key: (here[key], there[key]) for key in both if here[key] != there[key]}
    assert {key: pair for key, pair in other.items() if (name, key) not in ANOTHER} == {}
