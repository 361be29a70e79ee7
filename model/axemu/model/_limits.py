"""Bounds that files of a compiled model share."""

MAX_BATCH = 4
"""Each frame of a batch takes a core, and a chip has so many (`axemu.chip.CORES`, which this room may not import)."""
MAX_TENSOR_BYTES = 1 << 30
