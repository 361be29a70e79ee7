"""Maximum pool. Stored bytes are ordered as their values, so their unsigned maximum is the answer."""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm

from axemu.emulator.compute.micro import block, cgutils, intrinsic_of
from axemu.emulator.compute.micro.ir import Builder, Value, load

from .kernel_windows import Window, make_windows


def make_max_pool() -> Any:
    """Return max_pool(arguments, chunk, chunks); see `Pool`."""
    return make_windows(intrinsic_of(_pixel))


def _pixel(b: Builder, window: Window) -> None:
    def body(at: Value) -> None:
        largest = cgutils.alloca_once(b, block.BYTES)
        b.store(llvm.Constant(block.BYTES, [0] * block.LANES), largest)
        with cgutils.for_range(b, window.rows) as row:
            line = b.add(b.add(window.source, at), b.mul(row.index, window.row_step))
            with cgutils.for_range(b, window.columns) as column:
                value = load(b, b.add(line, b.mul(column.index, window.column_step)), block.BYTES)
                so_far = b.load(largest)
                b.store(b.select(b.icmp_unsigned(">", value, so_far), value, so_far), largest)
        block.store_block(b, b.load(largest), b.add(window.output, at))

    block.for_blocks(b, window.width, body)
