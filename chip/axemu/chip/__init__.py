"""Figures of chip, boards and hosts as data: value, unit, source, provenance, range."""

from axemu.chip._boards import BOARDS, BoardFigures
from axemu.chip._calibration import (
    HOST_PARAMETERS,
    Calibration,
    calibration_from_json,
    calibration_to_json,
    load_calibration,
)
from axemu.chip._figure import STRENGTH, Figure, Provenance, figure, figures_of, weakest
from axemu.chip._heat import (
    AMBIENT,
    BOARD_HEAT,
    COOLINGS,
    POWER,
    BoardHeatFigures,
    CoolingFigures,
    PowerFigures,
)
from axemu.chip._hosts import HOSTS, HostFigures
from axemu.chip._metis import (
    CLOCK_MHZ,
    CLOCKS_MHZ,
    COMPILER_CLOCKS_MHZ,
    CORES,
    GIB,
    METIS,
    MIB,
    TICKS_PER_SECOND,
    ChipFigures,
)
from axemu.chip._priors import PARAMETERS, PRIORS, Prior
from axemu.chip._programs import PROGRAMS, ProgramFigures
from axemu.chip._releases import DEFAULT_RELEASE, RELEASES, Release
from axemu.chip._thermal import THERMAL, ThermalFigures

__all__ = [
    "AMBIENT",
    "BOARDS",
    "BOARD_HEAT",
    "CLOCKS_MHZ",
    "CLOCK_MHZ",
    "COMPILER_CLOCKS_MHZ",
    "COOLINGS",
    "CORES",
    "DEFAULT_RELEASE",
    "GIB",
    "HOSTS",
    "HOST_PARAMETERS",
    "METIS",
    "MIB",
    "PARAMETERS",
    "POWER",
    "PRIORS",
    "PROGRAMS",
    "RELEASES",
    "STRENGTH",
    "THERMAL",
    "TICKS_PER_SECOND",
    "BoardFigures",
    "BoardHeatFigures",
    "Calibration",
    "ChipFigures",
    "CoolingFigures",
    "Figure",
    "HostFigures",
    "PowerFigures",
    "Prior",
    "ProgramFigures",
    "Provenance",
    "Release",
    "ThermalFigures",
    "calibration_from_json",
    "calibration_to_json",
    "figure",
    "figures_of",
    "load_calibration",
    "weakest",
]
