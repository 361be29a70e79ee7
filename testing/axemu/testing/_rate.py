"""How fast an instance is, with what is known about the error of that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from axelera.runtime import ModelInstance


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames per second, and between which rates a card's would lie.

    A comparison holds if it holds in all of the band: ``rate >= 200`` says that the low end reaches 200, ``rate <= 200`` that the
    high end stays within. So neither may hold. Measured on a card, the band has no width. `simulated` tells where the
    figures come from ("" on a card).
    """

    fps: float
    low: float
    high: float
    simulated: str = ""

    def __ge__(self, fps: float) -> bool:
        return self.low >= fps

    def __gt__(self, fps: float) -> bool:
        return self.low > fps

    def __le__(self, fps: float) -> bool:
        return self.high <= fps

    def __lt__(self, fps: float) -> bool:
        return self.high < fps

    def __str__(self) -> str:
        if not self.simulated:
            return f"{self.fps:.1f} FPS"
        return f"{self.fps:.1f} FPS ({self.low:.1f} to {self.high:.1f} on 80 % of networks; simulated: {self.simulated})"


def rate(instance: ModelInstance) -> Rate | None:
    """Return how fast an instance was so far, from its first call to its last; None where the driver knows no time.

    On emulated boards these are seconds of virtual time, and the band is that of the calibration they run with.
    """
    counters = instance.counters()
    if not counters.elapsed:
        return None
    batch = instance.batch
    fps = batch * counters.frames / counters.elapsed
    if not counters.simulated:
        return Rate(fps, fps, fps)
    low, high = _band(fps, instance)
    return Rate(fps, low, high, counters.simulated)


def _band(fps: float, instance: ModelInstance) -> tuple[float, float]:
    from axemu.chip import load_calibration  # noqa: PLC0415  with time only
    from axemu.emulator import load_options  # noqa: PLC0415
    from axemu.studies import band  # noqa: PLC0415

    options, _ = load_options()
    path = Path(options.calibration).expanduser() if options.calibration else None
    calibration = load_calibration(path, options.sdk)
    return band(fps, instance.connection.device.board_controller_board_type, calibration)
