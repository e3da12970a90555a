"""Split data for training, validation and test; standardize inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import DataError, OptionError, ShapeError
from autograd_lite.sums import mean

from ..arrays import as_array, as_operand
from ..options import check_whole
from ..random import as_generator

__all__ = ["KFold", "Standardize", "split"]

Array = npt.NDArray[Any]


def split(
    *arrays: Any,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    stratify: npt.ArrayLike | None = None,
    shuffle: bool = True,
    generator: np.random.Generator | int | None = None,
) -> list[Any]:
    """Split arrays of the same length, by default for training, validation and test.

    Args:
        arrays: inputs, targets, ...; the first axis is the sample axis.
        fractions: the fraction of the samples in each part; the fractions add up to 1.
        stratify: labels of shape (n,); each part gets the same proportions of the classes.
        shuffle: draw the samples at random; False cuts the arrays in order.
        generator: a NumPy Generator or a seed; by default the generator that `nn.manual_seed` seeds.

    Returns:
        A list of arrays for each part; for a single argument, one array for each part.

    Raises:
        ShapeError: the lengths differ.
        OptionError: the fractions do not add up to 1, or there is `stratify` without `shuffle`.
        DataError: there are too few samples, so a part would be empty.

    Example:
        >>> import numpy as np, nn
        >>> X, y = np.arange(20).reshape(10, 2), np.repeat([0, 1], 5)
        >>> (X_train, y_train), (X_test, y_test) = nn.data.split(X, y, fractions=(0.6, 0.4), stratify=y)
        >>> X_train.shape, np.bincount(y_train), np.bincount(y_test)
        ((6, 2), array([3, 3]), array([2, 2]))
    """
    values = [x if isinstance(x, Tensor) else as_array(x) for x in arrays]
    n = _length("split", *values)
    shares = np.asarray(fractions, np.float64)
    if shares.ndim != 1 or (shares <= 0).any() or not np.isclose(shares.sum(), 1):
        raise OptionError(
            f"split(fractions={fractions}): expected numbers above 0 that add up to 1, e.g. (0.8, 0.2)"
        )
    if stratify is not None and not shuffle:
        raise OptionError("split(stratify=..., shuffle=False): stratified parts need shuffle=True")
    rng = as_generator("split", generator)
    order = rng.permutation(n) if shuffle else np.arange(n)
    ends = np.rint(np.cumsum(shares)[:-1] * n).astype(int)
    places = np.split(order, ends)
    if stratify is not None:
        order = _by_class("split", order, stratify)
        part = _dealt(n, shares)
        places = [rng.permutation(order[part == k]) for k in range(len(shares))]
    if any(len(part) == 0 for part in places):
        sizes = [len(part) for part in places]
        raise DataError(f"split(fractions={fractions}): with {n} samples, the parts would have {sizes}")
    parts = [[x[place] for x in values] for place in places]
    return [part[0] for part in parts] if len(values) == 1 else parts


def _dealt(n: int, shares: Array) -> Array:
    """The part of each of n samples in order, spread so that any run of samples has all proportions."""
    due = np.zeros(len(shares))
    parts = np.empty(n, int)
    for i in range(n):
        due += shares
        parts[i] = k = int(due.argmax())
        due[k] -= 1
    return parts


class KFold:
    """Cross-validation: split the data into k folds; each fold is the test data once, the others train.

    Args:
        n_splits: the number of folds k, at least 2.
        shuffle: draw the folds at random; False cuts the data in order.
        stratified: give each fold the same proportions of the classes of `y`.
        generator: a NumPy Generator or a seed; by default the generator that `nn.manual_seed` seeds.

    Raises:
        OptionError: `n_splits` is not an int of at least 2, or there is `stratified` without `shuffle`.

    Example:
        >>> import numpy as np, nn
        >>> for train, test in nn.data.KFold(n_splits=3, shuffle=False).split(np.zeros((6, 2))):
        ...     print(train, test)
        [2 3 4 5] [0 1]
        [0 1 4 5] [2 3]
        [0 1 2 3] [4 5]
    """

    def __init__(
        self,
        n_splits: int = 5,
        shuffle: bool = True,
        stratified: bool = False,
        generator: np.random.Generator | int | None = None,
    ) -> None:
        check_whole("KFold", "n_splits", n_splits, least=2, example=5)
        if stratified and not shuffle:
            raise OptionError("KFold(stratified=True, shuffle=False): stratified parts need shuffle=True")
        self.n_splits, self.shuffle, self.stratified = n_splits, shuffle, stratified
        self.generator = as_generator("KFold", generator)

    def __len__(self) -> int:
        return self.n_splits

    def split(self, X: Any, y: npt.ArrayLike | None = None) -> Iterator[tuple[Array, Array]]:
        """The indices of the training samples and the test samples, k times.

        Args:
            X: the inputs, or a dataset; only the length is used.
            y: the labels, for `stratified`.

        Raises:
            DataError: there are fewer samples than folds, or a class has fewer.
            OptionError: `stratified` is set, but there is no y.
            ShapeError: y has another length.
        """
        n = len(X)
        if n < self.n_splits:
            raise DataError(f"KFold(n_splits={self.n_splits}): there are only {n} samples")
        order = self.generator.permutation(n) if self.shuffle else np.arange(n)
        part = np.arange(n) * self.n_splits // n
        if self.stratified:
            if y is None:
                raise OptionError("KFold(stratified=True): give the labels: split(X, y)")
            order = _by_class("KFold", order, y, self.n_splits)
            part = np.arange(n) % self.n_splits
        fold = np.empty(n, int)
        fold[order] = part
        return ((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(self.n_splits))


def _by_class(who: str, order: Array, labels: npt.ArrayLike, least: int = 1) -> Array:
    """The indices class by class; within a class they keep their order."""
    classes = as_array(labels)
    if classes.shape != order.shape:
        raise ShapeError(f"{who}: expected labels of shape {order.shape}, got {classes.shape}")
    names, numbers, counts = np.unique(classes, return_inverse=True, return_counts=True)
    if counts.min() < least:
        rare = names[counts.argmin()].item()
        raise DataError(
            f"{who}: class {rare!r} has {counts.min()} samples, too few for {least} parts; leave it out, or "
            "take fewer parts"
        )
    return order[np.argsort(numbers[order], kind="stable")]


def _length(who: str, *arrays: Any) -> int:
    shapes = [x.shape for x in arrays]
    if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
        raise ShapeError(
            f"{who}: arrays of shapes {', '.join(map(str, shapes))}; expected one or more arrays whose first "
            "axes have the same size, the number of samples"
        )
    return int(shapes[0][0])


class Standardize:
    """Scale inputs to mean 0 and standard deviation 1 of the training data: (x - mean) / std.

    Validation and test data are scaled with the mean and std of the training data: no information leaks
    from them into the model. A feature that is constant in the training data becomes 0 there, with `std` 1.

    Args:
        per: "feature" computes mean and std for every column (or pixel), "channel" for every channel of
            (N, C, ...), over all pixels.

    Attributes:
        mean: the mean of the training data, in float64.
        std: the standard deviation of the training data, with the divisor n.

    Raises:
        OptionError: `per` has another value.

    Example:
        >>> import numpy as np, nn
        >>> X_train, X_test = np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[5.0, 8.0]])
        >>> scale = nn.data.Standardize().fit(X_train)
        >>> scale(X_train), scale(X_test)
        (array([[-1.,  0.], [ 1.,  0.]]), array([[3., 1.]]))
        >>> scale.inverse(scale(X_test))
        array([[5., 8.]])
    """

    mean: Array | None = None
    std: Array | None = None

    def __init__(self, per: str = "feature") -> None:
        if per not in ("feature", "channel"):
            raise OptionError(f'Standardize(per={per!r}): expected "feature" or "channel"')
        self.per = per

    def fit(self, X: Any) -> Standardize:
        """Compute mean and standard deviation of the training data.

        Args:
            X: the training data (N, ...), or (N, C, ...) per channel.

        Raises:
            ShapeError: there are no samples, or no channels.
            DataError: a value is NaN or infinite.
        """
        x = as_array(as_operand("Standardize", X)).astype(np.float64)
        if x.ndim < (1 if self.per == "feature" else 2) or x.size == 0:
            expected = "(N, ...)" if self.per == "feature" else "(N, C, ...)"
            raise ShapeError(f"Standardize: expected training data of shape {expected}, got {x.shape}")
        if not np.isfinite(x).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
            raise DataError(
                f"Standardize: the training data have {x[place]} at {place}; fill it in or leave it out"
            )
        axes = 0 if self.per == "feature" else (0, *range(2, x.ndim))
        constant = x.max(axes, keepdims=True) == x.min(axes, keepdims=True)  # a rounded std is not 0
        self.mean = np.where(constant, x.max(axes, keepdims=True), mean(x, axes, keepdims=True))
        self.std = np.where(constant, 1.0, x.std(axes, keepdims=True))
        return self

    def __call__(self, X: Any) -> Any:
        """(x - mean) / std, in the type and the floating-point dtype of `X`."""
        x, mean, std = self._fitted(X)
        return (x - mean) / std

    def inverse(self, X: Any) -> Any:
        """Undo the scaling: x std + mean."""
        x, mean, std = self._fitted(X)
        return x * std + mean

    def _fitted(self, X: Any) -> tuple[Any, Array, Array]:
        if self.mean is None or self.std is None:
            raise DataError("Standardize: mean and std are not known yet; write Standardize().fit(X_train)")
        x = as_operand("Standardize", X, np.float64)
        if x.shape[1:] != self.mean.shape[1:] and self.per == "feature":
            expected = ", ".join(map(str, ("N", *self.mean.shape[1:])))
            raise ShapeError(f"Standardize: expected shape ({expected}) as in training, got {x.shape}")
        if self.per == "channel" and (x.ndim != self.mean.ndim or x.shape[1] != self.mean.shape[1]):
            raise ShapeError(
                f"Standardize: expected {self.mean.ndim} axes and {self.mean.shape[1]} channels as in "
                f"training, got shape {x.shape}"
            )
        dtype = np.result_type(x.dtype, np.float32)
        return x.astype(dtype), self.mean.astype(dtype), self.std.astype(dtype)
