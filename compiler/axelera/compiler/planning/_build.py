"""From a program to steps: views, fusion, and operators the chip lacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from axelera.compiler.planning._concat import concat_steps, is_aligned
from axelera.compiler.planning._counts import (
    LANES,
    array_slots,
    constant_bytes,
    padded,
    stored_channels,
    weight_passes,
)
from axelera.compiler.planning._steps import ActivationBuffer, Step, StepGraph
from axemu.model.ops import OPERATORS, CostClass
from axemu.model.program import Node, Program, Tensor


def stored_bytes(tensor: Tensor) -> int:
    """Return the bytes a tensor takes on the chip, channels padded to 64."""
    height, width, channels = tensor.shape
    return height * width * padded(channels)


def ints(node: Node, name: str) -> tuple[int, ...]:
    """Return an attribute as a tuple of ints."""
    value = node.attributes[name]
    return value if isinstance(value, tuple) else (int(value),)


class StepBuilder:
    """Walks a program once and collects its steps."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.graph = StepGraph()
        self.views: dict[str, str] = {}
        """Buffer that each tensor lies in."""
        self._uses: dict[str, int] = {}
        self._producer: dict[str, Node] = {}
        for node in program.nodes:
            self._producer[node.output] = node
            for name in node.inputs:
                self._uses[name] = self._uses.get(name, 0) + 1
        self._hosted: dict[str, str] = {}
        """Buffer that a tensor is to be written into instead of one of its own."""

    def build(self) -> StepGraph:
        """Return the steps and buffers of the program."""
        for name in self.program.inputs:
            self.graph.buffers[name] = ActivationBuffer(name, self.tensor(name).size, external=True)
            self.views[name] = name
        self._host_aligned_concats()
        for node in self.program.nodes:
            HANDLERS[OPERATORS[node.op].cost](self, node)
        for name in self.program.outputs:
            if name in self.views:
                self.graph.buffers[self.views[name]].external = True
        self.graph.close()
        return self.graph

    def tensor(self, name: str) -> Tensor:
        """Return a tensor of the program."""
        return self.program.tensors[name]

    def read(self, name: str) -> tuple[str, int]:
        """Return what reading the tensor `name` moves, as (buffer, bytes)."""
        buffer, tensor = self.views[name], self.tensor(name)
        if buffer in self.program.inputs:
            height, width, channels = tensor.shape
            return buffer, height * width * stored_channels(channels)
        return buffer, stored_bytes(tensor)

    def write(self, name: str) -> tuple[str, int]:
        """Give the tensor `name` storage and return what writing it moves, as (buffer, bytes)."""
        buffer = self._hosted.get(name, name)
        self.views[name] = buffer
        if buffer not in self.graph.buffers:
            self.graph.buffers[buffer] = ActivationBuffer(buffer, stored_bytes(self.tensor(buffer)))
        return buffer, stored_bytes(self.tensor(name))

    def scratch(self, name: str, size: int, *, spilled: bool = False) -> tuple[str, int]:
        """Return a new buffer that belongs to no tensor, as (buffer, bytes)."""
        self.graph.buffers[name] = ActivationBuffer(name, size, spilled=spilled)
        return name, size

    def add(
        self,
        node: Node,
        *,
        mvm_slots: int = 0,
        macs: int = 0,
        weight_size: int = 0,
        operand_size: int = 0,
        taps: int = 0,
        vectors: int = 0,
        broadcasts: int = 0,
        gathers: int = 0,
        passes: int = 1,
    ) -> None:
        """Add a step that reads the node's inputs, `passes` times, and writes its output.

        Program inputs are copied in once, whatever the passes.
        """
        reads = [self.read(name) for name in node.inputs if name in self.views]
        reads = [
            (buffer, size if self.graph.buffers[buffer].external else passes * size) for buffer, size in reads
        ]
        step = Step(node.name, node.op, reads, self.write(node.output))
        step.mvm_slots, step.macs = mvm_slots, macs
        step.weight_size, step.operand_size = weight_size, operand_size
        step.taps, step.vectors, step.broadcasts, step.gathers = taps, vectors, broadcasts, gathers
        self.graph.steps.append(step)

    def alias(self, node: Node) -> None:
        """Let the node's output be a view of its first input."""
        buffer = self.views.get(node.inputs[0]) if node.inputs else None
        if buffer is not None:
            self.views[node.output] = buffer

    def _host_aligned_concats(self) -> None:
        """Let whoever makes the parts of an aligned concatenation write straight into the whole."""
        for node in reversed(self.program.nodes):
            if node.op != "concat" or ints(node, "axis")[0] != 2 or not is_aligned(self.program, node):
                continue
            for name in node.inputs:
                made = self._producer.get(name)
                if made is not None and not OPERATORS[made.op].is_view and name not in self._hosted:
                    self._host(name, self._hosted.get(node.output, node.output))

    def _host(self, name: str, buffer: str) -> None:
        self._hosted[name] = buffer
        made = self._producer.get(name)
        while made is not None and self._is_folded(made):
            self._hosted.setdefault(made.inputs[0], buffer)
            made = self._producer.get(made.inputs[0])

    def conv(self, node: Node) -> None:
        """Dense, grouped, depthwise and transposed convolution."""
        source, target = self.tensor(node.inputs[0]), self.tensor(node.output)
        channels, outputs = source.shape[2], target.shape[2]
        kernel = ints(node, "kernel")
        taps = math.prod(kernel)
        group = ints(node, "group")[0]
        positions = target.shape[0] * target.shape[1]
        if group == channels == outputs and group > 1:
            self.add(
                node,
                taps=stored_bytes(target) // LANES * taps,
                macs=positions * outputs * taps,
                weight_size=constant_bytes(taps, outputs),
            )
            return
        stride = ints(node, "strides")[-1]
        if node.op == "conv_transpose":
            # Every input pixel makes a kernel-sized patch of the output.
            positions, outputs = source.shape[0] * source.shape[1], outputs * taps
            kernel, taps, stride = (1, 1), 1, 1
        # A grouped convolution runs as a dense one: its weight matrix is filled up with zeros.
        self.add(
            node,
            mvm_slots=array_slots(positions, channels, outputs, (kernel[0], kernel[-1]), stride),
            macs=positions * channels * taps * outputs // group,
            weight_size=constant_bytes(stored_channels(channels) * taps, outputs),
            passes=weight_passes(stored_channels(channels), outputs, taps),
        )

    def conv_add(self, node: Node) -> None:
        """A convolution and, as a step of its own would, a sum: two operators, one after the other."""
        self.conv(node)
        step = self.graph.steps[-1]
        step.vectors += 2 * (stored_bytes(self.tensor(node.output)) // LANES)
        step.layers += 1

    def matmul(self, node: Node) -> None:
        """The second operand is loaded into the array like weights."""
        left, out = self.tensor(node.inputs[0]), self.tensor(node.output)
        rows, vectors, columns = left.shape[2], out.shape[0] * out.shape[1], out.shape[2]
        self.add(
            node,
            mvm_slots=vectors * -(-padded(rows) // 512) * -(-padded(columns) // 512),
            macs=vectors * rows * columns,
            operand_size=padded(rows) * padded(columns),
        )

    def pool(self, node: Node) -> None:
        """Pooling in the depthwise unit."""
        source, target = self.tensor(node.inputs[0]), self.tensor(node.output)
        taps = math.prod(ints(node, "kernel"))
        if math.prod(target.shape[:2]) == 1:
            self.add(node, taps=stored_bytes(source) // LANES)
            return
        vectors = stored_bytes(target) // LANES
        top, left, bottom, right = ints(node, "pads")
        if node.op == "max_pool" and (bottom > top or right > left):
            # A ragged last window (ceil mode) has no place in the depthwise unit: the window is gathered.
            self.add(node, gathers=vectors * taps)
            return
        self.add(node, taps=vectors * taps)

    def pair(self, node: Node) -> None:
        """Two operands in the vector unit; one that is a single pixel is repeated over the map."""
        target = self.tensor(node.output)
        vectors = stored_bytes(target) // LANES
        pixels = math.prod(target.shape[:2])
        if pixels > 1 and any(math.prod(self.tensor(name).shape[:2]) == 1 for name in node.inputs):
            self.add(node, broadcasts=vectors)
        else:
            self.add(node, vectors=2 * vectors)

    def elementwise(self, node: Node) -> None:
        """Whatever the vector unit does pixel by pixel."""
        self.add(node, vectors=stored_bytes(self.tensor(node.output)) // LANES)

    def softmax(self, node: Node) -> None:
        """The vector unit goes over the map four times."""
        self.add(node, vectors=4 * (stored_bytes(self.tensor(node.output)) // LANES))

    def _is_folded(self, node: Node) -> bool:
        """Tell whether a node costs nothing because the operator before it does its work on the way out."""
        if node.op == "requantize":
            return True
        return (
            node.op == "lut" and self._uses.get(node.inputs[0], 0) == 1 and node.inputs[0] in self._producer
        )

    def table(self, node: Node) -> None:
        """A look-up table."""
        if self._is_folded(node):
            self.alias(node)
        else:
            self.elementwise(node)

    def slice(self, node: Node) -> None:
        """A range of channels is a view: whoever reads it meets zero weights in the lanes beside it."""
        source, target = self.tensor(node.inputs[0]), self.tensor(node.output)
        dense = all(step == 1 for step in ints(node, "steps"))
        image = self.views[node.inputs[0]] in self.program.inputs
        if dense and (image or target.shape[:2] == source.shape[:2]):
            self.alias(node)
        else:
            self.add(node, vectors=stored_bytes(target) // LANES)

    def pad(self, node: Node) -> None:
        """Channel padding is free, the chip pads to 64 anyway."""
        source, target = self.tensor(node.inputs[0]), self.tensor(node.output)
        if stored_bytes(source) == stored_bytes(target):
            self.alias(node)
        else:
            self.add(node, vectors=stored_bytes(target) // LANES)

    def concat(self, node: Node) -> None:
        """Concatenation."""
        concat_steps(self, node)

    def nothing(self, node: Node) -> None:
        """Constants cost nothing while a frame runs."""


HANDLERS: Mapping[CostClass, Callable[[StepBuilder, Node], None]] = {
    "convolution": StepBuilder.conv,
    "convolution_pair": StepBuilder.conv_add,
    "product": StepBuilder.matmul,
    "window": StepBuilder.pool,
    "pair": StepBuilder.pair,
    "elementwise": StepBuilder.elementwise,
    "softmax": StepBuilder.softmax,
    "table": StepBuilder.table,
    "slice": StepBuilder.slice,
    "pad": StepBuilder.pad,
    "concat": StepBuilder.concat,
    "view": StepBuilder.alias,
    "nothing": StepBuilder.nothing,
}
"""What each class of operators makes of a node."""
