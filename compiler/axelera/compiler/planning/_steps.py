"""Steps and buffers: what of a program costs time, and which tensors share storage."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ActivationBuffer:
    """A piece of activation storage for one frame. `external` buffers are the program's inputs and outputs."""

    name: str
    size: int
    external: bool = False
    spilled: bool = False
    """Never promoted out of DDR."""
    birth: int = -1
    last: int = -1
    read_bytes: int = 0

    @property
    def lifetime(self) -> int:
        """Steps the buffer is alive for."""
        return max(1, self.last - max(self.birth, 0) + 1)


@dataclass(slots=True)
class Step:
    """Something the chip does, with what it reads and writes as (buffer, bytes) and how much it uses each unit."""

    name: str
    op: str
    reads: list[tuple[str, int]]
    writes: tuple[str, int]
    mvm_slots: int = 0
    macs: int = 0
    weight_size: int = 0
    """Bytes of constant weights."""
    operand_size: int = 0
    """Bytes of an activation that is loaded into the array as if it were weights."""
    taps: int = 0
    vectors: int = 0
    broadcasts: int = 0
    gathers: int = 0
    layers: int = 1


@dataclass(slots=True)
class StepGraph:
    """Steps in program order and the buffers they use."""

    steps: list[Step] = field(default_factory=list)
    buffers: dict[str, ActivationBuffer] = field(default_factory=dict)

    def close(self) -> None:
        """Work out when each buffer is alive and how much of it is read."""
        for index, step in enumerate(self.steps):
            for name, amount in step.reads:
                buffer = self.buffers[name]
                buffer.last = max(buffer.last, index)
                buffer.read_bytes += amount
            buffer = self.buffers[step.writes[0]]
            if buffer.birth < 0:
                buffer.birth = index
            buffer.last = max(buffer.last, index)
