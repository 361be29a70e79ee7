"""The seam between the runtime API and a board: one interface, and the types and errors that cross it."""

from axelera.driver._driver import Driver, Handle
from axelera.driver._errors import (
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
from axelera.driver._types import (
    Argument,
    BoardType,
    Counters,
    DeviceInfo,
    HwGeneration,
    InstanceOptions,
    ModelFiles,
)

__all__ = [
    "Argument",
    "AxeleraError",
    "BoardType",
    "ConnectionError",
    "Counters",
    "DeviceInUse",
    "DeviceInfo",
    "Driver",
    "Handle",
    "HwGeneration",
    "IncompatibleDevice",
    "InstanceOptions",
    "InternalError",
    "InvalidArgument",
    "InvalidConfiguration",
    "ModelFiles",
    "NotImplemented",
    "Pending",
    "UnknownError",
]
