"""What becomes of frames: closed forms of queues, and the whole machine."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axemu.chip import BOARDS, CORES, HOSTS, TICKS_PER_SECOND, calibration_to_json, load_calibration
from axemu.driver import InvalidArgument
from axemu.emulator.metis import Activity, Board, BoardState, Call, InstanceSpec, Machine
from axemu.studies import Scenario, load_target, predict
from axemu.studies._steady import run_loops
from axemu.studies.deployments import (
    BoardSetup,
    Branch,
    Deployment,
    Distribution,
    Evaluation,
    HostSetup,
    NetworkSetup,
    Service,
    ServiceKey,
    Stream,
    deployment_from,
    evaluate,
    keys_of,
)
from axemu.studies.deployments._service import without_gaps

MS = 1000
EXECUTED = 0.002
HOST = HOSTS["desktop"]
LATENCY = float(HOST.launch) + 2 * float(HOST.copy_setup) + EXECUTED
"""Seconds of a lone frame without double buffering, with nothing to copy."""
HELD = LATENCY + float(HOST.gap)
"""And until the instance can take the next."""


def figures(deployment: Deployment, executed: float = EXECUTED) -> dict[ServiceKey, Service]:
    """Figures of networks that always take as long and copy nothing."""
    return {
        key: Service(
            executed=(executed,) * (4 // key.compiled_cores),
            fetching=0.0,
            batch=key.compiled_cores,
            input_bytes=0,
            output_bytes=0,
            ddr_bytes=0,
            spread=0.2,
            unseen_rules=(),
            units={"array": 1.0},
            activity=Activity(),
            model_version="",
            calibration_id="",
            provenance="assumed",
        )
        for key in keys_of(deployment)
    }


def one_core(stream: Stream, **changes: object) -> Deployment:
    """A network on one core whose calls are plain."""
    network = NetworkSetup("net", cores=1, double_buffer=False)
    return replace(Deployment((network,), (stream,), host=HostSetup("desktop")), **changes)  # type: ignore[arg-type]


def asked(deployment: Deployment, **changes: float) -> Evaluation:
    return evaluate(deployment, figures(deployment, **changes))


@settings(max_examples=12, deadline=None)
@given(load=st.floats(0.05, 0.97), jitter=st.floats(0, 1))
def test_one_camera_waits_for_nothing_as_in_d_d_1(load: float, jitter: float) -> None:
    # Frames never meet while jitter and the spread of launches stay within the time that is left.
    spare = HELD / load - HELD - 2 * float(HOST.launch_spread)
    stream = Stream("net", fps=load / HELD, jitter=max(0.0, jitter * spare / 2 * MS))
    result = asked(one_core(stream)).streams[0]
    assert result.latency.mean == pytest.approx(LATENCY * MS, rel=0.02)
    assert result.latency.max <= (LATENCY + float(HOST.launch_spread)) * MS * 1.0001
    assert result.fps == pytest.approx(load / HELD, rel=0.02)


@settings(max_examples=6, deadline=None)
@given(load=st.floats(0.2, 0.75), seed=st.integers(0, 2**32))
def test_poisson_arrivals_wait_as_in_m_d_1(load: float, seed: int) -> None:
    stream = Stream("net", arrivals="poisson", fps=load / HELD)
    deployment = one_core(stream, seconds=150_000 * HELD / load, seed=seed)
    variance = float(HOST.launch_spread) ** 2 / 3
    waits = load / HELD * (HELD**2 + variance) / (2 * (1 - load))  # Pollaczek and Khinchine
    result = asked(deployment).streams[0]
    assert result.latency.mean == pytest.approx((waits + LATENCY) * MS, rel=0.02)
    assert result.fps == pytest.approx(load / HELD, rel=0.02)


@settings(max_examples=20, deadline=None)
@given(
    load=st.floats(1.001, 4),
    arrivals=st.sampled_from(["camera", "poisson"]),
    cameras=st.integers(1, 40),
    cores=st.integers(1, 4),
    double_buffer=st.booleans(),
    queue=st.sampled_from([0, 1, 30]),
)
def test_overload_is_never_called_healthy(
    load: float, arrivals: str, cameras: int, cores: int, double_buffer: bool, queue: int
) -> None:
    network = NetworkSetup("net", cores=cores, double_buffer=double_buffer, queue=queue)
    loop = Deployment((network,), (Stream("net", arrivals="loop", count=0),), host=HostSetup("desktop"))
    capacity = asked(loop).fps
    stream = Stream("net", arrivals=arrivals, count=cameras, fps=load * capacity / cameras)  # type: ignore[arg-type]
    answer = asked(replace(loop, streams=(stream,)))
    assert answer.verdict != "healthy"
    if load > 1.05:
        assert answer.headline.startswith("OVERLOADED")
    assert not answer.within(1.0)


@settings(max_examples=20, deadline=None)
@given(
    load=st.floats(1.05, 4), seconds=st.floats(0.02, 1), queue=st.sampled_from([0, 30]), host=st.booleans()
)
def test_overload_is_not_called_healthy_in_a_time_too_short_to_tell(
    load: float, seconds: float, queue: int, host: bool
) -> None:
    executed = 0.1
    network = NetworkSetup("net", double_buffer=False, queue=queue)
    if host:  # one thread for what takes as long as a call of four instances
        network = replace(network, post=Distribution(mean=executed * MS / 4))
        executed /= 4
    stream = Stream("net", fps=load * 4 / 0.1)
    deployment = Deployment(
        (network,), (stream,), host=HostSetup("desktop", int(host)), seconds=seconds, warm_up=0.0
    )
    try:
        assert asked(deployment, executed=executed).verdict != "healthy"
    except InvalidArgument as error:
        assert "no frame arrives" in str(error)  # noqa: PT017  as good an answer


def test_a_stream_of_which_nothing_arrives_while_it_counts_has_no_answer() -> None:
    with pytest.raises(InvalidArgument, match=r"stream net: no frame arrives in the 10 s that count"):
        asked(one_core(Stream("net", fps=0.05)))


def test_frames_without_some_of_their_crops_are_not_within_a_latency() -> None:
    networks = (
        NetworkSetup("first", cores=3, double_buffer=False),
        NetworkSetup("second", cores=1, double_buffer=False, queue=9),
    )
    streams = (Stream("first", arrivals="poisson", fps=60),)
    branch = Branch("first", "second", Distribution("poisson", 2.0))
    answer = asked(Deployment(networks, streams, branches=(branch,), host=HostSetup("desktop"), seconds=60))
    assert answer.verdict == "at its limit"
    assert 0 == answer.streams[0].dropped < answer.streams[0].incomplete
    assert not answer.within(1000.0)


@settings(max_examples=10, deadline=None)
@given(load=st.floats(0.1, 0.85), cameras=st.integers(1, 40), cores=st.integers(1, 4))
def test_what_keeps_up_is_not_called_overloaded(load: float, cameras: int, cores: int) -> None:
    stream = Stream("net", count=cameras, fps=load * cores / HELD / cameras)
    network = NetworkSetup("net", cores=cores, double_buffer=False)
    answer = asked(Deployment((network,), (stream,), host=HostSetup("desktop")))
    assert answer.verdict == "healthy"
    assert answer.fps == pytest.approx(load * cores / HELD, rel=0.02)


def test_latency_counts_from_the_arrival() -> None:
    together = Stream("net", count=5, fps=20, phase="together")
    latency = asked(one_core(together)).streams[0].latency
    assert latency.max == pytest.approx((4 * HELD + LATENCY) * MS, rel=0.05)


def test_double_buffering_holds_results_back_for_two_more_frames() -> None:
    deployment = one_core(Stream("net", fps=10))
    buffered = replace(deployment, networks=(replace(deployment.networks[0], double_buffer=True),))
    assert asked(buffered).streams[0].latency.p50 == pytest.approx(2 * 100, rel=0.02)


@pytest.mark.parametrize(("drop", "kept"), [("newest", "old"), ("oldest", "new")])
def test_a_full_queue_drops(drop: str, kept: str) -> None:
    deployment = one_core(Stream("net", fps=3 / HELD))
    network = replace(deployment.networks[0], queue=4, drop=drop)  # type: ignore[arg-type]
    result = asked(replace(deployment, networks=(network,))).streams[0]
    assert result.dropped == pytest.approx(result.frames * 2 / 3, rel=0.02)
    assert result.fps == pytest.approx(1 / HELD, rel=0.02)
    # Of the newest four, the oldest has waited for one call and a third; otherwise all four before it go first.
    waited = (result.latency.p50 / MS - LATENCY) / HELD
    assert waited == pytest.approx(4 - 1 / 3 if kept == "old" else 4 / 3, abs=0.4)


def test_crops_go_to_the_next_network_and_a_frame_waits_for_all_of_them() -> None:
    deployment = Deployment(
        networks=(
            NetworkSetup("first", cores=1, double_buffer=False, post=Distribution(mean=3)),
            NetworkSetup("second", cores=1, double_buffer=False, pre=Distribution(mean=1)),
        ),
        streams=(Stream("first", fps=20),),
        branches=(Branch("first", "second", Distribution(mean=4)),),
        host=HostSetup("desktop"),
    )
    answer = asked(deployment)
    assert answer.networks[1].fps == pytest.approx(80, rel=0.02)
    expected = LATENCY * MS + 3 + 1 + 3 * HELD * MS + LATENCY * MS
    assert answer.streams[0].latency.mean == pytest.approx(expected, rel=0.02)


def test_a_batch_waits_until_it_is_full() -> None:
    network = NetworkSetup("net", compiled_cores=4, double_buffer=False)
    deployment = Deployment((network,), (Stream("net", fps=10),), host=HostSetup("desktop"))
    latency = asked(deployment).streams[0].latency
    assert latency.mean == pytest.approx(150 + LATENCY * MS, rel=0.02)


def test_threads_of_the_host_can_be_what_is_overloaded() -> None:
    network = NetworkSetup("net", post=Distribution("exponential", 30.0), double_buffer=False)
    deployment = Deployment((network,), (Stream("net", fps=50),), host=HostSetup("desktop", threads=1))
    answer = asked(deployment)
    assert answer.verdict == "overloaded"
    assert answer.bound_by == "host threads"


def test_networks_that_share_cores_wait_for_each_other() -> None:
    networks = tuple(
        NetworkSetup("net", name, cores=1, first_core=0, double_buffer=False) for name in ("a", "b")
    )
    loops = tuple(Stream(name, arrivals="loop", count=0) for name in ("a", "b"))
    answer = asked(Deployment(networks, loops, host=HostSetup("desktop")))
    assert answer.units["board0.core0"] == pytest.approx(1, rel=0.02)
    assert answer.fps == pytest.approx(1 / EXECUTED, rel=0.02)


def test_a_calibration_that_was_written_anew_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    network = NetworkSetup("squeezenet1_1", cores=1)
    loop = (Stream("squeezenet1_1", arrivals="loop", count=0),)
    found = []
    for sdk in ("1.6", "1.8"):
        path.write_text(calibration_to_json(load_calibration(sdk=sdk)))
        deployment = Deployment((network,), loop, (BoardSetup("pcie"),), seconds=1.0, calibration=str(path))
        answer = evaluate(deployment)
        found.append((answer.calibration_id, answer.host))
    assert len(set(found)) == 2
    assert [identity for identity, _ in found] == [
        load_calibration(sdk=sdk).identity for sdk in ("1.6", "1.8")
    ]
    assert found[0][1] != found[1][1]


def test_boards_are_as_warm_as_predicted_and_say_when_they_would_throttle() -> None:
    model = "squeezenet1_1"
    loop = Deployment((NetworkSetup(model),), (Stream(model, arrivals="loop", count=0),), seconds=1.0)
    for ambient, cooling in ((25.0, None), (50.0, "fanless")):
        answer = evaluate(replace(loop, boards=(BoardSetup("m2", ambient=ambient, cooling=cooling),)))
        known = predict(Scenario(model, board="m2", ambient=ambient, cooling=cooling)).heat
        assert known is not None
        (board,) = answer.boards
        assert (
            answer.to_dict()["watts"] == answer.watts == board.watts == pytest.approx(known.power_w, rel=0.03)
        )
        assert answer.temperature == board.temperature == pytest.approx(known.settled_c, rel=0.03)
        assert bool(board.throttles) == (known.limited_by != "nothing")
        assert answer.headline.endswith(" would throttle, which this leaves out") == bool(board.throttles)


def test_a_release_brings_its_calibration() -> None:
    network = NetworkSetup("squeezenet1_1", cores=1)
    loop = (Stream("squeezenet1_1", arrivals="loop", count=0),)
    for sdk in ("1.6", "1.8"):
        answer = evaluate(Deployment((network,), loop, seconds=1.0, sdk=sdk))
        assert answer.calibration_id == load_calibration(sdk=sdk).identity


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"faults": [{"board": 0}]}, "faults: .*inject-faults"),
        ({"boards": [{"cooling": "ice"}]}, "ice"),
        ({"boards": [{"cooling": [1]}]}, r"boards\.0\.cooling"),
        ({"boards": [{"ambient": 500.0}]}, "ambient 500"),
        ({"sdk": "0.1"}, "SDK '0.1' is unknown"),
    ],
)
def test_files_name_what_of_heat_releases_and_faults_cannot_be(change: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        deployment_from({"networks": [{"model": "net"}], "streams": [{"network": "net"}], **change})


def test_results_depend_on_the_content_alone() -> None:
    deployment = one_core(Stream("net", arrivals="poisson", fps=0.7 / HELD))
    assert asked(deployment) == asked(replace(deployment))
    other = replace(deployment, seed=7)
    assert asked(other).streams[0].latency.mean != asked(deployment).streams[0].latency.mean


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: NetworkSetup("net", cores=5), "cores 5"),
        (lambda: NetworkSetup("net", cores=2, compiled_cores=4), "compiled_cores 4"),
        (lambda: BoardSetup("m3"), "board 'm3' is unknown"),
        (lambda: BoardSetup(clock=850), "clock 850"),
        (lambda: Stream("net", arrivals="recorded"), "times"),
        (lambda: Stream("net", fps=float("nan")), "fps nan"),
        (lambda: Stream("net", arrivals="recorded", times=(0.1, float("nan"))), "recorded time"),
        (lambda: Stream("net", arrivals="recorded", times=(0.1, float("inf"))), "recorded time"),
        (lambda: Stream("net", latency_bound=float("nan")), "latency_bound nan"),
        (lambda: Branch("a", "b", Distribution(mean=2.5)), "a to b: crops .* 2.5"),
        (lambda: Branch("a", "b", Distribution("uniform", 2, 1)), "crops of shape uniform are not whole"),
        (lambda: Distribution("uniform", 1, 2), "spread"),
        (lambda: Deployment((NetworkSetup("net"),), (Stream("net"),) * 300), "number of streams 300"),
        (lambda: Deployment((NetworkSetup("net"),), (Stream("other"),)), "other"),
        (lambda: Deployment((NetworkSetup("a"), NetworkSetup("b")), (Stream("a"),)), "network b: 4 cores"),
        (
            lambda: Deployment(
                (NetworkSetup("a", cores=1), NetworkSetup("b", cores=1)),
                (Stream("a"),),
                branches=(Branch("a", "b"), Branch("b", "a")),
            ),
            "comes after itself",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(build: object, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        build()  # type: ignore[operator]


@given(
    executed=st.lists(st.floats(1e-5, 1e-2), min_size=4, max_size=4),
    busy=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
)
def test_executions_beside_others_take_longer_but_all_together_never_do_less(
    executed: list[float], busy: list[float]
) -> None:
    times = without_gaps(executed, busy)
    together = [(1 + others) / time for others, time in enumerate(times)]
    assert times[0] == pytest.approx(executed[0])
    for less, more in itertools.pairwise(times):
        assert more >= less * (1 - 1e-9)
    for less, more in itertools.pairwise(together):
        assert more >= less * (1 - 1e-9)


@given(
    slower=st.tuples(st.floats(1, 1.3), st.floats(1, 1.3), st.floats(1, 1.3)),
    busy=st.lists(st.floats(0.3, 1), min_size=4, max_size=4),
)
def test_gaps_between_executions_are_taken_out(slower: tuple[float, ...], busy: list[float]) -> None:
    true = list(itertools.accumulate(slower, initial=0.001, func=lambda time, factor: time * factor))
    mixed = []
    for others, part in enumerate(busy):
        met = [comb(others, many) * part**many * (1 - part) ** (others - many) for many in range(others + 1)]
        mixed.append(1 / sum(chance / time for chance, time in zip(met, true, strict=False)))
    assert without_gaps(mixed, busy) == pytest.approx(true, rel=1e-6)


# Against the whole machine: rates of loops within 3 %, latencies of cameras within 5 % on average and 8 % at the 99th percentile.

MODELS = ["squeezenet1_1", pytest.param("resnet18", marks=pytest.mark.slow)]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("double_buffer", [True, False])
def test_loops_are_as_fast_as_on_the_machine(model: str, double_buffer: bool) -> None:
    for board, cores in (("m2", 4), ("pcie", 2)):
        network = NetworkSetup(model, cores=cores, double_buffer=double_buffer)
        loop = Deployment((network,), (Stream(model, arrivals="loop", count=0),), (BoardSetup(board),))
        whole = predict(Scenario(model, board=board, cores=cores, double_buffer=double_buffer))
        answer = evaluate(loop)
        assert answer.fps == pytest.approx(whole.system_fps, rel=0.03)
        assert answer.streams[0].latency.mean == pytest.approx(whole.latency_ms, rel=0.03)


SHARED = [
    ("resnet18", "squeezenet1_1", "m2", False),
    *(
        pytest.param(*pair, board, double_buffer, marks=(pytest.mark.slow, pytest.mark.full))
        for pair in (("resnet18", "squeezenet1_1"), ("mobilenet_v2", "resnet50"))
        for board in ("m2", "pcie")
        for double_buffer in (False, True)
    ),
]


@pytest.mark.parametrize(("first", "second", "board", "double_buffer"), SHARED)
def test_networks_that_share_a_board_are_as_fast_as_on_the_machine(
    first: str, second: str, board: str, double_buffer: bool
) -> None:
    for split in (2, 3):
        networks = (
            NetworkSetup(first, cores=split, double_buffer=double_buffer),
            NetworkSetup(second, cores=CORES - split, double_buffer=double_buffer),
        )
        loops = tuple(Stream(one.label, arrivals="loop", count=0) for one in networks)
        answer = evaluate(Deployment(networks, loops, (BoardSetup(board),), seconds=2))
        whole = loops_on_the_machine((first,) * split + (second,) * (CORES - split), board, double_buffer)
        for stream, number in zip(answer.streams, (0, -1), strict=True):
            name = (first, second)[number]
            rate = sum(1 / period for model, period, _ in whole if model == name)
            ages = [latency for model, _, latency in whole if model == name]
            assert stream.fps == pytest.approx(rate, rel=0.05)
            assert stream.latency.mean == pytest.approx(MS * sum(ages) / len(ages), rel=0.05)


def loops_on_the_machine(
    models: tuple[str, ...], board: str, double_buffer: bool
) -> list[tuple[str, float, float]]:
    """Let each core run a network in a closed loop; return its name, seconds from call to call and of a frame."""
    targets = {name: load_target(name) for name in models}
    instances = [
        InstanceSpec(
            core,
            targets[name].core,
            (core,),
            targets[name].input_bytes,
            targets[name].output_bytes,
            double_buffer,
        )
        for core, name in enumerate(models)
    ]
    figures = BOARDS[board]
    loops = run_loops((Board(figures, HOSTS[figures.host]),), BoardState(), instances, 10.0)
    return [
        (name, period / TICKS_PER_SECOND, latency / TICKS_PER_SECOND)
        for name, period, latency in zip(models, loops.period, loops.latency, strict=True)
    ]


@pytest.mark.parametrize(
    ("load", "double_buffer"),
    [
        (0.3, False),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((0.3, True), (0.8, True), (0.8, False))),
    ],
)
def test_cameras_are_answered_as_soon_as_on_the_machine(load: float, double_buffer: bool) -> None:
    model, seconds = "squeezenet1_1", 0.6
    network = NetworkSetup(model, double_buffer=double_buffer)
    loop = Deployment((network,), (Stream(model, arrivals="loop", count=0),), (BoardSetup("m2"),))
    fps = load * evaluate(loop).fps
    stream = Stream(model, arrivals="poisson", fps=fps)
    deployment = replace(loop, streams=(stream,), seconds=seconds, warm_up=0.1)
    light = evaluate(deployment).streams[0].latency
    ages = ages_on_the_machine(model, double_buffer, arrivals_of(deployment))
    assert light.mean == pytest.approx(float(ages.mean()), rel=0.05)
    assert light.p99 == pytest.approx(float(np.quantile(ages, 0.99)), rel=0.08)


def arrivals_of(deployment: Deployment) -> np.ndarray:
    from axemu.studies.deployments._plan import arrivals

    return arrivals(deployment, deployment.warm_up + deployment.seconds)["time"]


def ages_on_the_machine(model: str, double_buffer: bool, times: np.ndarray) -> np.ndarray:
    """Let four threads take frames from a queue, the one idle longest first; return ages in ms."""
    target = load_target(model)
    instances = [
        InstanceSpec(at, target.core, (at,), target.input_bytes, target.output_bytes, double_buffer)
        for at in range(4)
    ]
    board = Board(BOARDS["m2"], HOSTS[BOARDS["m2"].host])
    machine = Machine(board, (BoardState(),), instances)
    gap = round(float(board.host.gap) * TICKS_PER_SECOND)
    ticks = deque(round(time * TICKS_PER_SECOND) for time in times)
    free = deque((0, at) for at in range(4))
    held: list[deque[int]] = [deque() for _ in range(4)]
    flying: dict[int, object] = {}
    ages: list[float] = []
    while ticks or flying:
        while ticks and free:
            since, at = free[0]
            start = max(since, ticks[0])
            if flying and (tick := machine.peek()) is not None and tick <= start:
                break
            free.popleft()
            held[at].append(ticks.popleft())
            flying[at] = machine.submit(Call(at), start)
        tick = machine.peek()
        if tick is None:
            break
        machine.advance(tick)
        for at, call in list(flying.items()):
            if call.done:  # type: ignore[attr-defined]
                del flying[at]
                free.append((machine.now + gap, at))
                if len(held[at]) > (2 if double_buffer else 0):
                    ages.append((machine.now - held[at].popleft()) / TICKS_PER_SECOND * MS)
    return np.array(ages)
