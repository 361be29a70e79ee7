"""Emulated Metis boards: right integers, and the time a card would have taken.

Applications reach this driver through `axelera.runtime`, as they would reach a card. What is here beyond the driver:
`after`, `last_call` and `not_before` declare to the virtual clock what a call waits for, `parse_options` makes options for
an `EmulatorDriver` of one's own.
"""

from axemu.emulator._configuration import (
    ENVIRONMENT_VARIABLE,
    BoardOptions,
    EmulatorOptions,
    load_options,
    parse_options,
)
from axemu.emulator._driver import EmulatorDriver
from axemu.emulator._log import CallToken, after, last_call, not_before
from axemu.emulator._report import report, text
from axemu.emulator.faults import FaultEvent, FaultPlan

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "BoardOptions",
    "CallToken",
    "EmulatorDriver",
    "EmulatorOptions",
    "FaultEvent",
    "FaultPlan",
    "after",
    "last_call",
    "load_options",
    "not_before",
    "parse_options",
    "report",
    "text",
]
