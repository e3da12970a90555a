"""The modes and the dtype of a module and of all modules below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from autograd_lite import Device, Tensor
from autograd_lite.errors import DTypeError, UnsupportedError

from .arrays import as_array
from .parameter import Parameter

__all__ = ["Casting"]


class Casting:
    """What changes a whole module: training or evaluation, frozen or not, another dtype."""

    training: bool
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]

    def children(self) -> Iterator[Any]:
        """The modules directly below this one."""
        raise NotImplementedError

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Set this module and all below it to training mode, or to evaluation mode if `mode` is False."""
        self.training = mode
        for module in self.children():
            module.train(mode)  # a module may have its own: one that stays frozen
        return self

    def eval(self) -> Self:
        """Set this module and all below it to evaluation mode, as `train(False)` does."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train all parameters, or freeze them if `requires_grad` is False."""
        for p in self.parameters():
            p.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove the gradients of all parameters, or fill them with zeros if `set_to_none` is False."""
        for p in self.parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else Tensor(np.zeros_like(p.numpy()))

    def to(self, *args: Any, **options: Any) -> Self:
        """Cast floating-point parameters, their gradients, and buffers to a floating-point dtype.

        Args:
            args, options: a dtype, a Tensor whose dtype is taken, or the device "cpu".

        Raises:
            DTypeError: the dtype is not floating-point.
            UnsupportedError: the device is not the CPU.

        Example:
            >>> import numpy as np, nn
            >>> nn.Linear(2, 1).to(np.float64).weight.dtype
            dtype('float64')
        """
        options.pop("memory_format", None)
        for target in (*args, *options.values()):
            if isinstance(target, str) and target not in np.sctypeDict:
                Device(target)
            elif isinstance(target, Tensor):
                self.type(target.dtype)
            elif target is not None and not isinstance(target, bool):
                self.type(target)
        return self

    def type(self, dst_type: Any) -> Self:
        """Cast floating-point parameters, their gradients, and buffers to a floating-point dtype."""
        try:
            floating = np.dtype(dst_type).kind == "f"
        except TypeError:
            floating = False
        if not floating:
            raise DTypeError(f"module.to({dst_type!r}): expected a floating-point dtype, e.g. np.float32")
        dtype = np.dtype(dst_type)
        return self._apply(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x)

    def _apply(self, fn: Callable[[Tensor], Any], recurse: bool = True) -> Self:
        """Replace each parameter, gradient and buffer by `fn` of it."""
        for module in self.children() if recurse else ():
            module._apply(fn)
        for p in self._parameters.values():
            if p is not None:
                gradient, p.data = p.grad, as_array(fn(Tensor(p.data)))
                if gradient is not None:
                    p.grad = Tensor(as_array(fn(gradient.detach())))
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = as_array(fn(Tensor(buffer)))
        return self

    def cpu(self) -> Self:
        """The module itself, which is on the CPU already."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raise UnsupportedError: modules compute on the CPU."""
        return self.to("cuda")

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """The module itself with its values: there is no other device to move to."""
        Device(device or "cpu")
        return self

    def half(self) -> Self:
        """Cast to float16."""
        return self.to(np.float16)

    def bfloat16(self) -> Self:
        """Raise UnsupportedError: NumPy has no bfloat16."""
        raise UnsupportedError("module.bfloat16(): NumPy has no bfloat16; write module.half()")

    def double(self) -> Self:
        """Cast to float64."""
        return self.to(np.float64)

    def float(self) -> Self:
        """Cast to float32."""
        return self.to(np.float32)
