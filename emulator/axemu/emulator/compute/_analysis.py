"""What is decided about a program before any kernel is chosen: fusion, storage, halos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from axemu.model.ops import OPERATORS
from axemu.model.program import Node, Program

from ._layout import BLOCK

Halo = tuple[int, int, int, int]
NO_HALO: Halo = (0, 0, 0, 0)

LONGEST_CHAIN = 64
"""Nodes that follow one head at most: their kernels call each other, and a stack has an end."""


def value(node: Node, name: str) -> tuple[int, ...]:
    """Return a tuple attribute, or its default."""
    return tuple(attribute(node, name))  # type: ignore[arg-type]


def attribute(node: Node, name: str) -> object:
    """Return an attribute, or its default."""
    return node.attributes.get(name, OPERATORS[node.op].attributes[name].default)


def number(node: Node, name: str) -> int:
    """Return an integer attribute, or its default."""
    return int(attribute(node, name))  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class Alias:
    """Where a tensor is stored: at `starts` inside tensor `name`."""

    name: str
    starts: tuple[int, int, int] = (0, 0, 0)


@dataclass(slots=True)
class Analysis:
    """Decisions about a program.

    `epilogues` lists for a node the nodes that run on each range of pixels it finishes; `fused` is the set of
    those. `aliases` says in which tensor a tensor is stored; `copied` which inputs of a concat must be copied there.
    `halo` holds the rows and columns needed around a stored tensor, filled with its zero point.
    """

    program: Program
    taps: frozenset[str]
    epilogues: dict[str, list[Node]] = field(default_factory=dict)
    fused: set[str] = field(default_factory=set)
    aliases: dict[str, Alias] = field(default_factory=dict)
    members: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    halo: dict[str, Halo] = field(default_factory=dict)
    consumers: dict[str, list[Node]] = field(default_factory=dict)
    producers: dict[str, Node] = field(default_factory=dict)
    inputs: frozenset[str] = field(init=False)
    outputs: frozenset[str] = field(init=False)
    _shortcuts: dict[str, Alias] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inputs = frozenset(self.program.inputs)
        self.outputs = frozenset(self.program.outputs)

    def alias(self, tensor: str) -> Alias:
        """Return the outermost tensor that holds `tensor`, and where."""
        way: list[tuple[str, Alias]] = []
        name = tensor
        while name in self.aliases:
            step = self._shortcuts.get(name, self.aliases[name])
            way.append((name, step))
            name = step.name
        starts = (0, 0, 0)
        for inner, step in reversed(way):  # so that no long way is gone twice
            starts = (starts[0] + step.starts[0], starts[1] + step.starts[1], starts[2] + step.starts[2])
            self._shortcuts[inner] = Alias(name, starts)
        return Alias(name, starts)

    def private(self, tensor: str) -> bool:
        """Tell whether nobody but one node sees the tensor."""
        return (
            len(self.consumers.get(tensor, ())) == 1
            and tensor not in self.taps
            and tensor not in self.outputs
            and tensor not in self.inputs
        )


def analyse(program: Program, taps: Sequence[str]) -> Analysis:
    """Decide fusion, storage and halos."""
    analysis = Analysis(program, frozenset(taps))
    for node in program.nodes:
        analysis.producers[node.output] = node
        for name in dict.fromkeys(node.inputs):
            analysis.consumers.setdefault(name, []).append(node)
    _fuse(analysis)
    with_halo = _with_halo(analysis)
    for node in program.nodes:
        if node.op == "slice":
            _place_slice(analysis, node, with_halo)
    for node in reversed(program.nodes):
        if node.op == "concat":
            _place_concat(analysis, node)
    _collect_halo(analysis)
    return analysis


def _fuse(analysis: Analysis) -> None:
    position = dict.fromkeys(analysis.program.inputs, -1)
    head_of: dict[str, Node] = {}
    order = {node.name: index for index, node in enumerate(analysis.program.nodes)}
    for node in analysis.program.nodes:
        position[node.output] = order[node.name]
        if OPERATORS[node.op].takes_epilogue:
            head_of[node.output] = node
        if not OPERATORS[node.op].is_pointwise:
            continue
        for name in sorted(set(node.inputs), key=lambda tensor: -position[tensor]):
            head = head_of.get(name)
            others = [other for other in node.inputs if other != name]
            shape = analysis.program.tensors[name].shape
            if (
                head is not None
                and len(analysis.epilogues.get(head.name, ())) < LONGEST_CHAIN
                and analysis.private(name)
                and shape == analysis.program.tensors[node.output].shape
                and len(others) == len(node.inputs) - 1
                and all(position[other] < order[head.name] for other in others)
            ):
                analysis.epilogues.setdefault(head.name, []).append(node)
                analysis.fused.add(node.name)
                analysis.aliases[name] = Alias(node.output)
                head_of[node.output] = head
                position[node.output] = order[head.name]
                break


def _place_slice(analysis: Analysis, node: Node, with_halo: set[str]) -> None:
    """A slice of consecutive values is a view, unless a halo would have to go where other values are."""
    source = node.inputs[0]
    if source in analysis.inputs or set(value(node, "steps")) != {1}:
        return
    starts, sizes = value(node, "starts"), value(node, "sizes")
    shape = analysis.program.tensors[source].shape
    whole = sizes[:2] == shape[:2]
    if whole or node.output not in with_halo:
        analysis.aliases[node.output] = Alias(source, (starts[0], starts[1], starts[2]))


def _with_halo(analysis: Analysis) -> set[str]:
    """Return the tensors around which somebody wants a halo: who reads them, through slices and concats too."""
    found: set[str] = set()
    for node in reversed(analysis.program.nodes):
        if _needs_halo(node) or (node.op in ("slice", "concat") and node.output in found):
            found.update(node.inputs)
    return found


def _needs_halo(node: Node) -> bool:
    return node.op == "conv_transpose" or (node.op in ("conv", "conv_add") and any(value(node, "pads")))


def _place_concat(analysis: Analysis, node: Node) -> None:
    """Members that can be written in place live in the concat's output; the rest is copied."""
    copied: list[tuple[str, int]] = []
    start = 0
    axis = number(node, "axis")
    tensors = analysis.program.tensors
    members = _merged_members(analysis, node) if axis == 2 else list(node.inputs)
    times = Counter(members)
    for index, name in enumerate(members):
        size = tensors[name].shape[axis]
        last = index == len(members) - 1
        if (
            axis == 2
            and start % BLOCK == 0
            and (last or size % BLOCK == 0)
            and times[name] == 1
            and name not in analysis.aliases
            and name not in analysis.inputs
            and analysis.producers[name].op != "constant"
            and analysis.alias(node.output).starts[2] % BLOCK == 0
            and (last_room(analysis, node) or size % BLOCK == 0)
        ):
            analysis.aliases[name] = Alias(node.output, (0, 0, start))
        else:
            copied.append((name, start))
        start += size
    analysis.members[node.name] = copied


