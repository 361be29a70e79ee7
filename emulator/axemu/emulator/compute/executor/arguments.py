"""What the executor works through."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._arguments import Arguments, Family, Kernel


class StageRow(Arguments):
    """A stage of a job; those of a group don't depend on each other, and a group starts when the one before has finished."""

    function: Kernel[Any] | int
    arguments: Arguments | int
    chunks: int
    last: int  # number of the last stage of its group
    group_chunks: int  # chunks of all stages of its group


class Job(Arguments):
    """A program on its way through one frame."""

    stages: int  # address of the first `StageRow`
    stage_count: int
    counters: int  # address of COUNTER_BYTES per stage
    finished: int = 0  # helpers that have left
    helpers: int  # address of the addresses of the helpers' mailboxes
    helper_count: int = 0
    aside: int = 0  # 1: the caller sleeps at JOB_SEMAPHORE while the helpers work
    ended: int = 0  # a helper came to the end


class Worker(Arguments):
    """What the other threads of a job see of one of them."""

    state: int = 0  # FREE, INSIDE, MOVING or MOVED
    holds: int = 0  # 1: a chunk
    thread: int = 0
    core: int = 0  # where it entered the job
    waker: int = 0  # address of the `Worker` that sleeps until this one has dealt with being MOVED, or 0


class OverPixels(Arguments):
    """A range kernel run over a whole tensor."""

    function: Kernel[Any] | None
    arguments: Arguments | None
    pixels: int
    width: int  # bytes per pixel


class Mailbox(Arguments):
    """Where a helper waits; its semaphore lies at MAILBOX_SEMAPHORE."""

    job: int = 0  # address of a job, or STOP


COUNTER_BYTES = 128
"""Per stage: the next chunk to take at 0, finished chunks of its group at 64, on cache lines of their own."""

FREE, INSIDE, MOVING, MOVED = range(4)
"""States of a worker: in no job; in one; and there being moved, or having been moved, to the core of another."""

CORES_BYTES = 128
"""A set of cores, a bit each: those of the largest systems don't fit, and there threads stay where they are."""
WORKER_SEMAPHORE = 64
"""Where a worker sleeps while another uses its core, from its address."""
WORKER_CORES = 128
"""The set of cores it may use."""
WORKER_SCRATCH = WORKER_CORES + CORES_BYTES
WORKER_BYTES = WORKER_SCRATCH + CORES_BYTES

MAILBOX_SEMAPHORE = 64
MAILBOX_WORKER = 128
"""What others see of the helper, from the mailbox's address."""
MAILBOX_BYTES = MAILBOX_WORKER + WORKER_BYTES
JOB_SEMAPHORE = 128
"""Where the caller of a job aside sleeps, from the job's address."""
JOB_WORKER = 192
"""What others see of the caller."""
JOB_BYTES = JOB_WORKER + WORKER_BYTES
STOP = -1

OVER_PIXELS = Family("over_pixels", OverPixels)
WORK, RUN, SERVE = Family("work", Job), Family("run", Job), Family("serve", Mailbox)
