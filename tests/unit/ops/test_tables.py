"""Tables hold the same entries on every host, whatever the last bits of its exp and tanh."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.model.ops import FUNCTIONS, PointwiseFunction, lut_table
from axemu.model.ops import _elementary as elementary
from axemu.model.ops import _functions as registry
from axemu.model.ops._elementary import EXACT, QUICK, Elementary

Real = npt.NDArray[np.float64]

GRID = np.concatenate([np.linspace(-9.0, 9.0, 37), [-700.0, -60.0, -1e-9, 1e-9, 60.0, 700.0]])
ARRAY_FUNCTIONS = [field.name for field in fields(Elementary)]
ROOT = Path(__file__).resolve().parents[3]
SCALE, ZERO_POINT, STEP = 0.03125, 3, 0.03125
CHANNELS = 16


def ties(function: PointwiseFunction) -> tuple[Real, Real]:
    """Return arguments and for each the gain that puts the exact value on a tie between two entries."""
    arguments = (np.arange(-128.0, 128.0) - ZERO_POINT)[:: 256 // CHANNELS] * SCALE
    values = function.exact(arguments)
    usable = np.isfinite(values) & (np.abs(values) > 1e-6)
    return arguments, np.divide(3.5 * STEP, values, out=np.ones(CHANNELS), where=usable)


def tables_on_ties(name: str) -> npt.NDArray[np.int8]:
    """Return tables of a function, in each of which one entry is a tie but for the last bits of the function."""
    gain = ties(FUNCTIONS[name])[1]
    return lut_table(
        FUNCTIONS[name], SCALE, ZERO_POINT, STEP, 0, channels=CHANNELS, after=lambda values: values * gain
    )


def digest() -> str:
    every = [tables_on_ties(name).tobytes() for name in sorted(FUNCTIONS)]
    return hashlib.sha256(b"".join(every)).hexdigest()


def levels() -> list[str]:
    """Return what to disable so that NumPy uses few and none of the vector instructions it found here."""
    found = np.show_config("dicts")["SIMD Extensions"].get("found", [])  # type: ignore[index]
    return [" ".join(found[kept:]) for kept in (1, 0) if found[kept:]]


@pytest.mark.parametrize("disabled", levels() or [""])
def test_tables_are_the_same_with_fewer_vector_instructions(disabled: str) -> None:
    program = "from tests.unit.ops.test_tables import digest; print(digest())"
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert found.stdout.strip() == digest()


def nudged(function: Callable[[Real], Real], by: float) -> Callable[[Real], Real]:
    return lambda x: function(x) * (1.0 + by)


@pytest.mark.parametrize("by", [-1e-14, 1e-14])
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_tables_do_not_depend_on_what_the_math_library_rounds(
    name: str, by: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tables_on_ties(name)
    elsewhere = Elementary(*(nudged(getattr(QUICK, of), by) for of in ARRAY_FUNCTIONS))
    monkeypatch.setattr(elementary, "QUICK", elsewhere)
    monkeypatch.setattr(registry, "QUICK", elsewhere)
    np.testing.assert_array_equal(tables_on_ties(name), here)


@given(
    st.sampled_from(sorted(FUNCTIONS)),
    st.floats(2.0**-12, 8.0, width=32),
    st.integers(-128, 127),
    st.floats(2.0**-29, 8.0, width=32),
    st.integers(-128, 127),
)
def test_a_table_is_the_rounded_exact_function(name: str, s: float, z: int, t: float, y: int) -> None:
    table = lut_table(FUNCTIONS[name], s, z, t, y)
    some = np.arange(256)[(z + 128) % 16 :: 16]
    steps = np.rint(FUNCTIONS[name].exact((some - 128.0 - z) * s) / t)
    np.testing.assert_array_equal(table[some], (np.clip(steps, -128 - y, 127 - y) + y).astype(np.int8))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_quick_values_are_right_but_for_their_last_bits(name: str) -> None:
    exact, quick = FUNCTIONS[name].exact(GRID), FUNCTIONS[name].quick(GRID)
    finite = np.isfinite(exact)
    np.testing.assert_array_equal(quick[~finite], exact[~finite])
    np.testing.assert_allclose(quick[finite], exact[finite], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("of", ARRAY_FUNCTIONS)
def test_functions_are_exact_only_where_they_are_asked_to_be(of: str) -> None:
    where = np.arange(GRID.size) % 3 == 0
    with np.errstate(all="ignore"):
        mixed = getattr(elementary.exact_at(where), of)(GRID)
        quick = getattr(QUICK, of)(GRID)
    np.testing.assert_array_equal(mixed[where], getattr(EXACT, of)(GRID[where]))
    np.testing.assert_array_equal(mixed[~where], quick[~where])


def test_each_channel_may_have_parameters_of_its_own() -> None:
    slopes = np.array([0.5, -0.25, 0.1])
    table = lut_table(FUNCTIONS["leaky_relu"].having(alpha=slopes), 0.1, 7, 0.05, -3, channels=3)
    for channel, slope in enumerate(slopes):
        alone = lut_table(FUNCTIONS["leaky_relu"].having(alpha=float(slope)), 0.1, 7, 0.05, -3)
        np.testing.assert_array_equal(table[channel], alone)


def test_channels_may_be_scaled_before_and_behind_the_function() -> None:
    before, after = np.array([2.0, 0.5]), np.array([4.0, 0.25])
    table = lut_table(
        FUNCTIONS["silu"],
        0.25,
        -5,
        0.125,
        10,
        channels=2,
        before=lambda x: x * before,
        after=lambda y: y * after,
    )
    for channel in range(2):
        alone = lut_table(FUNCTIONS["silu"], 0.25 * before[channel], -5, 0.125 / after[channel], 10)
        np.testing.assert_array_equal(table[channel], alone)


def test_a_clamp_in_front_moves_into_the_function() -> None:
    clamped = FUNCTIONS["exp"].of_clamped(None, 1.0)
    assert clamped(5.0) == FUNCTIONS["exp"](1.0)
    assert clamped(-2.0) == FUNCTIONS["exp"](-2.0)
    assert FUNCTIONS["exp"].of_clamped(None, None) is FUNCTIONS["exp"]
