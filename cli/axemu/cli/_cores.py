"""How the tools write values per core: `0-1:800,2-3:400`."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PART = re.compile(r"(?:(\d{1,2})(?:-(\d{1,2}))?:)?(\d{1,6})")


def parse_per_core(text: str, cores: int) -> dict[int, int]:
    """Read `N` (all cores) or ranges like `0-1:800,2:400`.

    Raises:
        ValueError: the text is something else, or names a core there is not.
    """
    values: dict[int, int] = {}
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part!r} is not VALUE, CORE:VALUE or FIRST-LAST:VALUE")
        first = int(match[1]) if match[1] else 0
        last = int(match[2]) if match[2] else first if match[1] else cores - 1
        if not 0 <= first <= last < cores:
            raise ValueError(f"{part!r} names cores {first} to {last}; there are cores 0 to {cores - 1}")
        values.update(dict.fromkeys(range(first, last + 1), int(match[3])))
    return values


def format_per_core(values: Sequence[str], unit: str) -> str:
    """Write values by ranges of cores that share one: `0-3:800MHz`."""
    parts = []
    first = 0
    for core in range(1, len(values) + 1):
        if core == len(values) or values[core] != values[first]:
            cores = str(first) if first == core - 1 else f"{first}-{core - 1}"
            parts.append(f"{cores}:{values[first]}{unit}")
            first = core
    return ",".join(parts)
