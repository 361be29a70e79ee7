"""Who waits lends its core to whom it waits for.

A thread that shares its core with another process loses it for milliseconds, perhaps in the middle of a chunk. Nobody else
can take that chunk over: operators that run on finished ranges change them in place, and a thread that comes back late
would write where others have gone on. So the thread that waits moves the one it waits for to its own core and sleeps
until that one has finished the chunk, and has left for another core.

Only a worker that is in a job is moved, and it undoes that itself, at the end of its chunk, while it waits, or when it
leaves the job: what it may use again is what it read when it entered.
"""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute.micro import (
    atomic_add,
    atomic_load,
    atomic_replace,
    atomic_swap,
    copy_bytes,
    current_core,
    fill_bytes,
    load_i64,
    load_u8,
    njit,
    own_thread,
    read_cores,
    reader,
    relax,
    semaphore_post,
    semaphore_wait,
    set_cores,
    store_u8,
    thread_time,
    yield_thread,
)

from .arguments import (
    CORES_BYTES,
    FREE,
    INSIDE,
    JOB_WORKER,
    MAILBOX_WORKER,
    MOVED,
    MOVING,
    WORKER_CORES,
    WORKER_SCRATCH,
    WORKER_SEMAPHORE,
    Job,
    Worker,
)

job_at, worker_at = reader(Job), reader(Worker)
STATE, HOLDS = Worker.offset("state"), Worker.offset("holds")
THREAD, CORE, WAKER = Worker.offset("thread"), Worker.offset("core"), Worker.offset("waker")

PATIENCE = 400
"""Looks at a counter before it matters whether those who hold it up are on a core."""
GLANCE = 50
"""Looks' worth of time in which one that is on a core has been seen to be."""


@njit
def worker_of(job: int, index: int) -> Any:
    """Return the address of a worker of a job: its helpers, then the caller."""
    if index < job_at(job).helper_count:
        return load_i64(job_at(job).helpers, index) + MAILBOX_WORKER
    return job + JOB_WORKER


@njit
def workers_of(job: int) -> Any:
    """Return how many workers a job has."""
    return job_at(job).helper_count + 1 - job_at(job).aside


@njit
def may_use(cores: int, core: int) -> Any:
    """Return whether a core is in a set."""
    return 0 <= core < 8 * CORES_BYTES and (load_u8(cores + core // 8, 0) >> core % 8) & 1 == 1


@njit
def leave_core(worker: int) -> None:
    """Let the calling thread go on at another core than it is on, if it may use one."""
    cores, others = worker + WORKER_CORES, worker + WORKER_SCRATCH
    core = current_core()
    if not may_use(cores, core):
        return
    copy_bytes(others, cores, CORES_BYTES)
    store_u8(others + core // 8, load_u8(others + core // 8, 0) & ~(1 << core % 8))
    set_cores(own_thread(), CORES_BYTES, others)  # refused where there is no other
    set_cores(own_thread(), CORES_BYTES, cores)


@njit
def enter(job: int, worker: int) -> None:
    """Make the calling thread one that others can move; on the core of none of them if that can be."""
    if read_cores(own_thread(), CORES_BYTES, worker + WORKER_CORES) != 0:
        fill_bytes(worker + WORKER_CORES, 0, CORES_BYTES)
    core = current_core()
    atomic_swap(worker + THREAD, own_thread())
    atomic_swap(worker + CORE, core)
    atomic_swap(worker + HOLDS, 0)
    atomic_swap(worker + STATE, INSIDE)
    if worker != job + JOB_WORKER:
        for index in range(workers_of(job)):
            other = worker_of(job, index)
            if other != worker and atomic_load(other + STATE) != FREE and atomic_load(other + CORE) == core:
                leave_core(worker)
                atomic_swap(worker + CORE, current_core())
                return


@njit
def settle(job: int, worker: int) -> None:
    """Undo that the calling thread was moved, if it was."""
    if atomic_load(worker + STATE) != INSIDE:
        waker = _waker_of(worker)
        atomic_swap(worker + STATE, INSIDE)
        _go_on(job, worker, waker)


@njit
def leave(job: int, worker: int, counter: int) -> None:
    """Take the calling thread out of the job, and count that at `counter`, unless that is 0; then the job may be gone."""
    waker = -1
    if atomic_replace(worker + STATE, INSIDE, FREE) == 0:
        waker = _waker_of(worker)
        atomic_swap(worker + STATE, FREE)
    if counter != 0:
        atomic_add(counter, 1)
    if waker >= 0:
        _go_on(job, worker, waker)


@njit
def _waker_of(worker: int) -> Any:
    """Return who moved a worker, once that is done."""
    while atomic_load(worker + STATE) == MOVING:
        yield_thread()
    return worker_at(worker).waker


@njit
def _go_on(job: int, worker: int, waker: int) -> None:
    """Wake who lent the calling thread a core, and use others again: the caller any, a helper another than that."""
    if waker != 0:
        semaphore_post(waker + WORKER_SEMAPHORE)
    if worker == job + JOB_WORKER:
        set_cores(own_thread(), CORES_BYTES, worker + WORKER_CORES)
    else:
        leave_core(worker)


@njit
def _is_on_a_core(thread: int) -> Any:
    """Return whether a thread is running; no, where that is not known."""
    before = thread_time(thread)
    for _ in range(GLANCE):
        relax()
    return thread_time(thread) != before


@njit
def _lend(job: int, worker: int, to_all: bool) -> None:
    """Move a worker that waits for a core to the calling thread's, and sleep until that one has gone on.

    Helpers leave the core to the caller instead, as programs wait for that one.

    Args:
        job: the job.
        worker: the calling thread's.
        to_all: also to those that hold no chunk.
    """
    core = current_core()
    for index in range(workers_of(job)):
        other = worker_of(job, index)
        if other == worker or atomic_load(other + STATE) != INSIDE:
            continue
        if (atomic_load(other + HOLDS) == 0 and not to_all) or _is_on_a_core(worker_at(other).thread):
            continue
        if not may_use(other + WORKER_CORES, core) or atomic_replace(other + STATE, INSIDE, MOVING) == 0:
            yield_thread()  # perhaps it waits for this core
            continue
        to_caller, only = other == job + JOB_WORKER, worker + WORKER_SCRATCH
        fill_bytes(only, 0, CORES_BYTES)
        store_u8(only + core // 8, 1 << core % 8)
        atomic_swap(other + WAKER, 0 if to_caller else worker)
        set_cores(worker_at(other).thread, CORES_BYTES, only)
        atomic_swap(other + STATE, MOVED)
        if to_caller:
            leave_core(worker)
        else:
            while semaphore_wait(worker + WORKER_SEMAPHORE) != 0:
                pass  # a signal
        return


@njit
def wait_for(job: int, worker: int, counter: int, count: int) -> None:
    """Return when a counter has come to `count`.

    A worker in the job waits for others' chunks; one that is not, for others to leave.
    """
    inside = atomic_load(worker + STATE) != FREE
    looks = 0
    while atomic_load(counter) < count:
        relax()
        if inside:
            settle(job, worker)
        looks += 1
        if looks % PATIENCE == 0:
            _lend(job, worker, not inside)
