"""`torch.cuda.amp`: mixed precision, without effect here; see `torch.amp`."""

from __future__ import annotations

from typing import Any

from .. import amp
from ..amp import GradScaler as GradScaler
from ..amp import custom_bwd as custom_bwd
from ..amp import custom_fwd as custom_fwd


class autocast(amp.autocast):  # noqa: N801  (named as in PyTorch)
    """`torch.amp.autocast`, whose first argument is `enabled`."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)
