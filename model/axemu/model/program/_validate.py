"""Checking a program whole, before it is written and after it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.driver.bounded import shown
from axemu.model._limits import MAX_BATCH, MAX_TENSOR_BYTES
from axemu.model.ops._operator import MAX_DIMENSION, MAX_SCALE, MAX_ZERO_POINT, MIN_SCALE
from axemu.model.ops._registry import OPERATORS
from axemu.model.program._core_rules import core_problems
from axemu.model.program._program import Node, Program, Tensor, is_structure_only

MAX_ENTRIES = 1 << 15
"""Tensors, nodes or constants of one program."""
MAX_TOTAL_BYTES = 1 << 34
"""All activations of a frame together, whether or not they live at the same time."""
MAX_ACTIONS = 1 << 18
"""Actions of a core's program."""
MAX_REPORTED = 20


def validate(program: Program) -> None:
    """Refuse a program that could not be executed exactly as specified.

    Names resolve, every tensor has one producer before its first use, attributes, constants, shapes, scales and zero
    points obey the operators' rules. A structure-only program is checked without constants.

    Raises:
        InvalidArgument: lists every problem (the first 20), each naming its node, tensor or constant.
    """
    problems = list(_problems(program))
    if problems:
        shown = "".join(f"\n  {problem}" for problem in problems[:MAX_REPORTED])
        more = f"\n  and {len(problems) - MAX_REPORTED} more" if len(problems) > MAX_REPORTED else ""
        raise InvalidArgument(f"program {program.name!r} is not valid:{shown}{more}")


def _problems(program: Program) -> Iterator[str]:
    if not 1 <= program.batch <= MAX_BATCH:
        yield f"batch is {program.batch}, expected 1..{MAX_BATCH}"
    for what, entries in (
        ("tensors", program.tensors),
        ("nodes", program.nodes),
        ("constants", program.constants),
    ):
        if len(entries) > MAX_ENTRIES:
            yield f"has {len(entries)} {what}, expected at most {MAX_ENTRIES}"
            return
    damaged = [
        problem for name, tensor in program.tensors.items() for problem in _tensor_problems(name, tensor)
    ]
    if not damaged:
        total = sum(tensor.size for tensor in program.tensors.values())
        if total > MAX_TOTAL_BYTES:
            damaged.append(f"tensors take {total} bytes, expected at most {MAX_TOTAL_BYTES}")
    yield from damaged or _graph_problems(program)
    if program.core is not None:
        yield from core_problems(program.core)


def _tensor_problems(name: str, tensor: Tensor) -> Iterator[str]:
    if tensor.name != name:
        yield f"tensor {name!r} is called {tensor.name!r} itself"
    shape = tensor.shape
    if len(shape) != 3 or not all(1 <= size <= MAX_DIMENSION for size in shape):
        yield f"tensor {name!r} has shape {shape}, expected three sizes within 1..{MAX_DIMENSION}"
    elif tensor.size > MAX_TENSOR_BYTES:
        yield f"tensor {name!r} takes {tensor.size} bytes, expected at most {MAX_TENSOR_BYTES}"
    # Not "scale < MIN": a NaN must be refused too.
    if not MIN_SCALE <= tensor.scale <= MAX_SCALE:
        yield f"tensor {name!r} has scale {tensor.scale}, expected {MIN_SCALE:g}..{MAX_SCALE:g}"
    if abs(tensor.zero_point) > MAX_ZERO_POINT:
        yield f"tensor {name!r} has zero point {tensor.zero_point}, expected at most ±{MAX_ZERO_POINT}"


def _graph_problems(program: Program) -> Iterator[str]:
    for what, names in (("inputs", program.inputs), ("outputs", program.outputs)):
        if not names or len(set(names)) != len(names):
            yield f"{what} are {shown(list(names))}, expected at least one and each once"
        yield from (
            f"{what} name the unknown tensor {name!r}" for name in names if name not in program.tensors
        )
    produced = set(program.inputs)
    seen: set[str] = set()
    structure_only = is_structure_only(program)
    for node in program.nodes:
        if node.name in seen:
            yield f"node {node.name!r}: the name is used twice"
        seen.add(node.name)
        if node.op not in OPERATORS:
            yield f"node {node.name!r}: operator {node.op!r} is unknown, expected one of {sorted(OPERATORS)}"
            produced.add(node.output)
            continue
        broken = list(_reference_problems(program, node, produced, structure_only))
        produced.add(node.output)
        yield from broken or _node_problems(program, node, structure_only)
    for name in program.tensors:
        if name not in produced:
            yield f"tensor {name!r} is produced by nobody"


def _reference_problems(
    program: Program, node: Node, produced: set[str], structure_only: bool
) -> Iterator[str]:
    where = f"node {node.name!r} ({node.op})"
    for name in node.inputs:
        if name not in program.tensors:
            yield f"{where}: input {name!r} is an unknown tensor"
        elif name not in produced:
            yield f"{where}: input {name!r} is read before it is produced"
    if node.output not in program.tensors:
        yield f"{where}: output {node.output!r} is an unknown tensor"
    elif node.output in produced:
        yield f"{where}: output {node.output!r} has another producer"
    if not structure_only:
        for role, name in node.constants.items():
            if name not in program.constants:
                yield f"{where}: constant {role!r} names {name!r}, which does not exist"


def _node_problems(program: Program, node: Node, structure_only: bool) -> list[str]:
    constants: Mapping[str, npt.NDArray[Any]] | None = None
    if not structure_only:
        constants = {role: np.asarray(program.constants[name]) for role, name in node.constants.items()}
    return OPERATORS[node.op].check(
        node, program.input_tensors(node), program.tensors[node.output], constants
    )
