"""Snapshots of running boards, for other processes: what they hold, and a watcher that asks for them.

A process publishes only while somebody watches; see decision 0142.
"""

from axemu.emulator.watching._snapshot import (
    BoardSnapshot,
    ChannelSnapshot,
    CoreSnapshot,
    HeatSnapshot,
    InstanceSnapshot,
    Snapshot,
    parse_snapshot,
)
from axemu.emulator.watching._watcher import Watcher

__all__ = [
    "BoardSnapshot",
    "ChannelSnapshot",
    "CoreSnapshot",
    "HeatSnapshot",
    "InstanceSnapshot",
    "Snapshot",
    "Watcher",
    "parse_snapshot",
]
