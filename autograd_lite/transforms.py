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
from types import MethodType
from typing import Any, cast

import numpy as np

from . import tree
from .apply import alias, as_value, record_result, unrecorded
from .arrays import (
    asarray,
    is_array,
    on_host,
    ones,
    owned,
    refuse_other_arithmetic,
    shape_of,
    size_of,
    unwrap,
    zeros,
)
from .backward import play, receive
from .box import Hook, as_numbers, lift, stored, wrap
from .errors import DTypeError, IndexingError, ShapeError, TapeError, UnsupportedError
from .kept import keep_constants
from .known import Rule, known, positional
from .node import Leaf, Node, next_index, op_name, tape_order
from .pull import Sweep
from .recording import Mode, enable_grad, is_recording, recomputed, transformed
from .tensor import Tensor
from .words.explain import describe, missing_rule

__all__ = [
    "checkpoint",
    "custom_vjp",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "preserve",
    "value_and_grad",
    "vjp",
]

Function = Callable[..., Any]


class _Call:
    """One call of `f` on aliases of some of its arguments, ready to be played backwards."""

    def __init__(
        self, f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: Sequence[int]
    ) -> None:
        if not callable(f):
            raise DTypeError(f"a function is differentiated, not {describe(f)}: ag.grad(f)(x), ag.vjp(f, x)")
        named = list(dict.fromkeys(argnums))
        self.places = [named.index(i) for i in argnums]  # an argument may be named twice
        self.primals, self.rebuild = tree.flatten([args[i] for i in named])
        self.outer = is_recording()  # whether what we do may itself be recorded
        with Mode(transformed):
            self.aliases = [_alias(x, self.outer) for x in self.primals]
            self.since = next_index()
            changed = list(args)
            for i, value in zip(named, self.rebuild(self.aliases), strict=True):
                changed[i] = value
            self.out = f(*changed, **kwargs)
        self.nodes = frozenset(x.node for x in self.aliases if x.node is not None)
        self.outputs, self.rebuild_out = tree.flatten(self.out)

    def is_nested(self, *tensors: Any) -> bool:
        """Whether an outer tape is running and takes part: through the primals, or `tensors` that
        the pass starts from, or because the function read something else that is on it."""
        if not self.outer:
            return False
        ends = [y.node for y in self.outputs if isinstance(y, Tensor) and y.node is not None]
        return (
            any(node.inputs for node in self.nodes)
            or any(isinstance(t, Tensor) and t.node is not None for t in tensors)
            or any(node.index <= self.since and node not in self.nodes for node in ends)
            or any(
                isinstance(parent, Node) and parent.index <= self.since and parent not in self.nodes
                for node in tape_order(ends, self.since)
                for parent in node.inputs
            )
        )

    def pull(self, cotangents: Sequence[Any], *, record: bool, retain: bool = False) -> list[Any]:
        """Cotangents of the primals; zeros where nothing was recorded."""
        arrived = play(
            _seeds(self.outputs, cotangents, record),
            Sweep(since=self.since, wanted=self.nodes, record=record, retain=retain or record),
        )
        return [receive(x.node, arrived[x.node]) if x.node in arrived else _zeros(x) for x in self.aliases]

    def like_primals(self, cotangents: Iterable[Any]) -> list[Any]:
        """Cotangents in the structure of the arguments, and of their kind: arrays, floats, Tensors.

        One for each of `argnums`, in arrays of their own: `argnums=(0, 0)` gives the same numbers twice.
        """
        pairs = list(zip(cotangents, self.primals, strict=True))
        gradients = self.rebuild([_like(g, x) for g, x in pairs])
        if len(gradients) == len(self.places):
            return gradients  # type: ignore[no-any-return]
        return [self.rebuild([_like(g, x) for g, x in pairs])[k] for k in self.places]

    def like_results(self, value: Any, nested: bool) -> Any:
        """Results as NumPy users hold them, unless Tensors came in or an outer tape needs them."""
        if nested:
            return value
        if any(isinstance(x, Tensor) for x in self.primals):
            return tree.map_leaves(lambda x: x.detach() if isinstance(x, Tensor) else x, value)
        numbers = all(isinstance(x, (int, float, complex)) for x in self.primals)
        return tree.map_leaves(lambda x: _plain(x, numbers), value)


