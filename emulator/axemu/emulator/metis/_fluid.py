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
    the same numbers to the same rates. Within a channel the rate is shared equally (processor sharing).
    """

    def __init__(self, env: simpy.Environment, channels: int, speeds: Speeds) -> None:
        self._env = env
        self._speeds = functools.lru_cache(maxsize=1024)(speeds)
        self._served = [0] * channels
        self._rate = [0] * channels
        self._waiting: list[list[tuple[int, int, simpy.Event]]] = [[] for _ in range(channels)]
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
            return done.succeed()
        self._advance()
        self.bytes_moved[channel] += amount
        self._sequence += 1
        target = self._served[channel] + amount * TICKS_PER_SECOND * SHARES
        heapq.heappush(self._waiting[channel], (target, self._sequence, done))
        self._reschedule()
        return done

    def snapshot(self) -> tuple[object, ...]:
        """Return what is left of the transfers in progress and how fast they go, relative to now."""
        left = tuple(
            (rate, *(target - served for target, _, _ in sorted(waiting)))
            for waiting, served, rate in zip(self._waiting, self._served, self._rate, strict=True)
            if waiting
        )
        return (int(self._env.now) - self._last, left)

    def _advance(self) -> None:
        now = int(self._env.now)
        elapsed = now - self._last
        if elapsed:
            for channel, waiting in enumerate(self._waiting):
                if waiting:
                    self._served[channel] += elapsed * self._rate[channel]
                    self.busy[channel] += elapsed
            self._last = now

    def _reschedule(self) -> None:
        active = tuple(map(len, self._waiting))
        soonest = -1
        for channel, speed in enumerate(self._speeds(active)):
            if self.history is not None and self._shown[channel] != (
                shown := speed if active[channel] else 0
            ):
                self._shown[channel] = shown
                self.history.append((int(self._env.now), channel, shown))
            if active[channel]:
                rate = max(1, speed * SHARES // active[channel])
                self._rate[channel] = rate
                ticks = -((self._served[channel] - self._waiting[channel][0][0]) // rate)
                if soonest < 0 or ticks < soonest:
                    soonest = ticks
        self._ticket += 1
        if soonest >= 0:
            wake = self._env.timeout(max(0, soonest), self._ticket)
            wake.callbacks.append(self._wake)

    def _wake(self, event: simpy.Event) -> None:
        if event.value != self._ticket:
            return
        self._advance()
        for channel, waiting in enumerate(self._waiting):
            while waiting and waiting[0][0] <= self._served[channel]:
                heapq.heappop(waiting)[2].succeed()
            if not waiting:
                self._served[channel] = 0
        self._reschedule()
