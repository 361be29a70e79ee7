"""The driver of emulated boards: joins numerics, timing and pace behind the seam."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from axemu.chip import CORES, METIS, Calibration, load_calibration
from axemu.driver import (
    Argument,
    ConnectionError,  # noqa: A004
    Counters,
    DeviceInfo,
    Driver,
    Handle,
    IncompatibleDevice,
    InstanceOptions,
    InvalidArgument,
    InvalidConfiguration,
    L2Holding,
    ModelFiles,
    reject_unknown,
    reserve,
)
from axemu.emulator._boards import EmulatedBoard, SettingsTable, make_boards
from axemu.emulator._configuration import EmulatorOptions, load_options, user_file
from axemu.emulator._execution import Executables, Values
from axemu.emulator._handles import EmulatedConnection, EmulatedInstance
from axemu.emulator._load import core_of, load_model
from axemu.emulator._publisher import Publisher
from axemu.emulator._realtime import RealtimePace
from axemu.emulator._recording import Recording, counters, simulated
from axemu.emulator._report import require_perfetto, write_reports
from axemu.emulator._timing import machine_boards
from axemu.emulator._virtual import VirtualPace
from axemu.emulator.faults import FaultEvent, FaultLog
from axemu.emulator.metis import InstanceSpec
from axemu.model import MODEL_VERSIONS


class EmulatorDriver(Driver):
    """Emulated boards as the options configure them; without an argument those of file and environment."""

    def __init__(self, options: EmulatorOptions | None = None) -> None:
        loaded, sources = (options, ("argument",)) if options is not None else load_options()
        self.options = loaded
        self.sources = sources
        where = " and ".join(sources) or "defaults"
        if loaded.trace:
            require_perfetto()
        settings = SettingsTable()
        self.model_version = None if loaded.sdk is None else MODEL_VERSIONS[loaded.sdk]
        self._faults = FaultLog()
        self._calibration = _calibration(loaded, where)
        boards = make_boards(loaded, settings, self._faults, where, self._calibration)
        self._boards = {board.name: board for board in boards}
        machine = machine_boards(tuple(self._boards.values()), self._calibration)
        pace = RealtimePace if loaded.pace == "realtime" else VirtualPace
        self._pace: RealtimePace | VirtualPace = pace(machine, settings, bool(loaded.trace))
        self.clock = self._pace.clock
        self._executables = Executables()
        self._connections: list[EmulatedConnection] = []
        self._instances: list[EmulatedInstance] = []
        self._lock = threading.RLock()
        self._closed = False
        self._publisher = Publisher(self.recording)

    @property
    def simulated(self) -> str:
        """Version of the timing model and identity of its calibration."""
        return simulated(self.options, self._calibration)

    @property
    def about(self) -> Sequence[str]:
        """Every option, where they come from, and the timing model."""
        options = self.options.model_dump(exclude={"boards", "faults"})
        return (
            f"emulator options from {' and '.join(self.sources) or 'defaults'}:",
            *(f"  {key} = {value!r}" for key, value in options.items()),
            f"  faults: {', '.join(fault.kind for fault in self.options.faults.faults) or 'none'}",
            f"  timing: {self.simulated}",
        )

    def list_devices(self) -> Sequence[DeviceInfo]:
        """Return the configured boards, with the holders of their cores in all processes."""
        return [board.info() for board in self._boards.values()]

    def configure(self, device: DeviceInfo, properties: Mapping[str, str]) -> bool:
        """Apply properties to the frames that are submitted from now on."""
        return self._board(device).configure(properties)

    def ready(self, device: DeviceInfo) -> bool:
        """Return whether no configuration is in progress."""
        return self._board(device).ready()

    def read_configuration(self, device: DeviceInfo) -> Mapping[str, str]:
        """Return the properties in force, and which limits bite if heat is not left out."""
        board = self._board(device)
        properties = board.read()
        if self.options.cooling != "" and (heat := self.recording().heat(board)):
            properties |= dict.fromkeys(heat.limits, "1")
        return properties

    def connect(self, device: DeviceInfo, num_sub_devices: int, properties: Mapping[str, str]) -> Handle:
        """Reserve cores of a board."""
        board = self._board(device)
        reject_unknown(properties, (), board.name)
        board.require_ready()
        since = board.health.word
        board.faults.connecting()
        reservation = None
        try:
            with self._lock:
                self._require_open()
                reservation = reserve(board.name, num_sub_devices, CORES)
                connection = EmulatedConnection(board, reservation, since)
                self._connections.append(connection)
        except BaseException:  # an interrupt, after which nobody would know these cores
            if reservation is not None:
                reservation.release()
            raise
        return connection

    def load(self, connection: Handle, model: ModelFiles, options: InstanceOptions) -> Handle:
        """Place a compiled model on the first cores of a connection, one per frame of its batch."""
        if not isinstance(connection, EmulatedConnection):
            raise InvalidArgument("load: the connection is not one of this driver")
        connection.require_open()
        board, cores = connection.board, connection.reservation.cores
        board.require_ready()
        board.faults.loading(model)
        if model.batch > len(cores):
            raise IncompatibleDevice(
                f"model {model.name!r} runs {model.batch} frames at once on as many cores; the connection to {board.name} "
                f"has {len(cores)}: connect with num_sub_devices={model.batch}, or compile the model for fewer cores"
            )
        self._publisher.look()
        program, runner = load_model(model, self.options, self._executables)
        holding = instance = None
        try:
            with self._lock:
                self._check_ddr(board, model)
                holding = self._hold_l2(connection, model, options)
                spec = InstanceSpec(
                    id=len(self._instances),
                    core=core_of(model, program),
                    cores=cores[: model.batch],
                    input_bytes=sum(info.size for info in model.inputs),
                    output_bytes=sum(info.size for info in model.outputs),
                    double_buffer=options.double_buffer,
                    board=board.index,
                )
                values = Values(model, runner, options.double_buffer, self.options.warmup)
                instance = EmulatedInstance(
                    connection, model, spec, holding, values, board.faults.of_instance()
                )
                self._pace.add(spec)
                connection.instances.append(instance)
                self._instances.append(instance)
        except BaseException:  # an interrupt, after which nobody would know this instance
            if instance is not None:
                instance.close()
            elif holding is not None:
                connection.reservation.free_l2(holding)
            raise
        return instance

    def run(self, instance: Handle, inputs: Sequence[Argument], outputs: Sequence[Argument]) -> None:
        """Execute one frame in the calling thread, without a lock of the driver."""
        if not isinstance(instance, EmulatedInstance):
            raise InvalidArgument("run: the instance is not one of this driver")
        self._publisher.look()
        with instance.lock:
            conditions = instance.conditions()
            complete = self._pace.arrive(instance.spec, instance.connection.board.state_under(conditions))
            instance.frame(inputs, outputs, conditions.flips)
            complete()

    def counters(self, instance: Handle) -> Counters:
        """Return what the simulated board measured of an instance."""
        if not isinstance(instance, EmulatedInstance):
            raise InvalidArgument("counters: the instance is not one of this driver")
        return counters(self.recording(), instance)

    def recording(self, trace: bool = False) -> Recording:
        """Return everything that happened so far, for reports."""
        # Calls first: an instance is known before it is called, but loads and calls go on meanwhile.
        calls = self._pace.calls()
        with self._lock:
            instances = tuple(self._instances)
        return Recording(
            record=self._pace.record(calls, [instance.spec for instance in instances], trace),
            instances=instances,
            boards=tuple(self._boards.values()),
            calibration=self._calibration,
            options=self.options,
            sources=self.sources,
            remarks=self._pace.remarks(),
            faults=self._faults.counts(),
        )

    def faults(self) -> tuple[FaultEvent, ...]:
        """Return the last faults that the plan let happen, up to ten thousand."""
        return self._faults.snapshot()

    def release(self, handle: Handle) -> None:
        """Free an instance, or a connection with its instances."""
        if isinstance(handle, (EmulatedInstance, EmulatedConnection)):
            handle.close()

    def close(self) -> None:
        """Write the report if one was asked for, and free all connections."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        try:
            if self._instances:
                self._publisher.close()
                write_reports(self.recording, self.options)
        finally:
            self._pace.close()
            for connection in self._connections:
                connection.close()

    def _board(self, device: DeviceInfo) -> EmulatedBoard:
        self._require_open()
        board = self._boards.get(device.name)
        if board is None:
            names = ", ".join(self._boards) or "none"
            raise ConnectionError(f"no board {device.name!r}; the configured boards are: {names}")
        return board

    def _require_open(self) -> None:
        if self._closed:
            raise ConnectionError("the context of these boards was released; make a new one")

    def _check_ddr(self, board: EmulatedBoard, model: ModelFiles) -> None:
        """Refuse a model that does not fit beside those this context has on the board."""
        there = [
            instance
            for instance in self._instances
            if instance.values is not None and instance.connection.board is board
        ]
        free = board.memory - sum(instance.model.ddr_bytes for instance in there)
        if model.ddr_bytes > free:
            holders = "; ".join(
                f"model {instance.model.name!r} holds {instance.model.ddr_bytes} B" for instance in there
            )
            raise IncompatibleDevice(
                f"{board.name}: model {model.name!r} declares {model.ddr_bytes} B of DDR pools in its model.json and {free} B "
                f"of {board.memory} B are free ({holders or 'nothing else is loaded'}): release one, or take a board with "
                "more memory"
            )

    def _hold_l2(
        self, connection: EmulatedConnection, model: ModelFiles, options: InstanceOptions
    ) -> L2Holding:
        reserve_bytes = METIS.l2_reserved.value
        if not options.elf_in_ddr:
            reserve_bytes += CORES * METIS.l2_task_lists.value
        capacity = int(METIS.l2_bytes.value - reserve_bytes)
        size = sum(size for _, size in model.l2_pools)
        return connection.reservation.hold_l2(f"model {model.name!r}", size, capacity)


def _calibration(options: EmulatorOptions, where: str) -> Calibration:
    path = user_file(options.calibration) if options.calibration else None
    try:
        return load_calibration(path, options.sdk)
    except ValueError as error:
        raise InvalidConfiguration(f"emulator options from {where}: {error}") from error
