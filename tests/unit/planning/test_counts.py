"""How often the array fires, against counts done by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axelera.compiler.planning._counts import (
    array_slots,
    constant_bytes,
    padded,
    stored_channels,
    weight_passes,
)


def test_channels_are_stored_in_words_of_64() -> None:
    assert [padded(c) for c in (1, 64, 65, 128, 1000)] == [64, 64, 128, 128, 1024]


def test_an_image_keeps_4_channels() -> None:
    assert [stored_channels(c) for c in (1, 3, 4, 5)] == [4, 4, 4, 64]


def test_a_matrix_that_fills_the_array_fires_once_per_vector() -> None:
    assert array_slots(100, 512, 512) == 100


def test_each_tile_of_512_by_512_fires_for_each_vector() -> None:
    assert array_slots(7, 2048, 2048) == 7 * 4 * 4
    assert array_slots(7, 513, 512) == 7 * 2


def test_neighbouring_outputs_of_a_small_kernel_share_a_firing() -> None:
    # 64 to 64 channels, 1x1: eight pixels side by side fill 512 rows and 512 columns.
    assert array_slots(800, 64, 64) == 100
    # The output side limits: two copies of 256 columns.
    assert array_slots(800, 64, 256) == 400


def test_windows_of_a_3x3_kernel_overlap() -> None:
    # Four copies need 3 x (3 + 3) x 64 = 1152 rows = 3 tiles for 4 outputs; eight need 1920 rows = 4 tiles for 8.
    assert array_slots(800, 64, 64, (3, 3)) == 400


@given(
    st.integers(1, 3000),
    st.integers(1, 1200),
    st.integers(1, 1200),
    st.integers(1, 7),
    st.integers(1, 3),
)
def test_the_array_never_does_more_than_it_can(
    positions: int, inputs: int, outputs: int, k: int, stride: int
) -> None:
    slots = array_slots(positions, inputs, outputs, (k, k), stride)
    assert slots * 512 * 512 >= positions * inputs * outputs * k * k
    plain = positions * math.ceil(stored_channels(inputs) * k * k / 512) * math.ceil(padded(outputs) / 512)
    assert 1 <= slots <= plain


@given(st.integers(1, 4000), st.integers(1, 2000))
def test_constants_are_weights_and_64_bytes_per_channel(rows: int, outputs: int) -> None:
    assert constant_bytes(rows, outputs) == rows * padded(outputs) + 64 * padded(outputs)


@pytest.mark.parametrize(
    ("channels", "outputs", "taps", "passes"),
    [
        (512, 512, 1, 1),
        (512, 2048, 1, 1),
        (512, 2560, 1, 2),
        (256, 256, 9, 1),
        (384, 384, 9, 2),
        (768, 768, 9, 6),
        # Each row tile of a 1x1 kernel meets its own channels: four of them, three turns, but one reading.
        (6144, 512, 1, 1),
    ],
)
def test_the_input_passes_by_for_every_four_sets_of_weights(
    channels: int, outputs: int, taps: int, passes: int
) -> None:
    assert weight_passes(channels, outputs, taps) == passes
