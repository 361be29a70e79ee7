"""Shared bandwidth, on its own."""

from __future__ import annotations

from collections.abc import Sequence

import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from axemu.chip import TICKS_PER_SECOND
from axemu.emulator.metis._fluid import FluidServer


def served(transfers: Sequence[tuple[int, int, int]], rate: int) -> list[int]:
    """Start transfers (tick, channel, bytes) over three channels that share a rate; return when each ended."""
    env = simpy.Environment()

    def speeds(active: bytes) -> list[int]:
        busy = sum(map(bool, active))
        return [rate // busy if count else 0 for count in active]

    server = FluidServer(env, 3, speeds)
    ends: list[int] = [-1] * len(transfers)

    def one(number: int, tick: int, channel: int, amount: int) -> simpy.events.ProcessGenerator:
        yield env.timeout(tick)
        transfer = server.transfer(channel, amount, int(env.now))
        yield from server.wait(transfer)
        assert transfer.end is not None
        ends[number] = transfer.end

    for number, transfer in enumerate(transfers):
        env.process(one(number, *transfer))
    env.run()
    return ends


TRANSFERS = st.lists(
    st.tuples(st.integers(0, 3000), st.integers(0, 2), st.integers(0, 40)), min_size=1, max_size=12
)


@settings(max_examples=300)
@given(TRANSFERS, st.sampled_from((10**9, 3 * 10**9, 28 * 10**9)))
def test_every_transfer_ends_and_no_sooner_than_alone(
    transfers: list[tuple[int, int, int]], rate: int
) -> None:
    for (tick, _, amount), end in zip(transfers, served(transfers, rate), strict=True):
        assert end >= tick + amount * TICKS_PER_SECOND // rate


def test_a_transfer_that_is_due_when_another_slows_it_down_ends_then() -> None:
    # Bytes that end between two ticks, and a second transfer at the very tick at which the first is over.
    rate, amount = 84 * 10**9 - 1, 1000
    over = -(-amount * TICKS_PER_SECOND // rate)
    assert served([(0, 0, amount), (over, 1, 10)], rate)[0] == over
