"""`torch.cuda` where there is no GPU: questions are answered, waiting ends at once, devices are refused."""

from __future__ import annotations

import contextlib
from typing import Any

import autograd_lite as ag

from ..drawing import get_rng_state, manual_seed, set_rng_state
from . import amp as amp


def is_available() -> bool:
    """False: there is no GPU."""
    return False


def device_count() -> int:
    """0: there is no GPU."""
    return 0


def _no(*args: Any, **options: Any) -> bool:
    return False


def _nothing(*args: Any, **options: Any) -> None:
    pass


def _zero(*args: Any, **options: Any) -> int:
    return 0


def _refused(*args: Any, **options: Any) -> Any:
    return ag.Device("cuda")


is_initialized = is_bf16_supported = is_current_stream_capturing = _no
synchronize = empty_cache = reset_peak_memory_stats = init = ipc_collect = set_per_process_memory_fraction = (
    _nothing
)
reset_max_memory_allocated = reset_max_memory_cached = reset_accumulated_memory_stats = _nothing
memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = memory_cached = _zero
current_device = get_device_name = get_device_properties = get_device_capability = set_device = _refused
manual_seed_all = manual_seed
seed = seed_all = initial_seed = _nothing
get_rng_state_all = get_rng_state
set_rng_state_all = set_rng_state
OutOfMemoryError = MemoryError


def device(device: Any) -> Any:
    """A context without effect for None and -1; other devices are refused."""
    return contextlib.nullcontext() if device in (None, -1, "cpu") else _refused()
