"""Descriptor of a convolution by matrix tiles: sixteen rows at equal distances, some of which are results."""

from .dense import SHARED

(
    STARTS,  # int32 offsets of the first row of each tile from the input
    STRIDE,  # bytes from one row of a tile to the next
    FIRSTS,  # int32 number of the first result of each tile, and of all results
    ROWS,  # int32 byte offset of each result's row within a tile of accumulators
    BLOCKS,  # whole blocks per tap
    REST,  # bytes of a tap after them
    SHAPES,  # the tile configuration, 64 bytes
    SIZE,
) = range(SHARED, SHARED + 8)

TILE_ROWS = 16
"""Rows of a tile."""
BLOCK_BYTES = 64
"""Bytes of a tile's row: what one instruction multiplies."""
