"""The arguments of functions and methods: their names and their order, as in PyTorch."""

# ruff: noqa: E501  (one expression, or several of one kind, a line)

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import nn.torch
from nn.torch.functions import FUNCTIONS, METHODS
from nn.torch.functions.registry import _EFFECTLESS, _WORDS

NAMED_OTHERWISE = {
    ("random_", "from"),  # a word of Python's own
    ("expand", "implicit"),  # PyTorch's compiler sets it
}
"""Arguments that are not here."""

OTHERS = {"einsum", "unique", "unique_consecutive", "atleast_1d", "atleast_2d", "atleast_3d"}
"""Functions that PyTorch declares with `*args` alone."""


def overloads(torch: Any, name: str, home: Any) -> list[list[str]]:
    """The argument names of each form of a function of PyTorch, without those of results."""
    try:
        return [list(inspect.signature(getattr(home, name)).parameters)]
    except (TypeError, ValueError):
        pass
    found = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        names = [a.name for a in schema.arguments if not a.is_out]
        tensors = [a for a in schema.arguments if str(a.type) in ("Tensor", "List[Tensor]")]
        by_name = any(
            a.name in ("names", "dimname", "dimnames") or "str" in str(a.type) for a in schema.arguments
        )
        if names[:1] == ["a"] or "reverse" in names:  # forms for lists and numbers of Python
            continue
        if tensors and tensors[0] is schema.arguments[0] and not (by_name and "dim" in names):
            found.append(["input" if n == "self" else n for n in names])
    return found


def missing(function: Callable[..., Any], name: str, theirs: list[str]) -> list[str]:
    """The arguments of one form that a function here does not take."""
    ours = set(inspect.signature(function).parameters)
    known = ours | {word for word, own in _WORDS.items() if own in ours} | _EFFECTLESS | {"out", "generator"}
    return [n for n in theirs[1:] if n not in known | {"out_dtype"} and (name, n) not in NAMED_OTHERWISE]


@pytest.mark.torch
@pytest.mark.parametrize("table", [FUNCTIONS, METHODS], ids=["functions", "methods"])
def test_the_names_of_arguments(table: dict[str, Callable[..., Any]], torch: Any) -> None:
    wrong = []
    for name, function in table.items():
        if name in OTHERS or not hasattr(torch if table is FUNCTIONS else torch.Tensor, name):
            continue
        forms = overloads(torch, name, torch if table is FUNCTIONS else torch.Tensor)
        wrong += [f"{name}: {m}" for form in forms if (m := missing(function, name, form))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.torch
def test_the_order_of_arguments(torch: Any) -> None:
    wrong = []
    for name, function in FUNCTIONS.items():
        if name in OTHERS or not hasattr(torch, name) or not (forms := overloads(torch, name, torch)):
            continue
        ours = [p.name for p in inspect.signature(function).parameters.values()][1:]
        words = [[_WORDS.get(n, n) if n not in ours else n for n in form[1:]] for form in forms]
        common = [[n for n in form if n in ours] for form in words]
        if not any(form == [n for n in ours if n in form] for form in common):
            wrong.append(f"{name}{ours}: {forms}")
    assert not wrong, "\n".join(wrong)


def test_a_name_that_is_wrong_would_be_seen() -> None:
    assert missing(lambda input, dim: None, "roll", ["self", "shifts", "dims"]) == ["shifts", "dims"]
    assert missing(FUNCTIONS["roll"], "roll", ["self", "shifts", "dims"]) == []


KEYWORDS = """
torch.roll(x, shifts=1, dims=0), torch.flip(x, dims=[0]), torch.permute(x, dims=(1, 0)), torch.rot90(x, dims=[0, 1])
torch.diagonal(x, dim1=0, dim2=1), torch.triu(x, diagonal=1), torch.diag(x, diagonal=0), torch.arange(start=0, end=4, step=2)
torch.zeros(size=(2,)), torch.cat((x, x), axis=1), torch.linalg.norm(x, dim=1), torch.tensordot(x, x, dims=1)
torch.split(x, split_size_or_sections=1), torch.softmax(x, 1, dtype=torch.float64), torch.fft.fft(x, dim=0)
torch.div(x, 2, rounding_mode="floor"), torch.nonzero(x, as_tuple=True), torch.matmul(x, x, out=torch.empty(2, 2))
x.mean(1, True), x.mean([0, 1]), x.sum(axis=0, keepdims=True), torch.sum(input=x, dim=1), torch.add(input=x, other=x)
torch.nn.Linear(2, 3, device="cpu", dtype=torch.float64)(x.double()), torch.nn.Conv2d(1, 1, 1, device=torch.device("cpu")).weight
torch.nn.LayerNorm(2, dtype=torch.float64).weight, torch.nn.Embedding(3, 2, device="cpu").weight, torch.max(x, other=x)
"""


def test_keywords() -> None:
    torch = nn.torch
    for line in filter(None, KEYWORDS.splitlines()):
        for result in eval(line, {"torch": torch, "x": torch.ones(2, 2)}):
            assert all(
                isinstance(t, torch.Tensor) for t in (result if isinstance(result, tuple) else [result])
            )
    out = torch.empty(2, 2)
    assert (
        torch.matmul(torch.ones(2, 2), torch.ones(2, 2), out=out) is out and out.tolist() == [[2.0, 2.0]] * 2
    )
    assert torch.nn.Linear(2, 3, dtype=torch.float64).weight.dtype == torch.float64