def _seeds(outputs: Iterable[Any], cotangents: Iterable[Any], record: bool) -> dict[Node, Any]:
    """A cotangent for each recorded output; one that is returned twice gets the sum."""
    seeds: dict[Node, Any] = {}
    with enable_grad():
        for y, g in zip(outputs, cotangents, strict=True):
            if isinstance(y, Tensor) and y.node is not None:
                g = (g if isinstance(g, Tensor) else wrap(g)) if record else unwrap(g)
                seeds[y.node] = seeds[y.node] + g if y.node in seeds else g
    return seeds


def _zeros(x: Tensor) -> Any:
    return zeros(x.shape, like=x)[()]


def _alias(x: Any, outer: bool) -> Tensor:
    """A new node for an argument: on the outer tape if the argument is, else a leaf."""
    if isinstance(x, Tensor) and x.node is not None and outer:
        return cast(Tensor, alias(x))
    refuse_other_arithmetic(x)
    value = unwrap(x)
    if not (isinstance(value, (*_NUMBERS, str)) or is_array(value) or hasattr(value, "__array__")):
        raise DTypeError(
            f"cannot differentiate with respect to {describe(x)}: arguments are numbers, arrays, Tensors, "
            "and nested tuples, lists and dicts of them; write list(x), vars(x), or name other arguments "
            "with argnums="
        )
    if isinstance(value, (int, np.bool_)) and not isinstance(value, np.generic):
        value = float(value)
    array = asarray(value)
    if array.dtype.kind not in "fc":
        raise DTypeError(
            f"cannot differentiate with respect to {describe(x)}: only floating-point or complex values "
            "have gradients; write x.astype(float), or name other arguments with argnums="
        )
    array = stored(owned(array, "C"))  # a pullback may be called when x has changed
    return lift(array, Leaf(array, x.name if isinstance(x, Tensor) else None))


_NUMBERS = (np.ndarray, np.generic, int, float, complex)


def _plain(x: Any, numbers: bool) -> Any:
    """The array in a Tensor; if 0-d, a Python number if `numbers`, else a NumPy scalar."""
    if not isinstance(x, Tensor):
        return x
    return x.item() if numbers and x.ndim == 0 and on_host(x._data) else x._data


def _like(g: Any, x: Any) -> Any:
    """A gradient of the kind of its argument."""
    if isinstance(g, Tensor):
        if g.node is not None or isinstance(x, Tensor):
            return g
        g = g._data
    if isinstance(x, (Tensor, np.ndarray)) and g.dtype.isnative != x.dtype.isnative:
        g = np.asarray(g, g.dtype.newbyteorder())  # numbers do not keep it
    if isinstance(x, Tensor):
        return wrap(_own(g))
    if not on_host(g):
        return owned(g)
    if isinstance(x, np.ndarray) or np.ndim(g):
        return _own(np.asarray(g))
    return g if isinstance(x, np.generic) else g.item()


def _own(g: Any) -> Any:
    """A gradient nobody else can see: rules may return views, of each other too."""
    return owned(g) if g.__class__ is np.ndarray or not on_host(g) else g


def _require_number(out: Any) -> None:
    """Check that a function returned one real number."""
    value = unwrap(out)
    refuse_other_arithmetic(value, "grad(f): f returned another array class")
    if not (is_array(value) or isinstance(value, (int, float, complex))) or size_of(value) != 1:
        advice = "is a return missing?" if out is None else "reduce it with np.sum, or use ag.jacobian"
        raise ShapeError(
            f"grad(f) needs an f that returns a single number, it returned {describe(out)}; {advice}"
        )
    if np.iscomplexobj(value):
        raise DTypeError(
            f"grad(f) needs an f that returns a real number, it returned {describe(out)}; take np.abs or "
            "np.real of it"
        )


