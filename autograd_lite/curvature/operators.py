"""The matrices of curvature as linear operators: a step of the tape for each product, never the matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import LinearOperator

from .. import tree
from ..aliases import Function
from ..arrays import asarray, dtype_of, shape_of, unwrap
from ..batching import vmap
from ..batching.mapping import quietly
from ..errors import BatchError, DTypeError, ShapeError, UnsupportedError
from ..recording import current, enable_grad, no_grad
from ..tensor import Tensor
from ..transforms import cotangent_of, grad, vjp
from ..vectors import flat, raveled
from ..words.explain import describe

__all__ = ["Curvature", "fisher", "gauss_newton", "hessian"]

Array = npt.NDArray[Any]

BATCH = 32
"""So many products of a matrix are computed at once."""
FEW = 3
"""Up to so many columns are faster one after another."""


class Curvature(LinearOperator):  # type: ignore[misc]
    """A symmetric matrix of second derivatives at a point, for SciPy's solvers; see `hessian`.

    `C @ v` is the product with a vector (n,) or with the columns of a matrix (n, k), where n is the number of
    all parameters. A vector has the parameters in the order of `tree.flatten`.

    Args:
        name: what the matrix is called.
        params: the point, nested tuples, lists and dicts of arrays.
        product: maps a tree like the point to the product, a tree too; linear.

    Attributes:
        shape, dtype: (n, n), and the dtype of the parameters.
        ravel: maps a tree like the parameters to a vector.
        unravel: maps a vector to such a tree.

    Example:
        >>> import autograd_lite as ag
        >>> params = {"w": np.array([1.0, 2.0]), "b": 3.0}
        >>> H = ag.curvature.hessian(lambda p: np.sum(p["w"] ** 2) * p["b"], params)
        >>> H
        <hessian of shape (3, 3), dtype=float64>
        >>> H.unravel(H @ H.ravel({"w": np.array([0.0, 0.0]), "b": 1.0}))
        {'w': array([2., 4.]), 'b': array(0.)}
    """

    def __init__(self, name: str, params: Any, product: Function) -> None:
        vector, shaped = raveled(params)
        dtypes = [leaf.dtype for leaf in tree.flatten(params)[0]]
        self._name, self._shaped, self._dtypes, self._product = name, shaped, dtypes, product
        super().__init__(vector.dtype, (vector.size, vector.size))

    def __repr__(self) -> str:
        return f"<{self._name} of shape {self.shape}, dtype={self.dtype}>"

    def ravel(self, params: Any) -> Array:
        """All numbers of a tree like the parameters in one vector."""
        vector: Array = flat(tree.map_leaves(lambda x: asarray(unwrap(x)), params))
        if vector.shape != self.shape[:1]:
            raise ShapeError(
                f"{self._name}: the tree has {vector.size} numbers, the parameters have {self.shape[0]}"
            )
        return vector

    def unravel(self, vector: npt.ArrayLike) -> Any:
        """A tree like the parameters with the numbers of a vector (n,), in the dtypes of the parameters."""
        v = np.asarray(vector)
        if v.shape != self.shape[:1]:
            raise ShapeError(f"{self._name}: unravel takes a vector ({self.shape[0]},), not {describe(v)}")
        leaves, rebuild = tree.flatten(self._shaped(v))
        return rebuild(np.asarray(x, dtype) for x, dtype in zip(leaves, self._dtypes, strict=True))

    def _of_vector(self, v: Any) -> Any:
        return flat(self._product(self._shaped(v)))

    def _matvec(self, v: Array) -> Array:
        return self._linear(lambda x: np.asarray(unwrap(self._of_vector(x))), np.ravel(v))

    def _matmat(self, V: Array) -> Array:
        return self._linear(self._of_columns, V)

    def _linear(self, product: Callable[[Array], Array], v: Array) -> Array:
        if v.dtype.kind == "c":  # the matrix is real
            return self._linear(product, v.real) + 1j * self._linear(product, v.imag)
        with no_grad():
            return product(v.astype(self.dtype, copy=False))

    def _of_columns(self, V: Array) -> Array:
        """The products with the columns of V, some at once: Python goes through the tape once for them."""
        out = np.empty(V.shape, self.dtype)
        for i in range(0, V.shape[1], BATCH):
            columns = V[:, i : i + BATCH]
            try:
                if columns.shape[1] > FEW:
                    out[:, i : i + BATCH] = unwrap(quietly(vmap(self._of_vector, 1, 1), columns))
                    continue
            except BatchError:
                pass
            for j, v in enumerate(columns.T, i):
                out[:, j] = unwrap(self._of_vector(v))
        return out

    def _adjoint(self) -> Curvature:
        return self  # real and symmetric

    _transpose = _adjoint


def hessian(loss: Function, params: Any) -> Curvature:
    """The Hessian H of a loss at a point, as a linear operator.

    The gradient is recorded once. Each product with a vector is then one backward pass: H is symmetric, so
    H v is the pullback of the gradient at v. The operator keeps the recorded steps as long as it lives.

    Args:
        loss: a function of the parameters that returns a single number.
        params: the point: an array, or nested tuples, lists and dicts of arrays, such as
            `dict(model.named_parameters())`.

    Returns:
        A `Curvature` of shape (n, n) for n numbers in `params`.

    Raises:
        ShapeError: the loss is not a single number, or there are no parameters.
        DTypeError: a parameter is no real floating-point array.
        UnsupportedError: a parameter is a result on the tape. The operator is a constant, so the gradient
            of the parameter would be lost.

    Source:
        B. Pearlmutter, "Fast exact multiplication by the Hessian", 1994.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> X = np.array([[1.0, 0.0], [1.0, 2.0]])
        >>> H = ag.curvature.hessian(lambda w: np.sum((X @ w) ** 2), np.zeros(2))
        >>> H @ np.eye(2)                                    # 2 X^T X
        array([[4., 4.],
               [4., 8.]])
    """
    point = _point("hessian", params)
    with enable_grad():
        out, pull = vjp(grad(loss), point)
    _require_constants("hessian", out)
    return Curvature("hessian", point, lambda v: pull(v)[0])


def gauss_newton(model: Function, loss: Function, params: Any) -> Curvature:
    """The generalized Gauss-Newton matrix J^T H J, as a linear operator.

    J is the Jacobian of the outputs with respect to the parameters, H the Hessian of the loss with respect to
    the outputs. The matrix has no negative eigenvalues if the loss is convex in the outputs. For squared
    errors, for softmax with cross-entropy and for the logistic loss the matrix is the Fisher information of
    the model, in units of the loss.

    Args:
        model: a function of the parameters that returns the outputs: an array, or a tree of arrays.
        loss: a function of the outputs that returns a single number.
        params: as in `hessian`.

    Returns:
        A `Curvature` of shape (n, n).

    Raises:
        ShapeError, DTypeError, UnsupportedError: as in `hessian`.

    Source:
        N. Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent", 2002;
        J. Martens, "New insights and perspectives on the natural gradient method", 2020.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = np.array([0.0, 1.0])
        >>> model, loss = lambda w: np.exp(w * x), lambda z: np.sum(z**2) / 2
        >>> G = ag.curvature.gauss_newton(model, loss, np.array([0.5]))
        >>> np.allclose(G @ np.ones(1), np.exp(0.5) ** 2)    # (dz/dw)^2
        True
    """
    point = _point("gauss_newton", params)
    outputs, push, pull = _linearized("gauss_newton", model, point)
    with enable_grad():
        slope, bend = vjp(grad(loss), outputs)
    _require_constants("gauss_newton", slope)
    return Curvature("gauss_newton", point, lambda v: pull(bend(push(v))[0]))


def fisher(losses: Function, params: Any) -> Curvature:
    """The empirical Fisher matrix, the mean of g g^T over the samples, as a linear operator.

    g is the gradient of the negative log-likelihood of one sample at its own target. The Fisher information
    has targets drawn from the model instead. `gauss_newton` gives that matrix without draws: for the mean
    cross-entropy of a softmax, for example.

    Args:
        losses: a function of the parameters that returns the loss of each sample, of shape (samples,):
            with `reduction="none"`, or `ag.vmap` of the loss of one sample.
        params: as in `hessian`.

    Returns:
        A `Curvature` of shape (n, n).

    Raises:
        ShapeError: `losses` does not return an array with one axis.
        DTypeError, UnsupportedError: as in `hessian`.

    Source:
        F. Kunstner, L. Balles, P. Hennig, "Limitations of the empirical Fisher approximation for natural
        gradient descent", 2019.

    Example:
        >>> import numpy as np, autograd_lite as ag
        >>> x = np.array([1.0, 2.0])
        >>> F = ag.curvature.fisher(lambda w: (w[0] * x - 1) ** 2 / 2, np.array([0.0]))
        >>> F @ np.ones(1)                                   # the mean of (x (w x - 1))^2
        array([2.5])
    """
    point = _point("fisher", params)
    values, push, pull = _linearized("fisher", losses, point)
    if not hasattr(values, "shape") or len(shape_of(values)) != 1 or not shape_of(values)[0]:
        raise ShapeError(
            f"fisher: expected the loss of each sample, of shape (samples,), got {describe(values)}; write "
            'reduction="none", or ag.vmap of the loss of one sample'
        )
    n = shape_of(values)[0]
    return Curvature("fisher", point, lambda v: pull(push(v) / n))


def _point(name: str, params: Any) -> Any:
    """The parameters as arrays."""
    leaves = tree.flatten(params)[0]
    for x in leaves:
        if isinstance(x, Tensor) and not (x.is_leaf and _alone()):
            _refuse(name, "a parameter is a result on the tape")
        if not isinstance(x, float) and dtype_of(unwrap(x)).kind != "f":
            raise DTypeError(f"{name} takes real floating-point parameters, not {describe(unwrap(x))}")
    if not any(np.size(unwrap(x)) for x in leaves):
        raise ShapeError(
            f"{name}: there are no parameters; pass arrays, or a dict: dict(model.named_parameters())"
        )
    return tree.map_leaves(lambda x: asarray(unwrap(x)), params)


def _alone() -> bool:
    """Whether no grad, vjp, ... is open around the call."""
    return not current().transforms


def _refuse(name: str, problem: str) -> None:
    raise UnsupportedError(
        f"{name}: {problem}, but no gradient flows back through the operator; pass x.detach(), or write "
        "ag.hvp(f, x, v)"
    )


def _require_constants(name: str, out: Any) -> None:
    """Refuse a function that read a Tensor of a transform around the call: its gradient would be lost."""
    if not _alone() and any(isinstance(y, Tensor) and y.node is not None for y in tree.flatten(out)[0]):
        _refuse(name, "the function reads a Tensor of the grad, vjp, ... around it")


def _linearized(name: str, f: Function, point: Any) -> tuple[Any, Function, Function]:
    """The value of f at a point, and the products with its Jacobian J and with J^T.

    The pullback is linear in the cotangent, and its own pullback is the product with J. The dummy cotangents
    are ones: rules would treat zeros as dead entries.
    """
    with enable_grad():
        out, pull = vjp(f, point)
        _require_constants(name, out)
        out = tree.map_leaves(unwrap, out)
        ones = tree.map_leaves(lambda y: np.ones_like(cotangent_of(y)), out)
        _, push = vjp(lambda g: pull(g)[0], ones)
    return out, lambda v: push(v)[0], lambda g: pull(g)[0]
