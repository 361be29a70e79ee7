"""The runtime API of Axelera Metis boards, without the vendor's code: emulated boards by default, cards by a driver.

An independent implementation of the documented interface; see `docs/compatibility.md` for each decision.
"""

from typing import Any

from axelera.runtime._connection import Connection
from axelera.runtime._context import Context
from axelera.runtime._instance import ModelInstance
from axelera.runtime._model import Model
from axelera.runtime._object import Object
from axelera.runtime._select import select_devices
from axemu.driver import (
    AxeleraError,
    BoardType,
    ConnectionError,  # noqa: A004
    DeviceInfo,
    DeviceInUse,
    IncompatibleDevice,
    InternalError,
    InvalidArgument,
    InvalidConfiguration,
    NotImplemented,  # noqa: A004
    Pending,
    TensorInfo,
    UnknownError,
)

__all__ = [
    "AxeleraError",
    "BoardType",
    "Connection",
    "ConnectionError",
    "Context",
    "DeviceInUse",
    "DeviceInfo",
    "IncompatibleDevice",
    "InternalError",
    "InvalidArgument",
    "InvalidConfiguration",
    "Model",
    "ModelInstance",
    "NotImplemented",
    "Object",
    "Pending",
    "TensorInfo",
    "UnknownError",
    "__version__",
    "select_devices",
]

# Users meet these classes here: messages, documentation and pickles call them by this name.
for _public in list(globals().values()):
    if isinstance(_public, type) or _public is select_devices:
        _public.__module__ = __name__
del _public


def __getattr__(name: str) -> Any:
    """Look the version up when somebody asks; the installer's records are slow to open. So are images."""
    if name == "Image":
        from axelera.runtime.cv import Image  # noqa: PLC0415

        return Image
    if name == "__version__":
        from importlib import metadata  # noqa: PLC0415

        return metadata.version("axemu")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
