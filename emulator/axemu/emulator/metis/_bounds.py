"""In words: what the time of a call goes to."""

from __future__ import annotations

from collections.abc import Mapping

_BOUNDS = {
    "ddr": "DDR bandwidth",
    "array": "matrix array",
    "weights": "weight loading",
    "depthwise": "depthwise unit",
    "vector": "vector unit",
    "move": "moving activations",
    "copy": "moving activations",
    "overhead": "per-operator overhead",
    "throttled": "MVM limit",
    "host": "host launch",
    "link": "PCIe link",
    "start": "firmware start",
    "waiting": "waiting for a core",
}


def bound_of(parts: Mapping[str, float]) -> str:
    """Name the largest part of a call; `parts` has times by unit, or by `host`, `link`, `ddr`, `start`, `waiting`."""
    return _BOUNDS[max(parts, key=parts.__getitem__)]
