"""Average pool: an integer sum, then the float steps of the numerics."""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm

from axemu.emulator.compute.micro import ScalarReader, block, cgutils, intrinsic_of
from axemu.emulator.compute.micro.ir import F32, I32, Builder, Value, load, splat

from .arguments import Mean
from .kernel_windows import Window, make_windows


def make_avg_pool(numerics: str) -> Any:
    """Return avg_pool(arguments, chunk, chunks); see `Pool`."""

    def pixel(b: Builder, window: Window) -> None:
        first = splat(b, load(b, window.start, I32), block.LANES)
        share = splat(b, load(b, window.factor, F32), block.LANES)
        scalars = ScalarReader(Mean, b, window.scalars)

        def body(at: Value) -> None:
            total = cgutils.alloca_once(b, block.INTEGERS)
            b.store(llvm.Constant(block.INTEGERS, [0] * block.LANES), total)
            with cgutils.for_range(b, window.rows) as row:
                line = b.add(b.add(window.source, at), b.mul(row.index, window.row_step))
                with cgutils.for_range(b, window.columns) as column:
                    value = block.load_block(b, b.add(line, b.mul(column.index, window.column_step)))
                    b.store(b.add(b.load(total), value), total)
            mean = b.sitofp(b.add(b.load(total), first), block.FLOATS)
            if numerics == "metis":
                mean = block.round_f18(b, b.fmul(block.round_f18(b, mean), share))
                centred = b.fsub(mean, block.every(b, scalars.input_zero))
                real = b.fmul(centred, block.every(b, scalars.input_scale))
                packed = block.quantise(b, numerics, real, scalars)
            else:
                packed = block.finish(b, numerics, b.fmul(mean, share), scalars)
            block.store_block(b, packed, b.add(window.output, at))

        block.for_blocks(b, window.width, body)

    return make_windows(intrinsic_of(pixel))
