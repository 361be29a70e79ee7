"""Placement: which buffers and weights lie in L1, in L2 or in DDR."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from axelera.compiler._errors import MemoryPlanError
from axelera.compiler.planning._options import PlanOptions
from axelera.compiler.planning._steps import ActivationBuffer, StepGraph

STREAM_HEAD = 1_500_000
"""Bytes that stay in a core's L1 from call to call of a weight tensor too large for L2, where L1 has room (from the
intercept of measured 1x1 layers)."""

TASK_LIST = 16 << 10
"""Bytes of task list per step that lie in L2, up to what the chip documents (assumed)."""

L2_FILL = 0.75
"""Part of L2 that whole buffers of very different sizes and lifetimes can fill."""


SPLIT_ROOM = 1 << 20
"""Bytes of L1 that a batch build keeps free for the tiles of buffers it splits between memories (assumed)."""


class DoesNotFit(MemoryPlanError):  # noqa: N818  read as a sentence: raise DoesNotFit("...")
    """A program asks for more memory than it was given; the message says which and how much."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a buffer or weight tensor lies in L1 and in L2, as fractions; the rest lies in DDR."""

    l1: float = 0.0
    l2: float = 0.0

    @property
    def ddr(self) -> float:
        """Fraction in DDR."""
        return max(0.0, 1.0 - self.l1 - self.l2)


@dataclass(slots=True)
class MemoryLayout:
    """Result of a placement. `streamed` holds the bytes of each step's weights that come from DDR every call."""

    shares: dict[str, Share] = field(default_factory=dict)
    streamed: list[int] = field(default_factory=list)
    l1_peak: int = 0
    l2_peak: int = 0
    """Bytes per frame."""
    weights_resident: int = 0


class _Pool:
    """Capacity over the steps of a frame."""

    def __init__(self, steps: int, capacity: float) -> None:
        self._used: npt.NDArray[np.float64] = np.zeros(max(1, steps))
        self.capacity = capacity

    def room(self, buffer: ActivationBuffer) -> float:
        """Return the bytes free over the whole life of a buffer."""
        used = self._used[max(buffer.birth, 0) : buffer.last + 1]
        return max(0.0, self.capacity - float(used.max()))

    def take(self, buffer: ActivationBuffer, amount: float) -> None:
        """Use `amount` bytes over the life of a buffer."""
        self._used[max(buffer.birth, 0) : buffer.last + 1] += amount

    @property
    def peak(self) -> int:
        """Most bytes in use at once."""
        return round(float(self._used.max()))


def worth(buffer: ActivationBuffer) -> float:
    """Return the traffic saved per byte and step held: what is small and busy goes on chip first."""
    return (buffer.size + buffer.read_bytes) / (buffer.size * buffer.lifetime)


def place(graph: StepGraph, options: PlanOptions) -> MemoryLayout:
    """Place all buffers and weights.

    Activations go first, since they save more traffic per byte and step than weights do, but leave room for the largest
    weight tensor; weights get what is left of L2 and stream the rest from DDR every call. Buffers are promoted whole in one-core builds; a
    batch build may split them between memories. Program inputs and outputs come last: into L2 if all else is on chip.

    Raises:
        DoesNotFit: the share of L2 does not even hold the task lists.
    """
    layout = MemoryLayout()
    weights = [step.weight_size for step in graph.steps]
    chip, batch = options.chip, options.cores > 1
    task_lists = options.cores * min(TASK_LIST * len(weights), int(chip.l2_task_lists))
    capacity = options.l2_bytes - task_lists
    if capacity < 0:
        raise DoesNotFit(
            f"the task lists of {len(weights)} steps on {options.cores} core(s) take {task_lists} bytes of L2, and the "
            f"model may use {options.l2_bytes}: give it a larger share (resources)"
        )
    l2_space = activation_space(weights, capacity) / options.cores
    l1_space = options.l1_bytes - (SPLIT_ROOM if batch else 0)
    l1 = _Pool(len(graph.steps), l1_space)
    l2 = _Pool(len(graph.steps), l2_space)
    inner = (b for b in graph.buffers.values() if not (b.external or b.spilled) and b.last >= 0 and b.size)
    for buffer in sorted(inner, key=worth, reverse=True):
        layout.shares[buffer.name] = _split(buffer, l1, l2) if batch else _whole(buffer, l1, l2)
    layout.l1_peak, layout.l2_peak = l1.peak, l2.peak
    room = capacity - options.cores * layout.l2_peak
    head = min(STREAM_HEAD, max(0, l1_space - layout.l1_peak))
    layout.streamed = _stream(weights, room, capacity, head)
    layout.weights_resident = sum(weights) - sum(layout.streamed)
    outer = [b for b in graph.buffers.values() if b.external]
    left = room - layout.weights_resident
    if not any(layout.streamed) and options.cores * sum(b.size for b in outer) <= left:
        layout.shares.update({buffer.name: Share(l2=1.0) for buffer in outer})
    return layout


def activation_space(weights: list[int], capacity: int) -> int:
    """Return the bytes of L2 that activations of all frames may use.

    What weights leave is free for activations. They may displace weights too, but no more than `L2_FILL` of L2, and
    not the staging area of the largest weight tensor through which displaced weights are streamed.
    """
    largest = max(weights, default=0)
    return max(0, capacity - sum(weights), min(round(L2_FILL * capacity), capacity - largest))


def _whole(buffer: ActivationBuffer, l1: _Pool, l2: _Pool) -> Share:
    for pool, share in ((l1, Share(l1=1.0)), (l2, Share(l2=1.0))):
        if buffer.size <= pool.room(buffer):
            pool.take(buffer, buffer.size)
            return share
    return Share()


def _split(buffer: ActivationBuffer, l1: _Pool, l2: _Pool) -> Share:
    first = min(1.0, l1.room(buffer) / buffer.size)
    l1.take(buffer, first * buffer.size)
    second = min(1.0 - first, l2.room(buffer) / buffer.size)
    l2.take(buffer, second * buffer.size)
    return Share(first, second)


def _stream(weights: list[int], room: int, capacity: int, head: int) -> list[int]:
    """Return per step the bytes to stream: tensors are kept whole, largest first, as long as there is room."""
    streamed = [0] * len(weights)
    for index in sorted(range(len(weights)), key=weights.__getitem__, reverse=True):
        if weights[index] <= room:
            room -= weights[index]
        else:
            streamed[index] = weights[index]
    for index, amount in enumerate(streamed):
        if amount > capacity:
            kept = min(amount, head)
            streamed[index] -= kept
            head -= kept
    return streamed
