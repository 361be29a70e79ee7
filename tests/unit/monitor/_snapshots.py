"""Snapshots of a board that never was."""

from __future__ import annotations

from typing import Any

from axemu.emulator.watching import (
    BoardSnapshot,
    ChannelSnapshot,
    CoreSnapshot,
    HeatSnapshot,
    InstanceSnapshot,
    Snapshot,
)


def snapshot(moment: float, elapsed: float, frames: int, clock: int = 800, **changes: Any) -> Snapshot:
    """Return what was seen at `moment`: a core that was busy for half of the time, 10 °C warmer each second."""
    board = BoardSnapshot(
        name="metis-0:1:0", board="m2", host="desktop", answers=True, memory_bytes=1 << 30, ddr_held=5 << 20,
        l2_held=0,
        cores=tuple(CoreSnapshot(clock_mhz=clock, mvm_percent=100, busy_s=elapsed / 2, held_by="") for _ in range(4)),
        channels={"ddr": ChannelSnapshot(busy_s=elapsed / 4, bytes_moved=int(elapsed * 1e9))},
        heat=HeatSnapshot(power_w=5, temperature_c=30 + 10 * elapsed, settled_c=99),
    )  # fmt: skip
    instance = InstanceSnapshot(
        id=0, model="net", board=board.name, cores=(0, 1), double_buffer=False, loaded=True, frames=frames,
        latency_ms=(1.0, 2.0), recent_ms=(1.5, 2.5),
    )  # fmt: skip
    values: dict[str, Any] = {
        "at": moment, "every": 1, "ended": False, "pid": 7, "context": 0, "program": "app.py", "pace": "virtual",
        "model_version": "m", "calibration_id": "c", "elapsed_s": elapsed, "threads": 1, "boards": (board,),
        "instances": (instance,),
    }  # fmt: skip
    return Snapshot(**values | changes)
