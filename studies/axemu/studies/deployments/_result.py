"""What became of the frames of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["healthy", "at its limit", "overloaded"]


@dataclass(frozen=True, slots=True)
class Latency:
    """Ages of frames in ms, from arrival to result. Where no frame came back, all are infinite."""

    mean: float
    p50: float
    p90: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True, slots=True)
class StreamResult:
    """What became of the frames of one stream.

    `offered_fps` and `fps` are frames that arrive and results that come per second. A frame that has not come back counts
    with the age it has reached (`unfinished`). `jitter` is the mean difference between the ages of a camera's frames in a row, in ms.
    `dropped` frames have no result; `incomplete` ones lack the results of some crops. `late` is the part of the frames,
    dropped ones included, that were not back within the stream's `latency_bound`.
    """

    name: str
    offered_fps: float
    fps: float
    latency: Latency
    jitter: float
    frames: int
    dropped: int
    incomplete: int
    unfinished: int
    late: float
    backlog_growth: float


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """What the instances of one network did.

    `offered_fps` are frames that came to it, `fps` those that it computed, per second, `busy` is the part of the time its instances were in a call, `capacity_fps` the rate
    at which they would always be. `executed` is a mean execution in ms, `parts` where the ms of a mean call went.
    `queue` is the longest its queue has been.
    """

    name: str
    instances: int
    offered_fps: float
    fps: float
    busy: float
    capacity_fps: float
    executed: float
    queue: int
    dropped: int
    parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BoardResult:
    """Power in W and temperature of the junction in °C of one chip, as if nothing throttled: orders of magnitude.

    `temperature` is where the chip settles if this goes on for minutes. `throttles` names the limits that would then bite: the
    results do not hold any more, and how much is left depends on them (`axemu study heat`).
    """

    name: str
    watts: float
    temperature: float
    throttles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An answer. All figures are simulated.

    `units` says how busy each core, memory, link and host thread was, `boards` how warm each chip gets, `watts` is the mean power of all (orders of
    magnitude; nothing throttles). `bound_by` names what is busiest. `spread` is half the width of the
    band as a factor (executions may take so much longer or less); `fast` and `slow` are the answers at its ends, if asked for.
    """

    digest: str
    verdict: Verdict
    headline: str
    streams: tuple[StreamResult, ...]
    networks: tuple[NetworkResult, ...]
    units: Mapping[str, float]
    boards: tuple[BoardResult, ...]
    bound_by: str
    spread: float
    host: str
    model_version: str
    calibration_id: str
    provenance: str
    unseen_rules: tuple[str, ...] = ()
    fast: Evaluation | None = None
    slow: Evaluation | None = None

    @property
    def fps(self) -> float:
        """Results per second of all streams."""
        return sum(one.fps for one in self.streams)

    @property
    def watts(self) -> float:
        """Mean power of all boards in W."""
        return sum(one.watts for one in self.boards)

    @property
    def temperature(self) -> float:
        """Where the hottest chip settles, in °C."""
        return max(one.temperature for one in self.boards)

    @property
    def p99(self) -> float:
        """The worst stream's 99th percentile of latency in ms."""
        return max(one.latency.p99 for one in self.streams)

    @property
    def at_slow_end(self) -> Evaluation:
        """The answer at the slow end of the band; this one itself where that was not asked for."""
        return self.slow or self

    def within(self, bound: float) -> bool:
        """Return whether it keeps up, drops neither frames nor crops, and has 99 % of each stream's frames back in so many ms."""
        lost = any(one.dropped or one.incomplete for one in self.streams)
        return self.verdict != "overloaded" and self.p99 <= bound and not lost

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready values, with the power of all boards."""
        return {**asdict(self), "watts": self.watts}
