"""What the card does when it gets hot."""

from __future__ import annotations

from dataclasses import dataclass

from axemu.chip._figure import Figure, Provenance, figure

_GUIDE = "voyager-sdk thermal guide (v1.6)"


@dataclass(frozen=True, slots=True)
class ThermalFigures:
    """Junction temperatures at which the card protects itself, and how.

    From `throttle` on the MVM limit is `throttle_mvm` until it is `throttle_release` cooler. From `stepping` on the clock
    falls by `step` each second, not below `floor`, and rises again as fast `step_release` below. At `shutdown` it goes off.
    The throttle of the software is like the other, from `software` on with `software_mvm`.
    """

    sensors: Figure
    warning: Figure
    software: Figure
    software_mvm: Figure
    throttle: Figure
    throttle_release: Figure
    throttle_mvm: Figure
    stepping: Figure
    step: Figure
    step_release: Figure
    floor: Figure
    shutdown: Figure


def _documented(value: float, unit: str) -> Figure:
    return figure(value, unit, _GUIDE, Provenance.DOCUMENTED)


THERMAL = ThermalFigures(
    sensors=_documented(5, "temperature sensors"),
    warning=_documented(95, "°C"),
    software=_documented(200, "°C, which is never: off by default"),
    software_mvm=_documented(10, "percent"),
    throttle=_documented(105, "°C"),
    throttle_release=_documented(10, "K below"),
    throttle_mvm=_documented(1, "percent"),
    stepping=_documented(110, "°C"),
    step=_documented(100, "MHz per second"),
    step_release=_documented(5, "K below"),
    floor=_documented(200, "MHz"),
    shutdown=_documented(120, "°C"),
)
