"""A zero point that int8 cannot hold, in a form NumPy's recipes can still use."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

INT8_MIN, INT8_MAX = -128, 127


@functools.total_ordering
class WideZeroPoint:
    """An integer outside int8 that computes with its true value and saturates where an int8 is needed.

    Real manifests hold zero points such as -130, and NumPy 2 refuses `np.pad(int8, ..., constant_values=-130)`. The int8
    code of the real number 0 is then the nearest one there is (-128), which is what padding has to hold; the affine
    formulas `x / scale + zero_point` and `(q - zero_point) * scale` need -130. A subclass of int can be no help: NumPy
    never asks one for `__array__`. Everywhere else this is an integer: `int(zp)`, comparison, hash and formatting.
    """

    __slots__ = ("_value",)

    def __init__(self, value: int) -> None:
        self._value = int(value)

    @property  # type: ignore[misc]
    def __class__(self) -> type[int]:  # type: ignore[override]
        """Pass `isinstance(zero_point, int)`, by which programs tell one zero point from a list of them."""
        return int

    def __reduce__(self) -> tuple[type[WideZeroPoint], tuple[int]]:
        return WideZeroPoint, (self._value,)

    def __int__(self) -> int:
        return self._value

    __index__ = __int__

    def __float__(self) -> float:
        return float(self._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __eq__(self, other: object) -> Any:
        return self._value == _plain(other)

    def __lt__(self, other: Any) -> Any:
        return self._value < _plain(other)

    def __repr__(self) -> str:
        return repr(self._value)

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)

    def __neg__(self) -> int:
        return -self._value

    def __pos__(self) -> int:
        return self._value

    def __abs__(self) -> int:
        return abs(self._value)

    def __invert__(self) -> int:
        return ~self._value

    def __round__(self, digits: int | None = None) -> int:
        return round(self._value, digits or 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._value, name)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Saturate into int8, keep the value in any other dtype; without one stay an object, so nothing is lost."""
        if dtype is None:
            boxed = np.empty((), object)
            boxed[()] = self
            return boxed
        if np.dtype(dtype) == np.int8:
            return np.array(min(max(self._value, INT8_MIN), INT8_MAX), np.int8)
        return np.array(self._value, dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with the true value; integer arrays too narrow for it are widened to int32 first."""
        return getattr(ufunc, method)(*(_widened(value) for value in inputs), **kwargs)


def _add_arithmetic(name: str, operate: Callable[[Any, Any], Any]) -> None:
    def forward(self: WideZeroPoint, other: Any) -> Any:
        return operate(self._value, _widened(other))

    def backward(self: WideZeroPoint, other: Any) -> Any:
        return operate(_widened(other), self._value)

    setattr(WideZeroPoint, f"__{name}__", forward)
    setattr(WideZeroPoint, f"__r{name}__", backward)


for _name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "and", "or", "xor",
):  # fmt: skip
    _add_arithmetic(_name, getattr(operator, f"__{_name}__"))


def usable_zero_point(value: int) -> int:
    """Return `value` itself when int8 holds it, else a `WideZeroPoint`, which stands in for an int."""
    value = int(value)
    if INT8_MIN <= value <= INT8_MAX:
        return value
    return WideZeroPoint(value)  # type: ignore[return-value]  # see the class: an int to all arithmetic


def _plain(value: Any) -> Any:
    return int(value) if type(value) is WideZeroPoint else value


def _widened(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "iu" and value.dtype.itemsize < 4:
        return value.astype(np.int32)
    return _plain(value)