def last_room(analysis: Analysis, node: Node) -> bool:
    """Tell whether a block that starts inside the concat's last channels may be written whole."""
    alias = analysis.alias(node.output)
    end = alias.starts[2] + analysis.program.tensors[node.output].shape[2]
    return end == analysis.program.tensors[alias.name].shape[2]


def _merged_members(analysis: Analysis, node: Node) -> list[str]:
    """Return the inputs of a channel concat, consecutive slices that make up a whole tensor replaced by it."""
    tensors = analysis.program.tensors
    members: list[str] = []
    place = 0
    while place < len(node.inputs):
        run = _slices_from(analysis, node.inputs, place)
        name = node.inputs[place]
        members.append(analysis.aliases[name].name if run else name)
        place += max(run, 1)
    if any(tensors[name].shape[:2] != tensors[node.output].shape[:2] for name in members):
        return list(node.inputs)
    return members


def _slices_from(analysis: Analysis, names: Sequence[str], place: int) -> int:
    """Return how many names from `place` on are slices that cover a tensor's channels in order, or 0."""
    first = names[place]
    alias = analysis.aliases.get(first)
    if alias is None or analysis.producers[first].op != "slice" or alias.starts != (0, 0, 0):
        return 0
    tensors = analysis.program.tensors
    total, covered = tensors[alias.name].shape, 0
    for count in range(len(names) - place):
        name = names[place + count]
        here = analysis.aliases.get(name)
        if (
            here != Alias(alias.name, (0, 0, covered))
            or analysis.producers[name].op != "slice"
            or tensors[name].shape[:2] != total[:2]
        ):
            return 0
        covered += tensors[name].shape[2]
        if covered == total[2]:
            return count + 1
    return 0


def _collect_halo(analysis: Analysis) -> None:
    for node in analysis.program.nodes:
        if not _needs_halo(node):
            continue
        needed = (
            transpose_halo(node, analysis.program)
            if node.op == "conv_transpose"
            else conv_halo(node, analysis.program)
        )
        root = analysis.alias(node.inputs[0]).name
        known = analysis.halo.get(root, NO_HALO)
        analysis.halo[root] = (
            max(known[0], needed[0]),
            max(known[1], needed[1]),
            max(known[2], needed[2]),
            max(known[3], needed[3]),
        )


def conv_halo(node: Node, program: Program) -> Halo:
    """Return how far the windows of a convolution reach outside its input."""
    shape, output = program.tensors[node.inputs[0]].shape, program.tensors[node.output].shape
    kernel, strides = value(node, "kernel"), value(node, "strides")
    dilations, pads = value(node, "dilations"), value(node, "pads")
    after = [
        max(
            0,
            (output[axis] - 1) * strides[axis]
            + (kernel[axis] - 1) * dilations[axis]
            + 1
            - pads[axis]
            - shape[axis],
        )
        for axis in (0, 1)
    ]
    return pads[0], pads[1], after[0], after[1]


def transpose_halo(node: Node, program: Program) -> Halo:
    """Return how far outside its input a transposed convolution looks for input pixels."""
    shape, output = program.tensors[node.inputs[0]].shape, program.tensors[node.output].shape
    kernel, strides = value(node, "kernel"), value(node, "strides")
    dilations, pads = value(node, "dilations"), value(node, "pads")
    before = [
        max(0, ((kernel[axis] - 1) * dilations[axis] - pads[axis] + strides[axis] - 1) // strides[axis])
        for axis in (0, 1)
    ]
    after = [max(0, (output[axis] - 1 + pads[axis]) // strides[axis] - shape[axis] + 1) for axis in (0, 1)]
    return before[0], before[1], after[0], after[1]
