"""From what the event loop kept to results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.chip import BOARD_HEAT, BOARDS
from axemu.emulator.metis import LIMITS, biting, host_seconds, power_of
from axemu.studies._heat import LIMIT_NAMES, check_heat
from axemu.studies.deployments._plan import host_of
from axemu.studies.deployments._result import BoardResult, Latency, NetworkResult, StreamResult
from axemu.studies.deployments._service import Service, ServiceKey, key_of
from axemu.studies.deployments._spec import BoardSetup, Deployment
from axemu.studies.deployments._world import Floats, World

Figures = Mapping[ServiceKey, Service]

NO_LATENCY = Latency(*(float("inf"),) * 6)


def stream_result(deployment: Deployment, world: World, number: int) -> StreamResult:
    """Return what became of a stream's frames."""
    stream = deployment.streams[number]
    scalars = world.scalars[0]
    frames = world.frames[: scalars["made"]]
    first = frames["root"] == np.arange(len(frames))
    own = (frames["stream"] == number) & first
    begin, end, last = float(scalars["begin"]), float(scalars["end"]), float(scalars["last"])
    arrival, done, camera = frames["arrival"][own], frames["done"][own], frames["camera"][own]
    dropped = frames["dropped"][own] > 0
    counts = (arrival >= begin) & (arrival < end)
    age = (np.minimum(done, last) - arrival) * 1000
    kept = counts & ~dropped
    seconds = end - begin
    back = ~dropped & (done >= begin) & (done < end)
    frames_here, lost = int(counts.sum()), int((counts & dropped).sum())
    incomplete = np.zeros(len(frames), bool)
    incomplete[frames["root"][(frames["dropped"] > 0) & ~first]] = True
    bound = stream.latency_bound
    late = lost + int((age[kept] > bound).sum()) if bound is not None else 0
    waiting = [int(((arrival < at) & (done >= at)).sum()) for at in (begin, end)]
    return StreamResult(
        name=stream.label,
        offered_fps=frames_here / seconds,
        fps=float(back.sum()) / seconds,
        latency=latency_of(age[kept]),
        jitter=jitter_of(age[kept], camera[kept]),
        frames=frames_here,
        dropped=lost,
        incomplete=int((incomplete[own] & kept).sum()),
        unfinished=int((kept & ~np.isfinite(done)).sum()),
        late=late / frames_here if frames_here else 0.0,
        backlog_growth=float(waiting[1] - waiting[0]),
    )


def latency_of(age: Floats) -> Latency:
    """Summarise ages in ms; a percentile is an age that was seen."""
    if not len(age):
        return NO_LATENCY
    marks = np.quantile(age, (0.5, 0.9, 0.99, 0.999, 1.0), method="higher")
    return Latency(float(age.mean()), *(float(one) for one in marks))


def jitter_of(age: Floats, camera: npt.NDArray[np.int64]) -> float:
    """Return the mean difference between ages of frames in a row of the same camera."""
    order = np.argsort(camera, kind="stable")
    steps = np.abs(np.diff(age[order]))[np.diff(camera[order]) == 0]
    return float(steps.mean()) if len(steps) else 0.0


def network_result(deployment: Deployment, figures: Figures, world: World, number: int) -> NetworkResult:
    """Return what a network's instances did."""
    network, own = deployment.networks[number], world.instances[world.instances["network"] == number]
    queue, seconds = world.networks[number], _seconds(world)
    calls, instances = int(own["calls"].sum()), len(own)
    busy = float(own["busy"].sum()) / seconds / max(1, instances)
    fps = calls * network.compiled_cores / seconds
    return NetworkResult(
        name=network.label,
        instances=instances,
        offered_fps=int(queue["entered"]) / seconds,
        fps=fps,
        busy=busy,
        capacity_fps=fps / busy if busy else 0.0,
        executed=1000 * float(own["executing"].sum()) / max(1, calls),
        queue=int(queue["longest"]),
        dropped=int(queue["dropped"]),
        parts=_parts(deployment, figures, own, number),
    )


