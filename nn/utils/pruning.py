"""Methods of pruning: classes that decide which weights of a layer go; `nn.utils.prune` applies them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite import Tensor
from autograd_lite.errors import AxisError, DataError, OptionError, ShapeError

from ..arrays import as_array
from ..module import Module
from ..random import generator
from .computed import check_parameter, compute, settle

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
]

Array = npt.NDArray[Any]
Amount = int | float


class BasePruningMethod:
    """A method of pruning: a subclass defines `compute_mask`, and `apply` prunes a layer.

    Example:
        >>> import nn
        >>> class EverySecond(BasePruningMethod):
        ...     PRUNING_TYPE = "unstructured"
        ...     def compute_mask(self, t, default_mask):
        ...         mask = default_mask.clone()
        ...         mask.view(-1)[::2] = 0
        ...         return mask
        >>> layer = nn.Linear(4, 1)
        >>> _ = EverySecond.apply(layer, "weight")
        >>> layer.weight_mask.tolist()
        [[0.0, 1.0, 0.0, 1.0]]
    """

    PRUNING_TYPE: ClassVar[str] = "global"
    """What `compute_mask` gets of a pruned weight: "unstructured", its remaining entries; "structured", its
    remaining slices along `self.dim`; "global", all."""
    _tensor_name: str

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The new mask: `default_mask` with 0 at what is pruned.

        Args:
            t: the weights, or their scores, among which the method chooses.
            default_mask: their mask, of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__}: define compute_mask(self, t, default_mask)")

    def __call__(self, module: Module, inputs: Any) -> None:
        """Do nothing: the pruned weight is computed when the layer reads it."""

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter of a layer.

        Args:
            module: the layer.
            name: the name of the parameter, e.g. "weight".
            args, kwargs: the options of the method.
            importance_scores: scores of the parameter's shape, used in place of the weights.

        Returns:
            The method, or the container of all methods that pruned the parameter.
        """
        method = cls(*args, **kwargs)
        method._tensor_name = name
        before = mask_of(module, name)
        scores = getattr(module, name).detach() if importance_scores is None else importance_scores
        check_scores(module, name, scores, before)
        set_mask(module, name, method.among(scores, before))
        return recorded(module, name, method)

    def among(self, scores: Any, before: Array) -> Array:
        """The mask after pruning among what the mask `before` leaves."""
        new = before.copy()
        place = self.remaining(before)
        part = before[place]
        given = scores if isinstance(scores, Tensor) else Tensor(as_array(scores))
        default = given.detach() * 0 + 1 if part.all() and part.shape == given.shape else Tensor(part)
        new[place] = as_array(self.compute_mask(given[place], default))
        return new

    def remaining(self, mask: Array) -> Any:
        """The index of what the method chooses among."""
        if self.PRUNING_TYPE == "unstructured" and not mask.all():
            return mask != 0
        dim: int | None = getattr(self, "dim", None)
        if self.PRUNING_TYPE != "structured" or dim is None or not -mask.ndim <= dim < mask.ndim:
            return ...
        left = np.moveaxis(mask, dim, 0).reshape(mask.shape[dim], -1).any(axis=1)
        return (slice(None),) * (dim % mask.ndim) + (left,)

    def prune(self, t: Any, default_mask: Any = None, importance_scores: Any = None) -> Any:
        """The Tensor with 0 at what is pruned; no layer changes.

        Args:
            t: the Tensor.
            default_mask: the mask so far; by default ones.
            importance_scores: scores of its shape, used in place of its entries.
        """
        before = np.ones(t.shape) if default_mask is None else as_array(default_mask)
        scores = t if importance_scores is None else importance_scores
        return t * self.among(scores, before).astype(t.dtype)

    def remove(self, module: Module) -> None:
        """Make pruning permanent, as `prune.remove` does."""
        make_permanent(module, self._tensor_name)


