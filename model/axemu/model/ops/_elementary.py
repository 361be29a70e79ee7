"""exp, ln and their kin of float64 arrays, correctly rounded or quick.

Correctly rounded numbers come from `decimal`, whose exp, ln and sqrt are the same everywhere; the quick ones come from
NumPy, whose last bits depend on its version and on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt

Real = npt.NDArray[np.float64]
ArrayFunction = Callable[[Real], Real]

_DIGITS = Context(prec=60)
_FLAT = 800.0
"""Beyond ±800 exp is 0 or infinite in float64."""
_ERF_FLAT = 6.5
"""Beyond ±6.5 erf is ±1 in float64."""
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


@dataclass(frozen=True, slots=True)
class Elementary:
    """The functions from which activations are built; each takes and returns a float64 array of any shape."""

    exp: ArrayFunction
    log: ArrayFunction
    sigmoid: ArrayFunction
    tanh: ArrayFunction
    softplus: ArrayFunction
    erf: ArrayFunction


def decimal_exp(x: float) -> Decimal:
    """Return exp(x) to 60 digits, for x within ±800."""
    return _DIGITS.exp(Decimal(min(max(x, -_FLAT), _FLAT)))


def _exp(x: float) -> float:
    return math.inf if x > _FLAT else float(decimal_exp(x))


def _log(x: float) -> float:
    return float(_DIGITS.ln(Decimal(x))) if x > 0 else -math.inf


def _sigmoid(x: float) -> float:
    return float(_DIGITS.divide(Decimal(1), _DIGITS.add(Decimal(1), decimal_exp(-x))))


def _tanh(x: float) -> float:
    square, one = decimal_exp(2 * x), Decimal(1)
    return float(_DIGITS.divide(_DIGITS.subtract(square, one), _DIGITS.add(square, one)))


def _softplus(x: float) -> float:
    return x if x > _FLAT else float(_DIGITS.ln(_DIGITS.add(Decimal(1), decimal_exp(x))))


def _erf(x: float) -> float:
    """Return the error function, by its power series."""
    if abs(x) > _ERF_FLAT:
        return math.copysign(1.0, x)
    value = Decimal(x)
    square = _DIGITS.multiply(value, value)
    power, total, n = value, value, 0
    while abs(power) > Decimal("1e-50"):
        n += 1
        power = _DIGITS.divide(_DIGITS.multiply(power, -square), Decimal(n))
        total = _DIGITS.add(total, _DIGITS.divide(power, Decimal(2 * n + 1)))
    return float(_DIGITS.divide(_DIGITS.multiply(Decimal(2), total), _DIGITS.sqrt(_PI)))


def _each(function: Callable[[float], float]) -> ArrayFunction:
    return np.vectorize(function, otypes=[np.float64])


EXACT = Elementary(*map(_each, (_exp, _log, _sigmoid, _tanh, _softplus, _erf)))
"""Correctly rounded, the same on every host; some microseconds a number."""

QUICK = Elementary(
    exp=np.exp,
    log=lambda x: np.log(np.maximum(x, 0.0)),
    sigmoid=lambda x: 0.5 * (1.0 + np.tanh(0.5 * x)),
    tanh=np.tanh,
    softplus=lambda x: np.logaddexp(0.0, x),
    erf=_each(math.erf),
)
"""Within 1e-15 of the right number, relative to it or absolute; the last bits depend on the host."""


def exact_at(where: npt.NDArray[np.bool_]) -> Elementary:
    """Return functions of arrays of the shape of `where` that are correctly rounded where it is true, else quick."""

    def mixed(quick: ArrayFunction, exact: ArrayFunction) -> ArrayFunction:
        def evaluate(x: Real) -> Real:
            result = np.array(quick(x))
            result[where] = exact(x[where])
            return result

        return evaluate

    names = [field.name for field in fields(Elementary)]
    return Elementary(*(mixed(getattr(QUICK, name), getattr(EXACT, name)) for name in names))
