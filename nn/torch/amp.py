"""`torch.amp`: mixed precision, which has no effect here: programs run in their own precision."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from .dtypes import float32

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class autocast:  # noqa: N801  (named as in PyTorch)
    """A context, or a decorator, that computes in the dtypes of the Tensors themselves.

    Args:
        device_type, dtype, enabled, cache_enabled: accepted as in PyTorch, without effect.
    """

    def __init__(
        self, device_type: Any = "cuda", dtype: Any = None, enabled: bool = True, cache_enabled: Any = None
    ) -> None:
        self.device, self.fast_dtype = device_type, dtype or float32

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            return function(*args, **options)

        return call


def custom_fwd(fwd: Any = None, **options: Any) -> Any:
    """The function itself; a decorator."""
    return custom_fwd if fwd is None else fwd


custom_bwd = custom_fwd


class GradScaler:
    """Scales losses by 1: single and double precision need no scale.

    Args:
        device, init_scale, growth_factor, backoff_factor, growth_interval, enabled: accepted as in PyTorch,
            without effect.

    Example:
        >>> scaler = GradScaler()
        >>> scaler.scale(2.0), scaler.get_scale()
        (2.0, 1.0)
    """

    def __init__(self, device: Any = "cuda", *args: Any, **options: Any) -> None:
        self._options = {"device": device, **options}

    def scale(self, outputs: Any) -> Any:
        """The losses, unchanged."""
        return outputs

    def step(self, optimizer: Any, *args: Any, **options: Any) -> Any:
        """`optimizer.step()`."""
        return optimizer.step(*args, **options)

    def unscale_(self, optimizer: Any) -> None:
        """Nothing, since gradients are not scaled."""

    def update(self, new_scale: Any = None) -> None:
        """Nothing: the scale stays 1."""

    def get_scale(self) -> float:
        """1."""
        return 1.0

    def is_enabled(self) -> bool:
        """Whether losses are scaled: no."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """An empty state."""
        return {}

    def load_state_dict(self, state_dict: Any) -> None:
        """Nothing: there is no state."""
