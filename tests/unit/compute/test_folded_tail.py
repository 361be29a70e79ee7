"""One fused multiply-add in place of the last four steps of a `metis` convolution: where it is used, every case agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance._compute import EVERY_PATH, run

from axemu.emulator.compute.ops.conv._fold import Tail, fold
from axemu.model.ops import conv_constants, execute, reciprocal, round_f18
from axemu.model.program import Node, Program, Tensor

ROUNDED = np.arange(np.float32(1 << 11).view(np.int32), np.float32(1 << 30).view(np.int32), 1 << 13, np.int32)
SIZES = np.concatenate([np.arange(1, 1 << 11), ROUNDED.view(np.float32)]).astype(np.int64)
SUMS = np.concatenate([-SIZES, np.zeros(1, np.int64), SIZES])
"""Every sum below 2**30 in size that 11 bits can hold: others are rounded to these first."""


def drawn(seed: int, channels: int) -> Tail:
    """Return tails as networks have them: sums of hundreds to millions, results that use their range, any zero points."""
    rng = np.random.default_rng(seed)
    zero = int(rng.choice([-128, -128, 0, rng.integers(-128, 128), rng.integers(-500, 500)]))
    low, high = sorted(int(bound) for bound in rng.choice(np.arange(-128, 128), 2, replace=False))
    sums = 2.0 ** rng.uniform(8, 22, channels)
    inverse = reciprocal(np.float32(2.0 ** rng.uniform(-10, 4)))
    scale = round_f18((rng.uniform(20, 300, channels) / sums / inverse).astype(np.float32))
    bias = round_f18((sums * rng.normal(size=channels) * rng.choice([0, 0.01, 1])).astype(np.float32))
    centre = round_f18((sums * rng.normal(size=channels) * rng.choice([0, 0.1, 2])).astype(np.float32))
    bounds = (-128, 127) if rng.random() < 0.7 else (low, high)
    return Tail(bias, centre, scale, np.float32(inverse), zero, *bounds)


@given(st.integers(0, 2**32 - 1))
def test_a_folded_tail_gives_what_the_four_steps_give_for_every_sum(seed: int) -> None:
    tail = drawn(seed, 8)
    factor, addend, proved = fold(tail)
    for channel in np.flatnonzero(proved):
        alone = tail.part(np.full(SUMS.size, channel))
        values = alone.shortened(SUMS)
        steps = np.rint(alone.apply(values))
        # A sum near a boundary is a unit of float32 or more away from it, so that rounding twice does no harm.
        fused = (values.astype(np.float64) * factor[channel] + addend[channel]).astype(np.float32)
        wanted = np.clip(steps, tail.low, tail.high)
        np.testing.assert_array_equal(np.clip(np.rint(fused), tail.low, tail.high), wanted)


def test_almost_all_channels_can_be_folded() -> None:
    proved = np.concatenate([fold(drawn(seed, 64))[2] for seed in range(40)])
    assert proved.mean() > 0.99


def test_a_channel_whose_boundaries_no_sum_reaches_is_not_folded() -> None:
    tiny, zero = np.full(1, 2.0**-80, np.float32), np.zeros(1, np.float32)
    assert not fold(Tail(zero, zero, tiny, np.float32(1), 0, -128, 127))[2].any()


def every_sum() -> tuple[Program, dict[str, np.ndarray]]:
    """Return a convolution of two inputs, 127 · a + b, on a frame with every pair of bytes: every sum from -16384 to 16256."""
    rng = np.random.default_rng(5)
    outputs = 64
    weight = np.array([[127, 1]] * outputs, np.int8).reshape(outputs, 1, 1, 2)
    x, y = Tensor("x", (256, 256, 2), 0.02, -3), Tensor("y", (256, 256, outputs), 0.5, -20)
    scale = (rng.uniform(0.2, 2.0, outputs) * 128 * y.scale / 16384 / x.scale).astype(np.float32)
    constants = conv_constants(weight, scale, rng.normal(size=outputs) * 20, x.scale, x.zero_point, y.scale)
    attributes = {"kernel": (1, 1), "strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "group": 1}
    node = Node("conv", "conv", ("x",), "y", attributes, {role: role for role in constants})
    program = Program("every sum", 1, {"x": x, "y": y}, (node,), ("x",), ("y",), constants)
    pairs = np.indices((256, 256)).transpose(1, 2, 0) - 128
    return program, {"x": pairs.astype(np.int8)}


@pytest.fixture(scope="module")
def specified() -> np.ndarray:
    """Return what the specification makes of `every_sum`."""
    program, frame = every_sum()
    return execute(program, frame, "metis")["y"]


@EVERY_PATH
def test_every_sum_of_a_convolution_rounds_as_specified(path: str, specified: np.ndarray) -> None:
    program, frame = every_sum()
    found = run(program, frame, "metis", path)["y"][0]
    np.testing.assert_array_equal(found, specified)
