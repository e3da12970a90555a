"""Layers that read the size of their input from the first input."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from autograd_lite.errors import DataError

from ..fields import constructor
from ..module import Module, Parameter
from ..parameter import dtype_of
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .instance import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .linear import Linear
from .normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
    "UninitializedParameter",
]


class UninitializedParameter(Parameter, survives=False):
    """A parameter without a shape yet: the first input of its layer tells the shape.

    The parameter becomes an ordinary `Parameter` then and stays the same object, so that an optimizer may
    hold it before.

    Args:
        requires_grad: False freezes the parameter.
        device: None or "cpu".
        dtype: the dtype.
    """

    __slots__ = ()
    becomes: ClassVar[type[Parameter]] = Parameter

    def __init__(
        self, requires_grad: bool = True, device: Any = None, dtype: npt.DTypeLike | None = None
    ) -> None:
        super().__init__(np.empty(0, dtype_of(device, dtype)), requires_grad)

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # as checkers see NumPy's class
        """Raises DataError: there is no shape yet."""
        raise DataError(
            "a parameter of a lazy layer has no shape before the first input; call the model once: model(x)"
        )

    def materialize(
        self, shape: tuple[int, ...], device: Any = None, dtype: npt.DTypeLike | None = None
    ) -> None:
        """Make this an ordinary parameter of a shape, with arbitrary values.

        Args:
            shape: the shape.
            device: None or "cpu".
            dtype: the dtype; by default that of the parameter.
        """
        dtype = dtype or self.data.dtype
        self.__class__ = type(self).becomes  # type: ignore[assignment]
        self.data = np.empty(shape, dtype)

    def __repr__(self) -> str:
        return "<UninitializedParameter>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, None, self.data.dtype)

    def __deepcopy__(self, memo: dict[int, Any] | None) -> UninitializedParameter:
        made = type(self)(self.requires_grad, None, self.data.dtype)
        if memo is not None:
            memo[id(self)] = made
        return made


class Lazy(Module):
    """A layer that waits for its number of features; `becomes` is what it turns into then."""

    becomes: ClassVar[type[Module]]
    channels: ClassVar[int] = 1
    """The axis of the features in the input."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """The defaults that differ from those of the layer, as in PyTorch."""

    def __init_subclass__(cls, becomes: type[Module] | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if becomes is not None:
            cls.becomes = becomes
            _, _, *others = inspect.signature(becomes.__init__).parameters.values()
            others = [p.replace(default=cls.defaults.get(p.name, p.default)) for p in others]
            cls.__init__ = constructor(others, _begin)  # type: ignore[method-assign]

    def forward(self, *inputs: Any) -> Any:
        self.initialize_parameters(*inputs)
        return self.forward(*inputs)  # that of the class that the layer has now

    def initialize_parameters(self, input: Any, *others: Any) -> None:
        """Become an ordinary layer that fits an input."""
        self.become(np.shape(input)[self.axis(input)])

    def axis(self, input: Any) -> int:
        """The axis of the features of an input."""
        return self.channels

    def become(self, features: int) -> None:
        """Become an ordinary layer of a number of features."""
        options, waiting = self.__dict__.pop("_begun"), dict(self._parameters)
        made: Any = type(self).becomes
        self.__class__ = made
        made.__init__(self, features, **options)
        for name, parameter in waiting.items():
            if isinstance(parameter, UninitializedParameter):
                drawn = self._parameters[name]
                assert drawn is not None
                parameter.materialize(drawn.shape)
                parameter.data = drawn.numpy()
                self._parameters[name] = parameter

    def has_uninitialized_params(self) -> bool:
        """Whether the layer waits for its first input."""
        return True

    def reset_parameters(self) -> None:
        """Do nothing: the parameters are drawn at the first input."""

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:
        for name in ("weight", "running_mean"):
            if f"{prefix}{name}" in state_dict:
                self.become(self.features_of(np.shape(state_dict[f"{prefix}{name}"])))
                break
        else:  # the layer goes on waiting
            others[2].extend(f"{prefix}{name}" for name, p in self._parameters.items() if p is not None)
            return
        self._load_from_state_dict(state_dict, prefix, *others)

    def _save_to_state_dict(self, *arguments: Any) -> None:
        raise DataError(f"{self!r} has no values before the first input; call the model once: model(x)")

    def features_of(self, shape: tuple[int, ...]) -> int:
        """The number of features of a layer with a weight of some shape."""
        return shape[0]

    def extra_repr(self) -> str:
        """The options, without that which the first input tells."""
        return ", ".join(f"{name}={value!r}" for name, value in self._begun.items() if value is not None)


def _begin(layer: Lazy, options: Mapping[str, Any]) -> None:
    """Store the options of a new layer, and reserve its parameters."""
    options = dict(options)
    for name, value in options.items():
        if name not in ("bias", "device", "dtype"):
            setattr(layer, name, value)
    layer.__dict__["_begun"] = options
    affine = options.get("affine", True)
    names = {"weight": affine, "bias": affine and options.get("bias", True)}
    for name, there in names.items():
        made = UninitializedParameter(dtype=options.get("dtype")) if there else None
        layer.register_parameter(name, made)


class LazyLinear(Lazy, Linear, becomes=Linear):
    """A `Linear` that reads the length of the last axis from its first input.

    Example:
        >>> import numpy as np, nn
        >>> layer = nn.LazyLinear(2)
        >>> _ = layer(np.ones((5, 3), np.float32))
        >>> layer
        Linear(in_features=3, out_features=2, bias=True)
    """

    channels = -1

    def features_of(self, shape: tuple[int, ...]) -> int:
        """The length of the last axis of the input."""
        return shape[1]


class _LazyConv(Lazy):
    def axis(self, input: Any) -> int:
        """The axis of the channels: the first one of a single sample."""
        return np.ndim(input) - self.becomes.axes - 1  # type: ignore[attr-defined, no-any-return]

    def features_of(self, shape: tuple[int, ...]) -> int:
        """The number of channels of the input."""
        return shape[1] * int(self._begun["groups"])


class _LazyConvTranspose(_LazyConv):
    def features_of(self, shape: tuple[int, ...]) -> int:
        """The number of channels of the input."""
        return shape[0]


class _LazyInstanceNorm(Lazy):
    defaults: ClassVar = {"affine": True, "track_running_stats": True}

    def axis(self, input: Any) -> int:
        """The axis of the channels: the first one of a single sample."""
        return 0 if np.ndim(input) == min(self.becomes.shapes) else 1  # type: ignore[attr-defined]


class LazyConv1d(_LazyConv, Conv1d, becomes=Conv1d):
    """A `Conv1d` over sequences (N, C, L) that reads C from its first input."""


class LazyConv2d(_LazyConv, Conv2d, becomes=Conv2d):
    """A `Conv2d` over images (N, C, H, W) that reads C from its first input."""


class LazyConv3d(_LazyConv, Conv3d, becomes=Conv3d):
    """A `Conv3d` over volumes (N, C, D, H, W) that reads C from its first input."""


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d, becomes=ConvTranspose1d):
    """A `ConvTranspose1d` over sequences (N, C, L) that reads C from its first input."""


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d, becomes=ConvTranspose2d):
    """A `ConvTranspose2d` over images (N, C, H, W) that reads C from its first input."""


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d, becomes=ConvTranspose3d):
    """A `ConvTranspose3d` over volumes (N, C, D, H, W) that reads C from its first input."""


class LazyBatchNorm1d(Lazy, BatchNorm1d, becomes=BatchNorm1d):
    """A `BatchNorm1d` over (N, C) or (N, C, L) that reads C from its first input."""


class LazyBatchNorm2d(Lazy, BatchNorm2d, becomes=BatchNorm2d):
    """A `BatchNorm2d` over (N, C, H, W) that reads C from its first input."""


class LazyBatchNorm3d(Lazy, BatchNorm3d, becomes=BatchNorm3d):
    """A `BatchNorm3d` over (N, C, D, H, W) that reads C from its first input."""


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d, becomes=InstanceNorm1d):
    """An `InstanceNorm1d` over (N, C, L) that reads C from its first input."""


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d, becomes=InstanceNorm2d):
    """An `InstanceNorm2d` over (N, C, H, W) that reads C from its first input."""


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d, becomes=InstanceNorm3d):
    """An `InstanceNorm3d` over (N, C, D, H, W) that reads C from its first input."""
