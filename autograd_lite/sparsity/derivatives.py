"""`sparse_jacobian` and `sparse_hessian`: the pattern once, then a few products at each point."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..aliases import Function
from ..arrays import asarray, dtype_of, shape_of, unwrap
from ..batching import vmap
from ..batching.mapping import quietly
from ..errors import DTypeError, MissingPackageError, ShapeError, UnsupportedError
from ..guards import refuse_in_transform
from ..jacobians import ROOM
from ..recording import enable_grad, no_grad
from ..tensor import Tensor
from ..transforms import grad, jvp, vjp
from ..words.explain import describe
from .indexed import Indexed, ids_of
from .pattern import Pattern, coloured, coloured_symmetric
from .store import Store

__all__ = ["SparseDerivative", "sparse_hessian", "sparse_jacobian"]


class SparseDerivative:
    """A function that returns a sparse derivative, and keeps the pattern: see `sparse_jacobian`.

    Attributes:
        pattern: the `Pattern` in use, or None before the first call.
    """

    def __init__(self, f: Function, argnums: int, *, order: Literal[1, 2]) -> None:
        self._name = "sparse_jacobian" if order == 1 else "sparse_hessian"
        if not isinstance(argnums, int):
            raise DTypeError(f"{self._name}(argnums={argnums!r}): one argument at a time; give an int")
        self.pattern: Pattern | None = None
        self._f, self._argnum, self._order = f, argnums, order
        self._kept_for: Any = None

    def __repr__(self) -> str:
        name = getattr(self._f, "__name__", "f")
        return f"<{self._name} of {name}, {self.pattern or 'not prepared'}>"

    def prepare(self, *args: Any, **kwargs: Any) -> SparseDerivative:
        """Find the pattern and its colours at these arguments, and keep them for later calls.

        Returns:
            The derivative itself.
        """
        x, f = self._at(args, kwargs)
        matrix = pattern_of(f, x, self._name)
        self.pattern = coloured(matrix) if self._order == 1 else coloured_symmetric(matrix)
        self._kept_for = x.shape, x.dtype
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The derivative at these arguments, as SciPy's CSR matrix `(outputs, inputs)`."""
        x, f = self._at(args, kwargs)
        fresh = self.pattern is None or self._kept_for != (x.shape, x.dtype)
        if fresh:
            self.prepare(*args, **kwargs)
        found = self._compressed(f, x)
        if found is None and not fresh:  # f takes another branch than where the pattern comes from
            self.prepare(*args, **kwargs)
            found = self._compressed(f, x)
        if found is None:
            raise UnsupportedError(
                f"{self._name}: at {describe(x)} the derivative has nonzeros outside of its pattern, "
                "or differs from call to call; an op of your own reads values, or f draws random "
                "numbers; write ag.jacobian(f)"
            )
        return found

    def _at(self, args: Any, kwargs: Any) -> tuple[Any, Function]:
        """The argument, and the function of it alone whose Jacobian is asked for."""
        refuse_in_transform(self._name, "SciPy's matrix")
        x = asarray(unwrap(args[self._argnum]))
        if x.dtype.kind in "biu":
            x = x.astype(float)
        if x.dtype.kind != "f":
            raise DTypeError(f"{self._name} takes an array of real numbers, not {describe(x)}")

        def of_one(value: Any) -> Any:
            return self._f(*args[: self._argnum], value, *args[self._argnum + 1 :], **kwargs)

        return x, of_one if self._order == 1 else grad(of_one)

    def _compressed(self, f: Function, x: Any) -> Any:
        """The derivative by its colours; None if a product along random numbers differs from it."""
        assert self.pattern is not None
        pattern, probe = self.pattern, np.random.default_rng(0)
        length = pattern.matrix.shape[0 if pattern.by == "rows" else 1]
        random = probe.uniform(0.5, 1.5, length).astype(x.dtype)
        product = _products(f, x, pattern.by)
        step = max(ROOM // max(*pattern.matrix.shape, 1), 1)
        parts = []
        for first in range(0, pattern.count + 1, step):
            seeds = pattern.seeds(range(first, min(first + step, pattern.count)), x.dtype)
            if first + step > pattern.count:
                seeds = np.concatenate([seeds, random[None]])
            with no_grad():  # f may read Tensors that require gradients
                parts.append(quietly(vmap(product), seeds))
        products = np.concatenate(parts)
        matrix = pattern.filled(products[:-1])
        turned = matrix.T if pattern.by == "rows" else matrix
        return matrix if _agree(turned, random, products[-1]) else None


def _agree(matrix: Any, random: Any, product: Any) -> bool:
    """Whether a matrix gives a product, up to rounding; rows with NaN or inf do not count."""
    found, size = matrix @ random, abs(matrix) @ random
    room = np.sqrt(np.finfo(product.dtype).eps) * np.maximum(size, np.abs(product))
    counts = np.isfinite(size) & np.isfinite(product)
    return bool((np.abs(found - product)[counts] <= room[counts]).all())


def pattern_of(f: Function, x: Any, name: str) -> Any:
    """The pattern of the Jacobian of f at x: a CSR matrix of booleans.

    Raises:
        ShapeError: f returns no single array.
    """
    _require_scipy(name)
    store = Store(x.size)
    ids = np.arange(1, x.size + 1).reshape(x.shape)
    with enable_grad(), np.errstate(all="ignore"):
        y = unwrap(f(Tensor(Indexed(x.copy(), ids, store), requires_grad=True)))
    if isinstance(y, (tuple, list, dict)):
        raise ShapeError(f"{name}: f returns {describe(y)}; it returns one array: np.concatenate(...)")
    if dtype_of(y).kind == "c":
        raise DTypeError(f"{name}: f returns {describe(y)}; write two functions, of np.real and np.imag")
    rows = store.rows()[np.ravel(ids_of(y))]
    rows.sort_indices()
    return rows


def _require_scipy(name: str) -> None:
    try:
        import scipy.sparse  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"{name} returns SciPy's sparse matrices: pip install 'autograd-lite[scipy]'"
        ) from error