def _are_several(argnums: Any) -> bool:
    """Whether `argnums` names a tuple of arguments; it is checked on the way."""
    several = isinstance(argnums, (tuple, list))
    numbers = argnums if several else (argnums,)
    if not numbers or not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in numbers):
        raise DTypeError(
            f"argnums={argnums!r}; arguments are named by position: an int, or a tuple of one or more ints"
        )
    return several


def _argnums(argnums: int | Sequence[int], args: tuple[Any, ...]) -> tuple[int, ...]:
    numbers = tuple(argnums) if isinstance(argnums, (tuple, list)) else (argnums,)
    for i in numbers:
        if not -len(args) <= i < len(args):
            raise IndexingError(
                f"argnums={argnums}, but the function got {len(args)} positional arguments; arguments given "
                "by keyword are not differentiated"
            )
    return tuple(int(i) % len(args) for i in numbers)


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that returns `(f(...), gradient)`.

    Args:
        f: returns a single real number, in an array of any shape or alone, or with `has_aux` a pair
            (number, anything).
        argnums: which positional arguments to differentiate with respect to; for a tuple the
            gradient is a tuple. An argument may be nested tuples, lists and dicts of arrays.
        has_aux: f returns extra results, which are handed on: `((value, aux), gradient)`.

    Raises:
        ShapeError: f did not return a single number.
        DTypeError: an argument is not floating-point.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> value, gradient = ag.value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
        >>> float(value), gradient
        (5.0, array([2., 4.]))
    """

    if not callable(f):
        raise DTypeError(f"grad takes a function, not {describe(f)}: ag.grad(f)(x), not ag.grad(f(x))")
    several = _are_several(argnums)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, _argnums(argnums, args))
        if has_aux and not (isinstance(call.out, tuple) and len(call.out) == 2):
            raise ShapeError(
                "grad(f, has_aux=True) needs an f that returns (number, aux), it returned "
                f"{describe(call.out)}"
            )
        out, aux = call.out if has_aux else (call.out, None)
        _require_number(out)
        one = np.ones_like(unwrap(out))[()]
        call.outputs = [out]
        nested = call.is_nested()
        value, aux = call.like_results((out, aux), nested)
        gradients = call.like_primals(call.pull([one], record=nested))
        gradient = tuple(gradients) if several else gradients[0]
        return ((value, aux), gradient) if has_aux else (value, gradient)

    return value_and_gradient


def grad(f: Function, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `f`.

    Args:
        f: returns a single real number, in an array of any shape or alone, or with `has_aux` a pair
            (number, anything).
        argnums: which positional arguments to differentiate with respect to; for a tuple a
            tuple of gradients comes back.
        has_aux: f returns extra results, which are handed on: `(gradient, aux)`.

    Returns:
        A function of the same arguments. Each gradient is of the kind of its argument: a float for
        a float, an array for an array, a Tensor for a Tensor. What f did not record has gradient 0.

    Raises:
        ShapeError: f did not return a single number.
        DTypeError: an argument is not floating-point.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(np.tanh)(0.0)
        1.0
        >>> ag.grad(ag.grad(lambda x: x**3))(2.0)
        12.0
        >>> ag.grad(lambda x, w: np.sum(w * x**2), argnums=(0, 1))(np.array([1.0, 2.0]), 3.0)
        (array([ 6., 12.]), 5.0)
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

    Raises:
        ShapeError: a cotangent has another shape than its output.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> out, pullback = ag.vjp(lambda a, b: a * b, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        >>> pullback(np.array([1.0, 10.0]))
        (array([ 3., 40.]), array([ 1., 20.]))
    """
    call = _Call(f, primals, {}, range(len(primals)))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        cotangents = _fitted(cotangent, call.out, call.outputs, "pullback", "output")
        nested = is_recording() and call.is_nested(*cotangents)
        return tuple(call.like_primals(call.pull(cotangents, record=nested, retain=True)))

    return call.like_results(call.out, call.is_nested()), pullback


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

    Raises:
        ShapeError: a tangent has another shape than its primal.

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
    directions = _fitted(list(tangents), list(primals), call.aliases, "jvp", "primals")
    # The dummy cotangents are ones: zeros would look dead to the rules.
    dummies = [_dummy(y) for y in call.outputs]
    since = next_index()
    pulled = call.pull(dummies, record=True)
    nested = call.is_nested(*directions)
    wanted = frozenset(v.node for v in dummies if v.node is not None)
    sweep = Sweep(since=since, wanted=wanted, record=nested, retain=nested)
    arrived = play(_seeds(pulled, directions, nested), sweep)
    results = [arrived[v.node] if v.node in arrived else _zeros(v) for v in dummies]
    tangent = call.rebuild_out([t if isinstance(t, Tensor) else wrap(_own(t)) for t in results])
    return call.like_results((call.out, tangent), nested)  # type: ignore[no-any-return]


