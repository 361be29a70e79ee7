"""What the boards of a context did, with everything needed to explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from axemu.chip import METIS, TICKS_PER_SECOND, Calibration, Provenance, figures_of, weakest
from axemu.driver import Counters
from axemu.emulator._boards import EmulatedBoard
from axemu.emulator._configuration import EmulatorOptions
from axemu.emulator._handles import EmulatedInstance
from axemu.emulator._heat import BoardHeat, heat_after
from axemu.emulator._timing import Record, seconds
from axemu.emulator.metis import MODEL_VERSION


@dataclass(frozen=True, slots=True)
class Recording:
    """A record together with the boards, instances and options it belongs to."""

    record: Record
    instances: tuple[EmulatedInstance, ...]
    boards: tuple[EmulatedBoard, ...]
    calibration: Calibration
    options: EmulatorOptions
    sources: tuple[str, ...]
    remarks: Mapping[str, float]
    faults: Mapping[tuple[str, str], int]
    """How often each kind of fault befell each board."""

    @property
    def simulated(self) -> str:
        """Where the figures come from, in the words every report uses."""
        return simulated(self.options, self.calibration)

    @property
    def provenance(self) -> Provenance:
        """The weakest provenance that the figures rest on."""
        holders = [METIS, *(part for board in self.boards for part in (board.figures, board.host))]
        held = (figure for holder in holders for figure in figures_of(holder).values())
        return weakest([*self.calibration.figures.values(), *held])

    def heat(self, board: EmulatedBoard) -> BoardHeat | None:
        """Return power and temperature of a board at the end; None where heat is left out."""
        if self.options.cooling == "":
            return None
        specs = [instance.spec for instance in self.instances if instance.connection.board is board]
        return heat_after(self.record, specs, board, self.options.cooling, self.options.ambient)

    def temperature(self, board: EmulatedBoard) -> float:
        """Return the temperature of a board at the end in °C; the ambient one where heat is left out."""
        heat = self.heat(board)
        return float(self.options.ambient) if heat is None else heat.temperature


def simulated(options: EmulatorOptions, calibration: Calibration) -> str:
    """Say where figures come from, in the words every report uses."""
    text = f"timing model {MODEL_VERSION}, calibration {calibration.identity}"
    return text if options.computes else f"{text}, values not computed"


def counters(recording: Recording, instance: EmulatedInstance) -> Counters:
    """Return the counters of one instance."""
    frames = recording.record.frames[instance.spec.id]
    latency = frames.latency
    celsius = instance.faults.conditions.celsius
    extra = {}
    if latency.size:
        p50, p99 = np.percentile(latency, (50, 99))
        extra = {
            "latency_mean": seconds(latency.mean()),
            "latency_p50": seconds(p50),
            "latency_p99": seconds(p99),
        }
    return Counters(
        frames=frames.count,
        device_time=seconds(frames.executed.mean()) if frames.executed.size else 0.0,
        host_time=seconds(frames.host.mean()) if frames.count else 0.0,
        elapsed=seconds(frames.elapsed),
        temperature=recording.temperature(instance.connection.board) if celsius is None else celsius,
        simulated=recording.simulated,
        extra=extra,
        latencies=latency / TICKS_PER_SECOND,
    )
