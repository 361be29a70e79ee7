"""The figures that are fitted, and what is believed about each before any measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed about a figure before any measurement: value, bounds, unit and why."""

    value: float
    low: float
    high: float
    unit: str
    reason: str


PRIORS: Mapping[str, Prior] = {
    "array_stretch": Prior(
        1.5, 1.0, 2.5, "factor on array cycles", "partial sums and tile borders cost something"
    ),
    "weight_load_rate": Prior(
        50, 27, 65, "bytes per cycle", "54 measured with all cores loading; 64 nominal"
    ),
    "move_rate": Prior(54, 12, 64, "bytes per cycle", "as weight loading; 64 nominal"),
    "io_rate": Prior(27, 12, 64, "bytes per cycle", "half of the nominal rate: copied, not only read"),
    "tap_cycles": Prior(0.5, 0.25, 2.5, "cycles per 64-channel tap", "two taps a cycle"),
    "vector_cycles": Prior(1.0, 0.25, 10, "cycles per 64-channel vector", "64 lanes"),
    "broadcast_cycles": Prior(16, 0.25, 40, "cycles per 64-channel vector", "several passes"),
    "gather_cycles": Prior(
        96, 20, 400, "cycles per 64-channel tap", "one to two cycles per element, one lane"
    ),
    "layer_cycles": Prior(
        4000, 500, 9000, "cycles per operator", "5 to 7 thousand over four releases of tables"
    ),
}

PARAMETERS = tuple(PRIORS)
"""Names of the fitted figures, in the order of the fit. All cycles are core cycles; rates are bytes per core cycle."""
