"""The executor: one call runs all stages; helper threads take chunks from the same counters and may join late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from axemu.emulator.compute.micro import (
    Isa,
    Source,
    atomic_add,
    atomic_load,
    atomic_swap,
    call_range,
    call_stage,
    fill_bytes,
    load_i64,
    njit,
    reader,
    relax,
    semaphore_post,
    semaphore_wait,
    sources,
    yield_thread,
)

from .arguments import (
    COUNTER_BYTES,
    JOB_SEMAPHORE,
    MAILBOX_SEMAPHORE,
    OVER_PIXELS,
    RUN,
    SERVE,
    STOP,
    WORK,
    Job,
    OverPixels,
    StageRow,
)

job_at, stage_at, over_pixels_at = reader(Job), reader(StageRow), reader(OverPixels)
STAGE_BYTES, FINISHED, ENDED = StageRow.size(), Job.offset("finished"), Job.offset("ended")

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
    def work(address: int, _first: int, _second: int) -> None:
        job = job_at(address)
        counters = job.counters
        for index in range(job.stage_count):
            stage = stage_at(job.stages + STAGE_BYTES * index)
            chunks, last = stage.chunks, stage.last
            finished = counters + last * COUNTER_BYTES + 64
            chunk = atomic_add(counters + index * COUNTER_BYTES, 1)
            while chunk < chunks:
                call_stage(stage.function, stage.arguments, chunk, chunks)
                atomic_add(finished, 1)
                if chunks == 1:
                    break
                chunk = atomic_add(counters + index * COUNTER_BYTES, 1)
            if index == last:
                _wait_for(finished, stage.group_chunks)

    return work


def make_run(work: Any) -> Any:
    """Return run(job, 0, 0): call the helpers of the job, work or sleep, and return when none is inside any more."""

    @njit
    def run(address: int, _first: int, _second: int) -> None:
        job = job_at(address)
        fill_bytes(job.counters, 0, job.stage_count * COUNTER_BYTES)
        atomic_swap(address + FINISHED, 0)
        atomic_swap(address + ENDED, 0)
        helpers, helper_count = job.helpers, job.helper_count
        for index in range(helper_count):
            mailbox = load_i64(helpers, index)
            atomic_swap(mailbox, address)
            semaphore_post(mailbox + MAILBOX_SEMAPHORE)
        if job.aside:
            while atomic_load(address + ENDED) == 0:
                semaphore_wait(address + JOB_SEMAPHORE)
        else:
            work(address, 0, 0)
        inside = 0
        for index in range(helper_count):
            # A helper that has not woken up yet finds its mailbox empty.
            if atomic_swap(load_i64(helpers, index), 0) != address:
                inside += 1
        _wait_for(address + FINISHED, inside)

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
            semaphore_wait(mailbox + MAILBOX_SEMAPHORE)
            job = atomic_swap(mailbox, 0)
            if job == STOP:
                return
            if job != 0:
                work(job, 0, 0)
                if job_at(job).aside and atomic_swap(job + ENDED, 1) == 0:
                    semaphore_post(job + JOB_SEMAPHORE)
                atomic_add(job + FINISHED, 1)

    return serve


def make_over_pixels() -> Any:
    """Return over_pixels(arguments, chunk, chunks): a range kernel over all pixels and channels of a tensor."""

    @njit
    def over_pixels(address: int, chunk: int, chunks: int) -> None:
        a = over_pixels_at(address)
        pixels = a.pixels
        call_range(
            a.function,
            a.arguments,
            pixels * chunk // chunks,
            pixels * (chunk + 1) // chunks,
            0,
            a.width,
        )

    return over_pixels


def kernels(isa: Isa) -> Iterator[Source]:
    """Yield the kernels of a path."""
    del isa
    yield from sources(OVER_PIXELS, make_over_pixels)
    work = make_work()
    yield from sources(WORK, lambda: work)
    yield from sources(RUN, lambda: make_run(work))
    yield from sources(SERVE, lambda: make_serve(work))
