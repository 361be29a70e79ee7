"""Executing a program by the specification: slow, plain, and the truth that faster kernels are held to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.ops._float import Int8Array
from axemu.model.ops._operator import NUMERICS, Call, Numerics
from axemu.model.ops._registry import OPERATORS
from axemu.model.program._program import Node, Program, Tensor, is_structure_only


def execute(
    program: Program, inputs: Mapping[str, npt.NDArray[np.int8]], numerics: Numerics = "metis"
) -> dict[str, Int8Array]:
    """Run one frame and return the program's outputs.

    Args:
        program: a program that `axemu.model.program.validate` accepts.
        inputs: int8 arrays by input name, each of the tensor's shape (H, W, C) or flat.
        numerics: "metis" or "exact".

    Returns:
        Output name to int8 array of the tensor's shape.

    Raises:
        InvalidArgument: an input is missing, unknown or has the wrong dtype or size; or the program has no values.
    """
    return _run(program, inputs, numerics, keep=frozenset(program.outputs))


def execute_taps(
    program: Program, inputs: Mapping[str, npt.NDArray[np.int8]], numerics: Numerics = "metis"
) -> dict[str, Int8Array]:
    """Run one frame and return every tensor, inputs included, by name; arguments and errors as `execute`."""
    return _run(program, inputs, numerics, keep=frozenset(program.tensors))


def execute_node(
    node: Node,
    inputs: tuple[Tensor, ...],
    output: Tensor,
    values: tuple[Int8Array, ...],
    constants: Mapping[str, npt.NDArray[np.generic]],
    numerics: Numerics = "metis",
) -> Int8Array:
    """Evaluate one checked node on int8 values of its input tensors' shapes; constants are by role."""
    operator = OPERATORS[node.op]
    call = Call(node, inputs, output, values, constants)
    result = operator.exact(call) if numerics == "exact" else operator.metis(call)
    return result.reshape(output.shape)


def unary_table(
    node: Node,
    source: Tensor,
    output: Tensor,
    constants: Mapping[str, npt.NDArray[np.generic]],
    numerics: Numerics = "metis",
) -> Int8Array:
    """Return the table [C, 256] a node of one input is, if it treats every value on its own (index q + 128)."""
    channels = source.shape[2]
    every = np.repeat(np.arange(-128, 128).astype(np.int8)[:, None], channels, axis=1)[None]
    shape = (1, 256, channels)
    tensors = (
        Tensor(source.name, shape, source.scale, source.zero_point),
        Tensor(output.name, shape, output.scale, output.zero_point),
    )
    result = execute_node(node, tensors[:1], tensors[1], (every,), constants, numerics)
    return np.ascontiguousarray(result[0].T)


def _run(
    program: Program, inputs: Mapping[str, npt.NDArray[np.int8]], numerics: Numerics, keep: frozenset[str]
) -> dict[str, Int8Array]:
    if numerics not in NUMERICS:
        raise InvalidArgument(f"numerics {numerics!r} is unknown, expected one of {', '.join(NUMERICS)}")
    if is_structure_only(program):
        raise InvalidArgument(f"program {program.name!r} carries no values: it can be timed but not executed")
    values = _snapshot(program, inputs)
    remaining = Counter(name for node in program.nodes for name in node.inputs)
    for node in program.nodes:
        tensors = program.input_tensors(node)
        constants = {role: program.constants[name] for role, name in node.constants.items()}
        operands = tuple(values[name] for name in node.inputs)
        values[node.output] = execute_node(
            node, tensors, program.tensors[node.output], operands, constants, numerics
        )
        for name in node.inputs:
            remaining[name] -= 1
            if not remaining[name] and name not in keep:
                del values[name]
    return {name: value for name, value in values.items() if name in keep}


def _snapshot(program: Program, inputs: Mapping[str, npt.NDArray[np.int8]]) -> dict[str, Int8Array]:
    if set(inputs) != set(program.inputs):
        raise InvalidArgument(
            f"program {program.name!r} got inputs {sorted(inputs)}, expected {sorted(program.inputs)}"
        )
    values = {}
    for name in program.inputs:
        tensor, value = program.tensors[name], inputs[name]
        if value.dtype != np.int8 or value.shape not in {tensor.shape, (tensor.size,)}:
            raise InvalidArgument(
                f"input {name!r} is {value.dtype} {value.shape}, expected int8 {tensor.shape} or ({tensor.size},)"
            )
        values[name] = np.array(value, np.int8).reshape(tensor.shape)
    return values
