"""Figures of the Metis chip itself."""

from __future__ import annotations

from dataclasses import dataclass

from axemu.chip._figure import Figure, Provenance, figure

_PAPER = "P. Hager et al., ISSCC 2024 paper 11.3, doi:10.1109/ISSCC49657.2024.10454395"
_CONFIG = "voyager-sdk docs/reference/compiler/compiler-config-ref.md (v1.6)"
_API = "docs.axelera.ai axelera.runtime API reference (configure_device)"
_GEMM = "github.com/tundergod/edge-cim-simulation measurements/metis_card (PCIe 16 GB, SDK v1.6)"

PUBLISHED, DOCUMENTED, MEASURED = Provenance.PUBLISHED, Provenance.DOCUMENTED, Provenance.MEASURED
DERIVED, ASSUMED = Provenance.DERIVED, Provenance.ASSUMED

MIB = 1 << 20
GIB = 1 << 30
TICKS_PER_SECOND = 84_000_000_000
"""Rate of the simulated clock: one cycle at 100..800 MHz in steps of 100 MHz is a whole number of ticks."""

CLOCKS_MHZ = (100, 200, 400, 600, 700, 800)
"""Core clocks that the runtime accepts (documented)."""

COMPILER_CLOCKS_MHZ = (100, 200, 300, 400, 500, 600, 700, 800)
"""Clocks that are a whole number of ticks per cycle, so that the simulation can run at them."""


@dataclass(frozen=True, slots=True)
class ChipFigures:
    """The chip: four cores with their in-memory compute arrays, memories and the shared L2.

    `start_cycles` is what a call of a single step takes that moves nothing, that step included.
    """

    cores: Figure
    clock: Figure
    array_inputs: Figure
    array_outputs: Figure
    weight_sets: Figure
    vector_cycles: Figure
    replication_limit: Figure
    channel_granularity: Figure
    image_channel_granularity: Figure
    l1_bytes: Figure
    l2_bytes: Figure
    l2_reserved: Figure
    l2_task_lists: Figure
    start_cycles: Figure


METIS = ChipFigures(
    cores=figure(4, "cores", _PAPER, PUBLISHED),
    clock=figure(800, "MHz", _API, DOCUMENTED),
    array_inputs=figure(512, "rows", _PAPER, PUBLISHED),
    array_outputs=figure(512, "columns", _PAPER, PUBLISHED),
    weight_sets=figure(4, "sets of 256 KiB per core", _PAPER, PUBLISHED),
    vector_cycles=figure(8, "cycles per int8 vector (bit-serial input)", _PAPER, PUBLISHED),
    replication_limit=figure(8, "copies of a kernel in the array", _CONFIG, DOCUMENTED),
    channel_granularity=figure(64, "channels", _CONFIG, DOCUMENTED),
    image_channel_granularity=figure(4, "channels", _CONFIG, DOCUMENTED),
    l1_bytes=figure(4 * MIB, "bytes per core", _PAPER, PUBLISHED),
    l2_bytes=figure(32 * MIB, "bytes, shared", _PAPER, PUBLISHED),
    l2_reserved=figure(1_245_184, "bytes", _CONFIG, DOCUMENTED),
    l2_task_lists=figure(MIB, "bytes per core", _CONFIG, DOCUMENTED),
    start_cycles=figure(30_400, "cycles per call of one step", _GEMM, MEASURED, (28_800, 33_600)),
)

CLOCK_MHZ = int(METIS.clock.value)
"""Clock of cores that nobody has set."""

CORES = int(METIS.cores.value)
"""Cores of the chip, which every board has all of."""
