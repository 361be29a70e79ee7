"""Shared bandwidth: transfers in progress share a channel's rate equally, exactly, on integer ticks."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable, Generator, Sequence
from typing import Any

import simpy

from axemu.chip import TICKS_PER_SECOND

SHARES = 720_720
"""Least common multiple of 1..16, so that the share of each of up to 16 transfers is a whole number."""

NEVER = float("inf")

Speeds = Callable[[bytes], Sequence[int]]
Steps = Generator[simpy.Event, Any, None]


class Transfer:
    """Bytes under way; `end` is the tick at which the last one arrives, as soon as it is known."""

    __slots__ = ("end", "event")

    def __init__(self, end: int | None = None) -> None:
        self.end = end
        self.event: simpy.Event | None = None


class FluidServer:
    """Channels whose rates depend on which of them are in use.

    `speeds` maps a byte per channel, 1 where it is in use, to the rate per channel in bytes per second, and always the
    same bytes to the same rates. Within a channel the rate is shared equally (processor sharing). `groups` are
    channels whose busy time is counted together.

    The server has a tick of its own. It goes ahead of the simulation as far as nothing can happen that it does not know
    of: up to the next event, and up to `horizon`.
    """

    def __init__(
        self, env: simpy.Environment, channels: int, speeds: Speeds, groups: Sequence[range] = ()
    ) -> None:
        self._env = env
        self._speeds = functools.lru_cache(maxsize=1024)(speeds)
        self._now = 0
        self._waiting: list[list[tuple[int, int, Transfer]]] = [[] for _ in range(channels)]
        self._used = bytearray(channels)
        self._active: list[int] = []
        self._rate = [0] * channels
        self._served = [0] * channels
        self._counted = [0] * channels
        """Ticks up to which `_served` is told."""
        self._dues: list[float] = [NEVER] * channels
        self._due: float = NEVER
        self._woken: float = NEVER
        """Tick of the next event that lets transfers end somebody waits for."""
        self._watched = 0
        self._sequence = 0
        self._clocks = [_BusyClock() for _ in range(channels)]
        self._group_clocks = [_BusyClock() for _ in groups]
        self._group_of = {
            channel: self._group_clocks[number] for number, group in enumerate(groups) for channel in group
        }
        self.horizon: float = NEVER
        """Nobody will start a transfer at or before this tick, save in an event of the simulation."""
        self.history: list[tuple[int, int, int]] | None = None
        """When a list: (tick, channel, bytes per second) of every change."""
        self._shown = [0] * channels
        self.bytes_moved = [0] * channels

    @property
    def busy(self) -> list[int]:
        """Ticks each channel was in use."""
        return [clock.total(self._now) for clock in self._clocks]

    @property
    def group_busy(self) -> list[int]:
        """Ticks any channel of each group was in use."""
        return [clock.total(self._now) for clock in self._group_clocks]

    def foresees(self, tick: int) -> bool:
        """Return whether nothing unknown can happen up to and including `tick`."""
        return tick < self._env.peek() and tick <= self.horizon

    def transfer(self, channel: int, amount: int, tick: int) -> Transfer:
        """Move `amount` bytes over `channel` from `tick` on, which is now or foreseen."""
        if amount <= 0:
            return Transfer(tick)
        while self._due <= tick:
            self._end_due(int(self._due))
        self._now = tick
        self._count(channel)
        transfer = Transfer()
        self.bytes_moved[channel] += amount
        self._sequence += 1
        target = self._served[channel] + amount * TICKS_PER_SECOND * SHARES
        if not self._waiting[channel]:
            self._used[channel] = 1
            self._active.append(channel)
            self._clocks[channel].begin(tick)
            if group := self._group_of.get(channel):
                group.begin(tick)
        heapq.heappush(self._waiting[channel], (target, self._sequence, transfer))
        self._share([channel])
        return transfer

    def wait(self, transfer: Transfer) -> Steps:
        """Find out when a transfer ends; the simulation only gets there where that cannot be foreseen."""
        while transfer.end is None and self._due <= self.horizon and self._due < self._env.peek():
            self._end_due(int(self._due))
        if transfer.end is None:
            transfer.event = self._env.event()
            self._watched += 1
            self._wake_when_due()
            yield transfer.event

    def snapshot(self) -> tuple[object, ...]:
        """Return what is left of the transfers in progress and how fast they go, relative to now."""
        left = []
        for channel in sorted(self._active):
            rate = self._rate[channel]
            served = self._served[channel] + (self._now - self._counted[channel]) * rate
            left.append(
                (channel, rate, *(target - served for target, _, _ in sorted(self._waiting[channel])))
            )
        return (int(self._env.now) - self._now, tuple(left))

    def _count(self, channel: int) -> None:
        """Bring what a channel has served up to now."""
        self._served[channel] += (self._now - self._counted[channel]) * self._rate[channel]
        self._counted[channel] = self._now

    def _end_due(self, tick: int) -> None:
        """Go to `tick`, at which some transfers are over."""
        self._now = tick
        changed = []
        for channel in [one for one in self._active if self._dues[one] <= tick]:
            self._count(channel)
            waiting = self._waiting[channel]
            while waiting and waiting[0][0] <= self._served[channel]:
                transfer = heapq.heappop(waiting)[2]
                transfer.end = tick
                if transfer.event is not None:
                    self._watched -= 1
                    transfer.event.succeed()
            if waiting:
                changed.append(channel)
            else:
                self._close(channel)
        self._share(changed)

    def _close(self, channel: int) -> None:
        self._active.remove(channel)
        self._used[channel] = 0
        self._rate[channel] = self._served[channel] = 0
        self._dues[channel] = NEVER
        self._clocks[channel].end(self._now)
        if group := self._group_of.get(channel):
            group.end(self._now)

    def _share(self, changed: Sequence[int]) -> None:
        """Give every channel its rate; the transfers of those `changed` are others than before."""
        speeds = self._speeds(bytes(self._used))
        if self.history is not None:
            self._remember(speeds)
        dues = self._dues
        for channel in self._active:
            waiting = self._waiting[channel]
            rate = speeds[channel] * SHARES // len(waiting) or 1
            if rate != self._rate[channel] or channel in changed:
                self._count(channel)
                self._rate[channel] = rate
                left = waiting[0][0] - self._served[channel]
                # What is due, and was slowed down in the same tick, is due now.
                dues[channel] = self._now + max(0, -(-left // rate))
        self._due = min([dues[channel] for channel in self._active], default=NEVER)
        if self._watched:
            self._wake_when_due()

    def _wake_when_due(self) -> None:
        """Make an event of the next end; one that comes too early does no harm."""
        if self._due < self._woken:
            self._woken = self._due
            wake = self._env.timeout(self._due - self._env.now)
            wake.callbacks.append(self._wake)

    def _wake(self, event: simpy.Event) -> None:  # noqa: ARG002
        now = int(self._env.now)
        if now != self._woken:
            return
        self._woken = NEVER
        while self._due <= now:
            self._end_due(int(self._due))
        if self._watched:
            self._wake_when_due()

    def _remember(self, speeds: Sequence[int]) -> None:
        assert self.history is not None  # noqa: S101 - asked by the caller
        for channel, speed in enumerate(speeds):
            shown = speed if self._used[channel] else 0
            if self._shown[channel] != shown:
                self._shown[channel] = shown
                self.history.append((self._now, channel, shown))


class _BusyClock:
    """Counts the ticks during which at least one of some things is in use."""

    __slots__ = ("_since", "_sum", "_users")

    def __init__(self) -> None:
        self._users = self._since = self._sum = 0

    def begin(self, tick: int) -> None:
        if not self._users:
            self._since = tick
        self._users += 1

    def end(self, tick: int) -> None:
        self._users -= 1
        if not self._users:
            self._sum += tick - self._since

    def total(self, tick: int) -> int:
        return self._sum + (tick - self._since if self._users else 0)
