"""Slices and concatenations (R12, R13, R14)."""

from __future__ import annotations

from dataclasses import replace

from axelera.compiler.planning.passes._graph import COPIES, Graph, ints
from axelera.compiler.planning.passes._kernel import WORD, Window, dense_kernels, words
from axelera.compiler.planning.passes._operator import Operator, Read
from axemu.model.program import Node


def take(graph: Graph, node: Node) -> None:
    """R12 (verified): a slice is a pass: a copy where it lies on word borders, else a 1x1 kernel of its own.

    What an application delivers padded is no slice: the padding of an input is never read.
    """
    source, target = graph.tensor(node.inputs[0]), graph.tensor(node.output)
    start, size = ints(node, "starts")[2], target.shape[2]
    if graph.maps[graph.alias[node.inputs[0]]].home == "ddr_input" and start == 0:
        trimmed = words(size) == words(source.shape[2]) and target.shape[:2] == source.shape[:2]
        if trimmed or graph.is_image(node.inputs[0]):
            graph.view(node)
            return
    aligned = start % WORD == 0 and (size % WORD == 0 or start + size == source.shape[2])
    if target.shape[:2] != source.shape[:2]:
        operator = graph.simple(node, "slice-copy")
        step = float(ints(node, "steps", (1, 1, 1))[0])
        operator.reads = (replace(operator.reads[0], stride=step, pad=-ints(node, "starts")[0]),)
    elif aligned:
        graph.simple(node, "slice-copy")
    else:
        _with_kernel(graph.simple(node, "slice-conv"))


def pad(graph: Graph, node: Node) -> None:
    """Padding channels within the last word is free, anything else a copy (inferred)."""
    source, target = graph.tensor(node.inputs[0]), graph.tensor(node.output)
    if (*source.shape[:2], words(source.shape[2])) == (*target.shape[:2], words(target.shape[2])):
        graph.view(node)
    else:
        operator = graph.simple(node, "copy")
        operator.reads = (replace(operator.reads[0], pad=ints(node, "before")[0]),)


def concat(graph: Graph, node: Node) -> None:
    """R13 (verified): a chain from the last operand to the first; each link writes a whole that grows by one part.

    Parts that end on a word border are put before the whole by a pass that adds one word per word (`shift-add`),
    others by a shifting 1x1 kernel for each of the two, the second with the add. Rows and columns are copied (inferred).
    """
    if ints(node, "axis")[0] != 2:
        operator = graph.simple(node, "copy")
        if ints(node, "axis")[0] == 0:
            operator.reads = tuple(replace(read, whole=True) for read in operator.reads)
        return
    height, width, _ = graph.tensor(node.output).shape
    *rest, last = [_rescaled(graph, node, name) for name in node.inputs]
    whole, channels = last, graph.tensor(node.inputs[-1]).shape[2]
    for number, (part, name) in reversed(list(enumerate(zip(rest, node.inputs, strict=False)))):
        size = graph.tensor(name).shape[2]
        channels += size
        output = graph.map_for(
            node.output if number == 0 else f"{node.output}/from{number}", (height, width, channels)
        )
        joined = _shift_add if size % WORD == 0 else _shift_convs
        operators = joined(graph, node, part, whole, output)
        graph.put(output, operators, (whole, part))
        whole = output
    graph.alias[node.output] = whole


def _operator(graph: Graph, node: Node, role: str, reads: tuple[str, ...], output: str) -> Operator:
    height, width, _ = graph.tensor(node.output).shape
    made, read = graph.maps[output], graph.maps[reads[0]]
    return Operator(
        node.name,
        role,
        tuple(Read(name) for name in reads),
        output,
        height,
        width,
        made.row_bytes // (width * WORD),
        read.row_bytes // (width * WORD),
    )


def _shift_add(graph: Graph, node: Node, part: str, whole: str, output: str) -> list[Operator]:
    operator = _operator(graph, node, "shift-add", (part, whole), output)
    operator.second, operator.vector = True, 1
    return [operator]


def _shift_convs(graph: Graph, node: Node, part: str, whole: str, output: str) -> list[Operator]:
    shifted = f"{output}/part"
    graph.maps[shifted] = replace(graph.maps[output], name=shifted)
    first = _with_kernel(_operator(graph, node, "shift-conv", (part,), shifted))
    second = _with_kernel(_operator(graph, node, "shift-conv+add", (whole, shifted), output))
    second.second, second.vector = True, 1
    return [first, second]


def _with_kernel(operator: Operator) -> Operator:
    operator.lines = operator.height
    operator.kernels = dense_kernels(
        Window(operator.input_words, operator.words, (1, 1), 1, operator.height, operator.width)
    )
    return operator


def _rescaled(graph: Graph, node: Node, name: str) -> str:
    """R14 (verified): a part that others read too, or that is only copied, is brought to the common scale first.

    Max pooling keeps its scale, so a pool and its input never need it. Where the integer program says which parts are
    rescaled, it has done so by now.
    """
    made = graph.alias[name]
    if graph.options.rescale == "lowered" or not _is_shared(graph, node, made):
        return made
    scaled = f"{made}/for {node.output}"
    tensor = graph.tensor(name)
    graph.map_for(scaled, tensor.shape)
    operator = _operator(graph, node, "rescale", (made,), scaled)
    operator.vector, operator.constants = 1, graph.constants(operator.words)
    graph.put(scaled, [operator], (made,))
    return scaled


def _is_shared(graph: Graph, node: Node, made: str) -> bool:
    tensors = {name for name, home in graph.alias.items() if home == made}
    readers = [
        other
        for other in graph.program.nodes
        if any(name in tensors for name in other.inputs) and graph.alias.get(other.output) != made
    ]
    pools = {graph.alias.get(other.output) for other in readers if other.op == "max_pool"}
    roles = [operator.role for operator in graph.made_by.get(made, [])]
    if "maxpool" in roles or pools & {graph.alias[name] for name in node.inputs}:
        return False
    outside = len(readers) > 1 or bool(tensors & set(graph.program.outputs))
    return outside or any(role in COPIES for role in roles)
