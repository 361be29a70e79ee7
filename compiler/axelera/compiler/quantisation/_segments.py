"""Running a float network in segments, so that its values need not be in memory all at once.

Each node runs once per sample, however many segments there are: a segment hands on what later ones read.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import onnx
import onnxruntime

from axelera.compiler.quantisation._session import Feeds, run_session, session

_SEGMENT_BYTES = 256 << 20
"""Wanted values that one segment gives out, at most (more only if a single node gives more)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A run of consecutive nodes as a network of its own.

    Attributes:
        whole: the network it is part of.
        nodes: which of its nodes, from the first to before the second index.
        inputs: what they read from the outside, constants apart.
        outputs: what is wanted of them, what later segments read, and the network's outputs among theirs.
        wanted: values to look at.
        handed_on: values that later segments read.
        spent: values that no later segment reads.
    """

    whole: onnx.ModelProto
    nodes: tuple[int, int]
    inputs: tuple[onnx.ValueInfoProto, ...]
    outputs: tuple[onnx.ValueInfoProto, ...]
    wanted: tuple[str, ...]
    handed_on: tuple[str, ...]
    spent: frozenset[str]

    def model(self) -> onnx.ModelProto:
        """Return the segment as a model, a copy with the constants that it needs."""
        start, end = self.nodes
        graph = self.whole.graph
        nodes = graph.node[start:end]
        read = {name for node in nodes for name in node.input}
        model = onnx.ModelProto(
            ir_version=self.whole.ir_version,
            opset_import=self.whole.opset_import,
            functions=self.whole.functions,
        )
        model.graph.name = graph.name
        model.graph.node.extend(nodes)
        model.graph.initializer.extend(tensor for tensor in graph.initializer if tensor.name in read)
        model.graph.input.extend(self.inputs)
        model.graph.output.extend(self.outputs)
        return model

    def session(self, what: str, *, alone: bool) -> onnxruntime.InferenceSession:
        """Return a session for the segment; unless it is `alone`, it gives its memory back after every run."""
        return session(self.model(), what, keep_memory=alone)

    def run(
        self, runner: onnxruntime.InferenceSession, alive: dict[str, npt.NDArray[Any]], what: str
    ) -> dict[str, npt.NDArray[Any]]:
        """Run the segment on the values `alive`, which become those that later segments need; return those wanted."""
        names = [output.name for output in self.outputs]
        feeds = {value.name: alive[value.name] for value in self.inputs}
        values = dict(zip(names, run_session(runner, names, feeds, what), strict=True))
        for name in self.spent:
            alive.pop(name, None)
        alive |= {name: values[name] for name in self.handed_on}
        return {name: values[name] for name in self.wanted}


class SegmentedSession:
    """ONNX Runtime sessions for all segments of a network, for many samples."""

    def __init__(self, model: onnx.ModelProto, wanted: Collection[str], what: str) -> None:
        """Part `model` so that each segment gives out no more than the memory limit.

        Raises:
            ModelError: ONNX Runtime refuses the graph; `what` begins the message.
        """
        self._what = what
        self._segments = segments_of(model, wanted)
        self._runners = [segment.session(what, alone=len(self._segments) == 1) for segment in self._segments]

    def run(self, feeds: Feeds) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Yield every wanted value of one sample with its name, segment by segment.

        Raises:
            ModelError: an operator fails on these inputs.
        """
        alive: dict[str, npt.NDArray[Any]] = dict(feeds)
        for segment, runner in zip(self._segments, self._runners, strict=True):
            yield from segment.run(runner, alive, self._what).items()


def segments_of(
    model: onnx.ModelProto, wanted: Collection[str], limit: int = _SEGMENT_BYTES
) -> list[Segment]:
    """Part a network whose nodes are in topological order, none of them with a graph inside, into segments.

    Args:
        model: the network; shapes of values come from its value_info.
        wanted: values that nodes compute, float32 where the network does not tell their type.
        limit: bytes of wanted values per segment.

    Raises:
        ValueError: no node computes one of the wanted values.
    """
    graph = model.graph
    looked_at = set(wanted)
    if unknown := looked_at - {name for node in graph.node for name in node.output}:
        raise ValueError(f"{graph.name}: no node computes {sorted(unknown)}")
    known = {
        value.name: value
        for value in (*graph.input, *graph.value_info, *graph.output)
        if value.type.tensor_type.elem_type
    }
    bounds = _bounds(graph.node, looked_at, known, limit)
    constants = {tensor.name for tensor in graph.initializer}
    reads = [
        {name for node in graph.node[start:end] for name in node.input if name} - constants
        for start, end in bounds
    ]
    results = {value.name for value in graph.output}
    segments = []
    for index, (start, end) in enumerate(bounds):
        later: set[str] = set().union(*reads[index + 1 :])
        made = [name for node in graph.node[start:end] for name in node.output if name]
        given = sorted(reads[index].difference(made))
        outputs = (
            known.get(name) or onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            for name in made
            if name in looked_at | later | results
        )
        segments.append(
            Segment(
                model,
                (start, end),
                tuple(known[name] for name in given),
                tuple(outputs),
                tuple(name for name in made if name in looked_at),
                tuple(name for name in made if name in later),
                frozenset(given) - later,
            )
        )
    return segments


def _bounds(
    nodes: Sequence[onnx.NodeProto], wanted: set[str], known: dict[str, onnx.ValueInfoProto], limit: int
) -> list[tuple[int, int]]:
    """Return where segments begin and end, so that what crosses a border has a known type."""
    last_read = {name: index for index, node in enumerate(nodes) for name in node.input}
    unknown_until = 0
    starts, size = [0], 0
    for index, node in enumerate(nodes):
        bytes_ = sum(_bytes(known.get(name)) for name in node.output if name in wanted)
        if size and bytes_ and size + bytes_ > limit and unknown_until <= index:
            starts.append(index)
            size = 0
        size += bytes_
        for name in node.output:
            if name and name not in known:
                unknown_until = max(unknown_until, last_read.get(name, 0) + 1)
    return list(zip(starts, [*starts[1:], len(nodes)], strict=True))


def _bytes(value: onnx.ValueInfoProto | None) -> int:
    if value is None:
        return 0
    extents = [int(extent.dim_value) or 1 for extent in value.type.tensor_type.shape.dim]
    return 4 * math.prod(extents)
