"""From counts to time: what passes cost a core, in whole core cycles, and what a launch costs a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.chip import TICKS_PER_SECOND, ChipFigures, HostFigures
from axemu.model.passes import Pass, Units

JITTER_PERIOD = 17
"""Calls after which launch times repeat; a prime, so that any step visits all of them."""

STEPS = (7, 10, 5, 12)
"""Steps through them, by instance; none takes neighbours in a row."""

UNITS = Units.__slots__
"""Units of a core that stream at once in a pass."""

BUSY = ("start", "load", *UNITS, "gather", "throttled", "control", "move", "ddr")
"""What a core's time goes to: the firmware, loading the array, the busiest unit of each pass, what the MVM limit adds, the
control core after each step, and waiting for transfers from L2 (`move`) and DDR."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PassColumns:
    """Counts of many passes, one array each; `used` is the part of the array's cells that a pass feeds and reads."""

    units: Mapping[str, Ints]
    lookups: Ints
    products: Ints
    gathers: Ints
    load: Ints
    used: Floats


def columns_of(passes: Sequence[Pass], chip: ChipFigures) -> PassColumns:
    """Collect the counts of passes."""

    def column(name: str) -> Ints:
        return np.array([getattr(one, name) for one in passes], np.int64)

    units = {name: np.array([getattr(one.units, name) for one in passes], np.int64) for name in UNITS}
    most = units["array"] * peak_macs_per_cycle(chip)
    used = np.divide(column("macs"), most, out=np.zeros(len(passes)), where=most > 0)
    return PassColumns(
        units, column("lookups"), column("products"), column("gathers"), column("load_cycles"), used
    )


@dataclass(frozen=True, slots=True)
class PassCycles:
    """Cycles of many passes: `run` in all, of these `throttled` by the MVM limit, and `busiest`, an index of `BUSY`."""

    run: Ints
    throttled: Ints
    busiest: Ints


def pass_cycles(columns: PassColumns, figures: Mapping[str, float], mvm_percent: float = 100) -> PassCycles:
    """Cost passes: each lasts as long as its busiest unit.

    The MVM limit bounds the activity of the array, multiply-accumulates as a share of the peak, pass by pass: it only
    stretches passes that would have been busier.

    Args:
        columns: their counts.
        figures: calibrated figures by name.
        mvm_percent: the limit.
    """
    units = dict(columns.units)
    plain = units["vector"] - columns.lookups - columns.products
    vector = plain + columns.lookups * figures["lookup_cycles"] + columns.products * figures["product_cycles"]
    units["vector"] = _whole(vector)
    units["depthwise"] = _whole(units["depthwise"] * figures["depthwise_cycles"])
    gather = _whole(columns.gathers * figures["gather_cycles"])
    stack = np.stack([*(units[name] for name in UNITS), gather])
    busiest = np.argmax(stack, axis=0)
    run: Ints = stack.max(axis=0)
    throttled = np.zeros_like(run)
    if mvm_percent < 100:
        active = units["array"] * columns.used
        throttled = np.maximum(0, _whole(active * 100 / mvm_percent) - run)
    return PassCycles(run + throttled, throttled, busiest + BUSY.index(UNITS[0]))


def _whole(cycles: npt.NDArray[np.floating[Any]]) -> Ints:
    whole: Ints = np.ceil(cycles - 1e-9).astype(np.int64)
    return whole


def peak_macs_per_cycle(chip: ChipFigures) -> float:
    """Return what one core's array does at best: every row and column, one vector in 8 cycles."""
    return chip.array_inputs.value * chip.array_outputs.value / chip.vector_cycles.value


def cycles_to_ticks(cycles: int, clock_mhz: int) -> int:
    """Return the ticks of `cycles` core cycles, rounded up where the clock has no whole number of ticks."""
    return -(-cycles * (TICKS_PER_SECOND // 1_000_000) // clock_mhz)


def seconds_to_ticks(seconds: float) -> int:
    """Return the nearest whole number of ticks."""
    return round(seconds * TICKS_PER_SECOND)


def launch_ticks(host: HostFigures, instance: int, number: int, copied: int = 0) -> int:
    """Return the ticks the host takes to launch call `number` of an instance that copies `copied` bytes.

    No two calls in a row take a host equally long. Were they to, instances would lock into patterns that no card is
    seen in. The first call takes the mean, which is also that of any `JITTER_PERIOD` calls in a row.
    """
    half = JITTER_PERIOD // 2
    place = (number * STEPS[instance % len(STEPS)] + half) % JITTER_PERIOD - half
    spread = seconds_to_ticks(host.launch_spread.value) // half
    return max(0, seconds_to_ticks(host_seconds(host, copied)) + place * spread)


def host_seconds(host: HostFigures, copied: int) -> float:
    """Return what a call that copies `copied` bytes costs its host on average."""
    return host.launch.value + copied * host.copy.value
