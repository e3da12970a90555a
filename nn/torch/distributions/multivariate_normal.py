"""MultivariateNormal: normal vectors with a covariance."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from autograd_lite.errors import OptionError

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, drawn

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Distribution):
    """The normal distribution of vectors: log p(x) = -(x - loc)^T C^-1 (x - loc) / 2 - log det(2 pi C) / 2.

    Args:
        loc: the means, along the last axis.
        covariance_matrix: C, positive definite, in the last two axes.
        precision_matrix: the inverse of C, in place of it.
        scale_tril: the lower triangular L with C = L L^T, in place of it: the quickest.
        validate_args: see `Distribution`.

    Raises:
        OptionError: not exactly one of the three matrices was given, or it is not as described.

    Example:
        >>> import nn.torch as torch
        >>> p = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
        >>> round(p.log_prob(torch.zeros(2)).item(), 6)
        -1.837877
    """

    arg_constraints: ClassVar = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise OptionError(
                "MultivariateNormal: expected exactly one of covariance_matrix, precision_matrix and "
                f"scale_tril, got {', '.join(given) or 'none'}"
            )
        ((self._form, matrix),) = given.items()
        (loc,) = broadcast_all(loc)
        (matrix,) = broadcast_all(matrix)
        if loc.ndim < 1 or matrix.ndim < 2:
            raise OptionError(
                f"MultivariateNormal: loc has shape {tuple(loc.shape)}, {self._form} {tuple(matrix.shape)}; "
                "expected a vector and a matrix, e.g. torch.zeros(2) and torch.eye(2)"
            )
        d = int(loc.shape[-1])
        shape = np.broadcast_shapes(tuple(loc.shape)[:-1], tuple(matrix.shape)[:-2])
        self.loc = np.broadcast_to(loc, (*shape, d))
        self.__dict__[self._form] = np.broadcast_to(matrix, (*shape, d, d))
        super().__init__(shape, (d,), validate_args)  # before the factor, so that an error names the argument
        self._factor = self._factored(matrix)

    def _factored(self, matrix: Any) -> Any:
        """L, without the axes of the batch that the matrix does not need."""
        if self._form == "scale_tril":
            return matrix
        return np.linalg.cholesky(np.linalg.inv(matrix) if self._form == "precision_matrix" else matrix)

    def __getattr__(self, name: str) -> Any:
        if name in MultivariateNormal.arg_constraints and "_factor" in self.__dict__:
            d = self.loc.shape[-1]
            factor = np.broadcast_to(self._factor, (*self._batch_shape, d, d))
            if name == "scale_tril":
                return factor
            covariance = factor @ np.swapaxes(factor, -1, -2)
            return covariance if name == "covariance_matrix" else np.linalg.inv(covariance)
        raise AttributeError(f"{type(self).__name__} has no {name}")

    @property
    def mean(self) -> Any:
        return self.loc

    mode = mean

    @property
    def variance(self) -> Any:
        return np.broadcast_to(np.sum(self._factor**2, axis=-1), self._extended_shape())

    def rsample(self, sample_shape: Any = ()) -> Any:
        z = drawn("standard_normal", self._extended_shape(sample_shape), self.loc)
        return self.loc + (self._factor @ np.expand_dims(z, -1))[..., 0]

    def log_prob(self, value: Any) -> Any:
        difference = self._checked(value, self.loc) - self.loc
        return -0.5 * (mahalanobis(self._factor, difference) + self._log_det())

    def entropy(self) -> Any:
        half = 0.5 * (self._event_shape[0] + self._log_det())
        return np.broadcast_to(half, tuple(self._batch_shape))

    def _log_det(self) -> Any:
        """The logarithm of det(2 pi C)."""
        return self._event_shape[0] * math.log(2 * math.pi) + 2 * log_diagonal(self._factor)


def mahalanobis(factor: Any, difference: Any) -> Any:
    """x^T (L L^T)^-1 x for the factor L, of which the lower triangle counts."""
    factor = np.tril(factor)
    if factor.ndim == 2 and difference.ndim > 1:  # one system with many right sides
        rows = np.reshape(difference, (-1, factor.shape[-1]))
        squares = np.sum(np.linalg.solve(factor, rows.T) ** 2, axis=0)
        return np.reshape(squares, tuple(difference.shape)[:-1])
    return np.sum(np.linalg.solve(factor, np.expand_dims(difference, -1))[..., 0] ** 2, axis=-1)


def log_diagonal(factor: Any) -> Any:
    """The sum of the logarithms of the diagonal."""
    return np.sum(np.log(np.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)
