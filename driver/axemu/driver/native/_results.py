"""Result codes of the native library and the exceptions they are."""

from __future__ import annotations

from axemu.driver._errors import (
    AxeleraError,
    ConnectionError,  # noqa: A004
    DeviceInUse,
    IncompatibleDevice,
    InternalError,
    InvalidArgument,
    InvalidConfiguration,
    NotImplemented,  # noqa: A004
    Pending,
    UnknownError,
)

SUCCESS = 0
NAMES = (
    "SUCCESS",
    "RUNTIME_ERROR",
    "VALUE_ERROR",
    "INVALID_ARGUMENT",
    "CONNECTION_ERROR",
    "DEVICE_IN_USE",
    "INCOMPATIBLE_DEVICE",
    "INVALID_CONFIGURATION",
    "NOT_IMPLEMENTED",
    "INTERNAL_ERROR",
    "PENDING_ERROR",
    "UNKNOWN_ERROR",
)
"""The documented results, each at its number."""
PENDING = NAMES.index("PENDING_ERROR")

_ERRORS: dict[str, type[AxeleraError]] = {
    "DEVICE_IN_USE": DeviceInUse,  # before CONNECTION_ERROR, of which it is one
    "CONNECTION_ERROR": ConnectionError,
    "INCOMPATIBLE_DEVICE": IncompatibleDevice,
    "INVALID_ARGUMENT": InvalidArgument,
    "INVALID_CONFIGURATION": InvalidConfiguration,
    "NOT_IMPLEMENTED": NotImplemented,
    "PENDING_ERROR": Pending,
    "INTERNAL_ERROR": InternalError,
    "UNKNOWN_ERROR": UnknownError,
    "RUNTIME_ERROR": AxeleraError,
}


def error_of(name: str) -> type[AxeleraError]:
    """Return the exception that a result's name, in any documented spelling, stands for."""
    short = name.upper().removeprefix("AXR_").removeprefix("ERROR_")
    return InvalidArgument if short == "VALUE_ERROR" else _ERRORS.get(short, UnknownError)


def result_of(error: BaseException) -> int:
    """Return the number of the result that an exception is."""
    for name, kind in _ERRORS.items():
        if isinstance(error, kind):
            return NAMES.index(name)
    return NAMES.index("VALUE_ERROR" if isinstance(error, ValueError) else "INTERNAL_ERROR")
