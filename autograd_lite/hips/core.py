"""Reverse and forward mode for functions of one argument, rules for primitives, and vector spaces."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import transforms, tree
from ..aliases import Function
from ..arrays import shape_of, unwrap
from ..errors import NotDifferentiableError
from ..known import defvjp as define
from ..tensor import Tensor
from .tracer import Box, getval, isbox, notrace_primitive, primitive, rules_of
from .wrap_util import get_name

__all__ = [
    "Box",
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "getval",
    "isbox",
    "make_jvp",
    "make_vjp",
    "notrace_primitive",
    "primitive",
    "vspace",
]

# -- functions of one argument ---------------------------------------------------------------------


def make_vjp(fun: Function, x: Any) -> tuple[Function, Any]:
    """The pullback of a function of one argument, and its value.

    Cotangents are complex as in HIPS/autograd: for z = a + bi, the gradient of L is dL/da - i dL/db.

    >>> pullback, value = make_vjp(np.sin, 0.0)
    >>> float(value), float(pullback(2.0))
    (0.0, 2.0)
    """
    out, pullback = transforms.vjp(fun, inexact(x))
    return lambda g: numpys(conjugated(pullback(conjugated(_like(g, out)))[0])), numpys(out)


def make_jvp(fun: Function, x: Any) -> Function:
    """A function from a tangent of x to the value and its tangent.

    >>> value, tangent = make_jvp(np.sin, 0.0)(2.0)
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    x = inexact(x)

    def push(v: Any) -> Any:
        return numpys(transforms.jvp(fun, (x,), (v,)))

    return push


def inexact(x: Any) -> Any:
    """Integers as floats: they have no derivatives."""
    return tree.map_leaves(lambda v: v.astype(float) if _counts(v) else v, x)


