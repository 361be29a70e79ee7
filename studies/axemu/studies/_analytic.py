"""A closed-form stand-in for the machine, for fits that need thousands of evaluations.

Each case is a closed queue: instances spend their time alone, then at one shared server, the DDR (exact mean-value
analysis). The machine has the last word: fits correct this form by the machine's own result for each case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from axemu.chip import BOARDS, HOSTS, METIS, PARAMETERS, BoardFigures, HostFigures
from axemu.model.program import Task
from axemu.studies._measured import Case
from axemu.studies._target import Target

Floats = npt.NDArray[np.float64]

COUNTS = (
    "mvm_slots",
    "weight_bytes",
    "weight_ddr_bytes",
    "taps",
    "vectors",
    "broadcasts",
    "gathers",
    "move_bytes",
    "io_bytes",
    "layers",
    "macs",
)


@dataclass(frozen=True, slots=True)
class Table:
    """All tasks of all cases, task by task, and what the cases need besides."""

    cases: tuple[Case, ...]
    columns: Mapping[str, Floats]
    first: npt.NDArray[np.intp]
    lengths: npt.NDArray[np.intp]
    ddr: Floats
    """Bytes a call moves through DDR while executing."""
    copied: Floats
    """Bytes a call copies over the link, in and out."""
    longest_copy: Floats
    """Bytes of the longer direction."""


def table_of(cases: Sequence[Case], targets: Mapping[tuple[str, int], Target]) -> Table:
    """Collect the tasks of cases; `targets` maps (model, compiled cores) to what is executed."""
    chosen = [targets[case.model, case.compiled_cores] for case in cases]
    tasks: list[Task] = [task for target in chosen for task in target.tasks]
    lengths = np.array([len(target.tasks) for target in chosen], np.intp)
    columns = {name: np.array([getattr(task, name) for task in tasks], float) for name in COUNTS}
    moved = np.array([task.ddr_read_bytes + task.ddr_write_bytes for task in tasks], float)
    first = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.intp)
    batch = np.array([case.compiled_cores for case in cases], float)
    ddr = batch * np.add.reduceat(moved, first) + np.add.reduceat(columns["weight_ddr_bytes"], first)
    copied = np.array([target.input_bytes + target.output_bytes for target in chosen], float)
    longest = np.array([max(target.input_bytes, target.output_bytes) for target in chosen], float)
    return Table(tuple(cases), columns, first, lengths, ddr, copied, longest)


def evaluate(table: Table, parameters: Mapping[str, float], host: str = "desktop") -> Floats:
    """Return the rate of each case in frames per second."""
    return evaluate_on(table, parameters, [BOARDS[case.board] for case in table.cases], HOSTS[host])


def evaluate_on(
    table: Table, parameters: Mapping[str, float], boards: Sequence[BoardFigures], host: HostFigures
) -> Floats:
    """Return the rate of each case in frames per second, each on the board given for it."""
    cases = table.cases
    bandwidth = np.array([float(board.memory_bandwidth) for board in boards])
    link = np.array([float(board.link_bandwidth) for board in boards])
    joint = np.array([float(board.link_joint_bandwidth) for board in boards])
    instances = np.array([case.instances for case in cases])
    batch = np.array([case.compiled_cores for case in cases], float)
    launch = float(host.launch)
    executing = core_seconds(table, parameters)
    buffered = np.array([case.double_buffer for case in cases])
    copies = table.copied / link + 2 * float(host.copy_setup)
    alone = executing + launch + np.where(buffered, 0.0, copies)
    fetching = table.ddr / bandwidth
    call = closed_queue(alone, fetching, instances)
    for _ in range(4):
        # Copies take their share of DDR while others execute.
        taken = np.minimum(0.9, instances * table.copied / call / bandwidth)
        call = closed_queue(alone, fetching / (1 - taken), instances)
    executed = call - launch - np.where(buffered, 0.0, copies)
    call = np.maximum(call, instances * np.maximum(table.copied / joint, table.longest_copy / link))
    metric = np.array([case.metric for case in cases])
    seen = np.where(metric == "device", executed, call + np.where(metric == "system", float(host.gap), 0.0))
    rate: Floats = instances * batch / seen
    return rate


def core_seconds(table: Table, parameters: Mapping[str, float]) -> Floats:
    """Return what a call takes on its cores alone, start included, in seconds."""
    count = table.columns
    cycles = (
        count["mvm_slots"] * float(METIS.vector_cycles) * parameters["array_stretch"]
        + count["taps"] * parameters["tap_cycles"]
        + count["vectors"] * parameters["vector_cycles"]
        + count["broadcasts"] * parameters["broadcast_cycles"]
        + count["gathers"] * parameters["gather_cycles"]
        + count["move_bytes"] / parameters["move_rate"]
    )
    limit = np.repeat([case.mvm_percent / 100 for case in table.cases], table.lengths)
    peak = float(METIS.array_inputs) * float(METIS.array_outputs) / float(METIS.vector_cycles)
    cycles = np.where(limit < 1, np.maximum(cycles, count["macs"] / peak / limit), cycles)
    cycles = cycles + count["weight_bytes"] / parameters["weight_load_rate"]
    cycles = cycles + count["io_bytes"] / parameters["io_rate"]
    setup = np.where(count["weight_ddr_bytes"] > 0, 0.0, count["layers"] * parameters["layer_cycles"])
    clock = np.array([case.clock_mhz * 1e6 for case in table.cases])
    total: Floats = (np.add.reduceat(cycles + setup, table.first) + float(METIS.start_cycles)) / clock
    return total


def closed_queue(alone: Floats, served: Floats, customers: npt.NDArray[np.int_]) -> Floats:
    """Return the cycle time of a closed queue with a delay and one shared server (exact mean-value analysis)."""
    queue = np.zeros_like(alone)
    cycle = alone + served
    for number in range(1, int(customers.max(initial=1)) + 1):
        reached = number <= customers
        waited = served * (1 + queue)
        cycle = np.where(reached, alone + waited, cycle)
        queue = np.where(reached, number * waited / cycle, queue)
    return cycle


def parameters_of(vector: Floats) -> dict[str, float]:
    """Name the values of a parameter vector."""
    return dict(zip(PARAMETERS, (float(value) for value in vector), strict=True))
