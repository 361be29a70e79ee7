"""Emulated boards: what they are, how their cores are configured, and which settings a call runs under."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from axemu.chip import (
    BOARDS,
    CLOCKS_MHZ,
    CORES,
    METIS,
    BoardFigures,
    Calibration,
    HostFigures,
    Provenance,
    figure,
)
from axemu.driver import (
    BoardType,
    DeviceInfo,
    InvalidConfiguration,
    Pending,
    check_configuration,
    holders,
)
from axemu.emulator._configuration import MAX_BOARDS, BoardOptions, EmulatorOptions
from axemu.emulator.faults import CLEAR, BoardFaults, Conditions, FaultLog, Health, State

FIRMWARE = "emulated"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a call runs under: clock in MHz and MVM utilisation limit in percent, per core, and the state of the link.

    `configure_device` sets the first two; conditions of a frame lower them. The link gives `link_percent` of its rate, and is
    down for `link_stall_us` (µs) before the call's first transfer.
    """

    clock_mhz: tuple[int, ...]
    mvm_percent: tuple[int, ...]
    link_percent: int = 100
    link_stall_us: int = 0

    def changed(self, properties: Mapping[str, int]) -> Settings:
        """Return these settings with `properties` applied; those of a core win over those of the board."""
        clock = [properties.get("clock_profile", value) for value in self.clock_mhz]
        mvm = list(self.mvm_percent)
        for core in range(len(clock)):
            clock[core] = properties.get(f"clock_profile_core_{core}", clock[core])
            mvm[core] = properties.get(f"mvm_utilisation_core_{core}", mvm[core])
        return replace(self, clock_mhz=tuple(clock), mvm_percent=tuple(mvm))

    def under(self, conditions: Conditions) -> Settings:
        """Return what is left of these settings under the conditions of a frame."""
        return Settings(
            tuple(min(clock, conditions.clock_mhz) for clock in self.clock_mhz),
            tuple(min(percent, conditions.mvm_percent) for percent in self.mvm_percent),
            conditions.link_percent,
            conditions.link_stall_us,
        )


class SettingsTable:
    """Every combination of settings any board has had, numbered, so that a call can name its own in four bytes."""

    def __init__(self) -> None:
        self._numbers: dict[Settings, int] = {}
        self._lock = threading.Lock()

    def number(self, settings: Settings) -> int:
        """Return the number of `settings`."""
        with self._lock:
            return self._numbers.setdefault(settings, len(self._numbers))

    def since(self, number: int) -> tuple[Settings, ...]:
        """Return the settings from `number` on, in the order of their numbers."""
        with self._lock:
            return tuple(self._numbers)[number:] if number < len(self._numbers) else ()


