"""Programs in PyTorch: the same steps with PyTorch's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from .program import Program, Step
from .table import OPS

INSTALLED = find_spec("torch") is not None

torch: Any = None
"""PyTorch, as soon as the first program is compared with it: to import it takes as long as many programs."""


def library() -> Any:
    global torch
    torch = import_module("torch")
    return torch


def has_twin(program: Program) -> bool:
    """Whether PyTorch can run the program, in double precision."""
    wide = all(x.dtype in (np.float64, np.complex128) for x in program.inputs)
    ops = [OPS[step.op] for step in program.steps]
    return INSTALLED and wide and all(op.moves or op.flat or op.torch or not step.operands
        for op, step in zip(ops, program.steps, strict=True))  # fmt: skip


def loss(program: Program, *inputs: Any) -> Any:
    values = list(inputs)
    for step in program.steps:
        values.append(taken(step, [values[i] for i in step.operands]))
    return sum(weighed(values[i]) for i in program.outputs)


def weighed(y: Any) -> Any:
    w = np.exp(1j * np.arange(1, y.numel() + 1)).reshape(tuple(y.shape))
    w = constant(w if y.is_complex() else w.real)
    total = torch.sum(w * y + y * y / 4)
    return total.real if total.is_complex() else total


def taken(step: Step, values: list[Any]) -> Any:
    """The value of a step. What carries no gradient stays an array of NumPy's."""
    op = OPS[step.op]
    if op.flat:
        return step(
            *(x.detach().resolve_conj().numpy() if isinstance(x, torch.Tensor) else x for x in values)
        )
    if not step.operands:
        return constant(step())
    if op.moves:
        return moved(step, *values)
    assert op.torch is not None
    text = Step(op.torch, step.operands, step.options).text([f"a{i}" for i in range(len(values))], "y")
    tensors = [x if isinstance(x, torch.Tensor) else torch.as_tensor(x).double() for x in values]
    complex_ = any(x.is_complex() for x in tensors)
    scope = {f"a{i}": x.to(torch.complex128) if complex_ else x for i, x in enumerate(tensors)}
    scope |= {"np": np, "torch": torch, "tw": Twins}
    exec(text, scope)
    return scope["y"]


def constant(x: Any) -> Any:
    return torch.as_tensor(np.array(x, np.result_type(np.asarray(x), np.float64)))


def moved(f: Callable[..., Any], *xs: Any) -> Any:
    """f moves entries, so NumPy moves their numbers, and PyTorch fetches by them. Number 0 is a zero."""
    numbers, parts, count = [], [torch.zeros(1, dtype=torch.float64)], 1
    for x in xs:
        if not isinstance(x, torch.Tensor) and x.dtype.kind in "fc":
            x = constant(x)
        if isinstance(x, torch.Tensor):
            numbers.append(np.arange(count, count + x.numel()).reshape(tuple(x.shape)))
            parts.append(x.reshape(-1))
            count += x.numel()
        else:
            numbers.append(x)
    dtype = torch.complex128 if any(part.is_complex() for part in parts) else torch.float64
    pool = torch.cat([part.to(dtype) for part in parts])
    return pool[torch.as_tensor(np.asarray(f(*numbers)).astype(np.int64).copy())]


class Twins:
    """What the table calls `tw`: NumPy's meaning where PyTorch's words differ."""

    constant = staticmethod(constant)

    @staticmethod
    def eye(x: Any) -> Any:
        return torch.eye(x.shape[-1], dtype=x.dtype)

    @staticmethod
    def reduced(f: Callable[..., Any], x: Any, axis: Any, keepdims: bool, *options: Any) -> Any:
        """f over the axes: None means all, and an empty tuple none, which f sees as one axis of length 1."""
        if axis == () or x.ndim == 0:
            return f(x[..., None], dim=-1, keepdim=False, **dict(zip(["correction"], options, strict=False)))
        dims = tuple(range(x.ndim)) if axis is None else axis
        return f(x, dim=dims, keepdim=keepdims, **dict(zip(["correction"], options, strict=False)))

    @staticmethod
    def var(x: Any, dim: Any, keepdim: bool, correction: int = 0) -> Any:
        away = x - x.mean(dim, keepdim=True)
        total = torch.sum(away * away, dim, keepdim=keepdim)
        return total / (math.prod(x.shape[i] for i in np.atleast_1d(dim)) - correction)

    @staticmethod
    def prod(x: Any, axis: int | None, keepdims: bool) -> Any:
        if axis is not None:
            return torch.prod(x, axis, keepdim=keepdims)
        total = torch.prod(x.reshape(-1), 0)
        return total.reshape((1,) * x.ndim) if keepdims else total

    @staticmethod
    def dot(a: Any, b: Any) -> Any:
        if a.ndim == 0 or b.ndim == 0:
            return a * b
        return torch.tensordot(a, b, dims=([a.ndim - 1], [max(b.ndim - 2, 0)]))

    @staticmethod
    def quantile(x: Any, q: Any, axis: int | None, keepdims: bool) -> Any:
        if x.numel() == 0:
            return moved(lambda a: np.quantile(a, q, axis=axis, keepdims=keepdims), x)
        whole = (1,) * x.ndim if axis is None and keepdims else None
        x, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
        found = torch.quantile(x, constant(q), dim=axis, keepdim=keepdims and whole is None)
        return found if whole is None else found.reshape(whole)

    @staticmethod
    def changed(x: Any, pick: Callable[[Any], Any], change: Callable[[Any], Any]) -> Any:
        """`x[...] = change(x[...])`; of an entry that is picked twice, the last change stays."""
        numbers = np.asarray(pick(np.arange(x.numel()).reshape(tuple(x.shape))))
        new = change(moved(pick, x)).reshape(-1)
        source = np.arange(math.prod(x.shape))
        source[numbers.reshape(-1)] = np.arange(new.numel()) + x.numel()
        return torch.cat([x.reshape(-1), new])[torch.as_tensor(source)].reshape(x.shape)
