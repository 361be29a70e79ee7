"""What boards share: the DDR of each board, its link in both directions, and the way upstream.

Cores that fetch at the same time share the DDR equally; one alone cannot take all of it. Each direction of a link, and
both together, have a rate; boards behind one upstream share them.
"""

from __future__ import annotations

from collections.abc import Sequence

import simpy

from axemu.emulator.metis._fluid import FluidServer, Steps, Transfer
from axemu.emulator.metis._spec import Board, Rate

LINK_IN, LINK_OUT = range(2)
WIDTHS = (1, 2, 3, 4)
"""Cores that may fetch together, each for itself."""


class Fabric:
    """Channels of each board: its link's two directions, and one to DDR per core and number of cores in lockstep.

    A copy over the link also loads the board's DDR, at the speed of the link.
    """

    def __init__(self, env: simpy.Environment, boards: Sequence[Board]) -> None:
        self._env = env
        self._boards = boards
        self._cores = max((int(board.chip.cores) for board in boards), default=1)
        self._stride = 2 + self._cores * len(WIDTHS)
        self._one_way = [int(b.figures.link_bandwidth) for b in boards]
        self._joint = [int(b.figures.link_joint_bandwidth) for b in boards]
        self._ddr = [int(b.figures.memory_bandwidth) for b in boards]
        self._core = [int(b.figures.core_bandwidth) for b in boards]
        self._floor = [int(b.figures.memory_bandwidth.value * b.figures.memory_floor.value) for b in boards]
        self._groups: dict[str, list[int]] = {}
        for number, board in enumerate(boards):
            if board.upstream_group:
                self._groups.setdefault(board.upstream_group, []).append(number)
        memories = [range(self._stride * n + 2, self._stride * (n + 1)) for n in range(len(boards))]
        self._server = FluidServer(env, self._stride * len(boards), self._speeds, memories)

    def keep_history(self) -> None:
        """Remember every change of a rate, for a trace."""
        self._server.history = []

    def rates(self) -> tuple[Rate, ...]:
        """Return the changes of rates so far; those of the DDR are of all its cores together."""
        rates: dict[tuple[int, str], int] = {}
        shares: dict[int, int] = {}
        totals: dict[int, int] = {}
        for tick, channel, speed in self._server.history or ():
            board, place = divmod(channel, self._stride)
            if place < 2:
                rates[tick, f"board{board}.{('link_in', 'link_out')[place]}"] = speed
                continue
            totals[board] = totals.get(board, 0) + speed - shares.get(channel, 0)
            shares[channel] = speed
            rates[tick, f"board{board}.ddr"] = totals[board]  # the last of a tick holds
        return tuple(Rate(tick, unit, speed) for (tick, unit), speed in rates.items())

    def snapshot(self) -> tuple[object, ...]:
        """Return what is left of each transfer."""
        return self._server.snapshot()

    def look_ahead(self, horizon: float) -> None:
        """Let transfers be worked out ahead of the simulation up to a tick at which nothing new comes from outside."""
        self._server.horizon = horizon

    def foresees(self, tick: int) -> bool:
        """Return whether nothing unknown can happen up to and including `tick`."""
        return self._server.foresees(tick)

    def copy(self, board: int, direction: int, amount: int) -> Steps:
        """Move bytes over the link of a board; ends when the last byte has arrived."""
        now = int(self._env.now)
        transfer = self._server.transfer(self._stride * board + direction, amount, now)
        yield from self._server.wait(transfer)
        if transfer.end is not None and transfer.end > self._env.now:
            yield self._env.timeout(transfer.end - self._env.now)

    def fetch(self, board: int, core: int, width: int, amount: int, tick: int) -> Transfer:
        """Move bytes between DDR and `width` cores from `core` on, all of them together, from `tick` on."""
        place = 2 + core * len(WIDTHS) + WIDTHS.index(width)
        return self._server.transfer(self._stride * board + place, amount, tick)

    def wait(self, transfer: Transfer) -> Steps:
        """Find out when a transfer ends."""
        return self._server.wait(transfer)

    def report(self, busy: dict[str, int], moved: dict[str, int]) -> None:
        """Add busy ticks and bytes per channel."""
        channels, memories = self._server.busy, self._server.group_busy
        for number in range(len(self._boards)):
            first = self._stride * number
            for direction, name in enumerate(("link_in", "link_out")):
                busy[f"board{number}.{name}"] = channels[first + direction]
                moved[f"board{number}.{name}"] = self._server.bytes_moved[first + direction]
            busy[f"board{number}.ddr"] = memories[number]
            moved[f"board{number}.ddr"] = sum(self._server.bytes_moved[first + 2 : first + self._stride])

    def _speeds(self, active: bytes) -> list[int]:
        speeds = [0] * len(active)
        for number, (one_way, joint) in enumerate(zip(self._one_way, self._joint, strict=True)):
            self._share(speeds, active, [number], one_way, joint)
        for members in self._groups.values():
            ways = [min(figures[number] for number in members) for figures in (self._one_way, self._joint)]
            self._share(speeds, active, members, *ways)
        for number, bandwidth in enumerate(self._ddr):
            first = self._stride * number
            left = max(self._floor[number], bandwidth - speeds[first + LINK_IN] - speeds[first + LINK_OUT])
            fetching = [
                (place, WIDTHS[(place - 2) % len(WIDTHS)])
                for place in range(2, self._stride)
                if active[first + place]
            ]
            cores = sum(width for _, width in fetching)
            for place, width in fetching:
                speeds[first + place] = width * min(self._core[number], left // cores)
        return speeds

    def _share(
        self, speeds: list[int], active: bytes, members: Sequence[int], one_way: int, joint: int
    ) -> None:
        """Let copies of some boards share each direction of a way, and both of them."""
        ways = [
            [self._stride * number + way for number in members if active[self._stride * number + way]]
            for way in (LINK_IN, LINK_OUT)
        ]
        limit = min(one_way, joint // 2) if all(ways) else one_way
        for channels in ways:
            for channel in channels:
                share = limit // len(channels)
                speeds[channel] = min(speeds[channel], share) if speeds[channel] else share
