"""In words: what the time of a call goes to."""

from __future__ import annotations

from collections.abc import Mapping

_BOUNDS = {
    "ddr": "DDR bandwidth",
    "array": "matrix array",
    "feed": "feeding the array",
    "drain": "draining the array",
    "adder": "adder",
    "second": "second operands",
    "load": "loading the array",
    "depthwise": "depthwise unit",
    "vector": "vector unit",
    "gather": "gathered windows",
    "move": "moving maps between L1 and L2",
    "control": "control per step",
    "throttled": "MVM limit",
    "host": "host launch",
    "link": "PCIe link",
    "start": "firmware start",
    "waiting": "waiting for a core",
}


def bound_of(parts: Mapping[str, float]) -> str:
    """Name the largest part of a call; `parts` has times by `BUSY`, or by `host`, `link`, `waiting`."""
    return _BOUNDS[max(parts, key=parts.__getitem__)]
