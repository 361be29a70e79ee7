"""The timing of an emulated Metis: a SimPy machine on integer ticks that never looks at tensor values."""

from axemu.emulator.metis._bounds import bound_of
from axemu.emulator.metis._cost import (
    BUSY,
    JITTER_PERIOD,
    PassColumns,
    PassCycles,
    columns_of,
    cycles_to_ticks,
    launch_ticks,
    pass_cycles,
    peak_macs_per_cycle,
    seconds_to_ticks,
)
from axemu.emulator.metis._cycle import Cycle, Watch
from axemu.emulator.metis._heat import Activity, Body, Power, active_ticks, cooled, power_of
from axemu.emulator.metis._machine import Machine, PendingCall
from axemu.emulator.metis._programs import simulate, start_threads
from axemu.emulator.metis._replay import replay
from axemu.emulator.metis._spec import (
    MODEL_VERSION,
    Board,
    BoardState,
    Call,
    CallTimes,
    InstanceSpec,
    Pool,
    Rate,
    Span,
    Timeline,
)
from axemu.emulator.metis._throttling import (
    LIMITS,
    Ladder,
    Level,
    Load,
    Stretch,
    Sustained,
    biting,
    course,
    limited,
    sustained,
)
from axemu.emulator.metis._trace import write_trace

__all__ = [
    "BUSY",
    "JITTER_PERIOD",
    "LIMITS",
    "MODEL_VERSION",
    "Activity",
    "Board",
    "BoardState",
    "Body",
    "Call",
    "CallTimes",
    "Cycle",
    "InstanceSpec",
    "Ladder",
    "Level",
    "Load",
    "Machine",
    "PassColumns",
    "PassCycles",
    "PendingCall",
    "Pool",
    "Power",
    "Rate",
    "Span",
    "Stretch",
    "Sustained",
    "Timeline",
    "Watch",
    "active_ticks",
    "biting",
    "bound_of",
    "columns_of",
    "cooled",
    "course",
    "cycles_to_ticks",
    "launch_ticks",
    "limited",
    "pass_cycles",
    "peak_macs_per_cycle",
    "power_of",
    "replay",
    "seconds_to_ticks",
    "simulate",
    "start_threads",
    "sustained",
    "write_trace",
]