def _dummy(y: Any) -> Tensor:
    """A cotangent of ones with a node of its own."""
    value = asarray(unwrap(y))
    cotangent = ones(value.shape, value.dtype if value.dtype.kind in "fc" else float, like=value)[()]
    return lift(cotangent, Leaf(cotangent))


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """A function that returns all the partial derivatives of an array-valued `f`.

    One backward pass for each entry of the output.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays.
        argnums: as in `grad`.

    Returns:
        A function whose result has, for each output and argument, the shape
        `output.shape + argument.shape`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
        array([[2., 0.],
               [0., 4.]])
    """
    several = _are_several(argnums)

    @functools.wraps(f)
    def partials(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f, args, kwargs, _argnums(argnums, args))
        nested = call.is_nested()
        zeros = [np.zeros_like(_cotangent_of(y)) for y in call.outputs]
        blocks = []
        for k, output in enumerate(zeros):
            rows = []
            for place in np.ndindex(output.shape):

                def pull(unit: complex, k: int = k, place: Any = place) -> list[Any]:
                    one = owned(zeros[k])
                    one[place] = unit
                    seeds = [*zeros[:k], one, *zeros[k + 1 :]]
                    return call.pull([g[()] for g in seeds], record=nested, retain=True)

                row = pull(1)
                if output.dtype.kind == "c":
                    row = [_partial(x, a, b) for x, a, b in zip(call.aliases, row, pull(1j), strict=True)]
                rows.append(row)
            columns = [
                _stacked([row[j] for row in rows], output.shape, x) for j, x in enumerate(call.aliases)
            ]
            block = call.like_primals(columns)
            blocks.append(tuple(block) if several else block[0])
        return call.rebuild_out(blocks)

    return partials


def _partial(x: Tensor, real: Any, imaginary: Any) -> Any:
    """dy/dx of one complex output from the gradients of its real and its imaginary part."""
    if x.dtype.kind != "c":
        return real + 1j * imaginary
    one, other = unwrap(imaginary), 1j * unwrap(real)
    if not np.allclose(one, other, atol=1e-8 * np.max(np.abs(other), initial=0), equal_nan=True):
        raise DTypeError(
            "jacobian: the function is not holomorphic, so its complex derivative does not exist; "
            "differentiate its real and imaginary parts by themselves"
        )
    return np.conjugate(real)


def _cotangent_of(y: Any) -> Any:
    """An array of the shape of an output and of a dtype that a cotangent can have."""
    value = as_numbers(y, "a differentiated function returned")
    return value if value.dtype.kind in "fc" else value.astype(float)


def _stacked(rows: list[Any], shape: tuple[int, ...], x: Tensor) -> Any:
    """The gradients of all the entries of an output, in its shape."""
    if not rows:
        return zeros((*shape, *x.shape), like=x)
    return np.reshape(np.stack(rows), (*shape, *x.shape))