class PruningContainer(BasePruningMethod):
    """All methods that pruned a parameter, in order.

    Args:
        methods: the methods.
    """

    def __init__(self, *methods: BasePruningMethod) -> None:
        self._pruning_methods = methods
        self._tensor_name = methods[0]._tensor_name if methods else ""

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method at the end."""
        self._pruning_methods = (*self._pruning_methods, method)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]


class Identity(BasePruningMethod):
    """Prunes nothing, but adds a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask as it is."""
        return default_mask


class CustomFromMask(BasePruningMethod):
    """Prunes the weights whose mask is 0.

    Args:
        mask: ones and zeros, in the shape of the parameter.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Any) -> None:
        self.mask = mask

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The product of both masks."""
        return as_array(default_mask) * (as_array(self.mask) != 0)


class _Amount(BasePruningMethod):
    """What the methods with an amount share."""

    def __init__(self, amount: Amount) -> None:
        self.amount = amount

    def chosen(self, t: Any) -> Array:
        """The indices of the entries, or of the slices along `dim`, in the order in which they go."""
        raise NotImplementedError

    def compute_mask(self, t: Any, default_mask: Any) -> Any:
        """The mask with 0 at the first `amount` of `chosen`."""
        mask, scores = np.array(as_array(default_mask)), as_array(t)
        dim: int | None = getattr(self, "dim", None)
        if dim is not None and not -mask.ndim <= dim < mask.ndim:
            raise AxisError(f"dim={dim}: the parameter has shape {mask.shape}")
        rows = mask.reshape(-1) if dim is None else np.moveaxis(mask, dim, 0)  # views
        rows[self.chosen(scores)[: _number(self.amount, len(rows))]] = 0
        return mask


class RandomUnstructured(_Amount):
    """Prunes weights at random.

    Args:
        amount: the number of remaining weights to prune, an int, or their fraction from 0.0 to 1.0.
    """

    PRUNING_TYPE = "unstructured"

    def chosen(self, t: Array) -> Array:
        """A random order."""
        return generator.permutation(t.size)


class L1Unstructured(_Amount):
    """Prunes the weights with the smallest absolute values.

    Args:
        amount: the number of remaining weights to prune, an int, or their fraction from 0.0 to 1.0.
    """

    PRUNING_TYPE = "unstructured"

    def chosen(self, t: Array) -> Array:
        """The order of the absolute values."""
        return np.argsort(np.abs(t), axis=None, kind="stable")


class RandomStructured(_Amount):
    """Prunes whole slices at random.

    Args:
        amount: the number of remaining slices to prune, an int, or their fraction from 0.0 to 1.0.
        dim: the axis of the slices.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def chosen(self, t: Array) -> Array:
        """A random order of the slices."""
        return generator.permutation(t.shape[self.dim])


class LnStructured(_Amount):
    """Prunes the whole slices with the smallest norms.

    Args:
        amount: the number of remaining slices to prune, an int, or their fraction from 0.0 to 1.0.
        n: the n of the n-norm.
        dim: the axis of the slices.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, n: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.n, self.dim = n, dim

    def chosen(self, t: Array) -> Array:
        """The order of the norms."""
        slices = np.moveaxis(t, self.dim, 0)
        return np.argsort(np.linalg.norm(slices.reshape(len(slices), -1), self.n, axis=1), kind="stable")


def _number(amount: Amount, left: int) -> int:
    """The number of entries that an amount means."""
    share = isinstance(amount, Real) and not isinstance(amount, Integral) and 0 <= float(amount) <= 1
    count = isinstance(amount, Integral) and not isinstance(amount, bool) and 0 <= int(amount) <= left
    if not share and not count:
        raise OptionError(
            f"amount={amount!r}: expected a fraction from 0.0 to 1.0, or an int of at most the {left} left"
        )
    return round(float(amount) * left) if share else int(amount)


# -- masks of layers -------------------------------------------------------------------------------


def is_masked(module: Module, name: str) -> bool:
    """Whether a parameter of the layer itself is pruned."""
    return name in (module._computed or {}) and f"{name}_mask" in module._buffers


def mask_of(module: Module, name: str) -> Array:
    """A copy of the mask of a parameter; a mask of ones if the parameter is not pruned."""
    if is_masked(module, name):
        return np.array(getattr(module, f"{name}_mask"))
    check_parameter(module, name)
    return np.ones_like(getattr(module, name).numpy())


def check_scores(module: Module, name: str, scores: Any, mask: Array) -> None:
    """Refuse scores of another shape."""
    if np.shape(scores) != mask.shape:
        raise ShapeError(
            f"{type(module).__name__}.{name} has shape {mask.shape}, its importance scores {np.shape(scores)}"
        )


def set_mask(module: Module, name: str, mask: Array) -> None:
    """Give a parameter a mask."""
    if is_masked(module, name):
        setattr(module, f"{name}_mask", mask)
        return
    sources = {f"{name}_orig": getattr(module, name), f"{name}_mask": mask}
    compute(module, name, partial(_masked, name=name), sources)


def _masked(module: Module, name: str) -> Any:
    # A choice and not a product, which could give NaN or -0.0 (compression tells -0.0 from 0.0).
    return np.where(getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig"), 0)


def recorded(module: Module, name: str, method: BasePruningMethod) -> BasePruningMethod:
    """Add a method to the history of a parameter, which stands among the hooks of the layer."""
    found = history(module, name)
    if found is None:
        module.register_forward_pre_hook(method)
        return method
    key, before = found
    if not isinstance(before, PruningContainer):
        before = PruningContainer(before)
        module._forward_pre_hooks[key] = before
    before.add_pruning_method(method)
    return before


def history(module: Module, name: str) -> tuple[int, Any] | None:
    """The method or the container that pruned a parameter, with its key among the hooks."""
    hooks = module._forward_pre_hooks.items()
    return next(((k, h) for k, h in hooks if getattr(h, "_tensor_name", None) == name), None)


def make_permanent(module: Module, name: str) -> Module:
    """Make a pruned parameter an ordinary one with zeros, and forget the history."""
    if not is_masked(module, name):
        raise DataError(f"{type(module).__name__}.{name} is not pruned, so there is nothing to remove")
    found = history(module, name)
    if found is not None:
        del module._forward_pre_hooks[found[0]]
    return settle(module, name)