def _counts(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind in "biu"


def _like(g: Any, out: Any) -> Any:
    """A single cotangent in the shape of the output, if only axes of length 1 differ."""
    if isinstance(out, (tuple, list, dict)) or shape_of(g) == shape_of(out) or np.size(g) != np.size(out):
        return g
    return np.reshape(g, shape_of(out))


def conjugated(x: Any) -> Any:
    """The complex conjugate of all leaves: from our convention to that of HIPS/autograd, or back."""
    return tree.map_leaves(lambda v: np.conj(v) if np.iscomplexobj(unwrap(v)) else v, x)


def numpys(x: Any) -> Any:
    """Python's numbers as NumPy's, which have a shape and a dtype."""
    return tree.map_leaves(lambda v: np.asarray(v)[()] if v.__class__ in (float, complex) else v, x)


# -- rules -----------------------------------------------------------------------------------------


def rules_for(fun: Function) -> Any:
    """The rules of a primitive, or new ones for a function of `hips.numpy`; None for any other function.

    A program that gives a function of NumPy other rules changes that function of `hips.numpy` alone. The
    operators and the engine keep theirs.
    """
    if hasattr(fun, "step") and rules_of(fun.step) is None:
        fun.step = primitive(fun.step)
    return rules_of(getattr(fun, "step", fun))


def defvjp_argnums(fun: Function, vjpmaker: Function) -> None:
    """Give a primitive one rule for all arguments: `vjpmaker(argnums, ans, args, kwargs)(g)`."""
    rules = rules_for(fun)
    if rules is not None:
        rules.vjp = vjpmaker
        return

    def joint(g: Any, y: Any, *args: Any, needs: Sequence[bool], **kwargs: Any) -> list[Any]:
        wanted = tuple(i for i, need in enumerate(needs) if need)
        sent: list[Any] = [None] * len(args)
        for i, cotangent in zip(wanted, vjpmaker(wanted, y, args, kwargs)(g), strict=True):
            sent[i] = cotangent
        return sent

    define(fun, joint=joint)


def defvjp_argnum(fun: Function, vjpmaker: Function) -> None:
    """Give a primitive one rule for each argument: `vjpmaker(argnum, ans, args, kwargs)(g)`."""

    def each(argnums: Sequence[int], ans: Any, args: Any, kwargs: Any) -> Function:
        pullbacks = [vjpmaker(i, ans, args, kwargs) for i in argnums]
        return lambda g: [pullback(g) for pullback in pullbacks]

    defvjp_argnums(fun, each)


def defvjp(fun: Function, *vjpmakers: Any, argnums: Any = None) -> None:
    """Give a primitive its derivative: `vjpmaker(ans, *args, **kwargs)(g)` for each argument.

    Args:
        fun: made by `primitive`, or a function of NumPy.
        vjpmakers: one for each argument; None for an argument with gradient zero.
        argnums: the indices of these arguments; default: 0, 1, ...

    Example:
        >>> from autograd_lite.hips import grad
        >>> @primitive
        ... def cube(x):
        ...     return x**3
        >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
        >>> float(grad(grad(cube))(2.0))
        12.0
    """
    makers = _numbered(fun, vjpmakers, argnums)

    def each(i: int, ans: Any, args: Any, kwargs: Any) -> Function:
        maker = _given(makers, i, fun, "defvjp")
        return (lambda g: vspace(args[i]).zeros()) if maker is None else maker(ans, *args, **kwargs)

    defvjp_argnum(fun, each)


def defjvp_argnums(fun: Function, jvpmaker: Function) -> None:
    """Give a primitive a rule of forward mode: `jvpmaker(argnums, tangents, ans, args, kwargs)`.

    Forward mode is made of the rules of `defvjp`. If there are none, reverse mode is made of this rule, which
    is linear in the tangents. So a primitive needs one kind of rules, and this one is read only then.
    """

    def transposed(argnums: Sequence[int], g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        ones = tuple(vspace(args[i]).ones() for i in argnums)
        return make_vjp(lambda tangents: jvpmaker(argnums, tangents, ans, args, kwargs), ones)[0](g)

    rules = rules_of(getattr(fun, "step", fun))
    if rules is not None:
        rules.transposed = transposed


def defjvp_argnum(fun: Function, jvpmaker: Function) -> None:
    """Give a primitive a rule of forward mode: `jvpmaker(argnum, tangent, ans, args, kwargs)`."""

    def summed(argnums: Sequence[int], tangents: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        parts = [jvpmaker(i, t, ans, args, kwargs) for i, t in zip(argnums, tangents, strict=True)]
        total = parts[0]
        for part in parts[1:]:
            total = vspace(ans).add(total, part)
        return total

    defjvp_argnums(fun, summed)


def defjvp(fun: Function, *jvpfuns: Any, argnums: Any = None) -> None:
    """Give a primitive rules of forward mode: `jvpfun(g, ans, *args, **kwargs)` for each argument.

    A rule may also be None (zero), or "same": the primitive is linear in the argument.

    >>> from autograd_lite.hips import grad
    >>> @primitive
    ... def square(x):
    ...     return x**2
    >>> defjvp(square, lambda g, ans, x: 2 * x * g)
    >>> float(grad(square)(3.0))
    6.0
    """
    makers = _numbered(fun, jvpfuns, argnums)

    def each(i: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        maker = _given(makers, i, fun, "defjvp")
        if maker is None:
            return vspace(ans).zeros()
        if maker == "same":
            raise NotDifferentiableError(
                f'the rule "same" of {get_name(fun)} is for forward mode alone, which reverse mode cannot be '
                f"made of; write defvjp({get_name(fun)}, lambda ans, x: lambda g: ...)"
            )
        return maker(g, ans, *args, **kwargs)

    defjvp_argnum(fun, each)


def def_linear(fun: Function) -> None:
    """Say that a primitive is linear in each of its arguments. Derivatives need the rules of `defvjp`."""
    defjvp(fun, *["same"] * 10)


def _numbered(fun: Function, makers: Sequence[Any], argnums: Any) -> dict[int, Any]:
    """The rules by the index of their argument."""
    for maker in makers:
        if not (maker is None or maker == "same" or callable(maker)):
            raise NotDifferentiableError(
                f"the rule of {get_name(fun)} is {maker!r}; a rule is a function, "
                "lambda ans, x: lambda g: g * ..., or None for a gradient of zero"
            )
    return dict(zip(itertools.count() if argnums is None else argnums, makers, strict=False))


def _given(makers: dict[int, Any], i: int, fun: Function, where: str) -> Any:
    if i not in makers:
        raise NotDifferentiableError(
            f"{get_name(fun)} has no derivative for argument {i}: {where} gave rules for {sorted(makers)}; "
            f"write {where}({get_name(fun)}, ..., argnums=[..., {i}])"
        )
    return makers[i]


# -- vector spaces ---------------------------------------------------------------------------------


class VSpace:
    """The space of a value and its gradient: arrays of its shapes, in its containers.

    Args:
        value: a number, an array, a Tensor, or nested tuples, lists and dicts of them.

    Raises:
        NotDifferentiableError: a leaf of the value is no number and no array. It is a TypeError.

    Example:
        >>> space = VSpace((1.0, np.zeros(2)))
        >>> space.size, space.ones()
        (3, (np.float64(1.0), array([1., 1.])))
    """

    def __init__(self, value: Any) -> None:
        leaves, self._rebuild = tree.flatten(value)
        values = [x if isinstance(x, Tensor) else np.asarray(x) for x in leaves]
        for x in values:
            if x.dtype.kind not in "biufc":
                raise NotDifferentiableError(
                    f"no derivatives with respect to {type(value).__name__}: arguments are numbers, arrays, "
                    "and nested tuples, lists and dicts of them"
                )
        self.spaces = [(tuple(x.shape), x.dtype) for x in values]
        self._single = len(leaves) == 1 and leaves[0] is value
        self._example = tree.skeleton(value)

    @property
    def shape(self) -> Any:
        """The shape of an array; the shapes in a container."""
        shapes = [shape for shape, _ in self.spaces]
        return shapes[0] if self._single else shapes

    @property
    def dtype(self) -> Any:
        """The dtype of an array; the dtypes in a container."""
        dtypes = [dtype for _, dtype in self.spaces]
        return dtypes[0] if self._single else dtypes

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of real coordinates; a complex entry has two."""
        return sum(int(np.prod(shape)) * (1 + (dtype.kind == "c")) for shape, dtype in self.spaces)

    @property
    def iscomplex(self) -> bool:
        return any(dtype.kind == "c" for _, dtype in self.spaces)

    def _made(self, make: Callable[[tuple[int, ...]], Any]) -> Any:
        """The element with real and imaginary parts made by a function of the shape."""
        return self._rebuild(
            [
                np.asarray(make(shape) + 1j * make(shape) if dtype.kind == "c" else make(shape), dtype)[()]
                for shape, dtype in self.spaces
            ]
        )

    def zeros(self) -> Any:
        return self._made(np.zeros)

    def ones(self) -> Any:
        """All coordinates 1: a complex entry is 1 + 1j."""
        return self._made(np.ones)

    def randn(self) -> Any:
        """Normal numbers of NumPy's global generator."""
        return self._made(lambda shape: np.random.normal(size=shape))

    def standard_basis(self) -> Iterator[Any]:
        """The unit vectors of all coordinates."""
        for k, (shape, dtype) in enumerate(self.spaces):
            for index in np.ndindex(*shape):
                for unit in (1.0, 1j) if dtype.kind == "c" else (1.0,):
                    leaves = [np.zeros(shape, dtype) for shape, dtype in self.spaces]
                    leaves[k][index] = unit
                    yield self._rebuild(leaves)

    def _each(self, function: Function, *elements: Any) -> Any:
        return self._rebuild(list(map(function, *(tree.flatten(x)[0] for x in elements))))

    def add(self, x: Any, y: Any) -> Any:
        return self._each(lambda a, b: a + b, x, y)

    mut_add = add

    def scalar_mul(self, x: Any, a: Any) -> Any:
        return self._each(lambda entry: entry * a, x)

    def covector(self, x: Any) -> Any:
        """The complex conjugate."""
        return conjugated(x)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The sum of the products of all coordinates."""
        pairs = zip(tree.flatten(x)[0], tree.flatten(y)[0], strict=True)
        return sum(np.real(np.sum(np.conj(a) * b)) for a, b in pairs)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, VSpace)
            and (self._example, self.spaces) == (other._example, other.spaces)
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"VSpace({self._rebuild([f'{dtype}{list(shape)}' for shape, dtype in self.spaces])})"


def vspace(value: Any) -> VSpace:
    """The vector space of a value."""
    return VSpace(value)
