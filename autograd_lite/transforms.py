"""Functions of functions: grad, vjp, jvp and what is built on them.

All of them give the function *aliases* of its arguments: new nodes, so that a sweep can stop at
them. That is what keeps nested derivatives apart. In

    grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0)

the inner `grad` plays only what was recorded after its own alias of y, and asks for the cotangent
of that alias alone: d(x + y)/dy = 1, whatever x is, so the result is 1, not 2. Since x is on the
tape of the outer call, the inner backward pass is itself recorded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import tree
from .backward import play
from .errors import DTypeError, ShapeError
from .explain import describe
from .rules import defvjp
from .tape import Node, enable_grad, leaf, next_index, no_grad, op_name, switch, tape_order
from .tensor import Tensor, alias, apply, lift, primitive, record, unwrap, wrap

__all__ = [
    "grad",
    "jvp",
    "value_and_grad",
    "vjp",
]

Function = Callable[..., Any]


class _Call:
    """One call of `f` on aliases of some of its arguments, ready to be played backwards."""

    def __init__(self, f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Sequence[int]) -> None:
        self.primals, self._rebuild = tree.flatten([args[i] for i in argnums])
        self.outer = switch.listeners is not None  # whether what we do is itself recorded
        switch.transforms += 1
        try:
            with enable_grad():
                self.aliases = [_alias(x, self.outer) for x in self.primals]
                self.since = next_index()
                changed = list(args)
                for i, value in zip(argnums, self._rebuild(self.aliases), strict=True):
                    changed[i] = value
                self.out = f(*changed, **kwargs)
        finally:
            switch.transforms -= 1
        self.nodes = [x.node for x in self.aliases]

    def pull(self, outputs: list[Any], cotangents: list[Any], *, retain: bool) -> list[Any]:
        """Cotangents of the primals as Tensors or arrays; zeros where nothing was recorded."""
        seeds: dict[Node, Any] = {}
        for y, g in zip(outputs, cotangents, strict=True):
            if isinstance(y, Tensor) and y.node is not None:
                seeds[y.node] = seeds[y.node] + g if y.node in seeds else g
        nodes = frozenset(self.nodes)
        record = self.outer and (
            any(isinstance(g, Tensor) and g.node is not None for g in cotangents)
            or any(node.inputs for node in self.nodes)
            or _reaches_out(seeds, self.since, nodes)
        )
        if record:
            seeds = {n: g if isinstance(g, Tensor) else wrap(g) for n, g in seeds.items()}
        else:
            seeds = {n: unwrap(g) for n, g in seeds.items()}
        arrived = play(seeds, since=self.since, wanted=nodes, record=record, retain=retain or record)
        return [
            arrived[x.node] if x.node in arrived else np.zeros(x.shape, x.dtype)[()] for x in self.aliases
        ]

    def like_primals(self, cotangents: Iterable[Any]) -> list[Any]:
        """Cotangents in the structure of the arguments, and of their kind: arrays, floats, Tensors."""
        return self._rebuild([_like(g, x) for g, x in zip(cotangents, self.primals, strict=True)])

    def plain(self, value: Any) -> Any:
        """A result as NumPy users hold it, unless Tensors came in or an outer tape needs it."""
        if any(isinstance(x, Tensor) for x in self.primals):
            return value
        numbers = all(isinstance(x, (int, float, complex)) for x in self.primals)

        def one(x: Any) -> Any:
            if not isinstance(x, Tensor):
                return x
            if self.outer and x.node is not None and _reaches_out([x.node], self.since, frozenset(self.nodes)):
                return x
            return _number(x._data, numbers)

        return tree.map_leaves(one, value)


def _alias(x: Any, outer: bool) -> Tensor:
    """A new node for an argument: on the outer tape if the argument is, else a leaf."""
    if isinstance(x, Tensor) and x.node is not None and outer:
        return alias(x)
    value = unwrap(x)
    if isinstance(value, (int, np.bool_)) and not isinstance(value, np.generic):
        value = float(value)
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        raise DTypeError(
            f"cannot differentiate with respect to {describe(x)}: only floating-point or complex values "
            "have gradients; write x.astype(float), or name other arguments with argnums="
        )
    array = array if array.ndim else array[()]
    return lift(array, leaf(array, x.name if isinstance(x, Tensor) else None))


def _reaches_out(outputs: Iterable[Node], since: int, own: frozenset[Node]) -> bool:
    """Whether the steps since `since` read something else that is on a tape."""
    outputs = list(outputs)
    if any(node.index <= since and node not in own for node in outputs):
        return True
    return any(
        parent.__class__ is Node and parent not in own and parent.index <= since
        for node in tape_order(outputs, since)
        for parent in node.inputs
    )


def _number(value: Any, numbers: bool) -> Any:
    """A 0-d result: a Python number if Python numbers came, else a NumPy scalar."""
    return value.item() if numbers and value.ndim == 0 else value


def _like(g: Any, x: Any) -> Any:
    """A gradient of the kind of its argument."""
    if isinstance(g, Tensor):
        if g.node is not None or isinstance(x, Tensor):
            return g
        g = g._data
    if isinstance(x, Tensor):
        return wrap(_own(g))
    if isinstance(x, np.ndarray):
        return _own(np.asarray(g))
    return g.item() if not isinstance(x, np.generic) else g


def _own(g: Any) -> Any:
    """A gradient nobody else can see: rules may return views, of each other too."""
    return np.array(g) if g.__class__ is np.ndarray else g


def _scalar(out: Any, who: str) -> Any:
    """Check that a function returned one real number."""
    value = unwrap(out)
    if not isinstance(value, (np.ndarray, np.generic, int, float)) or np.ndim(value) != 0:
        raise ShapeError(
            f"{who}(f) needs an f that returns a single number, it returned {describe(out)}; reduce it "
            "with np.sum, or use ag.jacobian"
        )
    if np.iscomplexobj(value):
        raise DTypeError(
            f"{who}(f) needs an f that returns a real number, it returned {describe(out)}; take np.abs or np.real"
        )
    return out


def _argnums(argnums: int | Sequence[int], args: tuple[Any, ...]) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in numbers:
        if not -len(args) <= i < len(args):
            raise IndexError(f"argnums={argnums}, but the function got {len(args)} positional arguments")
    return tuple(i % len(args) for i in numbers)


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that returns `(f(...), gradient)`.

    Args:
        f: returns a single real number, or with `has_aux` a pair (number, anything).
        argnums: which positional arguments to differentiate with respect to; for a tuple the
            gradient is a tuple. An argument may be nested tuples, lists and dicts of arrays.
        has_aux: f returns extra results, which are handed on: `((value, aux), gradient)`.

    Raises:
        ShapeError: f did not return a single number.
        DTypeError: an argument is not floating-point.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
        (np.float64(5.0), array([2., 4.]))
    """

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        numbers = _argnums(argnums, args)
        call = _Call(f, args, kwargs, numbers)
        out, aux = call.out if has_aux else (call.out, None)
        _scalar(out, "grad")
        seed = np.ones((), np.asarray(unwrap(out)).dtype)[()]
        value, aux = call.plain(out), call.plain(aux)
        gradients = call.like_primals(call.pull([out], [seed], retain=False))
        gradient = gradients[0] if isinstance(argnums, int) else tuple(gradients)
        return ((value, aux), gradient) if has_aux else (value, gradient)

    return value_and_gradient


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `f`.

    Args:
        f: returns a single real number, or with `has_aux` a pair (number, anything).
        argnums: which positional arguments to differentiate with respect to; for a tuple a
            tuple of gradients comes back.
        has_aux: f returns extra results, which are handed on: `(gradient, aux)`.

    Returns:
        A function of the same arguments. Each gradient is of the kind of its argument: a float for
        a float, an array for an array, a Tensor for a Tensor.

    Raises:
        ShapeError: f did not return a single number.
        DTypeError: an argument is not floating-point.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(np.tanh)(0.0)
        1.0
        >>> ag.grad(ag.grad(lambda x: x**3))(2.0)
        12.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def vjp(f: Function, *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `f` and its pullback: cotangent of the output -> cotangents of the inputs.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays.
        primals: the arguments; each may be nested.

    Returns:
        `(f(*primals), pullback)`. `pullback(cotangent)` returns a tuple with one cotangent for each
        primal and may be called again.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> out, pullback = ag.vjp(lambda a, b: a * b, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        >>> pullback(np.array([1.0, 10.0]))
        (array([ 3., 40.]), array([ 1., 20.]))
    """
    call = _Call(f, primals, {}, range(len(primals)))
    outputs, _ = tree.flatten(call.out)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        cotangents = tree.flatten(cotangent)[0]
        if len(cotangents) != len(outputs):
            raise ShapeError(
                f"pullback: the function has {len(outputs)} outputs, {len(cotangents)} cotangents came"
            )
        fitted = [_fit_cotangent(g, y, "pullback") for g, y in zip(cotangents, outputs, strict=True)]
        return tuple(call.like_primals(call.pull(outputs, fitted, retain=True)))

    return call.plain(call.out), pullback


def _fit_cotangent(g: Any, like: Any, who: str) -> Any:
    """A cotangent or tangent in the dtype of the value it belongs to; its shape must be equal."""
    value = unwrap(like)
    shape, dtype = np.shape(value), np.asarray(value).dtype
    if np.shape(unwrap(g)) != shape:
        raise ShapeError(f"{who}: got {describe(g)} for a value of shape {shape}; the shapes must be equal")
    if dtype.kind not in "fc":
        dtype = np.dtype(float)
    if isinstance(g, Tensor):
        return g if g.dtype == dtype else g.astype(dtype)
    array = np.asarray(g).astype(dtype, copy=False)
    return array if array.ndim else array[()]


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of `f` and its directional derivative along `tangents` (forward mode).

    The pullback v -> v J is linear in v; its own pullback, played along the tangents, gives J t.
    So forward mode needs no second set of rules, and costs about two backward passes.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays.
        primals: a tuple of arguments.
        tangents: a tuple of the same structure and shapes.

    Returns:
        `(f(*primals), tangent of the output)`.

    Source:
        J. Townsend, "A new trick for calculating Jacobian vector products", 2017.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jvp(np.sin, (0.0,), (2.0,))
        (0.0, 2.0)
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise DTypeError("jvp(f, primals, tangents): both are tuples, e.g. jvp(f, (x,), (t,))")
    call = _Call(f, tuple(primals), {}, range(len(primals)))
    directions = tree.flatten(list(tangents))[0]
    if len(directions) != len(call.primals):
        raise ShapeError(f"jvp: {len(call.primals)} primals and {len(directions)} tangents came")
    directions = [_fit_cotangent(t, x, "jvp") for t, x in zip(directions, call.aliases, strict=True)]
    outputs, rebuild = tree.flatten(call.out)
    # Dummies of ones: with zeros, rules that look at g would see dead cotangents.
    with enable_grad():
        dummies = [_dummy(y) for y in outputs]
        since = next_index()
        seeds: dict[Node, Any] = {}
        for y, v in zip(outputs, dummies, strict=True):
            if isinstance(y, Tensor) and y.node is not None:
                seeds[y.node] = seeds[y.node] + v if y.node in seeds else v
        linear = play(seeds, since=call.since, wanted=frozenset(call.nodes), record=True, retain=True)
    second: dict[Node, Any] = {}
    for node, t in zip(call.nodes, directions, strict=True):
        v = linear.get(node)
        if v is not None and v.node is not None:
            second[v.node] = second[v.node] + t if v.node in second else t
    own = frozenset(v.node for v in dummies)
    record_ = call.outer and (
        any(isinstance(t, Tensor) and t.node is not None for t in directions)
        or any(node.inputs for node in call.nodes)
        or _reaches_out(seeds, call.since, frozenset(call.nodes))
    )
    second = {n: (t if isinstance(t, Tensor) else wrap(t)) if record_ else unwrap(t) for n, t in second.items()}
    arrived = play(second, since=since, wanted=own, record=record_, retain=True)
    results = []
    for y, v in zip(outputs, dummies, strict=True):
        t = arrived.get(v.node)
        t = np.zeros(v.shape, v.dtype)[()] if t is None else t
        results.append(t if isinstance(t, Tensor) else wrap(_own(t)))
    return call.plain(call.out), _plain_tangent(call, rebuild(results))


def _dummy(y: Any) -> Tensor:
    value = np.asarray(unwrap(y))
    ones = np.ones(value.shape, value.dtype if value.dtype.kind in "fc" else float)[()]
    return lift(ones, leaf(ones))


def _plain_tangent(call: _Call, tangent: Any) -> Any:
    if any(isinstance(x, Tensor) for x in call.primals):
        return tangent
    numbers = all(isinstance(x, (int, float, complex)) for x in call.primals)
    return tree.map_leaves(lambda t: t if t.node is not None else _number(t._data, numbers), tangent)