def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """A function that returns the second partial derivatives of a scalar `f`.

    Args:
        f: returns a single real number.
        argnums: as in `grad`; for a tuple, a tuple of tuples of blocks comes back.

    Returns:
        A function whose result has the shape `argument.shape + argument.shape`.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
        array([[4., 2.],
               [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Function, primals: Any, vectors: Any) -> Any:
    """The product of the Hessian of `f` with a vector, without the Hessian.

    Args:
        f: returns a single real number.
        primals: the argument, or a tuple of arguments. As in `grad`, an argument may be nested tuples,
            lists and dicts: a list is one argument.
        vectors: of the same structure and shapes.

    Returns:
        H v in the structure of the argument; for a tuple of several a tuple.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
        array([ 6., 12.])
    """
    if not isinstance(primals, tuple) or hasattr(primals, "_fields"):
        primals, vectors = (primals,), (vectors,)
    gradient = grad(f, tuple(range(len(primals))))
    product = jvp(gradient, primals, vectors)[1]
    return product[0] if len(primals) == 1 else product


def _fitted(values: Any, structure: Any, likes: Sequence[Any], who: str, what: str) -> list[Any]:
    """Cotangents or tangents in the dtype of the values they belong to; structures and shapes agree."""
    given, wanted = tree.skeleton(values), tree.skeleton(structure)
    if given != wanted:
        raise ShapeError(f"{who}: came in the structure {given}, but that of the {what} is {wanted}")
    fitted: list[Any] = []
    for g, like in zip(tree.flatten(values)[0], likes, strict=True):
        value = _cotangent_of(like)
        if shape_of(g) != value.shape:
            raise ShapeError(
                f"{who}: {describe(unwrap(g))} came where the {what} has shape {value.shape}; the shapes "
                "must be equal"
            )
        if isinstance(g, Tensor):
            fitted.append(g if g.dtype == value.dtype else g.astype(value.dtype))
        else:
            fitted.append(as_numbers(g, who).astype(value.dtype, copy=False)[()])
    return fitted


# -- rules of one's own ----------------------------------------------------------------------------


class custom_vjp:  # noqa: N801  (named as in JAX)
    """A function whose derivative you write yourself, from what its forward pass saved.

    Args:
        f: computes the value; called where nothing is recorded.

    `f.defvjp(forward, backward)` gives the two halves: `forward(*args)` returns the value and
    residuals, `backward(residuals, g)` one cotangent for each argument, or None for zero. They are
    plain NumPy; when the derivative is itself differentiated, they run on Tensors.

    In a class it makes a method: f and `forward` get `self` first, and so does a backward pass of three
    parameters, `backward(self, residuals, g)`. `self` needs no cotangent.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> @ag.custom_vjp
        ... def straight_through(x):
        ...     return np.round(x)
        >>> straight_through.defvjp(lambda x: (np.round(x), None), lambda residuals, g: (g,))
        >>> ag.grad(straight_through)(2.3)
        1.0
    """

    def __init__(self, f: Function) -> None:
        self._binding: type = type(f)
        if isinstance(f, (staticmethod, classmethod)):
            f = f.__func__
        functools.update_wrapper(self, f)
        self._f = f

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind as a function in a class does, or as the static or class method that it decorates."""
        first = owner if self._binding is classmethod else instance
        return self if first is None or self._binding is staticmethod else MethodType(self, first)

    def defvjp(self, forward: Function, backward: Function) -> None:
        """Set the forward pass with residuals and the backward pass that uses them."""
        self._forward = forward
        takes_owner = positional(backward)[0] == 3

        def joint(g: Any, y: Any, *args: Any, _residuals: Any) -> tuple[Any, ...]:
            if any(isinstance(x, Tensor) for x in tree.flatten((g, args))[0]):
                _residuals = forward(*args)[1]  # once more, on the tape
            # `self`, or another first argument that holds no numbers
            owner = () if not args or isinstance(args[0], (Tensor, *_NUMBERS)) else args[:1]
            pulled = backward(*owner, _residuals, g) if owner and takes_owner else backward(_residuals, g)
            if owner and isinstance(pulled, tuple) and len(pulled) == len(args) - 1:
                pulled = (None, *pulled)
            if not isinstance(pulled, tuple) or len(pulled) != len(args):
                raise ShapeError(
                    f"the backward pass of {op_name(self)} returns a tuple with one cotangent for each of "
                    f"its {len(args)} arguments, it returned {describe(pulled)}"
                )
            return tuple(
                np.zeros_like(x) if c is None and (isinstance(x, Tensor) or is_array(x)) else c
                for c, x in zip(pulled, args, strict=True)
            )

        known[self] = Rule(joint=joint)

    def __call__(self, *args: Any, _residuals: Any = None) -> Any:
        nodes = [x.node for x in args if isinstance(x, Tensor)]
        values = list(map(unwrap, args))
        refuse_other_arithmetic(values, op_name(self))
        if any(isinstance(x, Tensor) for x in tree.flatten(values)[0]):
            raise UnsupportedError(
                f"{op_name(self)}: pass each Tensor as an argument of its own, not inside of a container"
            )
        if not any(nodes) or not is_recording():
            value = self._f(*values)
            return tree.map_leaves(lambda v: unrecorded(self, values, as_value(v)), value) if nodes else value
        if not hasattr(self, "_forward"):
            raise missing_rule(self, ())
        inputs = tuple(x.node or x if isinstance(x, Tensor) else x for x in args)
        _, watched = keep_constants(known[self], inputs, values)
        both = self._forward(*values)
        if not isinstance(both, tuple) or len(both) != 2:
            raise ShapeError(
                f"the forward pass of {op_name(self)} returns (value, residuals), it returned "
                f"{describe(both)}"
            )
        value, residuals = both
        if any(isinstance(v, Tensor) for v in tree.flatten(value)[0]):
            raise UnsupportedError(
                f"{op_name(self)}: its forward pass uses a Tensor that it was not given, whose gradient "
                "would be lost; make it an argument"
            )
        kwargs = {"_residuals": residuals}
        return record_result(self, inputs, tuple(values), kwargs, value, watched)


