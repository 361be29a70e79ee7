"""What comes of many frames, faults and killed processes: every result once, and nothing held at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests._sizes import sample
from tests.system._soak import WARM, soak

HELPERS = os.cpu_count() or 1
"""Threads that the compute core may have made meanwhile, and keeps."""


@pytest.mark.usefixtures("own_boards")
def test_every_result_arrives_once_and_right_and_nothing_leaks(tmp_path: Path) -> None:
    few = sample(2, 4)
    found = soak(
        tmp_path,
        frames=sample(2_000, 1_000_000),
        rate=sample(10, 1) / 1000,
        boards=few,
        workers=few,
        kills=sample(2, 100),
        pause=sample(1, 3),
    )
    print(found)
    assert (found["lost"], found["duplicated"], found["wrong"]) == (0, 0, [])
    assert found["faults"]
    assert (found["cores held"], set(found["descriptors"])) == (0, {0})
    assert max(found["threads"]) <= HELPERS
    for frames, grown in found["rss"]:
        assert grown <= (4 << 20) + 40 * frames, f"{grown} B after {frames} frames more than {WARM}"
