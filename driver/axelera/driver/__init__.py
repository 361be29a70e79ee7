"""The seam between the runtime API and a board: one interface, and the types and errors that cross it.

`Driver` is the interface; `create_driver` and `selection` find one. `reserve` and `check_configuration` are what
drivers of emulated boards share.
"""

from axelera.driver._configuration import check_configuration
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
from axelera.driver._function import FunctionDriver
from axelera.driver._installed import Owner, other_owners
from axelera.driver._l2_ledger import L2Holding
from axelera.driver._properties import as_integer, as_text, reject_unknown
from axelera.driver._registry import create_driver, driver_names
from axelera.driver._reservation import Holder, Reservation, holders, reservation_directory, reserve
from axelera.driver._selection import Selection, configuration_files, read_configuration_file, selection
from axelera.driver._tensor_info import TensorInfo
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
    "NotImplemented",
    "Owner",
    "Pending",
    "Reservation",
    "Selection",
    "TensorInfo",
    "UnknownError",
    "as_integer",
    "as_text",
    "check_configuration",
    "configuration_files",
    "create_driver",
    "driver_names",
    "holders",
    "other_owners",
    "read_configuration_file",
    "reject_unknown",
    "reservation_directory",
    "reserve",
    "selection",
]
