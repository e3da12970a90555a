"""`checkpoint`: drop the intermediate results of a function, and compute them again in the backward pass."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from . import tree
from .aliases import Function
from .apply import record_result
from .arrays import dtype_of, is_array, refuse_other_arithmetic, shape_of
from .errors import DTypeError
from .kin import like
from .loops import Loop, Sizes
from .node import next_index, op_name
from .recording import is_recording, tracing
from .segments import Segment, checkpointed, handle, preserved_states, read_by
from .snapshots import bytes_of_budget
from .tensor import Tensor
from .words.explain import describe

__all__ = ["checkpoint"]


def checkpoint(f: Any, memory: str | int | None = None) -> Function:
    """`f` with its intermediate results dropped, and computed again in the backward pass.

    This trades time for memory: the steps inside of f take no memory between the forward and the backward
    pass, but are computed twice. f must return the same values both times. The random numbers of `nn` and of
    np.random's global generator are the same both times; a Generator of your own is not reset. A layer with
    running means updates them the first time only (`ag.is_recomputing()`). Tensors that f reads without
    taking them as arguments receive their gradients too.

    With `memory`, f is a list of functions that follow one another, or an `nn.Sequential`. As many results
    between them are kept as the budget holds, and the others are computed again in the order that needs the
    fewest steps: see `ag.scan`. The first call measures the steps. If the budget holds all of them, nothing
    is computed again. A single function is one step.

    Args:
        f: takes and returns Tensors or arrays, or nested containers of them; with `memory` also a list of
            such functions, each of which takes the result of the one before.
        memory: a budget, as "64 MB" or in bytes: for the results that are kept, the largest step, its
            derivative, and the gradients of what f reads.

    Raises:
        OptionError: the budget does not hold the largest step; the message says the least that does.
        TapeError: in the backward pass, if f returns other values than the first time.

    Source:
        A. Griewank, A. Walther, "Algorithm 799: Revolve", 2000.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(ag.checkpoint(lambda x: np.sin(np.exp(x))))(0.0) == np.cos(1.0)
        np.True_
        >>> deep = ag.checkpoint([np.sin] * 50, memory="120 kB")     # all results: 400 kB
        >>> ag.grad(lambda x: np.sum(deep(x)))(np.ones(1000)).shape
        (1000,)
    """
    if memory is not None:
        return _within(f, bytes_of_budget("checkpoint", memory))
    if not callable(f):
        raise DTypeError(
            f"checkpoint takes a function, not {describe(f)}; a list of functions needs a budget: "
            "ag.checkpoint([f, g], memory='64 MB')"
        )

    @functools.wraps(f)
    def forgetful(*args: Any, **kwargs: Any) -> Any:
        refuse_other_arithmetic(tree.flatten((args, kwargs))[0], f"checkpoint({op_name(f)})")
        if not is_recording() or tracing.get() is not None:  # a plan keeps the results
            return f(*args, **kwargs)
        return _recorded(f, args, kwargs)

    return forgetful


def _recorded(f: Function, args: Any, kwargs: Any) -> Any:
    """Call f, and record it as one step."""
    since, states = next_index(), preserved_states()
    outputs, rebuild = tree.flatten(f(*args, **kwargs))
    kept = [i for i, y in enumerate(outputs) if isinstance(y, Tensor) and y.node is not None]
    read = read_by([outputs[i].node for i in kept], since)
    if not read:
        return rebuild(outputs)
    values = tuple(outputs[i]._data for i in kept)
    # The segment keeps Tensors of its own, since the caller may assign to the arguments.
    args, kwargs = tree.map_leaves(handle, (args, kwargs))
    segment = Segment(f, args, kwargs, kept, read, states)
    results = record_result(checkpointed, read, tuple(x.value for x in read), {"_segment": segment}, values)
    for i, result in zip(kept, results, strict=True):
        outputs[i] = like((outputs[i],), result)
    return rebuild(outputs)


def _within(f: Any, budget: int) -> Function:
    """A chain of functions whose backward pass keeps to a budget."""
    functions: list[Function] = list(f) if hasattr(f, "__iter__") else [f]
    if not functions or not all(map(callable, functions)):
        raise DTypeError(
            f"checkpoint(memory=...) takes a function, a list of functions that follow one another, or an "
            f"nn.Sequential, not {describe(f)}"
        )
    known: dict[Any, Sizes] = {}
    """What earlier calls have measured, by the shapes and dtypes of their arguments."""

    @functools.wraps(f)
    def thrifty(*args: Any, **kwargs: Any) -> Any:
        leaves, _ = tree.flatten((args, kwargs))
        refuse_other_arithmetic(leaves, "checkpoint")
        chain = _Chain(functions, tree.builder((args, kwargs)))
        if is_recording() and tracing.get() is None:
            signature = tuple(map(_signature, leaves))
            loop = Loop("checkpoint", chain, len(functions), leaves, budget)
            if signature not in known:
                leaves, _ = loop.run(measured=True)
                known[signature] = loop.sizes
                return chain.rebuild[len(functions)](leaves)
            loop.sizes = known[signature]
            if not loop.fits():
                loop.plan()
                leaves, _ = loop.run()
                return chain.rebuild[len(functions)](leaves)
        for i in range(len(functions)):
            leaves, _ = chain(leaves, i)
        return chain.rebuild[len(functions)](leaves)

    return thrifty


def _signature(x: Any) -> Any:
    return (shape_of(x), str(dtype_of(x))) if isinstance(x, Tensor) or is_array(x) else type(x)


class _Chain:
    """The steps of a chain of functions, on flat lists of leaves.

    Args:
        functions: each takes the result of the one before.
        rebuild: makes `(args, kwargs)` of the first function of its leaves.
    """

    def __init__(self, functions: Sequence[Function], rebuild: Callable[[Any], Any]) -> None:
        self.functions, self.rebuild = functions, {0: rebuild}

    def __call__(self, leaves: Sequence[Any], i: int) -> tuple[list[Any], list[Any]]:
        given = self.rebuild[i](leaves)
        result = self.functions[i](*given[0], **given[1]) if i == 0 else self.functions[i](given)
        new, _ = tree.flatten(result)
        self.rebuild[i + 1] = tree.builder(result)
        return new, []
