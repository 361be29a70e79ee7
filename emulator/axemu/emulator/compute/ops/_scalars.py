"""The 32-bit scalars kernels read, from a node's tensors."""

from __future__ import annotations

from typing import Any

from axemu.emulator.compute._assembler import Unsupported
from axemu.emulator.compute._layout import Data
from axemu.emulator.compute._scalars import Epilogue
from axemu.model.ops import reciprocal
from axemu.model.program import Tensor

MAX_ZERO_POINT = 30_000
"""Beyond this, results leave the 16-bit lanes they are packed through."""


def check_zero_point(zero_point: int) -> None:
    """Leave results that cannot be packed through 16-bit lanes to the specification."""
    if abs(zero_point) > MAX_ZERO_POINT:
        raise Unsupported(f"zero point {zero_point}")


def epilogue(numerics: str, output: Tensor, low: int, high: int) -> Data:
    """Return the scalars of a convolution's epilogue."""
    scalars = Epilogue(
        inverse=float(reciprocal(output.scale)),
        zero=output.zero_point,
        shift=(output.zero_point if numerics == "exact" else 0) + 128,
        low_byte=low + 128,
        high_byte=high + 128,
    )
    return Data(scalars.pack())


def quantise(numerics: str, output: Tensor, low: int = -128, high: int = 127) -> dict[str, Any]:
    """Return the fields of `Quantise`; `proven` is 0."""
    exact = numerics == "exact"
    return {
        "divisor": output.scale,
        "inverse": reciprocal(output.scale),
        "proven": 0,
        "zero": output.zero_point,
        "low": low - output.zero_point if exact else low,
        "high": high - output.zero_point if exact else high,
        "shift": (output.zero_point if exact else 0) + 128,
        "low_byte": low + 128,
        "high_byte": high + 128,
    }
