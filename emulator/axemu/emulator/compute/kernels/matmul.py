"""Product of two computed tensors: rows of pixels × the channels of the right operand."""

from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm

from axemu.emulator.compute.fields import matmul as f
from axemu.emulator.compute.fields import scalars as s
from axemu.emulator.compute.micro import block, cgutils, intrinsic_of, load_i32, load_i64, njit
from axemu.emulator.compute.micro.ir import I8, I32, I64, Builder, Value, const, load, splat


def make_matmul(numerics: str) -> Any:
    """Return matmul(descriptor, chunk, chunks); see `fields.matmul`.

    `LEFT_SCALE` is what the sum is multiplied by: float32(s_a · s_b) / s_out in `exact`, f18(s_a · s_b) in `metis`.
    """

    def emit(
        b: Builder,
        left: Value,
        right: Value,
        right_places: Value,
        depth: Value,
        output: Value,
        width: Value,
        scalars: Value,
    ) -> None:
        left_zero = block.integer(b, scalars, s.LEFT_ZERO_I32)
        right_zero = block.integer(b, scalars, s.RIGHT_ZERO_I32)

        def body(at: Value) -> None:
            total = cgutils.alloca_once(b, block.INTEGERS)
            b.store(llvm.Constant(block.INTEGERS, [0] * block.LANES), total)
            with cgutils.for_range(b, depth) as step:
                place = b.sext(load(b, b.add(right_places, b.mul(step.index, const(4))), I32), I64)
                factor = splat(b, b.zext(load(b, b.add(left, step.index), I8), I32), block.LANES)
                values = block.load_block(b, b.add(b.add(right, place), at))
                product = b.mul(b.sub(factor, left_zero), b.sub(values, right_zero))
                b.store(b.add(b.load(total), product), total)
            value = b.sitofp(b.load(total), block.FLOATS)
            scale = block.scalar(b, scalars, s.LEFT_SCALE)
            if numerics == "metis":
                real = b.fmul(block.round_f18(b, value), scale)
                packed = block.quantise(b, numerics, real, scalars)
            else:
                packed = block.finish(b, numerics, b.fmul(value, scale), scalars)
            block.store_block(b, packed, b.add(output, at))

        block.for_blocks(b, width, body)

    line = intrinsic_of(emit)

    @njit
    def matmul(d: int, chunk: int, chunks: int) -> None:
        rows = load_i64(d, f.ROWS)
        for row in range(rows * chunk // chunks, rows * (chunk + 1) // chunks):
            line(
                load_i64(d, f.LEFT) + load_i32(load_i64(d, f.LEFT_PLACES), row),
                load_i64(d, f.RIGHT),
                load_i64(d, f.RIGHT_PLACES),
                load_i64(d, f.DEPTH),
                load_i64(d, f.OUTPUT) + load_i32(load_i64(d, f.PLACES), row),
                load_i64(d, f.WIDTH),
                load_i64(d, f.SCALARS),
            )

    return matmul
