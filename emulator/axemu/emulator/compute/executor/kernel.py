"""The executor: one call runs all stages; helper threads take chunks from the same counters and may join late.

Chunks are taken one by one, so a thread that shares its core with others takes fewer. What it holds when it loses the
core is finished on the core of whoever waits for it (`cores`).
"""

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
)

from .arguments import (
    COUNTER_BYTES,
    JOB_SEMAPHORE,
    JOB_WORKER,
    MAILBOX_SEMAPHORE,
    MAILBOX_WORKER,
    OVER_PIXELS,
    RUN,
    SERVE,
    STOP,
    WORK,
    Job,
    OverPixels,
    StageRow,
)
from .cores import HOLDS, enter, leave, settle, wait_for, workers_of

job_at, stage_at, over_pixels_at = reader(Job), reader(StageRow), reader(OverPixels)
STAGE_BYTES, FINISHED, ENDED = StageRow.size(), Job.offset("finished"), Job.offset("ended")

SPINS = 2000
"""Looks at a mailbox before a helper sleeps."""


def make_work() -> Any:
    """Return work(job, worker, 0): take chunks until the program has finished."""

    @njit
    def work(address: int, worker: int, _second: int) -> None:
        job = job_at(address)
        counters = job.counters
        alone = workers_of(address) == 1
        for index in range(job.stage_count):
            stage = stage_at(job.stages + STAGE_BYTES * index)
            chunks, last = stage.chunks, stage.last
            if alone:
                for chunk in range(chunks):
                    call_stage(stage.function, stage.arguments, chunk, chunks)
                continue
            finished = counters + last * COUNTER_BYTES + 64
            atomic_swap(worker + HOLDS, 1)
            chunk = atomic_add(counters + index * COUNTER_BYTES, 1)
            while chunk < chunks:
                call_stage(stage.function, stage.arguments, chunk, chunks)
                atomic_add(finished, 1)
                settle(address, worker)
                if chunks == 1:
                    break
                chunk = atomic_add(counters + index * COUNTER_BYTES, 1)
            atomic_swap(worker + HOLDS, 0)
            if index == last:
                wait_for(address, worker, finished, stage.group_chunks)

    return work


def make_run(work: Any) -> Any:
    """Return run(job, 0, 0): call the helpers of the job, work or sleep, and return when none is inside any more."""

    @njit
    def run(address: int, _first: int, _second: int) -> None:
        job = job_at(address)
        worker = address + JOB_WORKER
        if job.helper_count == 0:
            work(address, worker, 0)
            return
        fill_bytes(job.counters, 0, job.stage_count * COUNTER_BYTES)
        atomic_swap(address + FINISHED, 0)
        atomic_swap(address + ENDED, 0)
        helpers, helper_count = job.helpers, job.helper_count
        if not job.aside:
            enter(address, worker)
        for index in range(helper_count):
            mailbox = load_i64(helpers, index)
            atomic_swap(mailbox, address)
            semaphore_post(mailbox + MAILBOX_SEMAPHORE)
        if job.aside:
            while atomic_load(address + ENDED) == 0:
                semaphore_wait(address + JOB_SEMAPHORE)
        else:
            work(address, worker, 0)
            leave(address, worker, 0)
        inside = 0
        for index in range(helper_count):
            # A helper that has not woken up yet finds its mailbox empty.
            if atomic_swap(load_i64(helpers, index), 0) != address:
                inside += 1
        wait_for(address, worker, address + FINISHED, inside)

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
                worker = mailbox + MAILBOX_WORKER
                enter(job, worker)
                work(job, worker, 0)
                if job_at(job).aside and atomic_swap(job + ENDED, 1) == 0:
                    semaphore_post(job + JOB_SEMAPHORE)
                leave(job, worker, job + FINISHED)

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
