"""Transformations of functions: grad, vjp, jvp, and jacobian, hessian and hvp, which are built on them.

All of them call the function on *aliases* of its arguments (see `aliases`), which keeps nested derivatives
apart.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import tree
from .aliases import Call, Function, owned, seeds_of, zeros_of
from .arrays import asarray, is_array, ones, refuse_other_arithmetic, shape_of, size_of, unwrap
from .backward import play
from .box import lift, wrap
from .errors import DTypeError, IndexingError, ShapeError
from .given import as_numbers
from .kin import like
from .node import Leaf, next_index
from .pull import Sweep
from .recording import is_recording
from .tensor import Tensor
from .words.explain import describe

__all__ = ["are_several", "argnums_of", "cotangent_of", "grad", "hvp", "jvp", "value_and_grad", "vjp"]


def _require_number(out: Any) -> None:
    """Raise unless a function returned a single real number."""
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


def are_several(argnums: Any) -> bool:
    """Whether `argnums` is a tuple; raises if it is neither an int nor a tuple of ints."""
    several = isinstance(argnums, (tuple, list))
    numbers = argnums if several else (argnums,)
    if not numbers or not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in numbers):
        raise DTypeError(
            f"argnums={argnums!r}; arguments are named by position: an int, or a tuple of one or more ints"
        )
    return several


def argnums_of(argnums: int | Sequence[int], args: tuple[Any, ...]) -> tuple[int, ...]:
    """The places of the arguments that `argnums` names, counted from the first."""
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
        f: returns a single real number, alone or in an array of any shape. With `has_aux` it returns a
            pair (number, any object).
        argnums: differentiate with respect to the positional arguments of these indices. For a tuple of
            indices the gradient is a tuple. An argument may be nested tuples, lists and dicts of arrays.
        has_aux: return the extra results of f too: `((value, aux), gradient)`.

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
    several = are_several(argnums)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        call = Call(f, args, kwargs, argnums_of(argnums, args))
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
        f: returns a single real number, alone or in an array of any shape. With `has_aux` it returns a
            pair (number, any object).
        argnums: differentiate with respect to the positional arguments of these indices. For a tuple of
            indices the gradient is a tuple.
        has_aux: return the extra results of f too: `(gradient, aux)`.

    Returns:
        A function of the same arguments. Each gradient has the class of its argument: a float for a float,
        an array for an array, a Tensor for a Tensor. A result that f did not record has gradient 0.

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
    """The value of `f` and its pullback, which maps the cotangent of the output to those of the inputs.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays.
        primals: the arguments: arrays, or nested tuples, lists and dicts of arrays.

    Returns:
        `(f(*primals), pullback)`. `pullback(cotangent)` returns a tuple with one cotangent for each
        primal. It may be called several times.

    Raises:
        ShapeError: a cotangent has another shape than its output.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> out, pullback = ag.vjp(lambda a, b: a * b, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
        >>> pullback(np.array([1.0, 10.0]))
        (array([ 3., 40.]), array([ 1., 20.]))
    """
    call = Call(f, primals, {}, range(len(primals)))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        cotangents = _fitted(cotangent, call.out, call.outputs, "pullback", "cotangent", "output")
        nested = is_recording() and call.is_nested(*cotangents)
        return tuple(call.like_primals(call.pull(cotangents, record=nested, retain=True)))

    return call.like_results(call.out, call.is_nested()), pullback


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of `f` and its directional derivative along `tangents` (forward mode).

    The pullback v -> v J is linear in v. The pullback of this pullback maps the tangents t to J t. So forward
    mode needs no second set of rules, and costs about two backward passes.

    Args:
        f: returns an array, or nested tuples, lists and dicts of arrays.
        primals: the arguments, in a tuple.
        tangents: a tuple with the structure and shapes of `primals`.

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
    call = Call(f, tuple(primals), {}, range(len(primals)))
    directions = _fitted(list(tangents), list(primals), call.aliases, "jvp", "tangent", "primal")
    # The dummy cotangents are ones: rules would treat zeros as dead entries.
    dummies = [_dummy(y) for y in call.outputs]
    since = next_index()
    pulled = call.pull(dummies, record=True)
    nested = call.is_nested(*directions)
    wanted = frozenset(v.node for v in dummies if v.node is not None)
    sweep = Sweep(since=since, wanted=wanted, record=nested, retain=nested)
    arrived = play(seeds_of(pulled, directions, nested), sweep)
    results = [arrived[v.node] if v.node in arrived else zeros_of(v) for v in dummies]
    tensors = [t if isinstance(t, Tensor) else wrap(owned(t)) for t in results]
    tangent = call.rebuild_out([like((y,), t) for y, t in zip(call.outputs, tensors, strict=True)])
    return call.like_results((call.out, tangent), nested)  # type: ignore[no-any-return]


def _dummy(y: Any) -> Any:
    """A cotangent of ones for an output, as a leaf of its own."""
    value = asarray(unwrap(y))
    cotangent = ones(value.shape, value.dtype if value.dtype.kind in "fc" else float, like=value)[()]
    return lift(cotangent, Leaf(cotangent))


def hvp(f: Function, primals: Any, vectors: Any) -> Any:
    """The product of the Hessian of `f` with a vector; the Hessian itself is not computed.

    Args:
        f: returns a single real number.
        primals: the argument, or a tuple of arguments. As in `grad`, an argument may be nested: a list is
            one argument.
        vectors: the vector, with the structure and shapes of `primals`.

    Returns:
        H v in the structure of the argument; for a tuple of several arguments, a tuple.

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


def cotangent_of(y: Any) -> Any:
    """An array with the shape of an output, in the dtype of its cotangent."""
    value = as_numbers(y, "a differentiated function returned")
    return value if value.dtype.kind in "fc" else value.astype(float)


def _fitted(values: Any, structure: Any, likes: Sequence[Any], who: str, given: str, of: str) -> list[Any]:
    """Cotangents or tangents in the dtypes of their values; raises if structures or shapes differ."""
    came, wanted = tree.skeleton(values), tree.skeleton(structure)
    if came != wanted:
        raise ShapeError(f"{who}: the {given} has the structure {came}, but the {of} has {wanted}")
    fitted: list[Any] = []
    for g, model in zip(tree.flatten(values)[0], likes, strict=True):
        value = cotangent_of(model)
        if shape_of(g) != value.shape:
            raise ShapeError(
                f"{who}: the {given} is {describe(unwrap(g))}, but the {of} has shape {value.shape}; the "
                "shapes must be equal"
            )
        if isinstance(g, Tensor):
            fitted.append(g if g.dtype == value.dtype else g.astype(value.dtype))
        else:
            fitted.append(as_numbers(g, who).astype(value.dtype, copy=False)[()])
    return fitted
