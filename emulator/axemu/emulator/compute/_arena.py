"""The order of stages and the memory they share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._layout import SLACK, Buffer, Stage

ALIGNMENT = 64
GUARD = 64
"""Bytes before the first buffer; nothing reads them, but a table bug should not leave the arena either."""


def assign_groups(stages: Sequence[Stage]) -> None:
    """Put stages into groups that run one after the other; within a group nobody reads what another writes.

    Stages of a group may use the same buffer, as each tensor has its own bytes of it and these are written once a frame:
    what a stage writes after another has read the buffer is not what that one read. Two buffers used in one group never
    share memory (`plan_arena`), so reading before writing needs no care.
    """
    group = 0
    written: set[int] = set()
    for stage in stages:
        if stage.ordered or any(id(view.buffer) in written for view in stage.reads):
            group += 1
            written = set()
        stage.group = group
        written.update(id(view.buffer) for view in stage.writes)


def plan_arena(stages: Sequence[Stage], constants: Sequence[Buffer]) -> int:
    """Give every buffer its place; buffers never alive in the same group may share bytes. Returns the arena's size.

    Largest first, each at the lowest place that is free for all its life.
    """
    last_group = stages[-1].group if stages else 0
    lives: dict[int, tuple[Buffer, int, int]] = {id(buffer): (buffer, 0, last_group) for buffer in constants}
    for stage in stages:
        for buffer in stage.buffers:
            _, first, last = lives.get(id(buffer), (buffer, stage.group, stage.group))
            end = last_group if buffer.kept else max(last, stage.group)
            lives[id(buffer)] = (buffer, min(first, stage.group), end)
    placed = _Placed(len(lives))
    for buffer, first, last in sorted(lives.values(), key=lambda life: -life[0].size):
        room = -(-(buffer.size + SLACK) // ALIGNMENT) * ALIGNMENT
        buffer.offset = placed.put(room, first, last)
    return placed.size


class _Placed:
    """What has its place, by place: rows of begin, end, and the first and last group of its life."""

    def __init__(self, most: int) -> None:
        self._rows = np.empty((4, most), np.int64)
        self._count = 0
        self.size = GUARD

    def put(self, room: int, first: int, last: int) -> int:
        """Place `room` bytes as low as they are free from group `first` to `last`; returns where."""
        begins, ends, firsts, lasts = rows = self._rows[:, : self._count]
        alive = np.flatnonzero((lasts >= first) & (firsts <= last))
        # Free is what lies between the furthest end so far and the next begin.
        reached = np.concatenate([[GUARD], np.maximum.accumulate(ends[alive])])
        gaps = np.flatnonzero(begins[alive] - reached[:-1] >= room)
        place = int(reached[gaps[0]] if gaps.size else reached[-1])
        at = int(np.searchsorted(begins, place))
        self._rows[:, at + 1 : self._count + 1] = rows[:, at:].copy()
        self._rows[:, at] = (place, place + room, first, last)
        self._count += 1
        self.size = max(self.size, place + room)
        return place
