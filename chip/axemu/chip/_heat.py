"""Figures of power and cooling. Orders of magnitude: few measurements are public."""

from __future__ import annotations

from dataclasses import dataclass

from axemu.chip._figure import Figure, Provenance, figure

_PAPER = "P. Hager et al., ISSCC 2024 paper 11.3, doi:10.1109/ISSCC49657.2024.10454395: efficiency over use of the array"
_METER = "github.com/AlbertaBeef/mb-benchmark-gui: M.2 module behind a power meter"
_TWO = (
    "ResNet-50 on M.2: 5.3 W at 695 FPS with 21 MB of DDR traffic per frame (github.com/AlbertaBeef/mb-benchmark-gui), "
    "7.6 W at 2050 FPS with 0.4 MB (mariobergeron.com/posts/edge-ai-power-p04-axelera-metis), less idle power and array; "
    "cycles and bytes are those of this timing model"
)
_GUIDE = "voyager-sdk thermal guide"
_SLOT = "Metis M.2 integration guide: 3.5 A on average at 3.3 V"
_WARM = "github.com/AlbertaBeef/mb-benchmark-gui: 47 °C at 5.3 W; 25 °C of ambient assumed"
_CARD = (
    "github.com/tundergod/edge-cim-simulation measurements/metis_card: 41 to 44 °C in bursts; 25 °C of ambient and 6 W "
    "assumed"
)
_NOBODY = "no measurement is public"

PUBLISHED, DOCUMENTED, MEASURED = Provenance.PUBLISHED, Provenance.DOCUMENTED, Provenance.MEASURED
DERIVED, ASSUMED = Provenance.DERIVED, Provenance.ASSUMED


@dataclass(frozen=True, slots=True)
class PowerFigures:
    """What work costs.

    `core_cycle`: a cycle in which a core does not wait for DDR; `array_mac`: a multiply-accumulate in the array;
    `memory_byte`: a byte to or from DDR.
    """

    core_cycle: Figure
    array_mac: Figure
    memory_byte: Figure


POWER = PowerFigures(
    core_cycle=figure(1.42e-9, "J per active cycle of a core", _TWO, DERIVED, (0.9e-9, 2.0e-9)),
    array_mac=figure(0.126e-12, "J per multiply-accumulate", _PAPER, DERIVED, (0.12e-12, 0.14e-12)),
    memory_byte=figure(83e-12, "J per byte", _TWO, DERIVED, (50e-12, 110e-12)),
)
"""Energy of what a chip does."""


AMBIENT = figure(25, "°C where nothing is said", _GUIDE + " for the range; a room", ASSUMED, (-20, 70))
"""Temperature of what carries the heat away; boards are made for its range."""


@dataclass(frozen=True, slots=True)
class CoolingFigures:
    """One way of cooling: from junction to ambient, and what has to be warmed."""

    name: str
    title: str
    resistance: Figure
    capacity: Figure


def _cooling(name: str, title: str, resistance: Figure) -> CoolingFigures:
    capacity = figure(50, "J/K", _NOBODY + "; some 50 g of aluminium", ASSUMED, (15, 200))
    return CoolingFigures(name, title, resistance, capacity)


COOLINGS: dict[str, CoolingFigures] = {
    one.name: one
    for one in (
        _cooling("fan", "heatsink with a fan", figure(3.0, "K/W", _CARD, DERIVED, (2.0, 5.0))),
        _cooling("heatsink", "heatsink in moving air", figure(4.2, "K/W", _WARM, DERIVED, (3.0, 6.0))),
        _cooling("fanless", "heatsink in still air", figure(10.0, "K/W", _NOBODY, ASSUMED, (6.0, 15.0))),
    )
}
"""Ways of cooling by the name that commands and configuration use."""


@dataclass(frozen=True, slots=True)
class BoardHeatFigures:
    """Power that one board draws idle, that its limiter keeps to, and that its slot gives on average; its cooling.

    `power_limit` is None where there is no limiter, `slot_power` where nothing is known. `cooling` names the one of
    `COOLINGS` that the board is taken to have.
    """

    idle_power: Figure
    power_limit: Figure | None
    slot_power: Figure | None
    cooling: str


_IDLE_M2 = figure(2.35, "W", _METER, MEASURED, (2.3, 2.4))
_IDLE = figure(2.35, "W", _NOBODY + "; taken from the M.2 module", ASSUMED, (2.3, 8.0))
_SLOT_M2 = figure(11.55, "W", _SLOT, DOCUMENTED)

BOARD_HEAT: dict[str, BoardHeatFigures] = {
    "pcie": BoardHeatFigures(_IDLE, None, None, "fan"),
    "pcie-16g": BoardHeatFigures(_IDLE, None, None, "fan"),
    "m2": BoardHeatFigures(_IDLE_M2, None, _SLOT_M2, "heatsink"),
    "m2-max": BoardHeatFigures(
        _IDLE,
        figure(23, "W", _GUIDE + ": limiter of the M.2 Max module at some 23 W", DOCUMENTED, (20, 24)),
        None,
        "heatsink",
    ),
    "pcie-x4": BoardHeatFigures(_IDLE, None, None, "fan"),
    "sbc": BoardHeatFigures(_IDLE, None, None, "heatsink"),
}
"""Figures of each of `BOARDS`, of one chip where a card has several."""
