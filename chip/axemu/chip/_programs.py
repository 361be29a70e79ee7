"""Figures of a core's control, DMA and units, as two programs made by the vendor's compiler show them."""

from __future__ import annotations

from dataclasses import dataclass

from axemu.chip._figure import Figure, Provenance, figure

_READ = (
    "read off two compiled programs: github.com/BhaskarJGogoi/camera-lidar-axelera-deploy, "
    "backends/hardware/compiled_tracker2d and compiled_pointnet_lite (SDK 1.6.1)"
)
DERIVED, ASSUMED = Provenance.DERIVED, Provenance.ASSUMED


@dataclass(frozen=True, slots=True)
class ProgramFigures:
    """What decides how a program is laid out. A word is 64 bytes: 64 channels of one pixel."""

    l1_data: Figure
    l2_page: Figure
    dma_split: Figure
    dma_items: Figure
    dma_item: Figure
    channel_constants: Figure
    residual_constants: Figure
    operand_constants: Figure
    table_constants: Figure
    table_vectors: Figure
    operand_vectors: Figure
    softmax_vectors: Figure
    instruction_memories: Figure
    task_bytes: Figure
    task_chunk: Figure
    dma_rate: Figure
    batch_tiling_depth: Figure


PROGRAMS = ProgramFigures(
    l1_data=figure(4_179_200, "bytes of L1 for data", _READ, DERIVED, (4_179_200, 4 << 20)),
    l2_page=figure(512 << 10, "bytes", _READ, DERIVED),
    dma_split=figure(
        64 << 10, "bytes from which a transfer uses both channels", _READ, DERIVED, (49_153, 65_536)
    ),
    dma_items=figure(3, "linked items of one DMA start", _READ, DERIVED, (3, 4)),
    dma_item=figure(512 << 10, "bytes of a linked item at most", _READ, DERIVED),
    channel_constants=figure(8, "bytes of vector constants per output channel", _READ, DERIVED),
    residual_constants=figure(4, "further bytes per channel where a residual is added", _READ, DERIVED),
    operand_constants=figure(24, "bytes per channel of two operands combined alone", _READ, DERIVED),
    table_constants=figure(256, "bytes per look-up table", _READ, DERIVED),
    table_vectors=figure(1, "further vector instructions per word with a table", _READ, DERIVED),
    operand_vectors=figure(4, "vector instructions per word of two operands combined alone", _READ, DERIVED),
    softmax_vectors=figure(
        8, "vector instructions per word of a softmax", "no program shows one", ASSUMED, (4, 16)
    ),
    instruction_memories=figure(7, "units whose instructions are loaded once per call", _READ, DERIVED),
    task_bytes=figure(71_744 / 1947, "bytes of task list per task", _READ, DERIVED, (30, 45)),
    dma_rate=figure(
        64,
        "bytes per cycle between L2 and L1, of each of two pairs of channels",
        "github.com/tundergod/edge-cim-simulation measurements/metis_card: 1x1 layers of up to 1 MiB, fetch and load in series",
        Provenance.MEASURED,
        (43, 64),
    ),
    batch_tiling_depth=figure(
        6,
        "operators made tile by tile together in builds for all cores",
        "voyager-sdk model cards of networks with max_compiler_cores: 4 (SDK 1.3.1 on)",
        Provenance.DOCUMENTED,
    ),
    task_chunk=figure(16 << 10, "bytes of task list fetched at once", _READ, DERIVED),
)
"""What the programs of a Metis core look like."""
