"""Shared bandwidth: transfers in progress share a channel's rate equally, exactly, on integer ticks."""

from __future__ import annotations

import functools
import heapq
from collections.abc import Callable, Sequence

import simpy

from axemu.chip import TICKS_PER_SECOND

SHARES = 720_720
"""Least common multiple of 1..16, so that the share of each of up to 16 transfers is a whole number."""

Speeds = Callable[[tuple[int, ...]], Sequence[int]]


class FluidServer:
    """Channels whose rates depend on which of them are in use.

    `speeds` maps the number of active transfers per channel to the rate per channel in bytes per second, and always
    the same numbers to the same rates. Within a channel the rate is shared equally (processor sharing). `groups` are
    channels whose busy time is counted together.
    """

    def __init__(
        self, env: simpy.Environment, channels: int, speeds: Speeds, groups: Sequence[range] = ()
    ) -> None:
        self._env = env
        self._speeds = functools.lru_cache(maxsize=1024)(speeds)
        self._served = [0] * channels
        self._rate = [0] * channels
        self._waiting: list[list[tuple[int, int, simpy.Event]]] = [[] for _ in range(channels)]
        self._active: list[int] = []
        self._group_of = {channel: number for number, group in enumerate(groups) for channel in group}
        self.group_busy = [0] * len(groups)
        self._last = 0
        self._ticket = 0
        self._sequence = 0
        self.history: list[tuple[int, int, int]] | None = None
        """When a list: (tick, channel, bytes per second) of every change."""
        self._shown = [0] * channels
        self.busy = [0] * channels
        self.bytes_moved = [0] * channels

    def transfer(self, channel: int, amount: int) -> simpy.Event:
        """Move `amount` bytes over `channel`; the event fires when the last byte has arrived."""
        done = self._env.event()
        if amount <= 0:
            return done.succeed(int(self._env.now))
        self._advance()
        self.bytes_moved[channel] += amount
        self._sequence += 1
        target = self._served[channel] + amount * TICKS_PER_SECOND * SHARES
        if not self._waiting[channel]:
            self._active = sorted((*self._active, channel))
        heapq.heappush(self._waiting[channel], (target, self._sequence, done))
        self._reschedule()
        return done

    def snapshot(self) -> tuple[object, ...]:
        """Return what is left of the transfers in progress and how fast they go, relative to now."""
        left = tuple(
            (
                channel,
                self._rate[channel],
                *(target - self._served[channel] for target, _, _ in sorted(self._waiting[channel])),
            )
            for channel in self._active
        )
        return (int(self._env.now) - self._last, left)

    def _advance(self) -> None:
        now = int(self._env.now)
        elapsed = now - self._last
        if elapsed:
            for channel in self._active:
                self._served[channel] += elapsed * self._rate[channel]
                self.busy[channel] += elapsed
            if self._group_of:
                for group in {self._group_of[one] for one in self._active if one in self._group_of}:
                    self.group_busy[group] += elapsed
            self._last = now

    def _reschedule(self) -> None:
        active = tuple(map(len, self._waiting))
        soonest = -1
        speeds = self._speeds(active)
        if self.history is not None:
            self._remember(active, speeds)
        for channel in self._active:
            rate = max(1, speeds[channel] * SHARES // active[channel])
            self._rate[channel] = rate
            # What is due, and was slowed down in the same tick, is due now.
            ticks = max(0, -((self._served[channel] - self._waiting[channel][0][0]) // rate))
            if soonest < 0 or ticks < soonest:
                soonest = ticks
        self._ticket += 1
        if soonest >= 0:
            wake = self._env.timeout(soonest, self._ticket)
            wake.callbacks.append(self._wake)

    def _remember(self, active: Sequence[int], speeds: Sequence[int]) -> None:
        assert self.history is not None  # noqa: S101 - asked by the caller
        for channel, speed in enumerate(speeds):
            shown = speed if active[channel] else 0
            if self._shown[channel] != shown:
                self._shown[channel] = shown
                self.history.append((int(self._env.now), channel, shown))

    def _wake(self, event: simpy.Event) -> None:
        if event.value != self._ticket:
            return
        self._advance()
        for channel in self._active:
            waiting = self._waiting[channel]
            while waiting and waiting[0][0] <= self._served[channel]:
                heapq.heappop(waiting)[2].succeed(int(self._env.now))
            if not waiting:
                self._served[channel] = 0
        self._active = [channel for channel in self._active if self._waiting[channel]]
        self._reschedule()
