"""The smallest part of a network that still shows where two sides diverge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx

from axemu.driver import InvalidArgument
from axemu.model.program import Node, Program
from axemu.studies._compare._compare import part, reference_of, sides_of
from axemu.studies._compare._comparison import Comparison
from axemu.studies._compare._measure import Codes
from axemu.studies._compare._reference import same_codes
from axemu.studies._compare._sides import Frame, RecordingSide, Side, Value, codes_of, execute
from axemu.studies._qdq import qdq_network

_DEEPEST = 12
"""Operators in a row that are tried, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """A part of the examined program, in the QDQ form, with what goes in and what should come out.

    Attributes:
        network: float NCHW in and out.
        nodes: the program's nodes in it, in order.
        inputs: real values NCHW by input.
        found: int8 (H, W, C) of the output: what the examined side gives.
        expected: the other side's.
    """

    network: onnx.ModelProto
    nodes: tuple[str, ...]
    inputs: Mapping[str, npt.NDArray[np.float32]]
    found: Codes
    expected: Codes


def reduce(a: Side, b: Side, frames: Sequence[Frame], comparison: Comparison) -> Reduction:
    """Cut out the fewest operators, ending in the one at which two sides diverge, that still differ when fed by the other side.

    Args:
        a: as given to `compare`.
        b: likewise.
        frames: likewise.
        comparison: what it returned.

    Raises:
        InvalidArgument: the sides do not diverge, they diverge at an input, or no part by itself shows it.
    """
    divergence = comparison.divergence
    if divergence is None or not divergence.node:
        where = "do not diverge" if divergence is None else f"diverge at the input {divergence.tensor!r}"
        raise InvalidArgument(
            f"{comparison.examined} and {comparison.reference} {where}: there is nothing to cut out"
        )
    examined, other = sides_of(a, b)
    if isinstance(other, RecordingSide):
        raise InvalidArgument(
            f"{other.name} is a recording, which does not say what is within: there is nothing to cut by"
        )
    measure = (
        divergence.accumulated if divergence.local is None or divergence.local.equal else divergence.local
    )
    index = 0 if measure.where is None else measure.where[0]
    mine = examined.run(examined.buffers(frames[index]))
    theirs = reference_of(other, examined).frame(frames[index], index)
    program, target = examined.program, divergence.tensor
    for depth in range(_DEEPEST):
        cut = part(program, _upstream(program, target, depth))
        given = {name: _codes(program, name, theirs.get(name), mine[name]) for name in cut.inputs}
        found = execute(cut, given, examined.engine, examined.numerics, [target])[target]
        expected = _codes(program, target, theirs[target], mine[target])
        if np.abs(found.astype(np.int16) - expected).max() > (0 if comparison.exact else 1):
            real = {name: _planes(program, name, codes) for name, codes in given.items()}
            return Reduction(qdq_network(cut), tuple(node.name for node in cut.nodes), real, found, expected)
        if len(cut.nodes) == len(program.nodes):
            break
    raise InvalidArgument(
        f"no part of up to {_DEEPEST} operators that ends in {divergence.node!r} shows the difference by itself: it depends on how all of "
        "the network is laid out"
    )


def _upstream(program: Program, target: str, depth: int) -> list[Node]:
    """Return the node that writes `target` and those up to `depth` before it, in order."""
    writers = {node.output: node for node in program.nodes}
    wanted, edge = {target}, {target}
    for _ in range(depth):
        edge = {name for tensor in edge for name in writers[tensor].inputs if name in writers} - wanted
        wanted |= edge
    return [node for node in program.nodes if node.output in wanted]


def _codes(program: Program, name: str, value: Value | None, mine: Codes) -> Codes:
    if value is None:
        return mine
    tensor = program.tensors[name]
    codes = same_codes(value, tensor)
    return codes_of(value.real(), tensor) if codes is None else codes


def _planes(program: Program, name: str, codes: Codes) -> npt.NDArray[np.float32]:
    tensor = program.tensors[name]
    return np.ascontiguousarray(
        Value.of_codes(codes, tensor.scale, tensor.zero_point).real().transpose(2, 0, 1)[None]
    )
