"""A deployment: networks on boards with a host, and the streams that feed them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any, Literal

from axemu.chip import BOARDS, CORES, HOSTS, RELEASES
from axemu.driver import InvalidArgument
from axemu.studies._heat import check_heat
from axemu.studies._settings import check_settings, known
from axemu.studies.deployments._distribution import Distribution

Arrivals = Literal["loop", "camera", "poisson", "recorded"]
Drop = Literal["newest", "oldest"]
Phase = Literal["even", "together", "random"]

MOST_BOARDS = 16
MOST_CAMERAS = 4096
MOST_NETWORKS = 32
MOST_STREAMS = 256
"""And branches."""

NO_TIME = Distribution()
ONE_CROP = Distribution(mean=1.0)


def _known(what: str, value: str, known: Any) -> None:
    if value not in known:
        raise InvalidArgument(f"{what} {value!r} is unknown; known are {', '.join(known)}")


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is not, either
        raise InvalidArgument(f"{what} {value} is outside {low} to {high}")


@dataclass(frozen=True, slots=True)
class BoardSetup:
    """Boards of one kind, set alike.

    Args:
        board: what they are (`axemu.chip.BOARDS`).
        count: how many.
        clock: of the cores, in MHz.
        mvm_utilisation: limit of the cores' MVM utilisation in percent.
        shared_upstream: they share one way to the host (a card with several chips always does).
        ambient: temperature around them in °C; None means that of a room.
        cooling: name of a cooling (`axemu.chip.COOLINGS`) or a thermal resistance in K/W; None means as the board is sold.
        power_limit: watts that the limiter of each keeps to, where it has one.
    """

    board: str = "pcie"
    count: int = 1
    clock: int = 800
    mvm_utilisation: float = 100.0
    shared_upstream: bool = False
    ambient: float | None = None
    cooling: str | float | None = None
    power_limit: float | None = None

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        object.__setattr__(self, "board", known("board", self.board, BOARDS))
        _within("count", self.count, 1, MOST_BOARDS)
        check_settings(self.clock, self.mvm_utilisation)
        check_heat(self.board, self.ambient, self.cooling, self.power_limit)

    @property
    def chips(self) -> int:
        """Chips of all of them; a runtime sees each as a board."""
        return self.count * BOARDS[self.board].chips


@dataclass(frozen=True, slots=True)
class NetworkSetup:
    """A network and what it runs on.

    Args:
        model: a network of the zoo, an ONNX file, or a compiled directory.
        name: what streams and branches call it; None means as `model`.
        cores: cores it has on each of its boards; instances of it share one queue.
        first_core: the first of them; None means behind the cores of the networks before it. Networks may share cores.
        compiled_cores: cores one instance spans, 1, 2 or 4: its batch. A call waits until it has so many frames.
        resources_used: share of a chip's L2 an instance is compiled for; None means a quarter per core.
        double_buffer: copies overlap with execution, and a call returns the result of the call two before.
        boards: numbers of the boards it runs on, counted over all `BoardSetup`s, chip by chip; empty means all.
        queue: frames that may wait for an instance; 0 means any number.
        drop: which frame goes when the queue is full.
        pre: host time per frame before the call, ms.
        post: host time per frame after the call, ms.
    """

    model: str
    name: str | None = None
    cores: int = CORES
    first_core: int | None = None
    compiled_cores: int = 1
    resources_used: float | None = None
    double_buffer: bool = True
    boards: tuple[int, ...] = ()
    queue: int = 0
    drop: Drop = "newest"
    pre: Distribution = NO_TIME
    post: Distribution = NO_TIME

    def __post_init__(self) -> None:
        """Refuse what a chip cannot hold."""
        _within("cores", self.cores, 1, CORES)
        if self.compiled_cores not in (1, 2, 4) or self.compiled_cores > self.cores:
            raise InvalidArgument(
                f"network {self.label}: compiled_cores {self.compiled_cores}, expected 1, 2 or 4 of its {self.cores} cores"
            )
        if self.first_core is not None:
            _within("first_core", self.first_core, 0, CORES - self.cores)
        if self.resources_used is not None:
            _within("resources_used", self.resources_used, 1e-3, 1)
        _within("queue", self.queue, 0, 1_000_000)

    @property
    def label(self) -> str:
        """What streams and branches call it."""
        return self.name or self.model


@dataclass(frozen=True, slots=True)
class Stream:
    """Frames that arrive alike.

    Args:
        network: the network that takes them first.
        name: for tables; None means as the network.
        arrivals: `loop` (threads that send the next frame when a result has come), `camera` (fixed rate), `poisson`, `recorded`.
        count: cameras, or threads of a loop; 0 threads are as many as keep all instances busy.
        fps: frames per second of each camera.
        jitter: a camera's frames arrive up to so many ms before or after their time.
        phase: cameras start `even`ly apart, `together`, or at `random` times.
        times: arrivals in seconds that were recorded, of each camera; they begin again after the last.
        latency_bound: ms within which frames are wanted; None where nobody asks.
    """

    network: str
    name: str | None = None
    arrivals: Arrivals = "camera"
    count: int = 1
    fps: float = 30.0
    jitter: float = 0.0
    phase: Phase = "even"
    times: tuple[float, ...] = ()
    latency_bound: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot arrive."""
        _within("count", self.count, 0 if self.arrivals == "loop" else 1, MOST_CAMERAS)
        _within("fps", self.fps, 1e-3, 1e5)
        _within("jitter", self.jitter, 0, 500 / self.fps)
        if (self.arrivals == "recorded") != bool(self.times):
            raise InvalidArgument(
                f"stream {self.label}: `times` belong to `recorded` arrivals, which need some"
            )
        if not all(map(isfinite, self.times)):
            raise InvalidArgument(f"stream {self.label}: a recorded time is infinite or no number")
        if self.latency_bound is not None:
            _within("latency_bound", self.latency_bound, 0, 1e9)
        if any(later < one for one, later in zip((0.0, *self.times), self.times, strict=False)):
            raise InvalidArgument(f"stream {self.label}: recorded times must rise from 0")
        if self.times and self.times[-1] == 0:
            raise InvalidArgument(f"stream {self.label}: all recorded times are 0")

    @property
    def label(self) -> str:
        """Its name in tables."""
        return self.name or self.network

    @property
    def offered_fps(self) -> float:
        """Frames per second of all its cameras; 0 for a loop."""
        if self.arrivals == "loop":
            return 0.0
        return self.count * (len(self.times) / self.times[-1] if self.times else self.fps)


