"""Mean-field picture of an activation: how large its values are, before any weight exists.

A network with independent zero-mean weights maps the second moments of one layer to those of the next by a closed
form. Carrying a small sample of values (channels × places) through that recursion tells every layer how large its
weights must be, in microseconds and without running the network. Two numbers matter: the mean square, which sets
the scale, and the share of it that all places have in common, which survives pooling over the plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CHANNELS = 128
PLACES = 16

Sample = NDArray[np.float64]


def _normal(count: int) -> Sample:
    """Quantiles of the standard normal distribution: a sample without sampling error."""
    inverse = NormalDist().inv_cdf
    values = np.array([inverse((index + 0.5) / count) for index in range(count)])
    return np.asarray(values / values.std())


_BY_CHANNEL = _normal(CHANNELS)
_BY_PLACE = _normal(CHANNELS * PLACES)


@dataclass(slots=True)
class Field:
    """Draws the random parts of the recursion; one per network, so that a build is repeatable."""

    rng: np.random.Generator

    def white(self) -> Sample:
        """Return a standard normal sample without any correlation: the network's input."""
        return self.rng.permutation(_BY_PLACE).reshape(CHANNELS, PLACES)

    def per_channel(self) -> Sample:
        """Return a standard normal value per channel, the same at every place."""
        return np.broadcast_to(self.rng.permutation(_BY_CHANNEL)[:, None], (CHANNELS, PLACES))

    def linear(
        self, x: Sample, std: float, offset: float, *, per_channel: bool, centred: bool = False
    ) -> Sample:
        """Return the output of a layer with random weights that was scaled to a standard deviation.

        Args:
            x: sample of the input.
            std: standard deviation of the output.
            offset: standard deviation of the bias, which is part of `std`.
            per_channel: the layer is depthwise, so a quiet input channel gives a quiet output channel.
            centred: each output's weights sum to zero, so what all channels share does not pass.
        """
        if centred:
            x = x - x.mean(axis=0, keepdims=True)
        square = np.mean(x * x, axis=1, keepdims=True)
        noise = np.var(x, axis=1, ddof=1, keepdims=True)
        common = np.maximum(np.mean(x, axis=1, keepdims=True) ** 2 - noise / PLACES, 0.0)
        if not per_channel:
            square, common = square.mean(), common.mean()
        total = float(np.mean(square))
        weight = np.sqrt((std * std - offset * offset) / max(total, 1e-12))
        signal = (
            np.sqrt(common) * self.per_channel() + np.sqrt(np.maximum(square - common, 0.0)) * self.white()
        )
        y = weight * signal + offset * self.per_channel()
        return np.asarray(y * (std / max(float(np.sqrt(np.mean(y * y))), 1e-12)))

    def pool(self, x: Sample, window: int, *, maximum: bool) -> Sample:
        """Return a max or average over a window; neighbours overlap, so k × k values behave like k."""
        stack = np.stack([np.roll(x, step, axis=1) for step in range(min(window, PLACES))])
        return np.asarray(stack.max(axis=0) if maximum else stack.mean(axis=0))

    def mix(self, parts: list[tuple[Sample, int]]) -> Sample:
        """Return a concatenation along channels, each part with its share of the rows."""
        shares = np.array([channels for _, channels in parts], dtype=np.float64)
        edges = np.round(np.cumsum(shares) / shares.sum() * CHANNELS).astype(int)
        rows: list[Sample] = []
        start = 0
        for (sample, _), stop in zip(parts, edges.tolist(), strict=True):
            rows.append(sample[self.rng.permutation(CHANNELS)[: stop - start]])
            start = stop
        return np.concatenate(rows)

    def softmax(self, x: Sample, length: int) -> Sample:
        """Return probabilities over groups of `length` values."""
        values = np.exp(self.rng.permutation(x.ravel()))
        usable = min(length, values.size)
        groups = np.resize(values, -(-values.size // usable) * usable).reshape(-1, usable)
        probabilities = groups / groups.sum(axis=1, keepdims=True) * (usable / length)
        return np.asarray(probabilities.ravel()[: values.size].reshape(x.shape))


def rms(x: Sample) -> float:
    """Return the root mean square of a sample."""
    return float(np.sqrt(np.mean(x * x)))


def spread(x: Sample) -> float:
    """Return the root mean square of what differs between the channels."""
    return rms(x - x.mean(axis=0, keepdims=True))
