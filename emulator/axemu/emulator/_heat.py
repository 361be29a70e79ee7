"""How warm a board became by what it did. Orders of magnitude, without effect on its times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axemu.chip import BOARD_HEAT, THERMAL, TICKS_PER_SECOND
from axemu.emulator._boards import EmulatedBoard
from axemu.emulator._timing import Record, seconds
from axemu.emulator.metis import Activity, InstanceSpec, active_ticks, biting, cooled, power_of


@dataclass(frozen=True, slots=True)
class BoardHeat:
    """Mean power in W, temperature at the end and in the long run in °C, and the limits that would bite at the end."""

    watts: float
    temperature: float
    settled: float
    limits: tuple[str, ...]

    @property
    def core_temps(self) -> tuple[float, ...]:
        """What the sensors show: one body, so all the same."""
        return (self.temperature,) * int(THERMAL.sensors)


def heat_after(
    record: Record,
    specs: Sequence[InstanceSpec],
    board: EmulatedBoard,
    cooling: str | float,
    ambient: float,
) -> BoardHeat:
    """Return how warm a board is after a record, with the mean power of the record, from idle on.

    Args:
        record: what happened.
        specs: the instances on the board.
        board: the board.
        cooling: name of a cooling or a thermal resistance in K/W.
        ambient: °C.
    """
    body = cooled(cooling, ambient)
    idle = float(BOARD_HEAT[board.figures.name].idle_power)
    elapsed = seconds(record.elapsed)
    activity = _activity(record, specs, board).times(1 / elapsed if elapsed else 0.0)
    watts = power_of(activity, idle).total
    temperature = body.after(body.settled(idle), watts, elapsed)
    return BoardHeat(watts, temperature, body.settled(watts), biting(temperature))


def _activity(record: Record, specs: Sequence[InstanceSpec], board: EmulatedBoard) -> Activity:
    """Return all that a board did; cycles are at the clock that its cores have in the end."""
    timeline, cycles = record.timeline, 0.0
    for core, clock in enumerate(board.settings.clock_mhz):
        prefix = f"board{board.index}.core{core}."
        own = {
            unit.removeprefix(prefix): n for unit, n in timeline.unit_ticks.items() if unit.startswith(prefix)
        }
        cycles += active_ticks(own) * clock * 1e6 / TICKS_PER_SECOND
    macs = sum(
        record.frames[spec.id].count
        * len(spec.cores)
        * sum(one.macs for one in spec.core.passes if one.units.array)
        for spec in specs
    )
    channels = ("ddr", "link_in", "link_out")
    moved = sum(timeline.bytes_moved.get(f"board{board.index}.{channel}", 0) for channel in channels)
    return Activity(cycles, macs, moved)
