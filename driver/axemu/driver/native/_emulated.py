"""What only our own library has: the time of the emulated boards behind it."""

from __future__ import annotations

from typing import Any

from axemu.driver._clock import Clock
from axemu.driver._errors import InternalError
from axemu.driver._types import Counters
from axemu.driver.bounded import JSON_FILE, parse_json
from axemu.driver.native._abi import OURS, ffi
from axemu.driver.native._library import Library

_ROOM = 1 << 16


def emulated_counters(library: Library, instance: Any) -> Counters:
    """Ask for counters; those of single frames are left out.

    Raises:
        AxeleraError: the library's own, or it says something that makes no sense.
    """
    room = ffi.new("char[]", _ROOM)
    code = getattr(library.functions, OURS)(instance, room, _ROOM)
    if code:
        raise library.error("reading counters", instance, code)
    try:
        values = parse_json(bytes(ffi.string(room)), JSON_FILE)
        return Counters(
            frames=int(values["frames"]),
            device_time=float(values["device_time"]),
            host_time=float(values["host_time"]),
            elapsed=float(values["elapsed"]),
            temperature=float(values["temperature"]),
            simulated=str(values["simulated"]),
            extra={str(key): float(value) for key, value in values["extra"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InternalError(f"counters of the emulated board make no sense: {error!r}") from error


class EmulatedClock(Clock):
    """The clock of emulated boards in another process."""

    def __init__(self, library: Library, context: Any) -> None:
        super().__init__()
        self._library = library
        self._context = context

    def wait_until(self, seconds: float) -> None:
        """Let the calling thread's next frame arrive no earlier; the thread itself waits in the pace `realtime` only.

        Raises:
            AxeleraError: the boards have gone, or `seconds` is no moment.
        """
        code = self._library.functions.axemu_wait_until(self._context, seconds)
        if code:
            raise self._library.error(f"waiting until {seconds}", self._context, code)
