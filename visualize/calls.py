"""Calls a function or model under a tape; hooks note the module call that recorded each step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.errors import DTypeError, ShapeError, TapeError, UnsupportedError
from autograd_lite.tree import flatten

from .computation import Call
from .reading import Recorded, identity, names_of

__all__ = ["Calls", "probe", "record"]


class Calls:
    """Notes the calls of a model's modules, and for each step of a tape the innermost call around it.

    A call is noted when it begins, so an outer call comes before its inner ones in `made`. A function has
    no modules, so it has no calls.
    """

    def __init__(self, model: Any, tape: ag.Tape) -> None:
        self.made: list[Call] = []
        self._tape = tape
        self._around: list[int | None] = []  # for each step of the tape
        self._open: list[tuple[Any, int]] = []
        modules = model.named_modules() if hasattr(model, "named_modules") else ()
        self._paths = {module: path for path, module in modules}
        self._handles: list[Any] = []

    def __enter__(self) -> Calls:
        for module in self._paths:
            self._handles.append(module.register_forward_pre_hook(self._begin))
            self._handles.append(module.register_forward_hook(self._end))
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()
        self._catch_up()

    def of_steps(self) -> dict[ag.Node, int]:
        """The call that each step was recorded in; steps outside of all calls are left out."""
        pairs = zip(self._tape.nodes, self._around, strict=False)
        return {node: call for node, call in pairs if call is not None}

    def _catch_up(self) -> None:
        """Assign the steps recorded since the last time to the innermost open call."""
        new = len(self._tape) - len(self._around)
        self._around += [self._open[-1][1] if self._open else None] * new

    def _begin(self, module: Any, args: tuple[Any, ...]) -> None:
        self._catch_up()
        parent = self._open[-1][1] if self._open else None
        parameters = sum(p.size for p in module.parameters())
        inner = any(True for _ in module.named_children())
        self._open.append((module, len(self.made)))
        path, kind = self._paths[module], type(module).__name__
        self.made.append(Call(path, kind, module.extra_repr(), parent, parameters, inner))

    def _end(self, module: Any, args: tuple[Any, ...], output: Any) -> None:
        self._catch_up()
        while (ended := self._open.pop())[0] is not module:
            pass  # this call raised an error, which the model caught
        recorded = isinstance(output, ag.Tensor) and output.node is not None
        if not recorded and isinstance(output, (ag.Tensor, np.ndarray)):
            result = np.array(output.numpy() if isinstance(output, ag.Tensor) else output)
            self.made[ended[1]] = replace(self.made[ended[1]], result=result)


def record(
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    names: dict[Any, str],
    loss: Callable[[Any], Any] | None = None,
    who: str = "draw",
    whole: bool = False,
) -> Recorded:
    """Call a function or module, and add the names of its parameters and arguments to `names`.

    Args:
        function: a function or module.
        inputs: its arguments.
        names: names of Tensors by their `identity`; extended.
        loss: called with the output; the backward pass from its result is played.
        who: the public function that error messages name.
        whole: take all recorded steps, also those before a threshold, which no gradient reaches.
    """
    if hasattr(function, "named_parameters"):
        names.update({**names_of(function.named_parameters()), **names})
    arguments: list[Any] = []
    for x, name in zip(inputs, _argument_names(function, inputs, who), strict=True):
        array = isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "fc"
        if array or type(x) in (int, float, complex):
            x = ag.Tensor(float(x) if type(x) is int else x, requires_grad=True)
        if isinstance(x, (ag.Tensor, np.ndarray)) and getattr(x, "name", None) is None and name is not None:
            names.setdefault(identity(x), name)
        arguments.append(x)
    with ag.enable_grad(), ag.Tape() as tape, Calls(function, tape) as calls:
        result = function(*arguments)
    with ag.enable_grad(), tape:
        result = result if loss is None else loss(result)
    cut = whole and len(tape) > 0 and loss is None
    if not cut and not any(isinstance(x, ag.Tensor) for x in flatten(result)[0]):
        raise TapeError(
            f"{who}: the function returned {type(result).__name__}, so nothing was recorded; give it "
            "floating-point numbers or arrays, or Tensors with requires_grad=True, and return a Tensor"
        )
    if loss is not None:
        tape.gradient(result, ())  # writes adjoints on the tape; the parameters' gradients stay
    given = {identity(x): x for x in arguments}
    return Recorded(tape if whole else result, tuple(calls.made), calls.of_steps(), given)


def probe(model: Any, names: dict[Any, str]) -> Recorded:
    """Record a model on one sample of zeros, in evaluation mode; the modes are restored.

    The sample has one entry for each column of the model's first matrix.
    """
    matrix = next((p for _, p in model.named_parameters() if p.ndim > 1), None)
    if matrix is None or matrix.ndim != 2:
        raise UnsupportedError(
            f"draw({type(model).__name__}, style='neurons'): its first layer with weights is no Linear "
            "layer; draw it by its layers: draw(model, x, style='model')"
        )
    modules = dict(model.named_modules()).values()
    modes = [(module, module.training) for module in modules]
    try:
        model.eval()
        return record(model, (np.zeros((1, matrix.shape[1]), matrix.dtype),), names, whole=True)
    except (ShapeError, DTypeError) as error:
        raise UnsupportedError(
            f"draw({type(model).__name__}, style='neurons'): the model does not take zeros of shape "
            f"(1, {matrix.shape[1]}): {error}; give an input: draw(model, x, style='neurons')"
        ) from error
    finally:
        for module, training in modes:
            module.training = training


def _argument_names(function: Callable[..., Any], inputs: tuple[Any, ...], who: str) -> list[str | None]:
    """The names of the function's parameters; raises if the inputs do not fit them."""
    try:
        signature = inspect.signature(getattr(function, "forward", function))
    except (TypeError, ValueError):  # some builtins and ufuncs have no signature
        return [None] * len(inputs)
    parameters = signature.parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    try:
        signature.bind(*inputs)
    except TypeError as error:
        needed = sum(p.default is p.empty and p.name in names for p in parameters)
        if hasattr(function, "forward"):
            right = ", ".join(["model", *names[:needed]])
        else:
            right = ", ".join(["f", *(f"{i}.0" for i in range(1, needed + 1))])
        called = f"{getattr(function, '__name__', type(function).__name__)}({', '.join(names)})"
        raise DTypeError(
            f"{who}: {called} cannot be called with {len(inputs)} input{'s' * (len(inputs) != 1)}: {error}; "
            f"give the inputs after it: {who}({right})"
        ) from error
    return [*names[: len(inputs)], *[None] * (len(inputs) - len(names))]