def checkpoint(f: Function) -> Function:
    """`f`, with its intermediate results forgotten and computed again in the backward pass.

    Time against memory: the steps inside of f take no memory between the forward and the backward
    pass, and are computed twice. f must compute the same both times. What `nn` draws, and np.random's
    own generator, are the same both times; a Generator of yours is not set back. A layer with running
    means moves them the first time only (`ag.is_recomputing()`). Tensors that f uses without being given
    them receive their gradients as well.

    Args:
        f: takes and returns Tensors or arrays, or nested containers of them.

    Raises:
        TapeError: in the backward pass, if f gives other values than the first time.

    Source:
        A. Griewank, A. Walther, "Algorithm 799: Revolve", 2000.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> ag.grad(ag.checkpoint(lambda x: np.sin(np.exp(x))))(0.0) == np.cos(1.0)
        np.True_
    """

    @functools.wraps(f)
    def forgetful(*args: Any, **kwargs: Any) -> Any:
        refuse_other_arithmetic(tree.flatten((args, kwargs))[0], f"checkpoint({op_name(f)})")
        if not is_recording():
            return f(*args, **kwargs)
        since, states = next_index(), _states()
        outputs, rebuild = tree.flatten(f(*args, **kwargs))
        kept = [i for i, y in enumerate(outputs) if isinstance(y, Tensor) and y.node is not None]
        ends = [outputs[i].node for i in kept]
        steps = tape_order(ends, since)
        parents = [*ends, *(x for step in steps for x in step.inputs if isinstance(x, Node))]
        read = tuple(dict.fromkeys(x for x in parents if x.index <= since))
        if not read:
            return rebuild(outputs)
        values = tuple(outputs[i]._data for i in kept)
        # Handles of their own: the caller's Tensors may be assigned to before the backward pass.
        args, kwargs = tree.map_leaves(_handle, (args, kwargs))
        segment = _Segment(f, args, kwargs, kept, read, states)
        results = record_result(
            checkpointed, read, tuple(x.value for x in read), {"_segment": segment}, values
        )
        for i, result in zip(kept, results, strict=True):
            outputs[i] = result
        return rebuild(outputs)

    return forgetful


def _handle(x: Any) -> Any:
    return (wrap(x._data) if x.node is None else lift(x._data, x.node)) if isinstance(x, Tensor) else x


