"""What an emulated board behind the library measured of an instance: JSON, by a function only our own library has."""

from __future__ import annotations

from typing import Any

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
