"""The executor: one call runs all stages; helper threads take chunks from the same counters and may join late."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.fields import job as j
from axemu.emulator.compute.fields import range_ as r
from axemu.emulator.compute.micro import (
    atomic_add,
    atomic_load,
    atomic_swap,
    call_range,
    call_stage,
    fill_bytes,
    load_i64,
    njit,
    relax,
    semaphore_post,
    semaphore_wait,
    yield_thread,
)

SPINS = 2000
"""Looks at a counter before the core is offered to another thread."""


@njit
def _wait_for(counter: int, count: int) -> None:
    spins = 0
    while atomic_load(counter) < count:
        relax()
        spins += 1
        if spins > SPINS:
            yield_thread()


def make_work() -> Any:
    """Return work(job, 0, 0): take chunks until the program has finished."""

    @njit
    def work(job: int, _first: int, _second: int) -> None:
        counters = load_i64(job, j.COUNTERS)
        for index in range(load_i64(job, j.STAGE_COUNT)):
            stage = load_i64(job, j.STAGES) + 8 * j.STAGE_SIZE * index
            chunks, last = load_i64(stage, j.STAGE_CHUNKS), load_i64(stage, j.STAGE_LAST)
            finished = counters + last * j.COUNTER_BYTES + 64
            chunk = atomic_add(counters + index * j.COUNTER_BYTES, 1)
            while chunk < chunks:
                call_stage(
                    load_i64(stage, j.STAGE_FUNCTION), load_i64(stage, j.STAGE_DESCRIPTOR), chunk, chunks
                )
                atomic_add(finished, 1)
                if chunks == 1:
                    break
                chunk = atomic_add(counters + index * j.COUNTER_BYTES, 1)
            if index == last:
                _wait_for(finished, load_i64(stage, j.STAGE_GROUP_CHUNKS))

    return work


def make_run(work: Any) -> Any:
    """Return run(job, 0, 0): call the helpers of the job, work, and return when none is inside any more."""

    @njit
    def run(job: int, _first: int, _second: int) -> None:
        fill_bytes(load_i64(job, j.COUNTERS), 0, load_i64(job, j.STAGE_COUNT) * j.COUNTER_BYTES)
        atomic_swap(job + 8 * j.FINISHED, 0)
        helpers, helper_count = load_i64(job, j.HELPERS), load_i64(job, j.HELPER_COUNT)
        for index in range(helper_count):
            mailbox = load_i64(helpers, index)
            atomic_swap(mailbox, job)
            semaphore_post(mailbox + j.MAILBOX_SEMAPHORE)
        work(job, 0, 0)
        inside = 0
        for index in range(helper_count):
            # A helper that has not woken up yet finds its mailbox empty.
            if atomic_swap(load_i64(helpers, index), 0) != job:
                inside += 1
        _wait_for(job + 8 * j.FINISHED, inside)

    return run


def make_serve(work: Any) -> Any:
    """Return serve(mailbox, 0, 0): the life of a helper thread."""

    @njit
    def serve(mailbox: int, _first: int, _second: int) -> None:
        while True:
            # The next frame is often near; being woken up takes as long as a small network.
            spins = 0
            while atomic_load(mailbox) == 0 and spins < SPINS:
                relax()
                spins += 1
            semaphore_wait(mailbox + j.MAILBOX_SEMAPHORE)
            job = atomic_swap(mailbox, 0)
            if job == j.STOP:
                return
            if job != 0:
                work(job, 0, 0)
                atomic_add(job + 8 * j.FINISHED, 1)

    return serve


def make_over_pixels() -> Any:
    """Return over_pixels(descriptor, chunk, chunks): a range kernel over all pixels and channels of a tensor."""

    @njit
    def over_pixels(d: int, chunk: int, chunks: int) -> None:
        pixels = load_i64(d, r.PIXELS)
        call_range(
            load_i64(d, r.FUNCTION),
            load_i64(d, r.DESCRIPTOR),
            pixels * chunk // chunks,
            pixels * (chunk + 1) // chunks,
            0,
            load_i64(d, r.WIDTH),
        )

    return over_pixels
