"""Average pool: an integer sum, then the float steps of the numerics."""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm

from axemu.emulator.compute.fields import scalars as s
from axemu.emulator.compute.micro import block, cgutils, intrinsic_of
from axemu.emulator.compute.micro.ir import F32, I32, Builder, Value, load, splat

from ._windows import make_windows


def make_avg_pool(numerics: str) -> Any:
    """Return avg_pool(descriptor, chunk, chunks); see `fields.pool`."""

    def pixel(  # noqa: PLR0917  an instruction's operands
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
        first = splat(b, load(b, start, I32), block.LANES)
        share = splat(b, load(b, factor, F32), block.LANES)

        def body(at: Value) -> None:
            total = cgutils.alloca_once(b, block.INTEGERS)
            b.store(llvm.Constant(block.INTEGERS, [0] * block.LANES), total)
            with cgutils.for_range(b, rows) as row:
                line = b.add(b.add(source, at), b.mul(row.index, row_step))
                with cgutils.for_range(b, columns) as column:
                    value = block.load_block(b, b.add(line, b.mul(column.index, column_step)))
                    b.store(b.add(b.load(total), value), total)
            mean = b.sitofp(b.add(b.load(total), first), block.FLOATS)
            if numerics == "metis":
                mean = block.round_f18(b, b.fmul(block.round_f18(b, mean), share))
                centred = b.fsub(mean, block.scalar(b, scalars, s.INPUT_ZERO))
                real = b.fmul(centred, block.scalar(b, scalars, s.INPUT_SCALE))
                packed = block.quantise(b, numerics, real, scalars)
            else:
                packed = block.finish(b, numerics, b.fmul(mean, share), scalars)
            block.store_block(b, packed, b.add(output, at))

        block.for_blocks(b, width, body)

    return make_windows(intrinsic_of(pixel))
