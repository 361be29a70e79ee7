"""How much memory a process has held."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path


def peak_bytes() -> int:
    """Return the most memory that this program has held, in bytes.

    Unlike `ru_maxrss`, it begins anew with the program: that one starts with the peak of whatever process started it.
    """
    found = re.search(
        r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE
    )
    assert found is not None
    return int(found[1]) << 10


def forget_peak() -> int:
    """Let the peak begin anew, where the system lets it, and return it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_bytes()