@dataclass(slots=True, eq=False)
class EmulatedBoard:
    """One device. `index` is its place among the boards, which the timing model uses as its name."""

    index: int
    name: str
    figures: BoardFigures
    host: HostFigures
    upstream_group: str
    polls: int
    table: SettingsTable
    settings: Settings
    faults: BoardFaults
    health: Health
    state: int = 0
    conditions: Conditions = CLEAR
    """What the board's last frame ran under."""
    _pending: Settings | None = None
    _polls_left: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Number the initial settings."""
        self.state = self.table.number(self.settings)

    @property
    def memory(self) -> int:
        """DDR in bytes."""
        return int(self.figures.memory.value)

    def info(self) -> DeviceInfo:
        """Describe the board as `Context.list_devices` does."""
        held = holders(self.name, CORES)
        answers = self.health.state in (State.OK, State.STUCK)
        info = DeviceInfo(
            self.name,
            subdevice_count=CORES,
            max_memory=self.memory,
            in_use=bool(held),
            in_use_by="; ".join(str(holder) for holder in held),
            board_type=BoardType[self.figures.board_type],
            firmware_version=FIRMWARE,
            board_revision=1,
            flashed_firmware_version=FIRMWARE,
            board_controller_firmware_version=FIRMWARE,
            board_controller_board_type=self.figures.name,
        )
        return info if answers else DeviceInfo(self.name, in_use=info.in_use, in_use_by=info.in_use_by)

    def configure(self, properties: Mapping[str, str]) -> bool:
        """Apply properties, at once, after some polls, or never; loading the firmware starts a board anew that needs it."""
        checked = check_configuration(properties, self.name, CORES, CLOCKS_MHZ)
        with self._lock:
            if checked.get("device_firmware") and self.health.state is not State.OK:
                self.health.recover()
                self._pending = None
            self._refuse_unless_ready()
            if self.faults.configuring():
                self.health.fail(State.STUCK)
                return False
            wanted = self.settings.changed(checked)
            if self.polls:
                self._pending, self._polls_left = wanted, self.polls
                return False
            self._apply(wanted)
            return True

    def ready(self) -> bool:
        """Return whether nothing is in progress; each call brings a pending configuration nearer."""
        with self._lock:
            if self.health.state is State.STUCK:
                return False
            self.health.require_answer()
            if self._pending is None:
                return True
            self._polls_left -= 1
            if self._polls_left > 0:
                return False
            self._apply(self._pending)
            self._pending = None
            return True

    def require_ready(self) -> None:
        """Raise `Pending` while a configuration is in progress, or `ConnectionError` if the board does not answer."""
        with self._lock:
            self._refuse_unless_ready()

    def read(self) -> dict[str, str]:
        """Return the properties in force, as text."""
        self.health.require_answer()
        settings, conditions = self.settings, self.conditions
        clocks, limits = settings.clock_mhz, settings.mvm_percent
        return {
            "clock_profile": str(max(clocks)),
            **{f"clock_profile_core_{core}": str(clock) for core, clock in enumerate(clocks)},
            "min_clock_frequency": str(min(CLOCKS_MHZ)),
            "max_clock_frequency": str(max(CLOCKS_MHZ)),
            "min_clock_frequencies": str(min(CLOCKS_MHZ)),
            "max_clock_frequencies": str(max(CLOCKS_MHZ)),
            "valid_clock_frequencies": ",".join(str(clock) for clock in CLOCKS_MHZ),
            **{f"mvm_utilisation_core_{core}": str(limit) for core, limit in enumerate(limits)},
            "freq_downscaling": str(int(conditions.clock_mhz < CLEAR.clock_mhz)),
            "sw_throttling": "0",
            "hw_throttling": str(int(conditions.mvm_percent < CLEAR.mvm_percent)),
        }

    def state_under(self, conditions: Conditions) -> int:
        """Return the number of the settings that a frame runs under."""
        self.conditions = conditions
        return self.state if conditions is CLEAR else self.table.number(self.settings.under(conditions))

    def _refuse_unless_ready(self) -> None:
        self.health.require_answer()
        if self._pending is not None or self.health.state is State.STUCK:
            raise Pending(
                f"{self.name}: a configuration is in progress; poll device_ready until it returns True"
            )

    def _apply(self, settings: Settings) -> None:
        self.settings = settings
        self.state = self.table.number(settings)


def make_boards(
    options: EmulatorOptions, table: SettingsTable, log: FaultLog, source: str, calibration: Calibration
) -> tuple[EmulatedBoard, ...]:
    """Plug in the configured boards; each chip of a card with several is a device of its own.

    Raises:
        InvalidConfiguration: two boards have the same name, an initial property is bad, or a fault names no board.
    """
    boards: list[EmulatedBoard] = []
    for entry in options.boards:
        for copy in range(entry.count):
            boards.extend(_card(entry, copy, len(boards), options, table, log, calibration))
            if len(boards) > MAX_BOARDS:
                raise InvalidConfiguration(f"emulator options from {source}: more than {MAX_BOARDS} devices")
    names = [board.name for board in boards]
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidConfiguration(
            f"emulator options from {source}: two boards are called {double[0]}; rename one"
        )
    for fault in options.faults.faults:
        if fault.board not in ("", *names):
            raise InvalidConfiguration(
                f"emulator options from {source}: faults: fault {fault.kind} names board {fault.board!r}; the boards are "
                f"{', '.join(names) or 'none'}"
            )
    return tuple(boards)


def _card(
    entry: BoardOptions,
    copy: int,
    first: int,
    options: EmulatorOptions,
    table: SettingsTable,
    log: FaultLog,
    calibration: Calibration,
) -> Sequence[EmulatedBoard]:
    figures = BOARDS[entry.type]
    if entry.memory is not None:
        memory = figure(entry.memory, "bytes", "configuration of the emulator", Provenance.ASSUMED)
        figures = replace(figures, memory=memory)
    group = entry.upstream or (f"card at {first}" if figures.chips > 1 else "")
    many = entry.count * figures.chips > 1
    limit = int(figures.mvm_limit_default.value)
    settings = Settings((int(METIS.clock.value),) * CORES, (limit,) * CORES)
    initial = {key: str(value) for key, value in entry.configuration.items()}
    boards = []
    for chip in range(figures.chips):
        index = first + chip
        # Slots count as `lspci` would number cards behind one root port each: 1, 3, 5, …
        name = _device_name(2 * index + 1, options.sdk)
        if entry.name:
            name = f"{entry.name}-{copy * figures.chips + chip}" if many else entry.name
        checked = check_configuration(initial, name, CORES, CLOCKS_MHZ)
        health = Health(name)
        wait = time.sleep if options.pace == "realtime" else _no_time
        boards.append(
            EmulatedBoard(
                index=index,
                name=name,
                figures=figures,
                host=calibration.host_of(figures, entry.host or options.host),
                upstream_group=group,
                polls=options.configure_polls,
                table=table,
                settings=settings.changed(checked),
                faults=BoardFaults(options.faults, name, health, log, wait),
                health=health,
            )
        )
    return boards


def _device_name(slot: int, sdk: str | None) -> str:
    """Return a board's name: device nodes have hyphens only from release 1.8 on."""
    return f"metis-0-{slot}-0" if sdk == "1.8" else f"metis-0:{slot}:0"


def _no_time(seconds: float) -> None:
    """Let virtual time pass: a call that fails has no place in it."""
