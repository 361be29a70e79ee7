"""What may go wrong on emulated boards: a plan says what and when, and each board acts on its part.

`docs/how-to/inject-faults.md` has a section per fault.
"""

from axemu.emulator.faults._board import BoardFaults, FaultEvent, FaultLog, InstanceFaults
from axemu.emulator.faults._conditions import CLEAR, Conditions, flip
from axemu.emulator.faults._health import Health, State
from axemu.emulator.faults._plan import FaultPlan, PlanField

__all__ = [
    "CLEAR",
    "BoardFaults",
    "Conditions",
    "FaultEvent",
    "FaultLog",
    "FaultPlan",
    "Health",
    "InstanceFaults",
    "PlanField",
    "State",
    "flip",
]
