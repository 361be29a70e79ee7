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
    "step_cycles": Prior(
        3300,
        300,
        9000,
        "cycles per step",
        "what each further weight tensor of a 1x1 layer was measured to cost",
    ),
    "lookup_cycles": Prior(
        2.0, 0.5, 6.0, "cycles per vector instruction with a table", "64 look-ups through fewer ports"
    ),
    "product_cycles": Prior(
        2.0, 0.5, 20.0, "cycles per vector instruction of a product of two maps", "wider than a sum"
    ),
    "depthwise_cycles": Prior(0.5, 0.2, 3.0, "cycles per 64-channel tap", "two taps a cycle"),
    "gather_cycles": Prior(
        96, 20, 400, "cycles per 64-channel tap", "one to two cycles per element, one lane"
    ),
}

PARAMETERS = tuple(PRIORS)
"""Names of the fitted figures, in the order of the fit. All cycles are core cycles."""
