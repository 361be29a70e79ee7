"""What is asked and what is answered."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from axemu.chip import (
    BOARDS,
    CORES,
    DEFAULT_RELEASE,
    HOSTS,
    PROGRAMS,
    RELEASES,
    Calibration,
    figures_of,
    load_calibration,
    weakest,
)
from axemu.driver import InvalidArgument
from axemu.emulator.metis import Board, BoardState
from axemu.studies._heat import Heat, check_heat
from axemu.studies._settings import check_settings, known


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is predicted: which model on which board, with which settings.

    Args:
        model: a compiled-model directory, an ONNX file, or the name of a network of the zoo.
        board: name of the board (`axemu.chip.BOARDS`).
        compiled_cores: cores one instance spans (batch); None means as compiled, or 1.
        cores: cores that are used in all, on each board.
        clock: clock of all cores.
        mvm_utilisation: limit of the MVM utilisation of all cores.
        double_buffer: copies overlap with execution.
        host: name of the host profile (`axemu.chip.HOSTS`); None means the one that belongs to the board.
        boards: boards of this kind, each driven alike.
        shared_upstream: the boards share one way to the host (a card with several chips always does).
        seconds: virtual time that is simulated if `every_frame`, and bounds the search for a steady state.
        every_frame: simulate every frame of `seconds` instead of extrapolating the steady state.
        sdk: release of the vendor's SDK (`axemu.chip.RELEASES`) whose published rates the calibration was fitted to, and in whose
            hosts boards are; None means that of the calibration file, or 1.6.
        calibration: a calibration file; None means the shipped one of the release.
        ambient: temperature around the board in °C. With it or one of the next two, the prediction tells power and
            temperature too (`Prediction.heat`); they change nothing else.
        cooling: name of a cooling (`axemu.chip.COOLINGS`) or a thermal resistance in K/W.
        power_limit: watts that the board's limiter keeps to, where it has one.
    """

    model: str | Path
    board: str = "pcie"
    compiled_cores: int | None = None
    cores: int = CORES
    clock: int = 800
    mvm_utilisation: float = 100.0
    double_buffer: bool = True
    host: str | None = None
    boards: int = 1
    shared_upstream: bool = False
    seconds: float = 10.0
    every_frame: bool = False
    sdk: str | None = None
    calibration: Path | None = None
    ambient: float | None = None
    cooling: str | float | None = None
    power_limit: float | None = None

    def __post_init__(self) -> None:
        """Refuse what does not exist."""
        object.__setattr__(self, "board", known("board", self.board, BOARDS))
        if self.host is not None:
            object.__setattr__(self, "host", known("host", self.host, HOSTS))
        if self.sdk is not None:
            object.__setattr__(self, "sdk", known("SDK", self.sdk, RELEASES))
        check_settings(self.clock, self.mvm_utilisation)
        if not 1 <= self.cores <= CORES:
            raise InvalidArgument(f"cores {self.cores}: a board has 1 to {CORES}")
        if self.compiled_cores not in (None, 1, 2, 4):
            raise InvalidArgument(f"compiled cores {self.compiled_cores}: an instance spans 1, 2 or 4")
        if (self.compiled_cores or 1) > self.cores:
            raise InvalidArgument(
                f"a model compiled for {self.compiled_cores} cores does not run on {self.cores}"
            )
        if not 1 <= self.boards <= 16:
            raise InvalidArgument(f"boards {self.boards} is outside 1 to 16")
        if not 0 < self.seconds <= 3600:
            raise InvalidArgument(f"seconds {self.seconds} is outside 0 to 3600")
        check_heat(self.board, self.ambient, self.cooling, self.power_limit)

    @property
    def heated(self) -> bool:
        """Whether power and temperature are asked for."""
        return any(one is not None for one in (self.ambient, self.cooling, self.power_limit))

    def machine_boards(self) -> tuple[Board, ...]:
        """Return the boards as the machine wants them."""
        figures = BOARDS[self.board]
        group = "upstream" if self.shared_upstream or figures.chips > 1 else ""
        calibration = self.load_calibration()
        one = Board(
            figures,
            calibration.host_of(figures, self.host),
            calibration=calibration,
            upstream_group=group,
        )
        return (one,) * (self.boards * figures.chips)

    def state(self) -> BoardState:
        """Return the settings of each board."""
        return BoardState((self.clock,) * 4, (self.mvm_utilisation,) * 4)

    def load_calibration(self) -> Calibration:
        """Return the calibration.

        Raises:
            InvalidArgument: the file is missing, no calibration, or one of another release.
        """
        return read_calibration(self.calibration, self.sdk)


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer. All figures are simulated.

    Rates are in frames per second of all boards together: `device_fps` if the cores only executed, `host_fps` if calls
    followed each other without a gap (what published tables show), `system_fps` with the application's loop.
    `latency_ms` is from submitting a frame to holding its result in the steady state, `lone_latency_ms` that of a
    single frame on an idle board. `parts_us` says where the mean call went, `busy` how busy each unit was.
    `band` bounds `host_fps` at 80 % by the residuals of the calibration, and twice as wide where the program rests on
    `unseen_rules`, which no measured network has. `host` is the host it holds for. `provenance` is the weakest that the answer
    rests on, `weakest_figures` are the names of the figures that have it. `heat` is there if the scenario asks for it; the
    rates are those before throttling. `comparable` says which published rates of release `sdk` `host_fps` may be held
    against; `published_fps` is the one of this network in this setting, if there is one.
    """

    model: str
    board: str
    host: str
    host_fps: float
    device_fps: float
    system_fps: float
    latency_ms: float
    lone_latency_ms: float
    bound_by: str
    band: tuple[float, float]
    model_version: str
    calibration_id: str
    provenance: str
    weakest_figures: tuple[str, ...]
    frames: int
    extrapolated: bool
    parts_us: dict[str, float] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    ddr_bytes_per_frame: float = 0.0
    unseen_rules: tuple[str, ...] = ()
    heat: Heat | None = None
    sdk: str = DEFAULT_RELEASE
    comparable: str = ""
    published_fps: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready values."""
        return asdict(self)


def read_calibration(path: str | Path | None, sdk: str | None = None) -> Calibration:
    """Return the calibration of a file; None means the one shipped for a release, by default 1.6.

    Raises:
        InvalidArgument: the file is missing, no calibration, or one of another release.
    """
    try:
        return load_calibration(None if path is None else Path(path), sdk)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error


def weakest_of(board: Board) -> tuple[str, tuple[str, ...]]:
    """Return the weakest provenance that figures of this board rest on, and the names of those that have it."""
    # A calibrated figure stands for the one of the same name that the chip is documented with.
    figures = figures_of(board.chip) | figures_of(board.figures) | figures_of(board.host)
    figures |= figures_of(PROGRAMS) | board.calibration.figures
    provenance = weakest(figures.values())
    return provenance.value, tuple(name for name, one in figures.items() if one.provenance is provenance)