def _seconds(world: World) -> float:
    return float(world.scalars[0]["end"] - world.scalars[0]["begin"])


def _parts(deployment: Deployment, figures: Figures, own: Any, number: int) -> dict[str, float]:
    """Return where the ms of a mean call went; what contention adds is time that cores wait for DDR."""
    calls = int(own["calls"].sum())
    if not calls:
        return {}
    setup = deployment.setup_of_chips()[own["board"][0]]
    one = figures[key_of(deployment.networks[number], setup, deployment)]
    executed = 1000 * float(own["executing"].sum()) / calls
    alone = min(1000 * one.executed[0], executed)
    parts = {unit: share * alone for unit, share in one.units.items()}
    parts["ddr"] = parts.get("ddr", 0.0) + executed - alone
    figure = host_of(deployment)
    host = 1000 * (host_seconds(figure, one.input_bytes + one.output_bytes) + float(figure.gap))
    rest = max(0.0, 1000 * float(own["busy"].sum()) / calls - executed)
    parts["host"] = min(host, rest)
    parts["link"] = max(0.0, rest - host)
    return parts


def units_busy(deployment: Deployment, figures: Figures, world: World) -> dict[str, float]:
    """Return how busy cores, memories, links and host threads were."""
    setups, seconds = deployment.setup_of_chips(), _seconds(world)
    busy: dict[str, float] = {}
    memory, copied = np.zeros(len(setups)), np.zeros((len(setups), 2))
    for instance in world.instances:
        board, network = int(instance["board"]), deployment.networks[instance["network"]]
        one = figures[key_of(network, setups[board], deployment)]
        calls = int(instance["calls"])
        memory[board] += calls * (one.ddr_bytes + one.input_bytes + one.output_bytes)
        copied[board] += calls * one.input_bytes, calls * one.output_bytes
        for core in range(instance["first"], instance["first"] + network.compiled_cores):
            unit = f"board{board}.core{core}"
            busy[unit] = busy.get(unit, 0.0) + float(instance["executing"]) / seconds
    busy = dict(sorted(busy.items()))
    domains = world.boards["domain"]
    for board, setup in enumerate(setups):
        figure = BOARDS[setup.board]
        busy[f"board{board}.ddr"] = float(memory[board]) / seconds / float(figure.memory_bandwidth)
        if domains[board] == board:
            ways = copied[domains == board].sum(0) / seconds
            one_way, joint = float(figure.link_bandwidth), float(figure.link_joint_bandwidth)
            busy[f"board{board}.link"] = float(max(ways.max() / one_way, ways.sum() / joint))
    if deployment.host.threads:
        busy["host.threads"] = float(world.scalars[0]["host"]) / seconds / deployment.host.threads
    return busy


def board_results(deployment: Deployment, figures: Figures, world: World) -> tuple[BoardResult, ...]:
    """Return power and temperature of each chip, while nothing throttles."""
    setups, seconds = deployment.setup_of_chips(), _seconds(world)
    total = [float(BOARD_HEAT[setup.board].idle_power) for setup in setups]
    for instance in world.instances:
        board = int(instance["board"])
        one = figures[key_of(deployment.networks[instance["network"]], setups[board], deployment)]
        total[board] += power_of(one.activity.times(int(instance["calls"]) / seconds), 0.0).total
    return tuple(
        _board_result(f"board{at}", setup, watts)
        for at, (setup, watts) in enumerate(zip(setups, total, strict=True))
    )


def _board_result(name: str, setup: BoardSetup, watts: float) -> BoardResult:
    body, limit = check_heat(setup.board, setup.ambient, setup.cooling, setup.power_limit)
    settled = body.settled(watts)
    limiter = (LIMIT_NAMES[LIMITS[0]],) if watts > limit else ()
    return BoardResult(name, watts, settled, limiter + tuple(LIMIT_NAMES[one] for one in biting(settled)))
