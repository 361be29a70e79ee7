"""The registry of activation functions: what the compiler recognises, what tables hold, what tests compare with.

Each is written once, over the elementary functions; everything else in it is one IEEE float64 operation after another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from axemu.model.ops._elementary import EXACT, QUICK, Elementary, Real, exact_at

_SLACK = 2.0**-30
"""Far more than quick numbers can be off, relative to 1 + |y|, and far less than any step of a table that matters."""


@dataclass(frozen=True, slots=True, eq=False)
class PointwiseFunction:
    """A real function of one value.

    Attributes:
        name: what a `lut` node says that its table holds.
        formula: the function, given elementary functions, a float64 array and the parameters.
        parameters: numbers, or arrays (C,) with one number for each channel, the last axis of the argument.
    """

    name: str
    formula: Callable[..., Real]
    parameters: Mapping[str, float | Real] = field(default_factory=dict)

    def __call__(self, x: float) -> float:
        """Return the value at one number, the same on every host."""
        return float(self.exact(np.asarray(x, np.float64)))

    @property
    def per_channel(self) -> bool:
        """Whether channels have parameters of their own."""
        return any(np.size(value) > 1 for value in self.parameters.values())

    def having(self, **parameters: float | Real) -> PointwiseFunction:
        """Return the function with other parameters."""
        return replace(self, parameters={**self.parameters, **parameters})

    def of_clamped(self, low: float | None, high: float | None) -> PointwiseFunction:
        """Return the function of values that are clamped to [low, high] before; None where there is no bound."""
        if low is None and high is None:
            return self
        least, most = -math.inf if low is None else low, math.inf if high is None else high

        def formula(of: Elementary, x: Real, **parameters: float | Real) -> Real:
            return self.formula(of, np.clip(x, least, most), **parameters)

        return replace(self, formula=formula)

    def exact(self, x: Real) -> Real:
        """Return the values at a float64 array, the same on every host; slow."""
        return self._of(EXACT, x)

    def quick(self, x: Real) -> Real:
        """Return the values at a float64 array but for their last bits, which depend on the host."""
        return self._of(QUICK, x)

    def rounded(self, x: Real, steps: Callable[[Real], Real]) -> Real:
        """Return rint(steps(y)) of the exact values y at a float64 array, the same on every host.

        Quick values decide wherever their error cannot: both ends of the interval around them round alike.

        Args:
            x: any shape; the last axis is the channel.
            steps: from values to steps, element by element and monotone.
        """
        values = self.quick(x)
        with np.errstate(all="ignore"):
            slack = _SLACK * (1.0 + np.abs(values))
            unsure = np.rint(steps(values - slack)) != np.rint(steps(values + slack))
            if unsure.any():
                values = self._of(exact_at(unsure), x)
            return np.rint(steps(values))

    def _of(self, elementary: Elementary, x: Real) -> Real:
        with np.errstate(all="ignore"):
            return self.formula(elementary, x, **self.parameters)


def _silu(of: Elementary, x: Real) -> Real:
    return x * of.sigmoid(x)


def _gelu(of: Elementary, x: Real) -> Real:
    return 0.5 * x * (1.0 + of.erf(x * math.sqrt(0.5)))


def _gelu_tanh(of: Elementary, x: Real) -> Real:
    return 0.5 * x * (1.0 + of.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))))


def _mish(of: Elementary, x: Real) -> Real:
    return x * of.tanh(of.softplus(x))


def _clip(_: Elementary, x: Real, low: float, high: float) -> Real:
    return np.minimum(np.maximum(x, low), high)


def _leaky_relu(_: Elementary, x: Real, alpha: float | Real) -> Real:
    return np.where(x >= 0, x, alpha * x)


def _hard_sigmoid(of: Elementary, x: Real, alpha: float, beta: float) -> Real:
    return _clip(of, alpha * x + beta, 0.0, 1.0)


def _hard_swish(of: Elementary, x: Real) -> Real:
    return x * _hard_sigmoid(of, x, 1.0 / 6.0, 0.5)


def _celu(of: Elementary, x: Real, alpha: float) -> Real:
    return np.where(x >= 0, x, alpha * (of.exp(np.minimum(x, 0.0) / alpha) - 1.0))


def _elu(of: Elementary, x: Real, alpha: float, gamma: float) -> Real:
    return gamma * np.where(x >= 0, x, alpha * (of.exp(np.minimum(x, 0.0)) - 1.0))


def _softsign(_: Elementary, x: Real) -> Real:
    return x / (1.0 + np.abs(x))


_ALL = (
    PointwiseFunction("abs", lambda _, x: np.abs(x)),
    PointwiseFunction("celu", _celu, {"alpha": 1.0}),
    PointwiseFunction("elu", _elu, {"alpha": 1.0, "gamma": 1.0}),
    PointwiseFunction("erf", lambda of, x: of.erf(x)),
    PointwiseFunction("exp", lambda of, x: of.exp(x)),
    PointwiseFunction("gelu", _gelu),
    PointwiseFunction("gelu_tanh", _gelu_tanh),
    PointwiseFunction("hard_sigmoid", _hard_sigmoid, {"alpha": 0.2, "beta": 0.5}),
    PointwiseFunction("hard_swish", _hard_swish),
    PointwiseFunction("leaky_relu", _leaky_relu, {"alpha": 0.01}),
    PointwiseFunction("log", lambda of, x: of.log(x)),
    PointwiseFunction("mish", _mish),
    PointwiseFunction("relu", lambda _, x: np.maximum(x, 0.0)),
    PointwiseFunction("relu6", _clip, {"low": 0.0, "high": 6.0}),
    PointwiseFunction("selu", _elu, {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}),
    PointwiseFunction("sigmoid", lambda of, x: of.sigmoid(x)),
    PointwiseFunction("silu", _silu),
    PointwiseFunction("softplus", lambda of, x: of.softplus(x)),
    PointwiseFunction("softsign", _softsign),
    PointwiseFunction("tanh", lambda of, x: of.tanh(x)),
)

FUNCTIONS: Mapping[str, PointwiseFunction] = MappingProxyType({function.name: function for function in _ALL})
"""Functions of one value by name, with ONNX's default parameters; `having` binds others."""
