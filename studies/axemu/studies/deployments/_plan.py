"""From a deployment and service figures to what the event loop takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import exp
from typing import Any

import numpy as np

from axemu.chip import BOARDS, CORES, BoardFigures, HostFigures
from axemu.driver import InvalidArgument
from axemu.emulator.metis import host_seconds
from axemu.studies._scenario import read_calibration
from axemu.studies.deployments._distribution import QUANTILES
from axemu.studies.deployments._service import Files, Service, ServiceKey, files_of, key_of, keys_of
from axemu.studies.deployments._spec import MOST_BOARDS, Deployment, Stream
from axemu.studies.deployments._world import (
    ARRIVAL,
    BOARD,
    BRANCH,
    FRAME,
    INSTANCE,
    NETWORK,
    SCALARS,
    STREAM,
    UNLIMITED,
    Floats,
    World,
)

GRACE = 0.25
"""Part of the time that counts, at least a second, for which frames that have not come back are waited for."""
MOST_FRAMES = 20_000_000


def world_of(
    deployment: Deployment, figures: Mapping[ServiceKey, Service], slower: float = 0.0, room: int = 0
) -> World:
    """Return what the event loop takes.

    Args:
        deployment: what is simulated.
        figures: service figures (`services(keys_of(deployment))`).
        slower: executions take so much longer, in half widths of the band.
        room: frames to have room for, at least.

    Raises:
        InvalidArgument: more frames arrive than can be simulated.
    """
    end = deployment.warm_up + deployment.seconds
    last = end + max(1.0, GRACE * deployment.seconds)
    arriving = arrivals(deployment, last)
    looping = sum(rate_of_loop(deployment, figures, one) for one in deployment.streams) * last
    crops = sum(one.crops.average for one in deployment.branches)
    room = max(room, 4096 + int(1.2 * (len(arriving) + looping) * (1 + crops)))
    if room > 2 * MOST_FRAMES:
        raise InvalidArgument(
            f"deployment: more than {MOST_FRAMES} frames and crops; ask for fewer `seconds`"
        )
    frames = np.zeros(room, FRAME)
    frames["done"] = np.inf
    networks = deployment.networks
    return World(
        instances=_instances(deployment),
        networks=_networks(deployment, figures, slower),
        boards=_boards(deployment),
        streams=_records(
            STREAM,
            [_stream(deployment, figures, one) for one in deployment.streams],
        ),
        branches=_records(
            BRANCH,
            [
                (_number(deployment, one.after), _number(deployment, one.network))
                for one in deployment.branches
            ],
        ),
        arrivals=arriving,
        frames=frames,
        scalars=_scalars(deployment, end, last),
        pre=np.array([one.pre.table() / 1000 for one in networks]),
        post=np.array([one.post.table() / 1000 for one in networks]),
        crops=np.array([one.crops.table() for one in deployment.branches]).reshape(-1, QUANTILES),
    )


def _records(dtype: np.dtype[Any], rows: list[tuple[Any, ...]]) -> Any:
    return np.array(rows, dtype)


def _scalars(deployment: Deployment, end: float, last: float) -> Any:
    host = host_of(deployment)
    scalars = np.zeros(1, SCALARS)
    one = scalars[0]
    one["spread"] = float(host.launch_spread)
    one["gap"], one["setup"] = float(host.gap), float(host.copy_setup)
    one["begin"], one["end"], one["last"] = deployment.warm_up, end, last
    one["seed"] = deployment.drawn_from % 2**64
    one["threads"] = deployment.host.threads or UNLIMITED
    one["sequence"] = MOST_BOARDS * CORES
    return scalars


def _instances(deployment: Deployment) -> Any:
    placed = used(deployment)
    instances = np.zeros(len(placed), INSTANCE)
    for at, (network, board, cores) in enumerate(placed):
        one = instances[at]
        one["network"], one["board"], one["first"], one["idle"] = network, board, cores[0], at
    instances["held"] = -1
    instances["due"] = np.inf
    return instances


def _networks(deployment: Deployment, figures: Mapping[ServiceKey, Service], slower: float) -> Any:
    setups = deployment.setup_of_chips()
    networks = np.zeros(len(deployment.networks), NETWORK)
    for at, network in enumerate(deployment.networks):
        one = networks[at]
        one["width"], one["double"] = network.compiled_cores, network.double_buffer
        one["limit"], one["oldest"] = network.queue, network.drop == "oldest"
        one["head"] = one["tail"] = -1
    for number, board, _ in deployment.placements():
        found = figures[key_of(deployment.networks[number], setups[board], deployment)]
        one = networks[number]
        factor = exp(slower * found.spread)
        one["executed"][board, : len(found.executed)] = np.array(found.executed) * factor
        one["slowest"][board] = factor * slowest(found, BOARDS[setups[board].board])
        one["weight"][board] = found.batch * found.fetching
        one["copied"] = found.input_bytes, found.output_bytes
        one["launch"] = host_seconds(host_of(deployment), found.input_bytes + found.output_bytes)
    return networks


def slowest(figures: Service, board: BoardFigures) -> float:
    """Return seconds of an execution while every other core fetches all the time: memory serves all cores in turn.

    Never less than beside all that fit of its own kind, as measured.
    """
    each = float(board.memory_bandwidth) / CORES
    stretched = max(1.0, float(board.core_bandwidth) / each)
    return max(figures.executed[-1], figures.executed[0] * (1 + figures.fetching * (stretched - 1)))


def _boards(deployment: Deployment) -> Any:
    boards = np.zeros(deployment.chips, BOARD)
    for at, setup in enumerate(deployment.setup_of_chips()):
        boards[at]["one_way"] = float(BOARDS[setup.board].link_bandwidth)
        boards[at]["joint"] = float(BOARDS[setup.board].link_joint_bandwidth)
    boards["domain"] = domains(deployment)
    boards["owner"] = -1
    return boards


def host_of(deployment: Deployment) -> HostFigures:
    """Return the figures of the host."""
    calibration = deployment.calibration
    board = deployment.boards[0].board
    return _host(calibration, deployment.sdk, files_of(calibration or ""), board, deployment.host.host)


@lru_cache(maxsize=64)
def _host(
    calibration: str | None, sdk: str | None, content: Files, board: str, host: str | None
) -> HostFigures:
    del content
    return read_calibration(calibration, sdk).host_of(BOARDS[board], host)


def _stream(
    deployment: Deployment, figures: Mapping[ServiceKey, Service], stream: Stream
) -> tuple[int, int, float]:
    """Return entry, tokens and stagger: threads of a loop do not begin at the same time."""
    number, many = _number(deployment, stream.network), tokens(deployment, stream)
    if not many:
        return number, 0, 0.0
    call = min(
        figures[key].executed[0]
        for key in keys_of(deployment)
        if key.model == deployment.networks[number].model
    )
    return number, many, call / many


def rate_of_loop(deployment: Deployment, figures: Mapping[ServiceKey, Service], stream: Stream) -> float:
    """Return frames per second that a loop cannot exceed; 0 for what is no loop."""
    if stream.arrivals != "loop":
        return 0.0
    setups = deployment.setup_of_chips()
    network = deployment.networks[_number(deployment, stream.network)]
    return sum(
        network.compiled_cores / figures[key_of(network, setups[board], deployment)].executed[0]
        for number, board, _ in used(deployment)
        if deployment.networks[number] is network
    )


def used(deployment: Deployment) -> tuple[tuple[int, int, tuple[int, ...]], ...]:
    """Return network, board and cores of the instances that somebody calls: threads of loops have one each."""
    threads: dict[int, float] = {}
    for stream in deployment.streams:
        number = _number(deployment, stream.network)
        more = (stream.count or float("inf")) if stream.arrivals == "loop" else float("inf")
        threads[number] = threads.get(number, 0) + more
    for branch in deployment.branches:
        threads[_number(deployment, branch.network)] = float("inf")
    kept = []
    for number, board, cores in deployment.placements():
        threads[number] = threads.get(number, 0) - 1
        if threads[number] >= 0:
            kept.append((number, board, cores))
    return tuple(kept)


def domains(deployment: Deployment) -> list[int]:
    """Return for each board the first of those that share its way to the host; setups with a shared way share one."""
    found: list[int] = []
    shared = None
    for setup in deployment.boards:
        chips = BOARDS[setup.board].chips
        for _ in range(setup.count):
            first = len(found)
            if setup.shared_upstream:
                shared = first = first if shared is None else shared
            found += [first] * chips
    return found


def tokens(deployment: Deployment, stream: Stream) -> int:
    """Return how many frames of a loop are under way; 0 for what is no loop."""
    if stream.arrivals != "loop":
        return 0
    number = _number(deployment, stream.network)
    network = deployment.networks[number]
    instances = sum(placed == number for placed, _, _ in deployment.placements())
    depth = network.compiled_cores * (3 if network.double_buffer else 1)
    return (stream.count or instances) * depth


def arrivals(deployment: Deployment, last: float) -> Any:
    """Return when frames arrive, and the stream and camera of each."""
    expected = sum(one.offered_fps for one in deployment.streams) * last
    if expected > MOST_FRAMES:
        raise InvalidArgument(
            f"deployment: {expected:.0f} frames in {last:.0f} s, expected at most {MOST_FRAMES}; "
            "ask for fewer `seconds`"
        )
    parts = [np.zeros(0, ARRIVAL)]
    camera = 0
    for number, stream in enumerate(deployment.streams):
        generator = np.random.default_rng([deployment.drawn_from % 2**63, number])
        for place in range(stream.count if stream.arrivals != "loop" else 0):
            times = _camera(stream, place, last, generator)
            part = np.zeros(len(times), ARRIVAL)
            part["time"], part["stream"], part["camera"] = times, number, camera
            parts.append(part)
            camera += 1
    joined = np.concatenate(parts)
    return joined[np.argsort(joined["time"], kind="stable")]


def _camera(stream: Stream, place: int, last: float, generator: np.random.Generator) -> Floats:
    if stream.arrivals == "poisson":
        many = int(stream.fps * last + 10 * (stream.fps * last) ** 0.5 + 20)
        return _until(np.cumsum(generator.exponential(1 / stream.fps, many)), last)
    if stream.arrivals == "recorded":
        once = np.array(stream.times)
        rounds = int(last / once[-1]) + 1
        if rounds * len(once) * stream.count > MOST_FRAMES:
            raise InvalidArgument(f"stream {stream.label}: more than {MOST_FRAMES} frames")
        return _until((once + once[-1] * np.arange(rounds)[:, None]).ravel(), last)
    phase = {"even": place / stream.count, "together": 0.0, "random": generator.random()}[stream.phase]
    times = np.asarray(np.arange(int(last * stream.fps) + 1) + phase, np.float64) / stream.fps
    if stream.jitter:
        times = np.maximum(0.0, times + generator.uniform(-1, 1, len(times)) * stream.jitter / 1000)
    return _until(times, last)


def _until(times: Floats, last: float) -> Floats:
    return times[times <= last]


def _number(deployment: Deployment, name: str) -> int:
    return [one.label for one in deployment.networks].index(name)
