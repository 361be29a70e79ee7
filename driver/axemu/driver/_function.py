"""A board that is a Python function: no arithmetic of its own and no clock.

It lets the life cycle of contexts, connections and instances be tested without an emulator, and an application be
tested against canned results::

    driver = FunctionDriver(lambda model, inputs: [np.zeros(info.size, np.int8) for info in model.outputs])
    with Context(driver) as context: ...
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from axemu.driver._configuration import check_configuration
from axemu.driver._driver import Driver, Handle
from axemu.driver._errors import ConnectionError, InternalError, InvalidArgument  # noqa: A004
from axemu.driver._properties import reject_unknown
from axemu.driver._reservation import Reservation, holders, reserve
from axemu.driver._types import Argument, BoardType, Counters, DeviceInfo, InstanceOptions, ModelFiles

Int8Array = npt.NDArray[np.int8]
Function = Callable[[ModelFiles, Sequence[Int8Array]], Sequence[Int8Array]]
"""Takes a model and its flat int8 inputs, returns its flat int8 outputs."""

CLOCKS = (800,)


def echo(model: ModelFiles, inputs: Sequence[Int8Array]) -> list[Int8Array]:
    """Repeat the bytes of the inputs, one after the other, into every output."""
    everything = np.concatenate(inputs)
    return [np.resize(everything, info.size) for info in model.outputs]


class FunctionDriver(Driver):
    """Boards on which `function` is every model."""

    def __init__(self, function: Function = echo, boards: int = 1) -> None:
        self._function = function
        self._boards = {f"function-{index}:1:0": dict[str, str]() for index in range(boards)}
        self._connections: list[_Connection] = []

    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return the boards, with the holders of their cores."""
        found = []
        for name in self._boards:
            held = holders(name)
            info = DeviceInfo(name, max_memory=1 << 30, board_type=BoardType.pcie, firmware_version="none")
            found.append(
                replace(info, in_use=bool(held), in_use_by="; ".join(str(holder) for holder in held))
            )
        return found

    def configure(self, device: DeviceInfo, properties: Mapping[str, str]) -> bool:
        """Check and remember; nothing takes time here."""
        checked = check_configuration(properties, device.name, device.subdevice_count, CLOCKS)
        self._properties(device).update({key: str(value) for key, value in checked.items()})
        return True

    def ready(self, device: DeviceInfo) -> bool:
        """Return True: nothing takes time here."""
        return self._properties(device) is not None

    def read_configuration(self, device: DeviceInfo) -> Mapping[str, str]:
        """Return the clock and whatever was configured."""
        return {"clock_profile": str(CLOCKS[0]), **self._properties(device)}

    def connect(self, device: DeviceInfo, num_sub_devices: int, properties: Mapping[str, str]) -> Handle:
        """Reserve cores."""
        reject_unknown(properties, (), f"{device.name} (function)")
        self._properties(device)
        reservation = reserve(device.name, num_sub_devices, device.subdevice_count)
        try:
            connection = _Connection(reservation)
            self._connections.append(connection)
        except BaseException:  # an interrupt, after which nobody would know these cores
            reservation.release()
            raise
        return connection

    def load(self, connection: Handle, model: ModelFiles, options: InstanceOptions) -> Handle:
        """Make an instance; every model fits."""
        if not isinstance(connection, _Connection) or not connection.open:
            raise ConnectionError("the connection was released; connect again")
        return _Instance(
            connection, model, deque([None, None], 2) if options.double_buffer else deque(maxlen=0)
        )

    def run(self, instance: Handle, inputs: Sequence[Argument], outputs: Sequence[Argument]) -> None:
        """Call the function; double-buffered, hand over what it returned two calls ago."""
        if not isinstance(instance, _Instance) or not instance.connection.open:
            raise ConnectionError("the instance was released; load it again")
        results = self._function(instance.model, [argument.data.copy() for argument in inputs])
        if [result.size for result in results] != [argument.data.size for argument in outputs]:
            raise InternalError(
                f"{instance.model.name}: the function returned outputs of other sizes than the model's"
            )
        ready = instance.pending[0] if instance.pending else results
        instance.frames += 1
        instance.pending.append(results)  # which drops the first
        for index, argument in enumerate(outputs):
            argument.data[:] = 0 if ready is None else ready[index]

    def counters(self, instance: Handle) -> Counters:
        """Return the number of frames; there is no clock."""
        if not isinstance(instance, _Instance):
            raise InvalidArgument("not an instance of this driver")
        return Counters(instance.frames, 0.0, 0.0, 0.0, 0.0, simulated="function driver: no time is modelled")

    def release(self, handle: Handle) -> None:
        """Free an instance or a connection."""
        if isinstance(handle, _Connection):
            handle.open = False
            handle.reservation.release()

    def close(self) -> None:
        """Free all connections."""
        for connection in self._connections:
            self.release(connection)

    def _properties(self, device: DeviceInfo) -> dict[str, str]:
        if device.name not in self._boards:
            raise InvalidArgument(f"no board {device.name}; there are {', '.join(self._boards)}")
        return self._boards[device.name]


@dataclass(slots=True, eq=False)
class _Connection(Handle):
    reservation: Reservation
    open: bool = True


@dataclass(slots=True, eq=False)
class _Instance(Handle):
    connection: _Connection
    model: ModelFiles
    pending: deque[Sequence[Int8Array] | None] = field(default_factory=deque)
    frames: int = 0
