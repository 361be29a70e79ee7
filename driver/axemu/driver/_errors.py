"""The error tree of the SDK.

::

    RuntimeError
     └─ AxeleraError                    anything the SDK refuses or cannot do
         ├─ ConnectionError             a device cannot be reached or has gone
         │   └─ DeviceInUse             cores are reserved by somebody else; names the holder
         ├─ IncompatibleDevice          the compiled model and the board do not fit
         ├─ InvalidArgument             a bad parameter, buffer or file (also a ValueError)
         ├─ InvalidConfiguration        a bad `configure_device` property (also a ValueError)
         ├─ NotImplemented              known to the API, not available here (also a NotImplementedError)
         ├─ Pending                     an asynchronous configuration has not finished: poll `device_ready`
         ├─ InternalError               a defect of the driver; please report it
         └─ UnknownError                the board reported something nobody knows

Application code of the field catches `RuntimeError` around runtime calls, so that is the root. Each message names the
object (model, tensor, node, device, property), what was wrong, what was expected and what to do about it.
"""

from __future__ import annotations

import builtins

__all__ = [
    "AxeleraError",
    "ConnectionError",
    "DeviceInUse",
    "IncompatibleDevice",
    "InternalError",
    "InvalidArgument",
    "InvalidConfiguration",
    "NotImplemented",
    "Pending",
    "UnknownError",
]


class AxeleraError(RuntimeError):
    """Base class of every error the SDK raises on purpose."""


class ConnectionError(AxeleraError, builtins.ConnectionError):  # noqa: A001  the documented name
    """A device cannot be connected to, or an open connection was lost."""


class DeviceInUse(ConnectionError):
    """The cores asked for are reserved by another connection or process."""


class IncompatibleDevice(AxeleraError):
    """The compiled model does not fit the board, the connection or this SDK."""


class InvalidArgument(AxeleraError, ValueError):
    """A parameter, buffer or file is not what the call needs."""


class InvalidConfiguration(AxeleraError, ValueError):
    """A `configure_device` property has an unknown name or a bad value."""


class NotImplemented(AxeleraError, NotImplementedError):  # noqa: A001  the documented name
    """The feature is known to the API and not available on this driver."""


class Pending(AxeleraError):
    """An asynchronous configuration has not finished yet; poll `device_ready`."""


class InternalError(AxeleraError):
    """A defect inside the driver or the runtime."""


class UnknownError(AxeleraError):
    """The board reported an error nobody knows."""
