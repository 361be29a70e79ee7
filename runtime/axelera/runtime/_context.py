"""The root of the API: finds boards, loads models and opens connections."""

from __future__ import annotations

import contextlib
import operator
import os
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from axelera.runtime._connection import Connection
from axelera.runtime._model import Model
from axelera.runtime._object import Lent, Object, driver_call
from axemu.driver import (
    ConnectionError,  # noqa: A004
    DeviceInfo,
    DeviceInUse,
    Driver,
    Handle,
    IncompatibleDevice,
    InvalidArgument,
    InvalidConfiguration,
    as_integer,
    as_text,
)

if TYPE_CHECKING:
    from axemu.model import CompiledModel

Device = DeviceInfo | int | str


class Context(Object):
    """The owner of everything else; one per process is enough, whatever the number of boards.

    Args:
        driver: name of a driver, or a driver object (which then stays yours to close). Default: AXELERA_DRIVER, else
            the configuration file, else the emulated board.

    Raises:
        OSError: the native driver was chosen and its library cannot be loaded.
        InvalidArgument: no driver of that name.
    """

    def __init__(self, driver: str | Driver | None = None) -> None:
        from axemu.driver import create_driver, selection  # noqa: PLC0415  keeps the package's import short

        super().__init__()
        if driver is None or isinstance(driver, str):
            self._driver = create_driver(selection(driver).driver)
            close = self._driver.close
        elif isinstance(driver, Driver):
            self._driver = driver
            close = _leave_open
        else:
            raise InvalidArgument(
                f"driver is a {type(driver).__name__}; give a driver's name or a Driver object"
            )
        # Handles whose last reference was dropped. They are freed at the next call, not by the garbage collector, which
        # may strike while a driver holds its own locks.
        self._dropped: deque[Handle | Lent] = deque()
        self._lents: set[Lent] = set()
        self._end = weakref.finalize(self, _end, self._process, self._driver, self._dropped, close)

    @property
    def context(self) -> Context:
        """This object itself."""
        return self

    def list_devices(self) -> list[DeviceInfo]:
        """Return the boards present now; an empty list when there is none."""
        self._check_usable()
        self._free_dropped()
        return self._devices()

    def load_model(self, path: str | Path) -> Model:
        """Load a compiled model's metadata; needs no board.

        Args:
            path: its model.json, the directory of it, or an .axm archive.

        Raises:
            InvalidArgument: the files are missing, damaged or contradict themselves.
            IncompatibleDevice: the model's version is not known.
        """
        from axemu.model import load_compiled_model  # noqa: PLC0415  keeps the package's import short

        self._check_usable()
        if not isinstance(path, str | os.PathLike):
            raise InvalidArgument(f"path is a {type(path).__name__}; give a str or a Path to a model.json")
        return self._made_of(load_compiled_model(Path(path)))

    def device_connect(
        self, device: Device | None = None, num_sub_devices: int = 1, **properties: Any
    ) -> Connection:
        """Reserve cores of a board, exclusively among all processes.

        Args:
            device: index, name (`metis-0:1:0`) or `DeviceInfo`; None takes the first board that answers and has enough free
                cores.
            num_sub_devices: number of cores, 1 to the board's `subdevice_count`.
            properties: ints, bools or their text, for the driver.

        Raises:
            ConnectionError: there is no board, or it cannot be reached.
            DeviceInUse: not enough cores are free; names the holders.
            InvalidArgument: no such board, a bad number of cores, or an unknown property.
        """
        self._check_usable()
        self._free_dropped()
        text = as_text(properties)
        count = as_integer("num_sub_devices", num_sub_devices)
        candidates = self._present() if device is None else [self._find(device)]
        for candidate in candidates:
            if not 1 <= count <= candidate.subdevice_count:
                raise InvalidArgument(
                    f"{candidate.name}: num_sub_devices={count}; the board has {candidate.subdevice_count} sub-devices, "
                    f"so give 1 to {candidate.subdevice_count}"
                )
        refusals: list[ConnectionError] = []
        for candidate in candidates:
            handle = None
            try:
                with driver_call(f"connecting to {candidate.name}"):
                    handle = self._driver.connect(candidate, count, text)
                connection = Connection(self, handle, candidate, count)
                self._adopt(connection)
            except ConnectionError as error:
                refusals.append(error)
            except BaseException:
                self._drop(handle)
                raise
            else:
                return connection
        if len(refusals) == 1:
            raise refusals[0]
        reasons = "; ".join(str(error) for error in refusals)
        if all(isinstance(error, DeviceInUse) for error in refusals):
            raise DeviceInUse(f"no board has enough free sub-devices: {reasons}")
        raise ConnectionError(f"no board can be connected to: {reasons}")

    def configure_device(self, device: Device, **properties: Any) -> bool:
        """Change properties of a board: all of them, or none if one is refused.

        Args:
            device: index, name or `DeviceInfo`.
            properties: `clock_profile`, `clock_profile_core_0` to `_3` (MHz), `mvm_utilisation_core_0` to `_3`
                (percent), as ints or their text.

        Returns:
            True when applied; False when still in progress: poll `device_ready`.

        Raises:
            InvalidConfiguration: an unknown property or a bad value.
            NotImplemented: a known property that this board cannot change.
        """
        self._check_usable()
        found = self._find(device)
        try:
            text = as_text(properties)
        except InvalidArgument as error:
            raise InvalidConfiguration(f"{found.name}: {error}") from error
        with driver_call(f"configuring {found.name}"):
            return self._driver.configure(found, text)

    def device_ready(self, device: Device) -> bool:
        """Return whether no configuration of the board is in progress; polling always makes progress."""
        self._check_usable()
        found = self._find(device)
        with driver_call(f"asking whether {found.name} is ready"):
            return self._driver.ready(found)

    def read_device_configuration(self, device: Device) -> dict[str, str]:
        """Return the board's current properties; all values are text."""
        self._check_usable()
        found = self._find(device)
        with driver_call(f"reading the configuration of {found.name}"):
            return dict(self._driver.read_configuration(found))

    def _made_of(self, compiled: CompiledModel) -> Model:
        self._check_version(compiled)
        model = Model(self, compiled)
        self._adopt(model)
        return model

    def _check_version(self, compiled: CompiledModel) -> None:
        """Refuse, in the vendor's words, what the boards' release of the SDK would."""
        wanted, version = self._driver.model_version, compiled.properties["version"]
        if wanted is None or int(version.partition(".")[0]) == wanted:
            return
        older = int(version.partition(".")[0]) < wanted
        raise IncompatibleDevice(
            f"{compiled.name}: Unsupported model version: {version}, expected "
            + (f"at least {wanted}.0. Please re-deploy or re-download the model." if older else f"{wanted}.x")
        )

    def _free(self) -> None:
        with driver_call("closing the driver"):
            self._end()

    def _free_dropped(self) -> None:
        _free_dropped(self._driver, self._dropped)

    def _lend(self, owner: Object, handle: Handle) -> Lent:
        """Free a handle when its owner is gone, at the next call."""
        return Lent(owner, handle, self._lents, self._dropped)

    def _drop(self, handle: Handle | None) -> None:
        """Free a handle that nobody was given, because of an interrupt; at the next call if there is another one."""
        if handle is not None:
            self._dropped.append(handle)
            self._free_dropped()

    def _devices(self) -> list[DeviceInfo]:
        with driver_call("listing devices"):
            return list(self._driver.list_devices())

    def _present(self) -> list[DeviceInfo]:
        devices = self._devices()
        if not devices:
            raise ConnectionError("no target device found: the driver lists no board (see `axemu info`)")
        return devices

    def _find(self, device: Device) -> DeviceInfo:
        """Return the board an index, a name or a `DeviceInfo` means."""
        devices = self._present()
        names = ", ".join(info.name for info in devices)
        if isinstance(device, DeviceInfo | str):
            name = device.name if isinstance(device, DeviceInfo) else device
            for info in devices:
                if _canonical(info.name) == _canonical(name):
                    return info
            if isinstance(device, DeviceInfo):
                raise ConnectionError(f"device {name} is not present any more; present: {names}")
            raise InvalidArgument(f"no device is named {name!r}; present: {names}")
        if isinstance(device, bool) or not isinstance(device, SupportsIndex):
            raise InvalidArgument(
                f"device is a {type(device).__name__}; give an index, a name, a DeviceInfo, or (to connect) None"
            )
        index = operator.index(device)
        if not 0 <= index < len(devices):
            raise InvalidArgument(
                f"device index {index}; there are {len(devices)} devices, counted from 0: {names}"
            )
        return devices[index]


def _canonical(name: str) -> str:
    """Later releases spell metis-0:1:0 with hyphens only."""
    return name.replace(":", "-")


def _end(process: int, driver: Driver, dropped: deque[Handle | Lent], close: Callable[[], None]) -> None:
    """End a context: when it is released, collected, or the interpreter ends; never in a forked child."""
    if process == os.getpid():
        try:
            _free_dropped(driver, dropped)
        finally:
            close()


def _free_dropped(driver: Driver, dropped: deque[Handle | Lent]) -> None:
    while True:
        try:
            one = dropped[0]
        except IndexError:  # also when another thread took the last one
            return
        try:
            handle = one.handle if isinstance(one, Lent) else one
            if handle is not None:
                with driver_call("releasing what was dropped"):
                    driver.release(handle)
        except Exception:
            _forget(dropped, one)
            raise
        _forget(dropped, one)  # after its release, which an interrupt may end and which may come twice


def _forget(dropped: deque[Handle | Lent], one: Handle | Lent) -> None:
    if isinstance(one, Lent):
        one.returned()
    with contextlib.suppress(ValueError):  # another thread has released it as well
        dropped.remove(one)


def _leave_open() -> None:
    """Leave a driver that belongs to somebody else as it is."""
