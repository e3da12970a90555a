"""`Function`: an op with a forward and a backward pass written by hand, as `torch.autograd.Function`.

The forward pass runs off the tape, and becomes one step on it. The step remembers a saved Tensor by its
place: the i-th input, or the i-th output. The backward pass reads the value at this place. When the backward
pass is recorded, this value is on the tape. So it can be differentiated without a second rule.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import autograd_lite as ag
from autograd_lite.errors import OptionError, ShapeError, TapeError, UnsupportedError

from ..tensors import torched
from .graph import pack, unpack

__all__ = ["Function", "FunctionCtx", "once_differentiable"]

Place = tuple[str, Any]
"""Where a saved value is in the backward pass: ("input", i), ("output", i) or ("value", packed Tensor)."""


class FunctionCtx:
    """What a forward pass leaves for its backward pass; programs may set attributes of their own.

    Attributes:
        needs_input_grad: for each argument of `apply`, whether its gradient is needed.
    """

    needs_input_grad: tuple[bool, ...]

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[Place] = []
        self._dirty: tuple[Any, ...] = ()
        self._constants: tuple[Any, ...] = ()
        self._materializes = True
        self._places: dict[str, Sequence[Any]] = {}

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep Tensors, or None, for the backward pass."""
        wrong = next((x for x in tensors if x is not None and not isinstance(x, ag.Tensor)), None)
        if wrong is not None:
            raise UnsupportedError(
                f"ctx.save_for_backward({type(wrong).__name__}): expected Tensors or None; keep other "
                "objects as attributes: ctx.size = size"
            )
        self._to_save = tensors

    save_for_forward = save_for_backward

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs the forward pass has changed in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs carry no gradient."""
        self._constants = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether the gradient of an unused output is zeros, the default, or None."""
        self._materializes = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The Tensors of `save_for_backward`."""
        if self._places.get("output") is None:  # still in the forward pass
            return self._to_save
        return tuple([self._read(*place) for place in self._saved])

    saved_variables = saved_tensors

    def _read(self, kind: str, where: Any) -> Any:
        return unpack(where) if kind == "value" else self._places[kind][where]

    def _keep(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Remember the saved Tensors by their places, so that nothing refers to the step itself."""
        self._saved = [_place(x, inputs, outputs) for x in self._to_save]
        self._to_save = ()


