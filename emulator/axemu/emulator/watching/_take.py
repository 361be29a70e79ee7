"""From a recording to a snapshot."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from axemu.chip import CORES
from axemu.driver import AxeleraError, Holder, holders
from axemu.emulator._boards import EmulatedBoard
from axemu.emulator._handles import EmulatedInstance
from axemu.emulator._heat import BoardHeat
from axemu.emulator._recording import Recording
from axemu.emulator._timing import Ticks, seconds
from axemu.emulator.faults import State
from axemu.emulator.metis import LIMITS
from axemu.emulator.watching._snapshot import (
    MOST_INSTANCES,
    BoardSnapshot,
    ChannelSnapshot,
    CoreSnapshot,
    HeatSnapshot,
    InstanceSnapshot,
    Snapshot,
)

CHANNELS = ("ddr", "link_in", "link_out")
RECENT = 1000
"""Frames that a latency is of while one watches."""
_LONGEST = 200


def take(
    recording: Recording, *, program: str, context: int, at: float, every: float, ended: bool
) -> Snapshot:
    """Return what a recording says of its boards and instances; see `Snapshot` for `at` and `every`."""
    instances = _with_room(recording.instances)
    return Snapshot(
        at=at,
        every=every,
        ended=ended,
        pid=os.getpid(),
        context=context,
        program=program[:_LONGEST],
        pace=recording.options.pace,
        model_version=recording.record.timeline.model_version,
        calibration_id=recording.calibration.identity,
        elapsed_s=seconds(recording.record.elapsed),
        threads=recording.record.threads,
        boards=tuple(_board(recording, board) for board in recording.boards),
        instances=tuple(_instance(recording, instance) for instance in instances),
        left_out=len(recording.instances) - len(instances),
    )


def _with_room(instances: tuple[EmulatedInstance, ...]) -> tuple[EmulatedInstance, ...]:
    """Return the loaded instances and the last released ones, as many as a snapshot has room for, in their order."""
    chosen = sorted(instances, key=lambda one: (one.values is not None, one.spec.id))[-MOST_INSTANCES:]
    return tuple(sorted(chosen, key=lambda one: one.spec.id))


def _board(recording: Recording, board: EmulatedBoard) -> BoardSnapshot:
    timeline = recording.record.timeline
    try:
        held = holders(board.name, CORES)
        answers = board.health.state in (State.OK, State.STUCK)
        read: Mapping[str, str] = board.read() if answers else {}
    except AxeleraError:
        held, answers, read = (), False, {}
    heat = recording.heat(board)
    biting = {name for name in LIMITS if read.get(name) == "1"} | set(heat.limits if heat else ())
    here = [one for one in recording.instances if one.connection.board is board and one.values is not None]

    def busy(unit: str) -> float:
        return seconds(timeline.busy.get(f"board{board.index}.{unit}", 0))

    return BoardSnapshot(
        name=board.name[:_LONGEST],
        board=board.figures.name,
        host=board.host.name,
        answers=answers,
        memory_bytes=board.memory,
        ddr_held=sum(one.model.ddr_bytes for one in here),
        l2_held=sum(one.size for holder in held for one in holder.l2),
        cores=tuple(
            CoreSnapshot(
                clock_mhz=board.settings.clock_mhz[core],
                mvm_percent=board.settings.mvm_percent[core],
                busy_s=busy(f"core{core}"),
                held_by=_holder(held, core),
            )
            for core in range(CORES)
        ),
        channels={
            unit: ChannelSnapshot(
                busy_s=busy(unit), bytes_moved=timeline.bytes_moved.get(f"board{board.index}.{unit}", 0)
            )
            for unit in CHANNELS
        },
        heat=_heat(heat),
        limits=tuple(sorted(biting)),
        faults={
            kind: count for (name, kind), count in sorted(recording.faults.items()) if name == board.name
        },
    )


def _heat(heat: BoardHeat | None) -> HeatSnapshot | None:
    if heat is None:
        return None
    return HeatSnapshot(power_w=heat.watts, temperature_c=heat.temperature, settled_c=heat.settled)


def _holder(held: tuple[Holder, ...], core: int) -> str:
    return next((f"{one.pid} {one.program}"[:_LONGEST] for one in held if core in one.cores), "")


def _instance(recording: Recording, instance: EmulatedInstance) -> InstanceSnapshot:
    frames = recording.record.frames[instance.spec.id]
    latency = frames.latency
    return InstanceSnapshot(
        id=instance.spec.id,
        model=instance.model.name[:_LONGEST],
        board=instance.connection.board.name[:_LONGEST],
        cores=instance.spec.cores,
        double_buffer=instance.spec.double_buffer,
        loaded=instance.values is not None,
        frames=frames.count * instance.model.batch,
        latency_ms=_percentiles(latency),
        recent_ms=_percentiles(latency[-RECENT:]),
    )


def _percentiles(ticks: Ticks) -> tuple[float, float] | None:
    if not ticks.size:
        return None
    p50, p99 = np.percentile(ticks, (50, 99))
    return seconds(p50) * 1e3, seconds(p99) * 1e3
