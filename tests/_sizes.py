"""How much of a suite runs: a seeded sample by default, the full counts with AXEMU_FULL=1."""

from __future__ import annotations

import os

FULL = os.environ.get("AXEMU_FULL") == "1"


def sample(quick: int, full: int) -> int:
    """Return the number of cases to run: `quick` in `make test`, `full` in `make test-full`."""
    return full if FULL else quick
