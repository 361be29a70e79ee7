"""From counts to time: what a task costs a core, in whole core cycles."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from axemu.chip import TICKS_PER_SECOND, Calibration, ChipFigures, HostFigures
from axemu.model.program import Task

JITTER_PERIOD = 17
"""Calls after which launch times repeat; a prime, so that any step visits all of them."""

STEPS = (7, 10, 5, 12)
"""Steps through them, by instance; none takes neighbours in a row."""


class TaskCycles(NamedTuple):
    """Core cycles of one task by what the core waits for; waiting for DDR is not among them.

    `throttled` is what the MVM limit adds.
    """

    weights: int
    array: int
    depthwise: int
    vector: int
    move: int
    copy: int
    overhead: int
    throttled: int

    @property
    def total(self) -> int:
        """All cycles the core is held for, waiting for DDR excluded."""
        return sum(self)


class Part(NamedTuple):
    """When a unit of a core was busy within a stretch of time: ticks since its beginning."""

    unit: str
    begin: int
    end: int


class Phase(NamedTuple):
    """A stretch of a frame: DDR traffic beside `setup` core cycles, then `cycles` of tasks `first` to `last` (excl.)."""

    ddr_bytes: int
    setup: int
    cycles: int
    first: int
    last: int


def task_cycles(
    task: Task, chip: ChipFigures, calibration: Calibration, mvm_percent: float = 100
) -> TaskCycles:
    """Cost a task on one core.

    The MVM limit bounds the activity of the array, multiply-accumulates as a share of the peak, task by task: it only
    stretches tasks that would have been busier.
    """
    array = math.ceil(task.mvm_slots * chip.vector_cycles.value * calibration["array_stretch"])
    depthwise = math.ceil(task.taps * calibration["tap_cycles"])
    vector = math.ceil(
        task.vectors * calibration["vector_cycles"]
        + task.broadcasts * calibration["broadcast_cycles"]
        + task.gathers * calibration["gather_cycles"]
    )
    compute = array + depthwise + vector
    move = math.ceil(task.move_bytes / calibration["move_rate"])
    allowed = peak_macs_per_cycle(chip) * mvm_percent / 100
    throttled = max(0, math.ceil(task.macs / allowed) - compute - move) if mvm_percent < 100 else 0
    weights = math.ceil(task.weight_bytes / calibration["weight_load_rate"])
    copy = math.ceil(task.io_bytes / calibration["io_rate"])
    overhead = math.ceil(task.layers * calibration["layer_cycles"])
    return TaskCycles(weights, array, depthwise, vector, move, copy, overhead, throttled)


def peak_macs_per_cycle(chip: ChipFigures) -> float:
    """Return what one core's array does at best: every row and column, one vector in 8 cycles."""
    return chip.array_inputs.value * chip.array_outputs.value / chip.vector_cycles.value


def phases(
    tasks: Iterable[Task],
    chip: ChipFigures,
    calibration: Calibration,
    frames: int,
    mvm_percent: float,
    merge: bool = True,
) -> tuple[Phase, ...]:
    """Lay the tasks of one call on `frames` cores in lockstep out as phases.

    Activation traffic is paid for every frame, streamed weights once. While weights are streamed the operator is set
    up; spilled activations are waited for. With `merge` stretches without DDR traffic become one phase; the time is
    the same.
    """
    result: list[Phase] = []
    for index, task in enumerate(tasks):
        ddr = frames * (task.ddr_read_bytes + task.ddr_write_bytes) + task.weight_ddr_bytes
        cost = task_cycles(task, chip, calibration, mvm_percent)
        setup = cost.overhead if task.weight_ddr_bytes else 0
        cycles = cost.total - setup
        if merge and not ddr and result:
            before = result[-1]
            result[-1] = before._replace(cycles=before.cycles + cycles, last=index + 1)
        else:
            result.append(Phase(ddr, setup, cycles, index, index + 1))
    return tuple(result)


def cycles_to_ticks(cycles: int, clock_mhz: int) -> int:
    """Return the ticks of `cycles` core cycles, rounded up where the clock has no whole number of ticks."""
    return -(-cycles * (TICKS_PER_SECOND // 1_000_000) // clock_mhz)


def seconds_to_ticks(seconds: float) -> int:
    """Return the nearest whole number of ticks."""
    return round(seconds * TICKS_PER_SECOND)


def unit_parts(cost: TaskCycles, clock_mhz: int) -> tuple[Part, ...]:
    """Lay the units of a task out one after the other, as their cycles add up; without gaps, the idle ones left out."""
    parts = []
    cycles = begin = 0
    for unit, amount in zip(TaskCycles._fields, cost, strict=True):
        if amount:
            cycles += amount
            end = cycles_to_ticks(cycles, clock_mhz)
            parts.append(Part(unit, begin, end))
            begin = end
    return tuple(parts)


def launch_ticks(host: HostFigures, instance: int, number: int) -> int:
    """Return the ticks the host takes to launch call `number` of an instance.

    No two calls in a row take a host equally long. Were they to, instances would lock into patterns that no card is
    seen in. The first call takes the mean, which is also that of any `JITTER_PERIOD` calls in a row.
    """
    half = JITTER_PERIOD // 2
    place = (number * STEPS[instance % len(STEPS)] + half) % JITTER_PERIOD - half
    spread = seconds_to_ticks(host.launch_spread.value) // half
    return max(0, seconds_to_ticks(host.launch.value) + place * spread)
