"""Turning an emitter of LLVM IR into a function that kernels can call with int64 arguments."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

from ._numba import intrinsic, types
from .ir import Builder


def intrinsic_of(emitter: Callable[..., Any], result: Any = None) -> Any:
    """Return a Numba intrinsic.

    Args:
        emitter: emitter(builder, *arguments) writes the body and returns its value.
        result: the value's Numba type; None for nothing.
    """

    def typing(_context: Any, *kinds: Any) -> Any:
        def emit(ctx: Any, b: Builder, _signature: Any, arguments: Any) -> Any:
            value = emitter(b, *arguments)
            return ctx.get_dummy_value() if result is None else value

        return (result or types.void)(*[types.int64] * len(kinds)), emit

    # Numba takes the number of parameters from the signature and cannot lower a variadic one.
    names = ["_context", *list(signature(emitter).parameters)[1:]]
    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    typing.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return intrinsic(typing)
