"""Python's containers, which hold Tensors as they are, and `isinstance` and `type` of plain values."""

from __future__ import annotations

from typing import Any

from .tracer import notrace_primitive

__all__ = ["DictBox", "dict", "isinstance", "list", "tuple", "type"]

dict, list, tuple = dict, list, tuple
DictBox = dict

isinstance: Any = notrace_primitive(isinstance)
type: Any = notrace_primitive(type)
