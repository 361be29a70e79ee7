"""Maximum pool. Stored bytes are ordered as their values, so their unsigned maximum is the answer."""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm

from axemu.emulator.compute.micro import block, cgutils, intrinsic_of
from axemu.emulator.compute.micro.ir import Builder, Value, load

from ._windows import make_windows


def make_max_pool() -> Any:
    """Return max_pool(descriptor, chunk, chunks); see `fields.pool`."""
    return make_windows(intrinsic_of(_pixel))


def _pixel(  # noqa: PLR0917  an instruction's operands
    b: Builder,
    source: Value,
    rows: Value,
    row_step: Value,
    columns: Value,
    column_step: Value,
    output: Value,
    width: Value,
    start: Value,
    factor: Value,
    scalars: Value,
) -> None:
    del start, factor, scalars

    def body(at: Value) -> None:
        largest = cgutils.alloca_once(b, block.BYTES)
        b.store(llvm.Constant(block.BYTES, [0] * block.LANES), largest)
        with cgutils.for_range(b, rows) as row:
            line = b.add(b.add(source, at), b.mul(row.index, row_step))
            with cgutils.for_range(b, columns) as column:
                value = load(b, b.add(line, b.mul(column.index, column_step)), block.BYTES)
                so_far = b.load(largest)
                b.store(b.select(b.icmp_unsigned(">", value, so_far), value, so_far), largest)
        block.store_block(b, b.load(largest), b.add(output, at))

    block.for_blocks(b, width, body)
