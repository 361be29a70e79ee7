"""The plan of a program: pools, placements and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from axelera.compiler.planning._build import StepBuilder
from axelera.compiler.planning._memory import MemoryLayout, Share, place
from axelera.compiler.planning._options import PlanOptions
from axelera.compiler.planning._steps import Step, StepGraph
from axemu.model.program import Program, Task

ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class Pool:
    """A memory pool as model.json declares it. `blob` names the file with its content, if it has one."""

    name: str
    size: int
    memory: Literal["ddr", "l2"]
    depth: int = 1
    alignment: int = ALIGNMENT
    blob: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an activation buffer or a weight tensor lies; fractions of L1, L2 and DDR add up to one."""

    name: str
    kind: Literal["activation", "weights"]
    size: int
    l1: float
    l2: float
    ddr: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What the planner found: pools for model.json, placements for the report, tasks for the timing model.

    Byte totals are per call for weights and per frame for activations.
    """

    pools: tuple[Pool, ...]
    placements: tuple[Placement, ...]
    tasks: tuple[Task, ...]
    weight_bytes: int
    weight_l2_bytes: int
    weight_ddr_bytes: int
    activation_l1_peak: int
    activation_l2_peak: int
    ddr_traffic: int
    """Bytes a call moves through DDR, inputs and outputs once each."""


def plan(program: Program, options: PlanOptions | None = None) -> Plan:
    """Plan memory and tasks of a program; values are not looked at, so a structure-only program will do.

    Raises:
        DoesNotFit: the program needs more of a memory than `options` gives it.
    """
    options = options or PlanOptions(cores=program.batch)
    graph = StepBuilder(program).build()
    layout = place(graph, options)
    tasks = tuple(
        task_of(step, graph, layout, streamed)
        for step, streamed in zip(graph.steps, layout.streamed, strict=True)
    )
    weights = sum(step.weight_size for step in graph.steps)
    streamed_total = sum(layout.streamed)
    activations = sum(task.ddr_read_bytes + task.ddr_write_bytes for task in tasks)
    return Plan(
        pools=pools_of(program, graph, layout, options),
        placements=tuple(placements_of(graph, layout)),
        tasks=tasks,
        weight_bytes=weights,
        weight_l2_bytes=layout.weights_resident,
        weight_ddr_bytes=streamed_total,
        activation_l1_peak=layout.l1_peak,
        activation_l2_peak=layout.l2_peak,
        ddr_traffic=streamed_total + options.cores * activations,
    )


def task_of(step: Step, graph: StepGraph, layout: MemoryLayout, streamed: int) -> Task:
    """Turn a step into a task: counts stay, bytes are split by the memories they cross."""
    move = io = 0.0
    inside = sum(amount for _, amount in step.reads)
    for name, amount in (*step.reads, step.writes):
        share = layout.shares.get(name, Share())
        if graph.buffers[name].external:
            io += amount
        else:
            # What lies in DDR goes straight to L1 and is paid for there.
            move += amount * share.l2
    read = sum(amount * layout.shares.get(name, Share()).ddr for name, amount in step.reads)
    written = step.writes[1] * layout.shares.get(step.writes[0], Share()).ddr
    return Task(
        name=step.name,
        op=step.op,
        mvm_slots=step.mvm_slots,
        macs=step.macs,
        weight_bytes=step.weight_size - streamed + step.operand_size,
        weight_ddr_bytes=streamed,
        taps=step.taps,
        vectors=step.vectors,
        broadcasts=step.broadcasts,
        gathers=step.gathers,
        layers=step.layers,
        move_bytes=round(move),
        io_bytes=round(io),
        ddr_read_bytes=round(read),
        ddr_write_bytes=round(written),
        input_bytes=inside,
        output_bytes=step.writes[1],
    )


def _round_up(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def pools_of(
    program: Program, graph: StepGraph, layout: MemoryLayout, options: PlanOptions
) -> tuple[Pool, ...]:
    """Return the pools of model.json. The L2 pools together are the model's whole share of L2."""
    depth = 2 if options.double_buffer else 1
    frames = options.cores
    inputs = sum(_round_up(frames * program.tensors[name].size) for name in program.inputs)
    outputs = sum(_round_up(frames * program.tensors[name].size) for name in program.outputs)
    spilled = sum(
        _round_up(round(buffer.size * layout.shares[name].ddr))
        for name, buffer in graph.buffers.items()
        if name in layout.shares and not buffer.external
    )
    constants = _round_up(min(layout.weights_resident, options.l2_bytes))
    pools = [
        Pool("ddr_input", inputs, "ddr", depth),
        Pool("ddr_output", outputs, "ddr", depth),
        Pool("l2_const", constants, "l2", blob="pool_l2_const.bin"),
        Pool("l2", options.l2_bytes - constants, "l2"),
        Pool("ddr_const", _round_up(sum(layout.streamed)), "ddr", blob="pool_ddr_const.bin"),
        Pool("ddr", frames * spilled, "ddr"),
    ]
    return tuple(pool for pool in pools if pool.size)


def placements_of(graph: StepGraph, layout: MemoryLayout) -> list[Placement]:
    """Return where everything lies, activations first."""
    result = []
    for name, buffer in graph.buffers.items():
        share = layout.shares.get(name, Share())
        result.append(Placement(name, "activation", buffer.size, share.l1, share.l2, share.ddr))
    for step, streamed in zip(graph.steps, layout.streamed, strict=True):
        if step.weight_size:
            ddr = streamed / step.weight_size
            result.append(Placement(step.name, "weights", step.weight_size, 0.0, 1.0 - ddr, ddr))
    return result
