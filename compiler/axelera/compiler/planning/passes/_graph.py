"""From the integer program to operators of the array, the adder and the vector unit."""

from __future__ import annotations

import math
from dataclasses import replace

from axelera.compiler.planning.passes._kernel import (
    WORD,
    Window,
    dense_kernels,
    depthwise_kernel,
    image_kernel,
    words,
)
from axelera.compiler.planning.passes._operator import Map, Operator, Read
from axelera.compiler.planning.passes._options import PassOptions
from axelera.compiler.planning.passes._order import depth_first
from axemu.model.program import Node, Program, Tensor

COPIES = ("slice-copy", "slice-conv", "resize", "resize-linear")
CONVOLUTIONS = ("conv", "depthwise", "conv-transpose")


def ints(node: Node, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Return an attribute as a tuple of ints."""
    value = node.attributes.get(name, default)
    return value if isinstance(value, tuple) else (int(value),)


class Graph:
    """Maps and the operators that make them. Views share the map of what they look at."""

    def __init__(self, program: Program, options: PassOptions) -> None:
        self.program = program
        self.options = options
        self.maps: dict[str, Map] = {}
        self.made_by: dict[str, list[Operator]] = {}
        self.needs: dict[str, tuple[str, ...]] = {}
        self.alias: dict[str, str] = {}
        self.uses: dict[str, int] = {}
        for names in (*(node.inputs for node in program.nodes), program.outputs):
            for name in names:
                self.uses[name] = self.uses.get(name, 0) + 1
        for name in program.inputs:
            height, width, channels = program.tensors[name].shape
            self.maps[name] = Map(name, height, width * channels, "ddr_input")
            self.alias[name] = name

    @property
    def outputs(self) -> tuple[str, ...]:
        """Maps that are outputs of the program."""
        return tuple(self.alias[name] for name in self.program.outputs)

    def operators(self) -> list[Operator]:
        """Return the operators in the order in which they run."""
        return depth_first(self.made_by, self.needs, self.outputs)

    def tensor(self, name: str) -> Tensor:
        """Return a tensor of the program."""
        return self.program.tensors[name]

    def is_image(self, name: str) -> bool:
        """Tell whether a tensor is an input of a few channels, whose pixels are no whole words."""
        home = self.maps[self.alias[name]].home
        return home == "ddr_input" and self.tensor(self.alias[name]).shape[2] < WORD

    def pixel(self, name: str) -> int:
        """Return the bytes of a pixel of an image."""
        return self.tensor(self.alias[name]).shape[2]

    def read(self, name: str, *, whole: bool = False) -> Read:
        """Read a tensor row by row; one that is not laid out as its map is read whole."""
        source = self.maps[self.alias[name]]
        height, width, channels = self.tensor(name).shape
        same = self.is_image(name) or (height, width * words(channels) * WORD) == (
            source.rows,
            source.row_bytes,
        )
        return Read(source.name, whole=whole or not same)

    def map_for(self, name: str, shape: tuple[int, int, int]) -> str:
        """Give a tensor (or a temporary) storage of its own."""
        height, width, channels = shape
        self.maps[name] = Map(name, height, width * words(channels) * WORD)
        self.alias[name] = name
        return name

    def view(self, node: Node) -> None:
        """Let the node's output share the map of its first input."""
        self.alias[node.output] = self.alias[node.inputs[0]]

    def put(self, name: str, operators: list[Operator], needs: tuple[str, ...]) -> None:
        """Say how a map is made."""
        self.made_by[name] = operators
        self.needs[name] = tuple(self.alias[need] for need in needs)

    def simple(self, node: Node, role: str, **units: int | bool) -> Operator:
        """Make the node's output from its inputs without the array."""
        height, width, channels = self.tensor(node.output).shape
        operator = Operator(
            layer=node.name,
            role=role,
            reads=tuple(self.read(name) for name in node.inputs),
            output=self.map_for(node.output, (height, width, channels)),
            height=height,
            width=width,
            words=words(channels),
            input_words=words(self.tensor(node.inputs[0]).shape[2]),
        )
        for name, value in units.items():
            setattr(operator, name, value)
        self.put(node.output, [operator], node.inputs)
        return operator

    def constants(self, outputs: int) -> int:
        """R10 (verified): words of vector constants of `outputs` output words."""
        return int(self.options.figures.channel_constants) * outputs

    @property
    def table_words(self) -> int:
        """Words of a look-up table."""
        return int(self.options.figures.table_constants) // WORD

    def sole(self, name: str) -> Operator | None:
        """Return the convolution that makes a tensor, if nobody but one node reads it and it can do more on the way."""
        made = self.made_by.get(self.alias.get(name, ""), [])
        if self.uses.get(name) != 1 or len(made) != 1:
            return None
        return made[0] if made[0].role.removesuffix("+residual") in CONVOLUTIONS else None

    def conv(self, node: Node) -> None:
        """Dense, grouped and depthwise convolution. Grouped as dense is inferred; no program shows one."""
        source, target = self.tensor(node.inputs[0]), self.tensor(node.output)
        channels, outputs = source.shape[2], target.shape[2]
        kernel, strides = ints(node, "kernel"), ints(node, "strides", (1, 1))
        extent = (kernel[0] - 1) * ints(node, "dilations", (1, 1))[0] + 1
        operator = self.simple(node, "conv", vector=1, constants=self.constants(words(outputs)))
        operator.lines = operator.height
        operator.macs = math.prod((*target.shape, *kernel, channels)) // ints(node, "group", (1,))[0]
        operator.reads = tuple(
            replace(read, extent=extent, stride=float(strides[0]), pad=ints(node, "pads", (0, 0, 0, 0))[0])
            for read in operator.reads
        )
        if ints(node, "group", (1,))[0] == channels == outputs and channels > 1:
            operator.role, operator.depthwise = "depthwise", math.prod(kernel)
            operator.kernels = (depthwise_kernel(math.prod(kernel), operator.words),)
            return
        operator.grouped = ints(node, "group", (1,))[0] > 1
        window = Window(
            words(channels),
            operator.words,
            (kernel[0], kernel[-1]),
            strides[-1],
            operator.height,
            operator.width,
        )
        image = None
        if self.is_image(node.inputs[0]):
            row = self.maps[self.alias[node.inputs[0]]].row_bytes
            image = image_kernel(window, row, self.pixel(node.inputs[0]), phases=self.options.image_phases)
        operator.kernels = (image,) if image else dense_kernels(window, self.options.cut)

    def conv_add(self, node: Node) -> None:
        """A convolution that adds a residual on its way out, as those do that `arithmetic` finds one for."""
        self.conv(replace(node, inputs=node.inputs[:1]))
        self._add_to(self.made_by[node.output][0], node.output, node.inputs[1])

    def conv_transpose(self, node: Node) -> None:
        """A 1x1 kernel per tap over the pixels of the input (inferred; no program shows one)."""
        height, width, channels = self.tensor(node.inputs[0]).shape
        outputs = words(self.tensor(node.output).shape[2])
        operator = self.simple(node, "conv-transpose", vector=1, constants=self.constants(outputs))
        operator.lines = height
        taps = math.prod(ints(node, "kernel"))
        operator.macs = height * width * channels * self.tensor(node.output).shape[2] * taps
        operator.kernels = taps * dense_kernels(
            Window(words(channels), outputs, (1, 1), 1, height, width), self.options.cut
        )
        operator.reads = tuple(
            replace(read, stride=height / operator.height, extent=2) for read in operator.reads
        )

    def matmul(self, node: Node) -> None:
        """The second operand is loaded into the array like weights, from L1 (inferred; no program shows one)."""
        rows = words(self.tensor(node.inputs[0]).shape[2])
        operator = self.simple(node, "matmul", vector=1, constants=self.constants(1))
        operator.reads = (operator.reads[0], replace(operator.reads[1], whole=True))
        operator.lines = operator.height
        operator.macs = math.prod(self.tensor(node.output).shape) * self.tensor(node.inputs[0]).shape[2]
        window = Window(rows, operator.words, (1, 1), 1, operator.height, operator.width)
        operator.kernels = tuple(
            replace(kernel, from_l1=True) for kernel in dense_kernels(window, self.options.cut)
        )

    def table(self, node: Node) -> None:
        """R11 (verified): a look-up table rides on its producer, one vector instruction per word more."""
        producer = self.sole(node.inputs[0])
        more = int(self.options.figures.table_vectors)
        if producer is not None:
            producer.lookup += more
            producer.constants += self.table_words
            self.view(node)
        else:
            operator = self.simple(node, "lut", vector=1, lookup=more)
            operator.constants = self.constants(operator.words) + self.table_words

    def affine(self, node: Node) -> None:
        """A scale and shift per channel: part of its producer as in PointNet, else as a rescale pass (inferred)."""
        if self.sole(node.inputs[0]) is not None:
            self.view(node)
        else:
            operator = self.simple(node, "affine", vector=1)
            operator.constants = self.constants(operator.words)

    def requantize(self, node: Node) -> None:
        """R14 (verified): a rescale pass, one vector instruction per word."""
        joined = all(other.op == "concat" for other in self.program.nodes if node.output in other.inputs)
        if self.options.rescale == "shared" and joined and node.output not in self.program.outputs:
            self.view(node)
            return
        operator = self.simple(node, "rescale", vector=1)
        operator.constants = self.constants(operator.words)

    def pool(self, node: Node) -> None:
        """R15 (verified): pooling runs in the adder, one cycle per tap and word; the feed is just as busy."""
        kernel, strides = ints(node, "kernel"), ints(node, "strides", (1, 1))
        taps = math.prod(kernel)
        average = node.op == "avg_pool"
        operator = self.simple(node, "avgpool" if average else "maxpool", feed=taps, adder=taps)
        if average:
            operator.vector, operator.constants = 1, self.constants(operator.words)
        top, left, bottom, right = ints(node, "pads", (0, 0, 0, 0))
        if not average and (bottom > top or right > left):
            # A window over the edge (ceil mode) is gathered; inferred from one network, SqueezeNet 1.0.
            operator.gather = taps
        operator.reads = tuple(
            replace(read, extent=kernel[0], stride=float(strides[0]), pad=top) for read in operator.reads
        )

    def resize(self, node: Node) -> None:
        """R15 (verified for nearest): a copying pass; linear reads four pixels per output (inferred)."""
        nearest = node.op == "resize_nearest"
        operator = self.simple(node, "resize" if nearest else "resize-linear", feed=1 if nearest else 4)
        stride = self.tensor(node.inputs[0]).shape[0] / operator.height
        operator.reads = tuple(
            replace(read, stride=stride, extent=1 if nearest else 2) for read in operator.reads
        )

    def softmax(self, node: Node) -> None:
        """In the vector unit (inferred; no program shows one)."""
        operator = self.simple(node, "softmax", vector=int(self.options.figures.softmax_vectors), feed=3)
        operator.constants = self.constants(operator.words)

    def arithmetic(self, node: Node) -> None:
        """Add, subtract, multiply: R11 (verified) fuses a residual, R15 (verified) broadcasts by a copying pass."""
        shapes = [self.tensor(name).shape for name in node.inputs]
        if node.op == "add" and shapes[0] == shapes[1] and self._residual(node):
            return
        small = [index for index, shape in enumerate(shapes) if shape != self.tensor(node.output).shape]
        kind = "product" if node.op == "mul" else "vector"
        operator = self.simple(
            node, node.op, second=True, **{kind: int(self.options.figures.operand_vectors)}
        )
        operator.constants = int(self.options.figures.operand_constants) * operator.words
        for index in small:
            spread = self._broadcast(node, node.inputs[index], operator, index)
            self.made_by[node.output].insert(0, spread)

    def _broadcast(self, node: Node, name: str, operator: Operator, index: int) -> Operator:
        output = self.map_for(f"{node.output}/broadcast{index}", self.tensor(node.output).shape)
        reads = list(operator.reads)
        read, reads[index] = replace(reads[index], whole=True), Read(output)
        operator.reads = tuple(reads)
        return Operator(
            node.name,
            "broadcast",
            (read,),
            output,
            operator.height,
            operator.width,
            operator.words,
            words(self.tensor(name).shape[2]),
        )

    def _residual(self, node: Node) -> bool:
        """Add on the way out of the convolution that makes an operand, the first that can."""
        for name, other in (node.inputs, node.inputs[::-1]):
            producer = self.sole(name)
            if producer is None or producer.second or self.alias[name] == self.alias[other]:
                continue
            self._add_to(producer, name, other)
            self.alias[node.output] = self.alias[name]
            return True
        return False

    def _add_to(self, producer: Operator, name: str, other: str) -> None:
        """Let the operator that makes `name` add `other` on the way."""
        producer.role += "+residual"
        producer.reads += (self.read(other),)
        producer.second = True
        producer.vector += 1
        producer.constants += int(self.options.figures.residual_constants) * producer.words
        self.needs[self.alias[name]] += (self.alias[other],)
