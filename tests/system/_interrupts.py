"""Interrupts at chosen points: where Python itself looks whether there is one."""

from __future__ import annotations

import dis
import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

JUMPS = frozenset(
    code for name, code in dis.opmap.items() if "JUMP_BACKWARD" in name and "NO_INTERRUPT" not in name
)


class Points:
    """Counts the points of a thread at which CPython raises interrupts, and raises one (or calls `handler`) at one.

    These are the beginning of a Python function, the return of a call into C (also if the block it belongs to ends with it),
    and the turn of a loop. Nothing is raised between other bytecodes, as nothing is by CPython: there, not even
    `with lock:` would be safe.
    """

    def __init__(self, chosen: int = -1, handler: Callable[[], object] | None = None) -> None:
        self.chosen = chosen
        self.handler = handler
        self.count = 0
        self.where = ""

    def run(self, act: Callable[[], object]) -> BaseException | None:
        """Call `act`; return the interrupt if one was raised and came through."""
        others = gc.callbacks[:]  # of hypothesis: nothing can be raised out of these
        gc.callbacks.clear()
        sys.setprofile(self._profile)
        sys.settrace(self._trace)
        try:
            act()
        except KeyboardInterrupt as error:
            return error
        finally:
            sys.settrace(None)
            sys.setprofile(None)
            gc.callbacks[:] = others
        return None

    def _point(self, frame: FrameType, what: str) -> None:
        if frame.f_code.co_filename == __file__:
            return
        self.count += 1
        if self.count - 1 == self.chosen:
            self.where = f"{frame.f_code.co_filename}:{frame.f_lineno} ({what})"
            sys.settrace(None)
            sys.setprofile(None)
            if self.handler is None:
                raise KeyboardInterrupt(self.where)
            self.handler()

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self._point(frame, f"begin of {frame.f_code.co_name}")
        elif event == "c_return":
            self._point(frame, f"end of {argument!r}")

    def _trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and frame.f_code.co_code[frame.f_lasti] in JUMPS:
            self._point(frame, "turn of a loop")
        return self._trace
