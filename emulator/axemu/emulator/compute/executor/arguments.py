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

MAILBOX_SEMAPHORE = 64
MAILBOX_BYTES = 128
JOB_SEMAPHORE = 128
"""Where the caller of a job sleeps, from the job's address."""
JOB_BYTES = 192
STOP = -1

OVER_PIXELS = Family("over_pixels", OverPixels)
WORK, RUN, SERVE = Family("work", Job), Family("run", Job), Family("serve", Mailbox)
