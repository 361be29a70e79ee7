"""What an instance does with a call: times by the machine, once for each network, board, clock and limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import comb, log
from pathlib import Path

from axemu.chip import BOARDS, CORES, HOSTS, TICKS_PER_SECOND
from axemu.emulator.metis import MODEL_VERSION, Activity, Board, BoardState, active_ticks
from axemu.studies._predict import band, ddr_traffic, unseen_rules
from axemu.studies._scenario import read_calibration, weakest_of
from axemu.studies._steady import run_loops
from axemu.studies._target import Target, instances_of, load_target
from axemu.studies.deployments._spec import BoardSetup, Deployment, NetworkSetup

Files = tuple[tuple[str, int, int], ...]

SECONDS = 60.0
"""Virtual time after which a search for the steady state gives up."""


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """What service figures depend on."""

    model: str
    compiled_cores: int
    resources_used: float | None
    board: str
    clock: int
    mvm_utilisation: float
    double_buffer: bool = True
    calibration: str | None = None
    sdk: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """How long calls of a network hold their cores.

    `executed` holds seconds of a call while 1, 2, … instances of the network execute all the time. `fetching` is the part of
    a lone execution that goes to transfers from and to DDR, all cores of the instance together. `spread` is the half
    width of the band, as a logarithm. `units` says what a lone execution goes to, `activity` what a call costs in power.
    """

    executed: tuple[float, ...]
    fetching: float
    batch: int
    input_bytes: int
    output_bytes: int
    ddr_bytes: int
    spread: float
    unseen_rules: tuple[str, ...]
    units: Mapping[str, float]
    activity: Activity
    model_version: str
    calibration_id: str
    provenance: str


def key_of(network: NetworkSetup, board: BoardSetup, deployment: Deployment) -> ServiceKey:
    """Return what the figures of a network on a board depend on."""
    return ServiceKey(
        network.model,
        network.compiled_cores,
        network.resources_used,
        board.board,
        board.clock,
        board.mvm_utilisation,
        network.double_buffer,
        deployment.calibration,
        deployment.sdk,
    )


def keys_of(deployment: Deployment) -> tuple[ServiceKey, ...]:
    """Return all figures that a deployment needs."""
    setups = deployment.setup_of_chips()
    pairs = [(number, setups[board]) for number, board, _ in deployment.placements()]
    return tuple(
        dict.fromkeys(key_of(deployment.networks[number], setup, deployment) for number, setup in pairs)
    )


def services(
    keys: Iterable[ServiceKey], told: Callable[[ServiceKey], None] | None = None
) -> dict[ServiceKey, Service]:
    """Return figures, from the cache or by simulation (about a second each).

    Args:
        keys: what is asked for.
        told: called before each.

    Raises:
        AxeleraError: a model cannot be found, read, or run as asked.
    """
    found = {}
    for key in dict.fromkeys(keys):
        if told is not None:
            told(key)
        found[key] = service(key)
    return found


def service(key: ServiceKey) -> Service:
    """Return the figures of one network on one board; kept as long as the model's files do not change."""
    return _service(key, files_of(key.model), files_of(key.calibration or ""))


@lru_cache(maxsize=4096)
def _service(key: ServiceKey, model: Files, calibration: Files) -> Service:
    del calibration
    return derive(_target(key.model, key.compiled_cores, key.resources_used, model), key)


@lru_cache(maxsize=64)
def _target(model: str, compiled_cores: int, resources: float | None, files: Files) -> Target:
    del files
    return load_target(model, compiled_cores, resources=resources)


def files_of(name: str) -> Files:
    """Return what tells that files have changed."""
    path = Path(name)
    found = [path] if path.is_file() else []
    if name and path.is_dir():
        found = sorted(path.rglob("*.json"))[:64]
    return tuple((str(one), one.stat().st_mtime_ns, one.stat().st_size) for one in found)


def derive(target: Target, key: ServiceKey) -> Service:
    """Let the machine run 1, 2, … instances in closed loops, and take the gaps between their executions out."""
    figures = BOARDS[key.board]
    board = Board(figures, HOSTS["desktop"], calibration=read_calibration(key.calibration, key.sdk))
    state = BoardState((key.clock,) * CORES, (key.mvm_utilisation,) * CORES)
    runs = [
        run_loops((board,), state, instances_of(target, count, key.double_buffer), SECONDS)
        for count in range(1, CORES // target.batch + 1)
    ]
    executed = [_seconds(run.executed) for run in runs]
    busy = [_seconds(run.executed) / _seconds(run.period) for run in runs]
    unseen = unseen_rules(target, board.calibration)
    high = band(1.0, key.board, board.calibration, unseen=unseen)[1]
    fetched = ddr_traffic(target) / target.batch / float(figures.core_bandwidth)
    units = runs[0].units
    total = sum(units.values())
    return Service(
        executed=without_gaps(executed, busy),
        fetching=min(1.0, fetched / executed[0]),
        batch=target.batch,
        input_bytes=target.input_bytes,
        output_bytes=target.output_bytes,
        ddr_bytes=ddr_traffic(target),
        spread=log(high),
        unseen_rules=unseen,
        units={name: ticks / total for name, ticks in units.items()},
        activity=Activity(
            target.batch * active_ticks(units) / TICKS_PER_SECOND * key.clock * 1e6,
            target.batch * sum(one.macs for one in target.core.passes if one.units.array),
            ddr_traffic(target) + target.input_bytes + target.output_bytes,
        ),
        model_version=MODEL_VERSION,
        calibration_id=board.calibration.identity,
        provenance=weakest_of(board)[0],
    )


def without_gaps(executed: list[float], busy: list[float]) -> tuple[float, ...]:
    """Return how long an execution lasts while 1, 2, … instances execute without a pause.

    Of `n` instances that execute for a part `busy[n - 1]` of the time, one meets each number of the others as chance has
    it: its mean rate is the mean of its rates with 0, 1, … others. Where they hardly ever meet, or not as chance has it, that
    tells little of the rate; it is bounded by that beside fewer, and by what together they do beside fewer.

    Args:
        executed: mean execution of 1, 2, … instances in closed loops.
        busy: the part of the time they execute.
    """
    rates: list[float] = []
    for others, (time, part) in enumerate(zip(executed, busy, strict=True)):
        met = [comb(others, many) * part**many * (1 - part) ** (others - many) for many in range(others + 1)]
        rest = 1 / time - sum(chance * rate for chance, rate in zip(met, rates, strict=False))
        if not rates:
            rates.append(1 / time)
            continue
        least = rates[-1] * others / (others + 1)
        rates.append(min(max(rest / met[-1], least), rates[-1]))
    return tuple(1 / rate for rate in rates)


def _seconds(ticks: tuple[float, ...]) -> float:
    return sum(ticks) / len(ticks) / TICKS_PER_SECOND
