"""What goes into a simulation of boards and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from axemu.chip import (
    BOARDS,
    CLOCK_MHZ,
    CORES,
    HOSTS,
    METIS,
    BoardFigures,
    Calibration,
    ChipFigures,
    HostFigures,
    load_calibration,
)
from axemu.model.passes import CoreProgram

MODEL_VERSION = "metis-3"
"""Version of the timing model; a calibration belongs to one version."""


@dataclass(frozen=True, slots=True)
class Board:
    """One chip with its memory, its link and the host it is plugged into.

    `upstream_group` names what several boards share on their way to the host: boards with equal, non-empty groups
    share each direction of the way, as fast as the slowest of their links, and both.
    """

    figures: BoardFigures = BOARDS["pcie"]
    host: HostFigures = HOSTS["desktop"]
    chip: ChipFigures = METIS
    calibration: Calibration = field(default_factory=load_calibration)
    upstream_group: str = ""


@dataclass(frozen=True, slots=True)
class BoardState:
    """Settings in force on one board: clock in MHz and MVM utilisation limit in percent, per core.

    The link gives a call the part `link_share` of its rate, and is down for `link_stall` seconds before its first transfer.
    """

    clock_mhz: tuple[int, ...] = (CLOCK_MHZ,) * CORES
    mvm_percent: tuple[float, ...] = (100, 100, 100, 100)
    link_share: float = 1.0
    link_stall: float = 0.0


@dataclass(frozen=True, slots=True)
class InstanceSpec:
    """One loaded model instance.

    `cores` are the cores it executes on, in lockstep, one frame each. `input_bytes` and `output_bytes` are what one
    call moves over the link, all frames together.
    """

    id: int
    core: CoreProgram
    cores: tuple[int, ...]
    input_bytes: int
    output_bytes: int
    double_buffer: bool = False
    board: int = 0


class Call(NamedTuple):
    """One `run()`: the instance and the index of the board state in force.

    `after` names calls (thread, index) that must have completed before this one can arrive; it does not arrive before
    tick `earliest` either (a frame of a camera).
    """

    instance: int
    config: int = 0
    after: tuple[tuple[int, int], ...] = ()
    earliest: int = 0


@dataclass(frozen=True, slots=True)
class Pool:
    """Threads that take their work from one queue: who is free first takes the next item.

    `items` are calls of a thread (thread, from, to) in the order of the queue. What a worker calls before its first item
    stays its own. `instances` are those of each worker where each has its own: who takes an item calls these in place
    of the ones it was recorded with; empty where workers share them.
    """

    workers: tuple[int, ...]
    items: tuple[tuple[int, int, int], ...]
    instances: tuple[tuple[int, ...], ...] = ()


class CallTimes(NamedTuple):
    """When a call arrived, the board executed a frame during it, and it returned, in ticks of 1/84 GHz.

    With double buffering the frame executed during a call is the one submitted by the call before it; a call that
    executes none (the first) has `device_start == device_end`.
    """

    arrival: int
    device_start: int
    device_end: int
    completion: int


class Part(NamedTuple):
    """When a unit of a core was busy within a stretch of time: ticks since its beginning."""

    unit: str
    begin: int
    end: int


class Span(NamedTuple):
    """One slice of a trace: what `track` did from `start` to `end` (ticks) for a call (thread, call).

    `name` is the layer where a core did it, `kind` what of `BUSY` the time goes to. `amount` is the bytes that crossed
    DDR, L2 or the link meanwhile, `parts` when which unit of a core was busy, `number` the pass or transfer it belongs to.
    """

    track: str
    name: str
    start: int
    end: int
    thread: int
    call: int
    amount: int = 0
    parts: tuple[Part, ...] = ()
    kind: str = ""
    number: int = -1


class Rate(NamedTuple):
    """From `tick` on `unit` moves `speed` bytes per second."""

    tick: int
    unit: str
    speed: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Result of a simulation. `busy` maps units ("board0.core1", "board0.ddr", …) to busy ticks.

    `unit_ticks` splits the busy time of a core by what it did ("board0.core1.array", ".weights", ".move", …).
    `bytes_moved` counts per memory or link direction. `spans` and `rates` are empty unless a trace was asked for.
    """

    calls: tuple[tuple[CallTimes, ...], ...]
    busy: Mapping[str, int]
    unit_ticks: Mapping[str, int]
    bytes_moved: Mapping[str, int]
    elapsed: int
    model_version: str
    calibration_id: str
    spans: tuple[Span, ...] = ()
    rates: tuple[Rate, ...] = ()
