"""Activation functions, the same float64 on every host.

Numbers come from `decimal`, whose exp, ln and sqrt are correctly rounded everywhere; math libraries differ in the last
bit. Everything else is one IEEE float64 operation after another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from types import MappingProxyType

RealFunction = Callable[[float], float]

_DIGITS = Context(prec=60)
_FLAT = 800.0
"""Beyond ±800 exp is 0 or infinite in float64."""
_ERF_FLAT = 6.5
"""Beyond ±6.5 erf is ±1 in float64."""
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def exp(x: float) -> float:
    """E to the power x; infinite above 709.78."""
    if x > _FLAT:
        return math.inf
    return _to_float(_exp(x))


def log(x: float) -> float:
    """Natural logarithm; minus infinity for x <= 0."""
    return _to_float(_DIGITS.ln(Decimal(x))) if x > 0 else -math.inf


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x))."""
    return _to_float(_DIGITS.divide(Decimal(1), _DIGITS.add(Decimal(1), _exp(-x))))


def tanh(x: float) -> float:
    """Hyperbolic tangent."""
    square = _exp(2 * x)
    one = Decimal(1)
    return _to_float(_DIGITS.divide(_DIGITS.subtract(square, one), _DIGITS.add(square, one)))


def softplus(x: float) -> float:
    """ln(1 + exp(x))."""
    if x > _FLAT:
        return x
    return _to_float(_DIGITS.ln(_DIGITS.add(Decimal(1), _exp(x))))


def erf(x: float) -> float:
    """Error function, by its power series."""
    if abs(x) > _ERF_FLAT:
        return math.copysign(1.0, x)
    value = Decimal(x)
    square = _DIGITS.multiply(value, value)
    power, total, n = value, value, 0
    while abs(power) > Decimal("1e-50"):
        n += 1
        power = _DIGITS.divide(_DIGITS.multiply(power, -square), Decimal(n))
        total = _DIGITS.add(total, _DIGITS.divide(power, Decimal(2 * n + 1)))
    return _to_float(_DIGITS.divide(_DIGITS.multiply(Decimal(2), total), _DIGITS.sqrt(_PI)))


def silu(x: float) -> float:
    """X * sigmoid(x), also called swish."""
    return x * sigmoid(x)


def gelu(x: float) -> float:
    """X / 2 * (1 + erf(x / sqrt(2)))."""
    return 0.5 * x * (1.0 + erf(x * math.sqrt(0.5)))


def gelu_tanh(x: float) -> float:
    """The tanh approximation of `gelu`."""
    return 0.5 * x * (1.0 + tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))))


def mish(x: float) -> float:
    """X * tanh(softplus(x))."""
    return x * tanh(softplus(x))


def relu(x: float) -> float:
    """max(x, 0)."""
    return max(x, 0.0)


def relu6(x: float) -> float:
    """Clamp to 0..6."""
    return clip(x, 0.0, 6.0)


def clip(x: float, low: float, high: float) -> float:
    """Clamp to low..high."""
    return min(max(x, low), high)


def leaky_relu(x: float, alpha: float = 0.01) -> float:
    """x, or alpha * x where x is negative (also PRelu with a slope)."""
    return x if x >= 0 else alpha * x


def hard_sigmoid(x: float, alpha: float = 0.2, beta: float = 0.5) -> float:
    """Clamp alpha * x + beta to 0..1."""
    return clip(alpha * x + beta, 0.0, 1.0)


def hard_swish(x: float) -> float:
    """X * clamp(x / 6 + 1/2, 0, 1)."""
    return x * hard_sigmoid(x, 1.0 / 6.0, 0.5)


def elu(x: float, alpha: float = 1.0) -> float:
    """x, or alpha * (exp(x) - 1) where x is negative."""
    return x if x >= 0 else alpha * (exp(x) - 1.0)


def celu(x: float, alpha: float = 1.0) -> float:
    """x, or alpha * (exp(x / alpha) - 1) where x is negative."""
    return x if x >= 0 else alpha * (exp(x / alpha) - 1.0)


def selu(
    x: float, alpha: float = 1.67326319217681884765625, gamma: float = 1.05070102214813232421875
) -> float:
    """Gamma times `elu`; the defaults are ONNX's."""
    return gamma * elu(x, alpha)


def softsign(x: float) -> float:
    """X / (1 + |x|)."""
    return x / (1.0 + abs(x))


FUNCTIONS: Mapping[str, RealFunction] = MappingProxyType(
    {
        "abs": abs,
        "celu": celu,
        "elu": elu,
        "erf": erf,
        "exp": exp,
        "gelu": gelu,
        "gelu_tanh": gelu_tanh,
        "hard_sigmoid": hard_sigmoid,
        "hard_swish": hard_swish,
        "leaky_relu": leaky_relu,
        "log": log,
        "mish": mish,
        "relu": relu,
        "relu6": relu6,
        "selu": selu,
        "sigmoid": sigmoid,
        "silu": silu,
        "softplus": softplus,
        "softsign": softsign,
        "tanh": tanh,
    }
)
"""Named functions of one value with their default parameters; bind others with `functools.partial`."""


def decimal_exp(x: float) -> Decimal:
    """Return exp(x) for x <= 0 to 60 digits."""
    return _exp(x)


def _exp(x: float) -> Decimal:
    return _DIGITS.exp(Decimal(min(max(x, -_FLAT), _FLAT)))


def _to_float(value: Decimal) -> float:
    """Round to float64; a number too small becomes 0."""
    return float(value)