@dataclass(frozen=True, slots=True)
class Branch:
    """After a frame of one network, `crops` frames for another: a cascade. A frame is done when all of its crops are.

    Crops come whole: `crops` is poisson, constant or recorded.
    """

    after: str
    network: str
    crops: Distribution = ONE_CROP

    def __post_init__(self) -> None:
        """Refuse parts of crops, which would be lost."""
        table = self.crops.table()
        if (table % 1).any():
            raise InvalidArgument(
                f"branch {self.after} to {self.network}: crops of shape {self.crops.shape} are not whole (such as {table[table % 1 > 0][0]:g}); "
                "for a mean between whole numbers take the shape poisson"
            )


@dataclass(frozen=True, slots=True)
class HostSetup:
    """The host.

    Args:
        host: its profile (`axemu.chip.HOSTS`); None means the one that the first board is published with.
        threads: threads for `pre` and `post` of all networks; 0 means enough.
    """

    host: str | None = None
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        if self.host is not None:
            object.__setattr__(self, "host", known("host", self.host, HOSTS))
        _within("threads", self.threads, 0, 1024)


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a study varies; see `BoardSetup`, `NetworkSetup`, `Stream`, `Branch` and `HostSetup`.

    Args:
        networks: networks and their cores.
        streams: what arrives.
        boards: the boards of one host.
        branches: cascades.
        host: the host.
        seconds: virtual time in which arriving frames count; `warm_up` more come before it.
        warm_up: seconds before the first frame that counts.
        seed: of everything drawn at random; None means from the content.
        calibration: a calibration file; None means the shipped one.
        sdk: release of the vendor's SDK (`axemu.chip.RELEASES`) whose calibration and hosts count; None means that of the
            calibration file, or 1.6.
    """

    networks: tuple[NetworkSetup, ...]
    streams: tuple[Stream, ...]
    boards: tuple[BoardSetup, ...] = (BoardSetup(),)
    branches: tuple[Branch, ...] = ()
    host: HostSetup = field(default=HostSetup())
    seconds: float = 10.0
    warm_up: float = 1.0
    seed: int | None = None
    calibration: str | None = None
    sdk: str | None = None

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        for what, parts in (
            ("networks", self.networks),
            ("streams", self.streams),
            ("boards", self.boards),
        ):
            if not parts:
                raise InvalidArgument(f"deployment: no {what}; give at least one")
        _within("number of networks", len(self.networks), 1, MOST_NETWORKS)
        _within("number of streams", len(self.streams), 1, MOST_STREAMS)
        _within("number of branches", len(self.branches), 0, MOST_STREAMS)
        _within("number of boards", self.chips, 1, MOST_BOARDS)
        _within("seconds", self.seconds, 0.01, 3600)
        _within("warm_up", self.warm_up, 0, 3600)
        if self.sdk is not None:
            object.__setattr__(self, "sdk", known("SDK", self.sdk, RELEASES))
        names = [one.label for one in self.networks]
        if len(set(names)) < len(names):
            raise InvalidArgument(f"deployment: two networks are called alike in {', '.join(names)}")
        for network in self.networks:
            if not set(network.boards) <= set(range(self.chips)):
                raise InvalidArgument(
                    f"network {network.label}: boards {network.boards}, expected some of 0 to {self.chips - 1}"
                )
        for stream in self.streams:
            _known(f"stream {stream.label}: network", stream.network, names)
        self._check_branches(names)
        self.placements()

    def _check_branches(self, names: list[str]) -> None:
        targets: dict[str, set[str]] = {name: set() for name in names}
        for branch in self.branches:
            for end in (branch.after, branch.network):
                _known("branch: network", end, names)
            targets[branch.after].add(branch.network)
        reached = dict(targets)
        for _ in names:
            reached = {
                name: ends.union(*(reached[one] for one in ends)) if ends else ends
                for name, ends in reached.items()
            }
        if circle := [name for name, ends in reached.items() if name in ends]:
            raise InvalidArgument(f"branches: {circle[0]} comes after itself")

    @property
    def chips(self) -> int:
        """Chips of all boards; numbers of boards count them."""
        return sum(one.chips for one in self.boards)

    def setup_of_chips(self) -> tuple[BoardSetup, ...]:
        """Return the setup of each chip."""
        return tuple(one for one in self.boards for _ in range(one.chips))

    def placements(self) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
        """Return network, board and cores of each instance.

        Raises:
            InvalidArgument: the cores are too few.
        """
        placed: list[tuple[int, int, tuple[int, ...]]] = []
        for board in range(self.chips):
            free = 0
            for number, network in enumerate(self.networks):
                if network.boards and board not in network.boards:
                    continue
                first = free if network.first_core is None else network.first_core
                if first + network.cores > CORES:
                    raise InvalidArgument(
                        f"network {network.label}: {network.cores} cores from core {first} on; board {board} has {CORES}. "
                        "Give it fewer, another board, or `first_core` to share cores"
                    )
                free = max(free, first + network.cores)
                width = network.compiled_cores
                placed += [
                    (number, board, tuple(range(first + at * width, first + (at + 1) * width)))
                    for at in range(network.cores // width)
                ]
        return tuple(placed)

    def to_dict(self) -> dict[str, Any]:
        """Return it as values for JSON, TOML or YAML."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with the content."""
        content = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def drawn_from(self) -> int:
        """The seed of everything drawn at random."""
        return int(self.digest, 16) if self.seed is None else self.seed
