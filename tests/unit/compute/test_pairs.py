"""Weights for products of bytes in pairs: no sum of two saturates, and all of them are the sum of the layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance._compute import EVERY_PATH, NUMERICS, run

from axemu.emulator.compute._packing import lane_order
from axemu.emulator.compute.ops.conv._pairs import Pairs, pack_pairs
from axemu.model.ops import conv_constants, execute
from axemu.model.program import Node, Program, Tensor

VECTORS, LANES = 2, 8
WIDTH = VECTORS * LANES


def weights_of(kind: str, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """Return weights that saturate always, in turns, sometimes or seldom."""
    rng = np.random.default_rng(3)
    alternating = np.where(np.arange(np.prod(shape)).reshape(shape) % 2, 127, -128)
    made: dict[str, Any] = {
        "all 127": np.full(shape, 127),
        "all -128": np.full(shape, -128),
        "alternating": alternating,
        "opposed in channels": np.where(
            np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)) % 2, 127, alternating
        ),
        "uniform": rng.integers(-128, 128, shape),
        "extremes and zeros": rng.choice([-128, 0, 127], shape, p=[0.1, 0.8, 0.1]),
        "normal": np.clip(rng.normal(0, 36, shape), -128, 127),
        "small": rng.integers(-64, 65, shape),
    }
    return made[kind].astype(np.int8)  # type: ignore[no-any-return]


KINDS = (
    "all 127",
    "all -128",
    "alternating",
    "opposed in channels",
    "uniform",
    "extremes and zeros",
    "normal",
    "small",
)


def sums(pairs: Pairs, values: npt.NDArray[np.uint8], panel: int) -> npt.NDArray[np.int64]:
    """Return the sums of a panel's channels as the instructions compute them, saturation included."""
    totals = np.zeros(WIDTH, np.int64)
    for step in range(pairs.first_steps[panel], pairs.first_steps[panel + 1]):
        at, turned, again = pairs.steps[step]
        assert turned == again
        four = values[at : at + 4] ^ np.array([turned], np.int32).view(np.uint8)
        products = four.astype(np.int64) * pairs.weights[step].reshape(WIDTH, 4)
        totals += products.reshape(WIDTH, 2, 2).sum(axis=2).clip(-(2**15), 2**15 - 1).sum(axis=1)
    for step in range(pairs.first_wide[panel], pairs.first_wide[panel + 1]):
        four = values[pairs.wide_steps[step] :][:4].astype(np.int64)
        by_parity = pairs.wide_weights[step].astype(np.int64).transpose(0, 2, 3, 1).reshape(WIDTH, 4)
        totals += by_parity @ four
    found = np.empty(WIDTH, np.int64)
    found[lane_order(VECTORS, LANES).reshape(-1)] = totals
    return found


@given(
    st.sampled_from(KINDS),
    st.integers(1, 3 * WIDTH),
    st.integers(0, 4),
    st.integers(1, 6),
    st.sampled_from([(0, 255), (255, 256), (0, 256)]),
    st.integers(0, 2**32 - 1),
)
def test_saturating_products_of_packed_weights_are_the_sums_of_the_layer(
    kind: str, channels: int, taps: int, quads: int, range_of_values: tuple[int, int], seed: int
) -> None:
    weights = weights_of(kind, (channels, taps, 4 * quads))
    offsets = np.arange(taps, dtype=np.int64) * 4 * quads
    panels = -(-channels // WIDTH)
    pairs = pack_pairs(weights, offsets, panels, VECTORS, LANES)
    rng = np.random.default_rng(seed)
    values = rng.integers(*range_of_values, 4 * quads * taps).astype(np.uint8)
    if seed % 2:
        values = rng.choice([0, 255], values.size).astype(np.uint8)
    found = np.concatenate([sums(pairs, values, panel) for panel in range(panels)])[:channels]
    wanted = weights.reshape(channels, values.size).astype(np.int64) @ values
    np.testing.assert_array_equal(found + pairs.starts, wanted)


def test_weights_that_never_saturate_take_one_step_for_four_bytes() -> None:
    pairs = pack_pairs(weights_of("small", (WIDTH, 1, 64)), np.zeros(1, np.int64), 1, VECTORS, LANES)
    assert (pairs.weights.shape[0], pairs.wide_weights.shape[0]) == (16, 0)


def test_weights_that_always_saturate_are_turned_round() -> None:
    pairs = pack_pairs(weights_of("all 127", (WIDTH, 1, 64)), np.zeros(1, np.int64), 1, VECTORS, LANES)
    assert (pairs.weights.shape[0], pairs.wide_weights.shape[0]) == (16, 0)
    assert pairs.steps[:, 1].all()


def test_weights_that_saturate_either_way_are_widened() -> None:
    weights = weights_of("opposed in channels", (WIDTH, 1, 64))
    pairs = pack_pairs(weights, np.zeros(1, np.int64), 1, VECTORS, LANES)
    assert (pairs.weights.shape[0], pairs.wide_weights.shape[0]) == (0, 16)


def test_steps_without_weights_are_left_out() -> None:
    weights = weights_of("uniform", (WIDTH, 1, 64))
    weights[:, :, 8:60] = 0
    pairs = pack_pairs(weights, np.zeros(1, np.int64), 1, VECTORS, LANES)
    assert sorted([*pairs.steps[:, 0], *pairs.wide_steps]) == [0, 4, 60]


@pytest.mark.parametrize("kind", KINDS)
@NUMERICS
@EVERY_PATH
def test_layers_of_the_worst_weights_equal_the_specification(path: str, numerics: str, kind: str) -> None:
    weight = weights_of(kind, (40, 3, 3, 20))
    x, y = Tensor("x", (7, 9, 20), 0.02, -128), Tensor("y", (7, 9, 40), 3.0, 4)
    constants = conv_constants(
        weight, np.full(40, 0.01, np.float32), np.zeros(40), x.scale, x.zero_point, y.scale
    )
    window = {"kernel": (3, 3), "strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1), "group": 1}
    node = Node("conv", "layer", ("x",), "y", window, {role: role for role in constants})
    program = Program("layer", 1, {"x": x, "y": y}, (node,), ("x",), ("y",), constants)
    frame = (
        np.random.default_rng(5).choice([-128, -1, 0, 127], x.shape, p=[0.2, 0.1, 0.1, 0.6]).astype(np.int8)
    )
    frame[2:5] = 127
    wanted = execute(program, {"x": frame}, numerics)["y"]  # type: ignore[arg-type]
    assert np.unique(wanted).size > 1
    np.testing.assert_array_equal(run(program, {"x": frame}, numerics, path)["y"][0], wanted)
