"""A program to look at."""

from __future__ import annotations

import pytest
from tests.unit.monitor._snapshots import snapshot

from axemu.emulator.watching import Snapshot


@pytest.fixture
def run_of() -> list[Snapshot]:
    """A program of four snapshots whose clock is lowered before the third."""
    return [
        snapshot(100, 0.0, 0),
        snapshot(101, 1.0, 500),
        snapshot(102, 3.0, 900, clock=400),
        snapshot(103, 4.0, 1000, clock=400, ended=True),
    ]
