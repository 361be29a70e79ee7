"""Short names for building LLVM IR: addresses are 64-bit integers, vectors are loaded and stored unaligned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from ._numba import cgutils

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
F32 = ir.FloatType()

Builder = Any
Value = Any


def vector(element: Any, lanes: int) -> Any:
    """Return the type of `lanes` elements."""
    return ir.VectorType(element, lanes)


def const(value: int) -> Value:
    """Return a 64-bit integer constant."""
    return ir.Constant(I64, value)


def const_vector(element: Any, lanes: int, value: float) -> Value:
    """Return a vector constant with `value` in every lane."""
    return ir.Constant(vector(element, lanes), [ir.Constant(element, value)] * lanes)


def offset(b: Builder, address: Value, number_of_bytes: int) -> Value:
    """Return address + constant."""
    return b.add(address, const(number_of_bytes)) if number_of_bytes else address


def load(b: Builder, address: Value, kind: Any) -> Value:
    """Load a value of any type from an address without alignment."""
    return b.load(b.inttoptr(address, kind.as_pointer()), align=1)


def store(b: Builder, value: Value, address: Value) -> None:
    """Store a value of any type at an address without alignment."""
    b.store(value, b.inttoptr(address, value.type.as_pointer()), align=1)


def splat(b: Builder, scalar: Value, lanes: int) -> Value:
    """Copy a scalar to all lanes."""
    kind = vector(scalar.type, lanes)
    first = b.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(I32, 0))
    return b.shuffle_vector(
        first, ir.Constant(kind, ir.Undefined), ir.Constant(vector(I32, lanes), [0] * lanes)
    )


def shuffle(b: Builder, first: Value, second: Value, indices: Sequence[int]) -> Value:
    """Pick lanes of two vectors of one type; indices count through first, then second."""
    return b.shuffle_vector(first, second, ir.Constant(vector(I32, len(indices)), list(indices)))


def call(b: Builder, name: str, result: Any, arguments: Sequence[Value]) -> Value:
    """Call an LLVM intrinsic or a symbol of the C library."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return b.call(cgutils.get_or_insert_function(b.module, kind, name), list(arguments))


def prefetch(b: Builder, address: Value) -> None:
    """Ask for a cache line to be brought into the second-level cache; any address is allowed."""
    pointer = b.inttoptr(address, I8.as_pointer())
    hints = [ir.Constant(I32, value) for value in (0, 2, 1)]  # to read, kept for a while, data
    call(b, "llvm.prefetch.p0", ir.VoidType(), [pointer, *hints])
