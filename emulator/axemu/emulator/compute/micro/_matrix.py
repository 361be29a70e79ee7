"""Matrix tiles (AMX): sixteen pixels by up to sixty-four output channels, 64 bytes of each pixel per instruction.

The tile registers: 0 … 3 accumulate sixteen channels each; 4 holds a block of 64 bytes of every pixel and 5 the
weights it meets; 6 and 7 are the same for the bytes of a tap that fill no block. `tdpbusd` neither saturates nor
rounds. Weights are packed as for `vpdpbusd`: sixteen k-steps of a vector are a tile.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir

from axemu.emulator.compute._paths import BLOCK_BYTES, TILE_ROWS

from ._intrinsic import intrinsic_of
from ._isa import Isa
from ._numba import cgutils
from ._requantise import Requantise
from ._tile import store_row
from .ir import I8, I32, I64, Builder, Value, call, const, load, offset, prefetch, vector

WHOLE, REST = (4, 5), (6, 7)
ACCUMULATOR_BYTES = TILE_ROWS * BLOCK_BYTES


def _register(number: int) -> Value:
    return ir.Constant(I8, number)


def _pointer(b: Builder, address: Value) -> Value:
    return b.inttoptr(address, I8.as_pointer())


def _instruction(b: Builder, name: str, *operands: Value) -> None:
    call(b, f"llvm.x86.{name}", ir.VoidType(), operands)


def _shape(b: Builder, shapes: Value) -> None:
    _instruction(b, "ldtilecfg", _pointer(b, shapes))


def _release(b: Builder) -> None:
    _instruction(b, "tilerelease")


shape_tiles = intrinsic_of(_shape)
"""shape_tiles(shapes): configure this thread's tile registers as 64 bytes at an address say."""
release_tiles = intrinsic_of(_release)
"""release_tiles(): leave the tile registers in their initial state, which costs nothing when threads change."""


class MatrixTile(NamedTuple):
    """What the micro-kernel works on; all but strides, counts and sizes are addresses."""

    source: Value
    """The first row of the tile."""
    stride: Value
    """Bytes from row to row."""
    taps: Value
    """int32 offsets of each tap from a pixel."""
    tap_count: Value
    blocks: Value
    """Whole blocks of a tap."""
    rest: Value
    """Bytes of a tap after them."""
    weights: Value
    ahead: Value
    """The next panel's weights, which would otherwise be waited for."""
    lines: Value
    """Cache lines of them that are fetched per block."""
    channels: Value
    """Start values and requantisation constants of the panel."""
    output: Value
    rows: Value
    """int32 offsets of each result's row within the accumulators."""
    offsets: Value
    """int32 offsets of each result from `output`."""
    count: Value
    """Number of results."""
    scalars: Value
    """An `Epilogue`."""
    table: Value
    """256 bytes, or 0."""


def make_matrix_tile(isa: Isa, requantise: Requantise, vectors: int) -> Any:
    """Return tile(operands) for `MatrixTile` operands."""

    def emit(b: Builder, tile: MatrixTile) -> None:
        scratch = cgutils.alloca_once(b, ir.ArrayType(I8, vectors * ACCUMULATOR_BYTES))
        scratch.align = BLOCK_BYTES
        totals = b.ptrtoint(scratch, I64)
        for n in range(vectors):
            _instruction(b, "tilezero", _register(n))
        _accumulate(b, vectors, tile)
        for n in range(vectors):
            target = _pointer(b, offset(b, totals, n * ACCUMULATOR_BYTES))
            _instruction(b, "tilestored64", _register(n), target, const(BLOCK_BYTES))
        integers = vector(I32, isa.lanes)
        starts = [load(b, offset(b, tile.channels, 4 * isa.lanes * n), integers) for n in range(vectors)]
        by_role = offset(b, tile.channels, 4 * isa.lanes * vectors)

        def store_results(form: Requantise) -> None:
            constants = form.load(isa, b, by_role, tile.scalars, vectors)
            with cgutils.for_range(b, tile.count) as result:
                at = b.mul(result.index, const(4))
                row = b.add(totals, b.sext(load(b, b.add(tile.rows, at), I32), I64))
                values = [
                    b.add(load(b, offset(b, row, n * ACCUMULATOR_BYTES), integers), starts[n])
                    for n in range(vectors)
                ]
                rounded = [form.apply(isa, b, constants, n, value) for n, value in enumerate(values)]
                target = b.add(tile.output, b.sext(load(b, b.add(tile.offsets, at), I32), I64))
                store_row(isa, b, rounded, constants, target, tile.table)

        requantise.in_each_form(isa, b, by_role, vectors, store_results)

    return intrinsic_of(emit)


def _accumulate(b: Builder, vectors: int, tile: MatrixTile) -> None:
    blocks, rest, lines = tile.blocks, tile.rest, tile.lines
    step_bytes = BLOCK_BYTES * vectors
    position, line = cgutils.alloca_once_value(b, tile.weights), cgutils.alloca_once_value(b, tile.ahead)

    def multiply(registers: tuple[int, int], here: Value, panel: Value) -> None:
        pixels, kernel = registers
        _instruction(b, "tileloadd64", _register(pixels), _pointer(b, here), tile.stride)
        for n in range(vectors):
            address = _pointer(b, offset(b, panel, BLOCK_BYTES * n))
            _instruction(b, "tileloadd64", _register(kernel), address, const(step_bytes))
            _instruction(b, "tdpbusd", _register(n), _register(pixels), _register(kernel))

    def fetch() -> None:
        first = b.load(line)
        with cgutils.for_range(b, lines) as one:
            prefetch(b, b.add(first, b.mul(one.index, const(BLOCK_BYTES))))
        b.store(b.add(first, b.mul(lines, const(BLOCK_BYTES))), line)

    with cgutils.for_range(b, tile.tap_count) as tap:
        distance = b.sext(load(b, b.add(tile.taps, b.mul(tap.index, const(4))), I32), I64)
        first, panel = b.add(tile.source, distance), b.load(position)
        with cgutils.for_range(b, blocks) as block:
            multiply(
                WHOLE,
                b.add(first, b.mul(block.index, const(BLOCK_BYTES))),
                b.add(panel, b.mul(block.index, const(TILE_ROWS * step_bytes))),
            )
            fetch()
        with b.if_then(b.icmp_unsigned("!=", rest, const(0))):
            multiply(
                REST,
                b.add(first, b.mul(blocks, const(BLOCK_BYTES))),
                b.add(panel, b.mul(blocks, const(TILE_ROWS * step_bytes))),
            )
            fetch()
        steps = b.add(b.mul(blocks, const(TILE_ROWS)), b.lshr(rest, const(2)))
        b.store(b.add(panel, b.mul(steps, const(step_bytes))), position)
