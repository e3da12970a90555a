"""Interrupts at each moment at which Python checks for signals."""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

MOMENTS = {"RESUME", "CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD"}
"""After these instructions: at the start of a function, after a call, and at the end of a round of a loop."""


@functools.cache
def instructions(code: CodeType) -> dict[int, str]:
    """The instructions of a function by their places."""
    return {i.offset: i.opname for i in dis.get_instructions(code)}


def interrupted(run: Callable[[], Any], stop: int, modules: tuple[str, ...]) -> bool:
    """Run with a KeyboardInterrupt at the moment `stop`.

    Args:
        run: the program.
        stop: counts the moments, from 1 on.
        modules: moments in modules whose names begin so are counted.

    Returns:
        Whether the program came that far.
    """
    seen, last = 0, {}  # type: ignore[var-annotated]

    def look(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal seen
        if event == "call":
            if not frame.f_globals.get("__name__", "").startswith(modules):
                return None
            frame.f_trace = look  # before the next line, else Python 3.13 leaves out a function's first run
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            last.setdefault(frame, "RESUME")  # a generator that goes on has been called before
        elif event == "opcode":
            moment, last[frame] = last[frame] in MOMENTS, instructions(frame.f_code).get(frame.f_lasti)
            seen += moment
            if moment and seen == stop:
                sys.settrace(None)
                raise KeyboardInterrupt
        return look

    tracer = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 asks for this before the first look
    sys.settrace(look)
    try:
        run()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(tracer)
        last.clear()
    return False