_preserved: dict[int, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
"""How to read and how to set what a segment depends on besides its arguments."""


def preserve(read: Callable[[], Any], write: Callable[[Any], None]) -> Hook:
    """Have `checkpoint` compute a segment again from the state that it first started from.

    After the backward pass the state is as it was before: as without `checkpoint`.

    Args:
        read: returns the state, which must not change any more.
        write: sets the state.

    Returns:
        A handle whose `remove()` ends this.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> rng = np.random.default_rng(0)
        >>> bits = rng.bit_generator
        >>> handle = ag.preserve(lambda: bits.state, lambda state: setattr(bits, "state", state))
        >>> noisy = ag.checkpoint(lambda x: np.sum(x * rng.normal(size=3)))
        >>> x = ag.Tensor(1.0, requires_grad=True)
        >>> y = noisy(x)
        >>> y.backward()
        >>> y.item() == x.grad.item()
        True
        >>> handle.remove()
    """
    handle = Hook(_preserved)
    _preserved[handle.key] = read, write
    return handle


preserve(functools.partial(np.random.get_state, legacy=False), np.random.set_state)


def _states() -> dict[int, Any]:
    return {key: read() for key, (read, _) in list(_preserved.items())}


def _set_states(states: dict[int, Any]) -> None:
    for key, state in states.items():
        if key in _preserved:
            _preserved[key][1](state)


class _Segment:
    """What a checkpoint needs to compute its part of the tape once more."""

    def __init__(
        self,
        f: Function,
        args: Any,
        kwargs: Any,
        kept: list[int],
        read: tuple[Node, ...],
        states: dict[int, Any],
    ) -> None:
        self.f, self.args, self.kwargs, self.kept, self.read = f, args, kwargs, kept, read
        self.states = states

    def outputs(self) -> list[Any]:
        """The results, computed again from the states that the first time started from."""
        now = _states()
        try:
            _set_states(self.states)
            with Mode(recomputed):
                outputs = tree.flatten(self.f(*self.args, **self.kwargs))[0]
        finally:
            try:
                _set_states(now)
            except BaseException:  # an interrupt: once more
                _set_states(now)
                raise
        return [outputs[i] if i < len(outputs) else None for i in self.kept]

    def pull(self, g: tuple[Any, ...], y: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Compute the segment on the tape, then play it: for everything it has read from outside."""
        with enable_grad():
            place = next_index()
            outputs = self.outputs()
        if not all(map(_alike, outputs, y)):
            raise TapeError(
                "checkpoint: computed again, the function gives other values than the first time. Numbers "
                "drawn by a generator of your own belong among the arguments: "
                "ag.checkpoint(f)(x, rng.normal(size=x.shape)); or write ag.preserve(read, write) once for "
                "the generator's state"
            )
        record = any(isinstance(x, Tensor) for x in g)
        seeds = _seeds(outputs, g, record)
        parents = [x for step in tape_order(seeds, place) for x in step.inputs if isinstance(x, Node)]
        if any(x.index <= place and x not in self.read for x in parents):
            raise TapeError(
                "checkpoint: computed again, the function reads other Tensors than the first time; it must "
                "not depend on what was assigned to in between"
            )
        sweep = Sweep(since=place, wanted=frozenset(self.read), record=record, retain=record)
        arrived = play(seeds, sweep)
        return tuple(arrived.get(x, np.zeros_like(unwrap(v))) for x, v in zip(self.read, values, strict=True))


def _alike(again: Any, first: Any) -> bool:
    """Whether a value is the first one but for rounding: sums may be done in another order where arrays lie
    elsewhere in memory. Numbers drawn anew are off by much more."""
    again = unwrap(again)
    if not (is_array(again) or isinstance(again, (int, float, complex))) or shape_of(again) != first.shape:
        return False
    if not (on_host(again) and on_host(first)):
        return True  # values of arrays of another class are not read without need
    if np.array_equal(again, first, equal_nan=True):
        return True
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(first), where=np.isfinite(first), initial=0)
        allowed = float(np.sqrt(np.finfo(first.dtype).eps) * largest)
        return bool(np.allclose(again, first, rtol=0, atol=allowed, equal_nan=True))


def checkpointed(*values: Any, _segment: _Segment) -> tuple[Any, ...]:
    """The op that stands on the tape for a whole segment."""
    return tuple(map(unwrap, _segment.outputs()))


checkpointed.runs_users_code = True  # type: ignore[attr-defined]

known[checkpointed] = Rule(joint=lambda g, y, *values, _segment: _segment.pull(g, y, values))
