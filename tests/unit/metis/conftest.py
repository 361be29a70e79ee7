"""Round figures, so that what the machine should say can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axemu.chip import BOARDS, HOSTS, METIS, PARAMETERS, Calibration, Figure, Provenance, load_calibration
from axemu.emulator.metis import Board


def exact(value: float) -> Figure:
    """Return a figure that is what the test says."""
    return Figure(value, "test", "test", Provenance.ASSUMED, value, value)


@pytest.fixture
def calibration() -> Calibration:
    """One cycle per anything, one byte per cycle."""
    return replace(load_calibration(), identity="test", figures={name: exact(1) for name in PARAMETERS})


@pytest.fixture
def board(calibration: Calibration) -> Board:
    """DDR 28 GB/s (3 ticks per byte), link 1 GB/s each way and 1.5 GB/s together, no host time, no start."""
    figures = replace(
        BOARDS["pcie"],
        memory_bandwidth=exact(28e9),
        core_bandwidth=exact(28e9),
        link_bandwidth=exact(1e9),
        link_joint_bandwidth=exact(1.5e9),
    )
    none = exact(0)
    host = replace(HOSTS["desktop"], launch=none, launch_spread=none, gap=none, copy_setup=none)
    return Board(figures, host, replace(METIS, start_cycles=exact(0)), calibration)
