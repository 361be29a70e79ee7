"""What boards share: the DDR of each board, its link in both directions, and the way upstream.

DDR and each direction of a link serve DMA descriptors one after the other, round robin; a long transfer is several
descriptors. Served in tiny pieces instead, cores would end their transfers together however far apart they began, and
from then on go in step, which no card is seen to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import simpy

from axemu.emulator.metis._fluid import FluidServer
from axemu.emulator.metis._spec import Board, Rate

LINK_IN, LINK_OUT, DDR = range(3)
NAMES = ("link_in", "link_out", "ddr")


@dataclass(slots=True)
class _Transfer:
    left: int
    done: simpy.Event


class Fabric:
    """Three channels per board. A copy over the link also loads the board's DDR, at the speed of the link."""

    def __init__(self, env: simpy.Environment, boards: Sequence[Board]) -> None:
        self._boards = boards
        self._one_way = [int(b.figures.link_bandwidth) for b in boards]
        self._joint = [int(b.figures.link_joint_bandwidth) for b in boards]
        self._ddr = [int(b.figures.memory_bandwidth) for b in boards]
        self._groups: dict[str, list[int]] = {}
        for number, board in enumerate(boards):
            if board.upstream_group:
                self._groups.setdefault(board.upstream_group, []).append(number)
        self._env = env
        self._queues: list[deque[_Transfer]] = [deque() for _ in range(len(NAMES) * len(boards))]
        self._descriptor = [int(b.chip.descriptor_bytes) for b in boards]
        self._server = FluidServer(env, len(NAMES) * len(boards), self._speeds)

    def keep_history(self) -> None:
        """Remember every change of a rate, for a trace."""
        self._server.history = []

    def rates(self) -> tuple[Rate, ...]:
        """Return the changes of rates so far."""
        return tuple(
            Rate(tick, f"board{channel // len(NAMES)}.{NAMES[channel % len(NAMES)]}", speed)
            for tick, channel, speed in self._server.history or ()
        )

    def snapshot(self) -> tuple[object, ...]:
        """Return what is left of each transfer, in the order they are served."""
        return (*(tuple(one.left for one in queue) for queue in self._queues), self._server.snapshot())

    def transfer(self, board: int, channel: int, amount: int) -> simpy.Event:
        """Move bytes over one channel of a board; the event fires when the last byte has arrived."""
        transfer = _Transfer(amount, self._env.event())
        if amount <= 0:
            return transfer.done.succeed()
        place = len(NAMES) * board + channel
        self._queues[place].append(transfer)
        if len(self._queues[place]) == 1:
            self._serve(place)
        return transfer.done

    def _serve(self, place: int) -> None:
        transfer = self._queues[place][0]
        amount = min(transfer.left, self._descriptor[place // len(NAMES)])
        transfer.left -= amount
        served = self._server.transfer(place, amount)
        served.callbacks.append(lambda _event: self._served(place))

    def _served(self, place: int) -> None:
        queue = self._queues[place]
        transfer = queue.popleft()
        if transfer.left:
            queue.append(transfer)
        else:
            transfer.done.succeed()
        if queue:
            self._serve(place)

    def report(self, busy: dict[str, int], moved: dict[str, int]) -> None:
        """Add busy ticks and bytes per channel."""
        for number in range(len(self._boards)):
            for channel, name in enumerate(NAMES):
                busy[f"board{number}.{name}"] = self._server.busy[len(NAMES) * number + channel]
                moved[f"board{number}.{name}"] = self._server.bytes_moved[len(NAMES) * number + channel]

    def _speeds(self, active: tuple[int, ...]) -> list[int]:
        speeds = [0] * len(active)
        for number, (one_way, joint) in enumerate(zip(self._one_way, self._joint, strict=True)):
            first = len(NAMES) * number
            both = active[first + LINK_IN] and active[first + LINK_OUT]
            speed = min(one_way, joint // 2) if both else one_way
            for channel in (first + LINK_IN, first + LINK_OUT):
                speeds[channel] = speed if active[channel] else 0
        for members in self._groups.values():
            channels = [len(NAMES) * number + way for number in members for way in (LINK_IN, LINK_OUT)]
            wanted = sum(speeds[channel] for channel in channels)
            limit = min(int(self._boards[number].figures.upstream) for number in members)
            if wanted > limit:
                for channel in channels:
                    speeds[channel] = speeds[channel] * limit // wanted
        for number, bandwidth in enumerate(self._ddr):
            first = len(NAMES) * number
            copies = speeds[first + LINK_IN] + speeds[first + LINK_OUT]
            speeds[first + DDR] = max(bandwidth // 10, bandwidth - copies)
        return speeds
