"""Threads as the system sees them: which cores they may use, and how long they have been on one.

Linux only. Elsewhere no thread has a core of its own, and times are -1.
"""

from __future__ import annotations

import sys
from typing import Any

from llvmlite import ir

from ._intrinsic import intrinsic_of
from ._numba import cgutils, types
from .ir import I32, I64, Builder, Value, call, const

_LINUX = sys.platform == "linux"
_TIME = ir.ArrayType(I64, 2)  # seconds and nanoseconds


def _self(b: Builder) -> Value:
    return call(b, "pthread_self", I64, []) if _LINUX else const(0)


own_thread = intrinsic_of(_self, types.int64)
"""own_thread(): the calling thread, as other functions take it."""


def _core(b: Builder) -> Value:
    return b.sext(call(b, "sched_getcpu", I32, []), I64) if _LINUX else const(-1)


current_core = intrinsic_of(_core, types.int64)
"""current_core(): number of the core the calling thread is on; -1 where that is not known."""


def _time(b: Builder, thread: Value) -> Value:
    if not _LINUX:
        return const(-1)
    clock, time = cgutils.alloca_once(b, I32), cgutils.alloca_once(b, _TIME)
    b.store(ir.Constant(I32, 0), clock)
    unknown = call(b, "pthread_getcpuclockid", I32, [thread, clock])
    unknown = b.or_(unknown, call(b, "clock_gettime", I32, [b.load(clock), time]))
    seconds, rest = (b.extract_value(b.load(time), index) for index in range(2))
    nanoseconds = b.add(b.mul(seconds, const(1_000_000_000)), rest)
    return b.select(b.icmp_signed("==", unknown, ir.Constant(I32, 0)), nanoseconds, const(-1))


thread_time = intrinsic_of(_time, types.int64)
"""thread_time(thread): nanoseconds for which a thread was on a core, up to this moment; -1 where that is not known."""


def _affinity(name: str) -> Any:
    def emit(b: Builder, thread: Value, size: Value, address: Value) -> Value:
        if not _LINUX:
            return const(-1)
        return b.sext(call(b, name, I32, [thread, size, address]), I64)

    return intrinsic_of(emit, types.int64)


read_cores = _affinity("pthread_getaffinity_np")
"""read_cores(thread, size, address): write the set of cores a thread may use, a bit each; 0 if that was done."""
set_cores = _affinity("pthread_setaffinity_np")
"""set_cores(thread, size, address): let a thread use a set of cores, to which it moves at once; 0 if that was done."""
