"""Turning an emitter of LLVM IR into a function that kernels can call with int64 arguments, or named tuples of them."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

from ._numba import intrinsic, types
from .ir import Builder


def intrinsic_of(emitter: Callable[..., Any], result: Any = None) -> Any:
    """Return a Numba intrinsic.

    Args:
        emitter: emitter(builder, *arguments) writes the body and returns its value; a named tuple of numbers arrives as
            the same tuple of values.
        result: the value's Numba type; None for nothing.
    """

    def typing(_context: Any, *kinds: Any) -> Any:
        taken = [kind if isinstance(kind, types.BaseNamedTuple) else types.int64 for kind in kinds]

        def emit(ctx: Any, b: Builder, _signature: Any, arguments: Any) -> Any:
            given = [_unpacked(b, kind, argument) for kind, argument in zip(taken, arguments, strict=True)]
            value = emitter(b, *given)
            return ctx.get_dummy_value() if result is None else value

        return (result or types.void)(*taken), emit

    # Numba takes the number of parameters from the signature and cannot lower a variadic one.
    names = ["_context", *list(signature(emitter).parameters)[1:]]
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    typing.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return intrinsic(typing)


def _unpacked(b: Builder, kind: Any, argument: Any) -> Any:
    if not isinstance(kind, types.BaseNamedTuple):
        return argument
    return kind.instance_class(*(b.extract_value(argument, index) for index in range(len(kind))))
