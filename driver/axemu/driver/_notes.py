"""Notes that a program leaves for the command that started it: whether it ever asked for boards."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

NOTES = "AXEMU_RUN_NOTES"
"""Variable with the directory for notes; set by `axemu run`."""


def note(what: str) -> None:
    """Leave a note where somebody asked for one: "context" when a program asks for boards, "report" when it reports."""
    place = os.environ.get(NOTES)
    if place:
        with contextlib.suppress(OSError):
            Path(place, what).touch()
