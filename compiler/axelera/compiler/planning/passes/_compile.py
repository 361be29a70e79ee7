"""From an integer program to the program of a core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from axelera.compiler.planning.passes._graph import Graph
from axelera.compiler.planning.passes._joins import concat, pad, take
from axelera.compiler.planning.passes._kernel import WORD
from axelera.compiler.planning.passes._level1 import Residency, residency
from axelera.compiler.planning.passes._level2 import Outside, place
from axelera.compiler.planning.passes._operator import Map, Operator
from axelera.compiler.planning.passes._options import PassOptions
from axelera.compiler.planning.passes._rules import inferred_rules
from axelera.compiler.planning.passes._schedule import Schedule
from axelera.compiler.planning.passes._writer import Writer
from axemu.model.passes import CoreProgram
from axemu.model.program import Node, Program


def _constant(graph: Graph, node: Node) -> None:
    """A map that is known beforehand lies among the weights (inferred)."""
    height, width, channels = graph.tensor(node.output).shape
    name = graph.map_for(node.output, (height, width, channels))
    graph.maps[name] = Map(name, height, graph.maps[name].row_bytes, "ddr_const")


HANDLERS: dict[str, Callable[[Graph, Node], None]] = {
    "add": Graph.arithmetic,
    "affine": Graph.affine,
    "avg_pool": Graph.pool,
    "concat": concat,
    "constant": _constant,
    "conv": Graph.conv,
    "conv_add": Graph.conv_add,
    "conv_transpose": Graph.conv_transpose,
    "lut": Graph.table,
    "matmul": Graph.matmul,
    "max_pool": Graph.pool,
    "mul": Graph.arithmetic,
    "pad": pad,
    "requantize": Graph.requantize,
    "reshape": Graph.view,
    "resize_linear": Graph.resize,
    "resize_nearest": Graph.resize,
    "slice": take,
    "softmax": Graph.softmax,
    "sub": Graph.arithmetic,
    "transpose": Graph.view,
}
"""What each operator of an integer program becomes."""


def build(program: Program, options: PassOptions) -> tuple[Graph, list[Operator]]:
    """Return the maps of a program and the operators that make them, in the order in which they run."""
    graph = Graph(program, options)
    for node in program.nodes:
        HANDLERS[node.op](graph, node)
    return graph, graph.operators()


class Settled(NamedTuple):
    """Where everything of a program lies: its maps, operators, bytes of vector constants, what L1 holds and what lies outside."""

    graph: Graph
    operators: list[Operator]
    constants: int
    settled: Residency
    outside: Outside


def settle(program: Program, options: PassOptions) -> Settled:
    """Decide where maps and weights of a program lie."""
    graph, operators = build(program, options)
    constants = WORD * sum(operator.constants for operator in operators)
    outputs = graph.outputs
    settled = residency(operators, graph.maps, outputs, int(options.figures.l1_data) - constants, options)
    outside = place(operators, graph.maps, settled.spilled, set(outputs), constants, options)
    return Settled(graph, operators, constants, settled, outside)


def compile_passes(program: Program, options: PassOptions | None = None) -> CoreProgram:
    """Write the program of one core for one call; values are not looked at, so a structure-only program will do.

    Args:
        program: as lowering makes it.
        options: see `PassOptions`; by default the program's batch and the rules as found.
    """
    options = options or PassOptions(cores=program.batch)
    graph, operators, constants, settled, outside = settle(program, options)
    outputs = graph.outputs
    writer = Writer(options.figures)
    Schedule(operators, graph.maps, settled.rooms, settled.spilled, outputs, outside, writer).write(constants)
    peak = max((room.peak for room in settled.rooms), default=0)
    return CoreProgram(
        name=program.name,
        passes=tuple(writer.passes),
        transfers=tuple(writer.transfers),
        steps=tuple(writer.steps),
        pools=_pools(graph, operators, outside, constants, peak),
        task_list=round(sum(step.tasks for step in writer.steps) * float(options.figures.task_bytes)),
        inferred=inferred_rules(operators, graph.maps, settled, outside, options),
    )


def _pools(
    graph: Graph, operators: Sequence[Operator], outside: Outside, constants: int, peak: int
) -> dict[str, int]:
    """Return the bytes of each pool. R16 (verified): an input that several operators read is passed once for each."""
    near = sum(operators[index].size for index in outside.weights_in_l2)
    known = sum(one.size for one in graph.maps.values() if one.home == "ddr_const")
    readers = [read.name for operator in operators for read in operator.reads]
    pools = {
        "l1": peak + constants,
        "l2": outside.l2_peak,
        "l2_const": near + constants,
        "ddr_const": sum(operator.size for operator in operators) - near + known,
        "ddr": outside.ddr_peak,
        "ddr_input": sum(
            one.size * max(1, readers.count(name))
            for name, one in graph.maps.items()
            if one.home == "ddr_input"
        ),
        "ddr_output": sum(graph.maps[name].size for name in graph.outputs),
    }
    return {name: size for name, size in pools.items() if size}
