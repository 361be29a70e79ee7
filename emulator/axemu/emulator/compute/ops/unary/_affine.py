"""`affine` whose channels differ; alike channels are a table (`assemble`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._analysis import number
from axemu.emulator.compute._arguments import Call
from axemu.emulator.compute._assembler import Assembler
from axemu.emulator.compute._layout import Address, Data, blocks
from axemu.emulator.compute._scalars import Single
from axemu.emulator.compute.ops._scalars import quantise
from axemu.model.ops import round_f18
from axemu.model.program import Node

from .arguments import AFFINE, Affine


def link(assembler: Assembler, node: Node, after: Call) -> Call:
    """Return the call for a range."""
    source, output = assembler.view(node.inputs[0]), assembler.view(node.output)
    tensor, result = assembler.tensor(node.inputs[0]), assembler.tensor(node.output)
    exact = assembler.numerics == "exact"
    constants = [
        np.array(assembler.constants(node)[role], np.float32)
        if exact
        else round_f18(assembler.constants(node)[role])
        for role in ("multiplier", "addend")
    ]
    low, high = number(node, "qmin"), number(node, "qmax")
    scalars = Single(
        **quantise(assembler.numerics, result, low, high),
        input_scale=tensor.scale if exact else float(round_f18(tensor.scale)),
        input_zero=tensor.zero_point + 128,
    )
    if exact:
        scalars = replace(scalars, proven=_reciprocal_is_exact(scalars, *constants))
    arguments = Affine(
        input=Address(source.buffer, source.start),
        input_offsets=assembler.offsets(source),
        output=Address(output.buffer, output.start),
        offsets=assembler.offsets(output),
        multipliers=_by_block(constants[0]),
        addends=_by_block(constants[1]),
        scalars=Data(scalars.pack()),
        after=after.kernel,
        after_arguments=after.arguments,
    )
    return Call(AFFINE(numerics=assembler.numerics), arguments)


def _by_block(values: npt.NDArray[np.float32]) -> Data:
    whole = np.zeros(blocks(values.size), np.float32)
    whole[: values.size] = values
    return Data(whole)


def _reciprocal_is_exact(
    scalars: Single, multiplier: npt.NDArray[np.float32], addend: npt.NDArray[np.float32]
) -> bool:
    """Try every byte of every channel: does multiplying by the reciprocal round to what the division rounds to?"""
    stored = np.arange(256, dtype=np.int32)[:, None]
    real = (stored - scalars.input_zero).astype(np.float32) * scalars.input_scale
    real = real * multiplier + addend
    divided = np.rint(np.clip(real / scalars.divisor, scalars.low, scalars.high))
    multiplied = np.rint(np.clip(real * scalars.inverse, scalars.low, scalars.high))
    return bool((divided == multiplied).all())
