"""Raw memory for kernels written in Python: elements of arrays, bytes, atomics, and calls through an address.

Kernels see addresses as plain integers. Every address a kernel can form comes from arguments that were checked when
the program was loaded.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir

from ._intrinsic import intrinsic_of
from ._numba import types
from .ir import F32, I1, I8, I32, I64, Builder, Value, call, const, load, store

_POINTER = I8.as_pointer()
_NOT_VOLATILE = ir.Constant(I1, 0)
_YIELD = ir.Constant(I32, 1)


def _loader(kind: Any, size: int, result: Any = types.int64, extend: str | None = None) -> Any:
    def read(b: Builder, address: Value, index: Value) -> Value:
        value = load(b, b.add(address, b.mul(index, const(size))), kind)
        return getattr(b, extend)(value, I64) if extend else value

    return intrinsic_of(read, result)


load_i64 = _loader(I64, 8)
"""load_i64(address, index): element `index` of an int64 array."""
load_i32 = _loader(I32, 4, extend="sext")
"""load_i32(address, index): element `index` of an int32 array, widened."""
load_u8 = _loader(I8, 1, extend="zext")
"""load_u8(address, index): a byte, widened."""
load_f32 = _loader(F32, 4, types.float32)
"""load_f32(address, index): element `index` of a float32 array."""


def _storer(kind: Any) -> Any:
    def write(b: Builder, address: Value, value: Value) -> None:
        store(b, b.trunc(value, kind), address)

    return intrinsic_of(write)


store_u8 = _storer(I8)
"""store_u8(address, value): write the low byte of value."""
store_i32 = _storer(I32)
"""store_i32(address, value): write the low four bytes of value."""


def _copy(b: Builder, target: Value, source: Value, count: Value) -> None:
    pointers = [b.inttoptr(target, _POINTER), b.inttoptr(source, _POINTER)]
    call(b, "llvm.memmove.p0.p0.i64", ir.VoidType(), [*pointers, count, _NOT_VOLATILE])


copy_bytes = intrinsic_of(_copy)
"""copy_bytes(target, source, count): memmove."""


def _fill(b: Builder, target: Value, value: Value, count: Value) -> None:
    arguments = [b.inttoptr(target, _POINTER), b.trunc(value, I8), count, _NOT_VOLATILE]
    call(b, "llvm.memset.p0.i64", ir.VoidType(), arguments)


fill_bytes = intrinsic_of(_fill)
"""fill_bytes(target, value, count): memset with the low byte of value."""


def _read_modify_write(operation: str) -> Any:
    def emit(b: Builder, address: Value, value: Value) -> Value:
        return b.atomic_rmw(operation, b.inttoptr(address, I64.as_pointer()), value, "seq_cst")

    return intrinsic_of(emit, types.int64)


atomic_add = _read_modify_write("add")
"""atomic_add(address, value): add to an aligned int64 and return what it held before."""
atomic_swap = _read_modify_write("xchg")
"""atomic_swap(address, value): write an aligned int64 and return what it held before."""


def _compare_and_swap(b: Builder, address: Value, expected: Value, value: Value) -> Value:
    place = b.inttoptr(address, I64.as_pointer())
    done = b.extract_value(b.cmpxchg(place, expected, value, "seq_cst", "seq_cst"), 1)
    return b.zext(done, I64)


atomic_replace = intrinsic_of(_compare_and_swap, types.int64)
"""atomic_replace(address, expected, value): write an aligned int64 where it holds `expected`; return 1 if it did, else 0."""


def _atomic_load(b: Builder, address: Value) -> Value:
    return b.load_atomic(b.inttoptr(address, I64.as_pointer()), "acquire", 8)


atomic_load = intrinsic_of(_atomic_load, types.int64)
"""atomic_load(address): read an aligned int64, ordered before what follows."""


def _indirect(b: Builder, function: Value, *arguments: Value) -> None:
    kind = ir.FunctionType(ir.VoidType(), [I64] * len(arguments))
    b.call(b.inttoptr(function, kind.as_pointer()), list(arguments))


def _call_stage(b: Builder, function: Value, arguments: Value, chunk: Value, chunks: Value) -> None:
    _indirect(b, function, arguments, chunk, chunks)


call_stage = intrinsic_of(_call_stage)
"""call_stage(function, arguments, chunk, chunks): call a kernel by its address."""


def _call_range(
    b: Builder,
    function: Value,
    arguments: Value,
    first: Value,
    last: Value,
    first_channel: Value,
    last_channel: Value,
) -> None:
    _indirect(b, function, arguments, first, last, first_channel, last_channel)


call_range = intrinsic_of(_call_range)
"""call_range(function, arguments, first, last, channel, channel_end): call a kernel on part of a tensor."""


def _semaphore(name: str) -> Any:
    def emit(b: Builder, address: Value) -> Value:
        return b.sext(call(b, name, I32, [address]), I64)

    return intrinsic_of(emit, types.int64)


semaphore_wait = _semaphore("sem_wait")
"""semaphore_wait(address): block until the POSIX semaphore can be taken; -1 when a signal interrupted."""
semaphore_post = _semaphore("sem_post")
"""semaphore_post(address): wake one waiter."""


def _yield(b: Builder) -> Value:
    return b.sext(call(b, "sched_yield", I32, []), I64)


yield_thread = intrinsic_of(_yield, types.int64)
"""yield_thread(): let another thread of this core run."""


def _relax(b: Builder) -> None:
    if platform.machine() in ("x86_64", "AMD64"):
        call(b, "llvm.x86.sse2.pause", ir.VoidType(), [])
    elif platform.machine() in ("aarch64", "arm64"):
        call(b, "llvm.aarch64.hint", ir.VoidType(), [_YIELD])


relax = intrinsic_of(_relax)
"""relax(): tell the core that this thread is waiting."""
