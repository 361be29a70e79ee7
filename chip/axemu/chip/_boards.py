"""Figures of the boards a Metis chip is sold on: memory, its bandwidth and the link."""

from __future__ import annotations

from dataclasses import dataclass

from axemu.chip._figure import Figure, Provenance, figure
from axemu.chip._metis import GIB

_GEMM = "github.com/tundergod/edge-cim-simulation measurements/metis_card (PCIe 16 GB, SDK v1.6)"
_MODULE = "axelera.ai product pages"
_SCALING = "github.com/AlbertaBeef/mb-benchmark-gui core scaling of ResNet-50 on M.2; model-zoo tables v1.6"
_GUESS = "no measurement is public; scaled from the PCIe card"

PUBLISHED, DOCUMENTED, MEASURED = Provenance.PUBLISHED, Provenance.DOCUMENTED, Provenance.MEASURED
DERIVED, ASSUMED = Provenance.DERIVED, Provenance.ASSUMED

GB = 1e9


@dataclass(frozen=True, slots=True)
class BoardFigures:
    """One board (or one chip of a multi-chip card) as the timing model sees it.

    `host` names the profile of the host that the vendor measures it in, or is sold with. `board_type` is the runtime's name
    of the form factor. The chips of a card share each direction of its link, and both together.
    `core_bandwidth` is what one core takes from the memory at most, where that gives so much, `memory_floor` the part of it that copies over the link
    never take.
    """

    name: str
    title: str
    board_type: str
    host: str
    chips: int
    memory: Figure
    memory_bandwidth: Figure
    core_bandwidth: Figure
    memory_floor: Figure
    link_bandwidth: Figure
    link_joint_bandwidth: Figure
    mvm_limit_default: Figure


def _link(source: str = _GEMM, provenance: Provenance = MEASURED) -> tuple[Figure, Figure]:
    one_way = figure(3.17 * GB, "bytes/s, one direction", source, provenance, (3.0 * GB, 3.94 * GB))
    joint = figure(5.1 * GB, "bytes/s, both directions together", source, provenance, (4.9 * GB, 7.88 * GB))
    return one_way, joint


def _board(
    name: str,
    title: str,
    board_type: str,
    memory: Figure,
    bandwidth: Figure,
    host: str,
    chips: int = 1,
    link_source: tuple[str, Provenance] = (_GEMM, MEASURED),
) -> BoardFigures:
    one_way, joint = _link(*link_source)
    no_limit = figure(100, "% MVM utilisation", "axelera.runtime API default", DOCUMENTED)
    floor = figure(0.1, "part of the memory's rate", "no measurement is public", ASSUMED, (0.0, 0.5))
    return BoardFigures(
        name,
        title,
        board_type,
        host,
        chips,
        memory,
        bandwidth,
        _CORE_DDR,
        floor,
        one_way,
        joint,
        no_limit,
    )


_CORE_DDR = figure(
    22.0 * GB,
    "bytes/s of one core",
    _GEMM + ": inputs and outputs of 1x1 layers, whose calls are far apart, at 25 to 29 bytes per cycle",
    DERIVED,
    (20.0 * GB, 23.2 * GB),
)

_PCIE_DDR = figure(28.0 * GB, "bytes/s sustained", _GEMM, MEASURED, (27 * GB, 31.5 * GB))
_M2_DDR = figure(14.8 * GB, "bytes/s sustained", _SCALING, DERIVED, (14.0 * GB, 16.5 * GB))
_SCALED = figure(28.0 * GB, "bytes/s sustained", _GUESS, ASSUMED, (14.0 * GB, 31.5 * GB))
_SAME_LINK = ("assumed as on the single-chip PCIe card", ASSUMED)


def _memory(gib: int) -> Figure:
    return figure(gib * GIB, "bytes", _MODULE, PUBLISHED)


BOARDS: dict[str, BoardFigures] = {
    board.name: board
    for board in (
        _board("pcie", "Metis PCIe card, 4 GiB", "pcie", _memory(4), _PCIE_DDR, "desktop"),
        _board("pcie-16g", "Metis PCIe card, 16 GiB", "pcie", _memory(16), _PCIE_DDR, "desktop"),
        _board("m2", "Metis M.2 module, 1 GiB", "m2", _memory(1), _M2_DDR, "laptop"),
        _board("m2-max", "Metis M.2 Max module, 16 GiB", "m2", _memory(16), _SCALED, "laptop", 1, _SAME_LINK),
        _board(
            "pcie-x4",
            "Metis PCIe card with four chips, 4 GiB each",
            "pcie",
            _memory(4),
            _PCIE_DDR,
            "desktop",
            4,
            _SAME_LINK,
        ),
        _board(
            "sbc",
            "Metis compute board (RK3588), 4 GiB",
            "sbc",
            _memory(4),
            _SCALED,
            "embedded-arm",
            1,
            _SAME_LINK,
        ),
    )
}
"""The boards by the name that commands and configuration use."""