def _products(f: Function, x: Any, by: str) -> Function:
    """Products of the Jacobian with tangents (columns), or with cotangents, as flat arrays."""
    if by == "columns":
        return lambda v: np.ravel(jvp(f, (x,), (np.reshape(v, x.shape),))[1])
    out, pull = vjp(f, x)
    return lambda g: np.ravel(pull(np.reshape(g, shape_of(out)))[0])


def sparse_jacobian(f: Function, argnums: int = 0) -> SparseDerivative:
    """A function that returns the Jacobian of `f` as SciPy's CSR matrix, from few products.

    The first call, or `prepare`, runs index sets through `f`: each entry of an array knows the inputs that it
    may depend on. Columns, or rows, without a common nonzero get one colour, and one product gives them all.
    The pattern is conservative: it may hold an entry that is 0. It belongs to the branches that `f` took, by
    `if` and by boolean masks; `np.where` counts both sides. Each call also computes one product along random
    numbers. If the matrix does not give this product, the pattern is found anew.

    Args:
        f: takes and returns an array of real numbers; other arguments are constants.
        argnums: which argument, an int.

    Returns:
        A `SparseDerivative`. It takes the arguments of `f`, and returns a matrix of shape
        `(output.size, argument.size)`. `.prepare(x)` finds the pattern; `.pattern` is the `Pattern`.

    Raises:
        MissingPackageError: SciPy is not installed.
        UnsupportedError: the index sets would fill the memory, since the derivative is dense; or the
            derivative has nonzeros outside of the pattern.

    Source:
        A. Griewank, A. Walther, "Evaluating Derivatives", 2nd ed. 2008, chapters 7 and 8.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> slopes = ag.sparse_jacobian(lambda x: x[1:] * x[:-1])
        >>> slopes(np.array([1.0, 2.0, 3.0])).toarray()
        array([[2., 1., 0.],
               [0., 3., 2.]])
        >>> slopes.pattern
        <Pattern 2 x 3, 4 nonzeros, 2 colours of rows>
    """
    return SparseDerivative(f, argnums, order=1)


def sparse_hessian(f: Function, argnums: int = 0) -> SparseDerivative:
    """A function that returns the Hessian of a scalar `f` as SciPy's CSR matrix, from few products.

    Index sets run through the gradient of `f`. A star colouring uses the symmetry: an arrow of any size needs
    two products. All else is as in `sparse_jacobian`.

    Args:
        f: takes an array of real numbers and returns one real number; other arguments are constants.
        argnums: which argument, an int.

    Returns:
        A `SparseDerivative`, whose matrix has the shape `(argument.size, argument.size)`.

    Raises:
        MissingPackageError, UnsupportedError: as in `sparse_jacobian`.

    Source:
        A. Gebremedhin, F. Manne, A. Pothen, "What color is your Jacobian?", 2005.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> curvature = ag.sparse_hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2))
        >>> curvature(np.array([1.0, 2.0, 3.0])).toarray()
        array([[4., 2., 0.],
               [2., 6., 4.],
               [0., 4., 0.]])
    """
    return SparseDerivative(f, argnums, order=2)