def _place(x: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> Place:
    for kind, those in (("input", inputs), ("output", outputs)):
        for i, own in enumerate(those):
            if own is x and x is not None:
                return kind, i
    return "value", pack(x)


class Function:
    """An op of your own: subclass it with a static `forward` and `backward`, and call `apply`.

    `forward(ctx, *args)` returns a Tensor or a tuple of Tensors; nothing in it is recorded.
    `backward(ctx, *grads)` gets the gradient of each output. It returns the gradient of each argument, and
    None for an argument without one. In place of `ctx` in `forward`, a static method
    `setup_context(ctx, inputs, output)` may save what `backward` needs. `jvp` and `vmap` are not called:
    forward mode differentiates `backward`, and `vmap` runs `forward` and `backward` on the whole batch.

    Raises:
        UnsupportedError: `forward` is missing, or something that is no Tensor is saved.
        ShapeError: `backward` returns another number of gradients than there are arguments.

    Example:
        >>> import nn.torch as torch
        >>> from nn.torch.autograd import Function
        >>> class Exp(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = x.exp()
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (y,) = ctx.saved_tensors
        ...         return grad * y
        >>> x = torch.tensor(0.0, requires_grad=True)
        >>> Exp.apply(x).backward()
        >>> x.grad.item()
        1.0
    """

    generate_vmap_rule = True
    setup_context: Callable[..., Any] | None = None

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""
        raise UnsupportedError("a Function needs a static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Compute the gradients of the arguments from those of the outputs."""
        raise UnsupportedError("a Function needs a static method backward(ctx, *grads)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call the op."""
        ctx, on_tape = FunctionCtx(), ag.is_recording()
        places = [i for i, x in enumerate(args) if isinstance(x, ag.Tensor) and x.requires_grad and on_tape]
        ctx.needs_input_grad = tuple([i in places for i in range(len(args))])
        own = cls._own_inputs()
        given = [torched(x.detach() if own else x) if isinstance(x, ag.Tensor) else x for x in args]
        with ag.no_grad():
            if cls.setup_context is None:
                out = cls.forward(ctx, *given)
            else:
                out = cls.forward(*given)
                cls.setup_context(ctx, tuple(given), out)
        outputs = out if isinstance(out, tuple) else (out,)
        if places:
            results = _recorded(cls, ctx, args, given, outputs, places)
        else:
            results = [_unshared(y) for y in outputs]
        for changed in ctx._dirty:
            i = _index(changed, given, cls, "mark_dirty", "input")
            if any(y is changed for y in outputs):
                k = _index(changed, outputs, cls, "mark_dirty", "output")
                args[i][...] = results[k]
                results[k] = args[i]
        return tuple(results) if isinstance(out, tuple) else results[0]

    @classmethod
    def _own_inputs(cls) -> bool:
        """Whether `forward` changes inputs, so that it gets Tensors of its own: steps keep what they read."""
        codes = [getattr(f, "__code__", None) for f in (cls.forward, cls.setup_context)]
        return any("mark_dirty" in code.co_names for code in codes if code is not None)


def _index(x: Any, those: Sequence[Any], cls: type, called: str, kind: str) -> int:
    for i, own in enumerate(those):
        if own is x:
            return i
    raise OptionError(
        f"{cls.__name__}: ctx.{called}(x) was called with a Tensor that is no {kind} of forward"
    )


def _unshared(y: Any) -> Any:
    return torched(y.detach()) if isinstance(y, ag.Tensor) else y


def _recorded(
    cls: Any, ctx: FunctionCtx, args: Any, given: list[Any], outputs: Any, places: list[int]
) -> list[Any]:
    """Record the step, and return its outputs."""
    tensors = [k for k, y in enumerate(outputs) if isinstance(y, ag.Tensor)]
    ctx._keep(given, [outputs[k] for k in tensors])
    constants = [any(outputs[k] is c for c in ctx._constants) for k in tensors]

    def pullback(g: Any, y: Any, *primals: Any) -> tuple[Any, ...]:
        inputs, grads, several = list(given), [None] * len(outputs), isinstance(y, tuple)
        for i, x in zip(places, primals, strict=True):
            inputs[i] = x
        for k, own in zip(tensors, g if several else (g,), strict=True):
            grads[k] = own
        ctx._places = {"input": inputs, "output": y if several else (y,)}
        sent = _returned(cls, cls.backward(ctx, *grads), len(args))
        ctx._places = {"output": ()}
        return tuple([sent[i] for i in places])

    values = [outputs[k] for k in tensors]
    made = ag.custom_step(
        tuple(values) if len(values) > 1 else values[0],
        [args[i] for i in places],
        pullback,
        name=f"{cls.__name__}Backward",
        partial=not ctx._materializes,
    )
    results = list(outputs)
    for k, y, constant in zip(tensors, made if len(values) > 1 else (made,), constants, strict=True):
        results[k] = torched(y.detach() if constant or y.dtype.kind not in "fc" else y)
    return results


def _returned(cls: type, sent: Any, count: int) -> tuple[Any, ...]:
    """What `backward` returned: one gradient for each argument; more of them may only be None."""
    grads = _several(sent)
    if len(grads) < count or any(g is not None for g in grads[count:]):
        raise ShapeError(
            f"{cls.__name__}.backward returned {len(grads)} gradients for {count} arguments; return one for "
            "each, and None for an argument without a gradient"
        )
    return grads[:count]


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that cannot be differentiated, such as one that uses another library.

    A second derivative through it raises TapeError.

    Example:
        >>> import nn.torch as torch
        >>> from nn.torch.autograd import Function, once_differentiable
        >>> class Double(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return 2 * x
        ...     @staticmethod
        ...     @once_differentiable
        ...     def backward(ctx, grad):
        ...         return 2 * grad
        >>> x = torch.tensor(3.0, requires_grad=True)
        >>> Double.apply(x).backward()
        >>> x.grad.item()
        2.0
    """

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        with ag.no_grad():
            sent = backward(ctx, *grads)
        read = [*grads, *ctx._places.get("input", ()), *ctx._places.get("output", ())]
        recorded = [x for x in read if isinstance(x, ag.Tensor) and x.requires_grad]
        if not (recorded and ag.is_recording()):
            return sent
        left = [g if g is None else _barred(g, recorded) for g in _several(sent)]
        return tuple(left) if isinstance(sent, tuple) else left[0]

    return once


def _several(sent: Any) -> tuple[Any, ...]:
    return tuple(sent) if isinstance(sent, (tuple, list)) else (sent,)


def _barred(g: Any, recorded: Sequence[Any]) -> Any:
    """A constant as a step whose derivative raises."""

    def refuse(*_: Any) -> Any:
        raise TapeError(
            "trying to differentiate twice a function that was marked with @once_differentiable; write its "
            "backward in ops of Tensors, and remove the decorator"
        )

    return ag.custom_step(g, recorded, refuse, name="once_differentiable")
