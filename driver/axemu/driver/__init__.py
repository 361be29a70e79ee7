"""The seam between the runtime API and a board: one interface, and the types and errors that cross it.

`Driver` is the interface; `create_driver` and `selection` find one. `reserve` and `check_configuration` are what
drivers of emulated boards share.

Importing this package is part of importing `axelera.runtime`, so what only drivers need is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from axemu.driver._clock import Clock
from axemu.driver._copy import copy_flat
from axemu.driver._driver import Driver, Handle
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
from axemu.driver._installed import Owner, other_owners
from axemu.driver._names import canonical, nearest
from axemu.driver._notes import NOTES, note
from axemu.driver._path_errors import path_errors
from axemu.driver._properties import as_integer, as_text, reject_unknown
from axemu.driver._tensor_info import TensorInfo
from axemu.driver._types import (
    Argument,
    BoardType,
    Counters,
    DeviceInfo,
    HwGeneration,
    InstanceOptions,
    ModelFiles,
)

if TYPE_CHECKING:
    from axemu.driver._configuration import check_configuration
    from axemu.driver._function import FunctionDriver
    from axemu.driver._holder import Holder, acting_for
    from axemu.driver._l2_ledger import L2Holding
    from axemu.driver._private import PrivateDirectory, own_directory
    from axemu.driver._registry import create_driver, driver_names
    from axemu.driver._reservation import Reservation, holders, reservation_directory, reserve
    from axemu.driver._scratch import Scratch
    from axemu.driver._selection import Selection, configuration_files, read_configuration_file, selection
    from axemu.driver.native import NativeDriver

__all__ = [
    "NOTES",
    "Argument",
    "AxeleraError",
    "BoardType",
    "Clock",
    "ConnectionError",
    "Counters",
    "DeviceInUse",
    "DeviceInfo",
    "Driver",
    "FunctionDriver",
    "Handle",
    "Holder",
    "HwGeneration",
    "IncompatibleDevice",
    "InstanceOptions",
    "InternalError",
    "InvalidArgument",
    "InvalidConfiguration",
    "L2Holding",
    "ModelFiles",
    "NativeDriver",
    "NotImplemented",
    "Owner",
    "Pending",
    "PrivateDirectory",
    "Reservation",
    "Scratch",
    "Selection",
    "TensorInfo",
    "UnknownError",
    "acting_for",
    "as_integer",
    "as_text",
    "canonical",
    "check_configuration",
    "configuration_files",
    "copy_flat",
    "create_driver",
    "driver_names",
    "holders",
    "nearest",
    "note",
    "other_owners",
    "own_directory",
    "path_errors",
    "read_configuration_file",
    "reject_unknown",
    "reservation_directory",
    "reserve",
    "selection",
]

_LATE = {
    "FunctionDriver": "_function",
    "Holder": "_holder",
    "L2Holding": "_l2_ledger",
    "NativeDriver": "native",
    "PrivateDirectory": "_private",
    "Reservation": "_reservation",
    "Scratch": "_scratch",
    "Selection": "_selection",
    "acting_for": "_holder",
    "check_configuration": "_configuration",
    "configuration_files": "_selection",
    "create_driver": "_registry",
    "driver_names": "_registry",
    "holders": "_reservation",
    "own_directory": "_private",
    "read_configuration_file": "_selection",
    "reservation_directory": "_reservation",
    "reserve": "_reservation",
    "selection": "_selection",
}


def __getattr__(name: str) -> Any:
    """Load what `_LATE` names."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
