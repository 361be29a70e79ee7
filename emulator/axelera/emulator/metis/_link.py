"""The PCIe links: two directions with a joint cap, and what several boards share upstream."""

from __future__ import annotations

from collections.abc import Sequence

import simpy

from axelera.emulator.metis._fluid import FluidServer
from axelera.emulator.metis._spec import Board

DIRECTIONS = ("link_in", "link_out")


class LinkFabric:
    """All links of a host. Channel 2*board is towards the board, 2*board + 1 back."""

    def __init__(self, env: simpy.Environment, boards: Sequence[Board]) -> None:
        self._boards = boards
        self._one_way = [int(b.figures.link_bandwidth) for b in boards]
        self._joint = [int(b.figures.link_joint_bandwidth) for b in boards]
        self._groups: dict[str, list[int]] = {}
        for number, board in enumerate(boards):
            if board.upstream_group:
                self._groups.setdefault(board.upstream_group, []).append(number)
        self._server = FluidServer(env, 2 * len(boards), self._speeds)

    def transfer(self, board: int, direction: int, amount: int) -> simpy.Event:
        """Move bytes over a board's link; direction 0 is towards the board."""
        return self._server.transfer(2 * board + direction, amount)

    def report(self, busy: dict[str, int], moved: dict[str, int]) -> None:
        """Add busy ticks and bytes per link direction."""
        for number in range(len(self._boards)):
            for direction, name in enumerate(DIRECTIONS):
                busy[f"board{number}.{name}"] = self._server.busy[2 * number + direction]
                moved[f"board{number}.{name}"] = self._server.bytes_moved[2 * number + direction]

    def _speeds(self, active: Sequence[int]) -> list[int]:
        speeds = [0] * len(active)
        for number, (one_way, joint) in enumerate(zip(self._one_way, self._joint, strict=True)):
            both = active[2 * number] and active[2 * number + 1]
            speed = min(one_way, joint // 2) if both else one_way
            for channel in (2 * number, 2 * number + 1):
                speeds[channel] = speed if active[channel] else 0
        for members in self._groups.values():
            channels = [c for number in members for c in (2 * number, 2 * number + 1)]
            wanted = sum(speeds[c] for c in channels)
            limit = min(int(self._boards[number].figures.upstream) for number in members)
            if wanted > limit:
                for channel in channels:
                    speeds[channel] = speeds[channel] * limit // wanted
        return speeds
