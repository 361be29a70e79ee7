"""A written trace, parsed back with the schema of the perfetto package."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests._cores import CoreSketch

from axemu.chip import BOARDS
from axemu.emulator.metis import Board, BoardState, Call, InstanceSpec, Timeline, simulate, write_trace

perfetto = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")


def first() -> CoreSketch:
    """Return a layer that fetches what the next needs."""
    return (
        CoreSketch()
        .fetch(20_000, "ddr_input", what="in")
        .fetch(30_000, "l2", what="map")
        .start(2_000_000, what="second")
        .work(4000, layer="first", load=160, macs=500 * 512 * 512)
        .drained()
        .wait()
    )


CORE = first().core()
BOTH = (
    first()
    .work(7200, layer="second", load=160, macs=900 * 512 * 512)
    .work(4000, "vector", layer="third")
    .drained()
    .core()
)
BOARD = Board(BOARDS["m2"])


def alone() -> Timeline:
    """Four threads, each with an instance and a core of its own."""
    specs = [InstanceSpec(i, BOTH, (i,), 150_000, 40_000, i % 2 == 0) for i in range(4)]
    return simulate(BOARD, (BoardState(),), specs, [[Call(i)] * 5 for i in range(4)], trace=True)


def mixed() -> Timeline:
    """Two boards; a batch, instances that share a core, a thread that goes round, another that waits for it."""
    specs = [
        InstanceSpec(0, BOTH, (0, 1), 300_000, 80_000, double_buffer=True),
        InstanceSpec(1, BOTH, (2,), 150_000, 40_000, double_buffer=True),
        InstanceSpec(2, CORE, (2,), 150_000, 40_000),
        InstanceSpec(3, BOTH, (3,), 0, 0, double_buffer=True, board=1),
    ]
    threads = [
        [Call(0)] * 6,
        [Call(1), Call(2), Call(3)] * 4,
        [Call(1, 1)] * 5,
        [Call(3, after=((0, number),)) for number in range(6)],
    ]
    return simulate(
        [BOARD] * 2, (BoardState(), BoardState((400,) * 4, (50,) * 4)), specs, threads, trace=True
    )


@pytest.fixture(scope="module", params=[alone, mixed])
def timeline(request: pytest.FixtureRequest) -> Timeline:
    made: Timeline = request.param()
    return made


@pytest.fixture(scope="module")
def trace(timeline: Timeline, tmp_path_factory: pytest.TempPathFactory) -> object:
    path: Path = tmp_path_factory.mktemp("trace") / "run.pftrace"
    write_trace(path, timeline)
    parsed = perfetto.Trace()
    parsed.ParseFromString(path.read_bytes())
    assert [p.name for p in path.parent.iterdir()] == ["run.pftrace"]
    return parsed


def events(trace: object) -> list[tuple[int, object]]:
    return [(p.timestamp, p.track_event) for p in trace.packet if p.HasField("track_event")]  # type: ignore[attr-defined]


def names(trace: object) -> dict[int, str]:
    return {
        p.track_descriptor.uuid: p.track_descriptor.name or p.track_descriptor.process.process_name
        for p in trace.packet  # type: ignore[attr-defined]
        if p.HasField("track_descriptor")
    }


def test_timestamps_never_go_back(trace: object) -> None:
    stamps = [stamp for stamp, _ in events(trace)]
    assert stamps == sorted(stamps)


def test_slices_are_balanced_and_do_not_overlap_on_a_track(trace: object) -> None:
    open_slices: dict[int, int] = {}
    for _, event in events(trace):
        if event.type == event.TYPE_SLICE_BEGIN:
            open_slices[event.track_uuid] = open_slices.get(event.track_uuid, 0) + 1
            assert open_slices[event.track_uuid] == 1
        elif event.type == event.TYPE_SLICE_END:
            open_slices[event.track_uuid] -= 1
            assert open_slices[event.track_uuid] == 0
    assert set(open_slices.values()) == {0}


def test_every_event_lies_on_a_described_track(trace: object) -> None:
    known = names(trace)
    assert all(event.track_uuid in known for _, event in events(trace))


def test_there_is_a_track_per_core_thread_and_copy(trace: object, timeline: Timeline) -> None:
    shown = set(names(trace).values())
    assert {unit for unit, ticks in timeline.busy.items() if ticks and "core" in unit} <= shown
    assert {f"thread{number}" for number in range(4)} <= shown
    for i in range(3):
        assert {f"board0.link in.{i}", f"board0.link out.{i}"} <= shown


def slices(trace: object) -> dict[str, list[tuple[int, int, str]]]:
    """Return begin, end (ns) and name of each slice, by name of its track."""
    known = names(trace)
    result: dict[str, list[tuple[int, int, str]]] = {}
    begun: dict[int, tuple[int, str]] = {}
    for stamp, event in events(trace):
        if event.type == event.TYPE_SLICE_BEGIN:
            begun[event.track_uuid] = stamp, event.name
        elif event.type == event.TYPE_SLICE_END:
            begin, name = begun[event.track_uuid]
            result.setdefault(known[event.track_uuid], []).append((begin, stamp, name))
    return result


def test_slices_of_a_core_and_its_units_last_as_long_as_they_are_busy(
    trace: object, timeline: Timeline
) -> None:
    shown = slices(trace)
    cores = {unit: ticks for unit, ticks in timeline.busy.items() if "core" in unit}
    for unit, ticks in {**cores, **timeline.unit_ticks}.items():
        lengths = [end - begin for begin, end, _ in shown.get(unit, [])]
        # Every slice loses or gains less than a nanosecond.
        assert abs(sum(lengths) - ticks / 84) <= len(lengths)


def test_each_unit_has_a_track_below_that_of_its_core(trace: object, timeline: Timeline) -> None:
    known = names(trace)
    parents = {
        known[p.track_descriptor.uuid]: known.get(p.track_descriptor.parent_uuid)
        for p in trace.packet  # type: ignore[attr-defined]
        if p.HasField("track_descriptor")
    }
    units = {unit for unit, ticks in timeline.unit_ticks.items() if ticks}
    assert {unit.rpartition(".")[2] for unit in units} >= {
        *("load", "array", "vector", "move", "ddr", "control", "start")
    }
    for unit in units:
        assert parents[unit] == unit.rpartition(".")[0]


def test_while_a_core_is_busy_one_of_its_units_is_and_no_longer(trace: object) -> None:
    known = names(trace)
    busy: dict[str, int] = {}
    for _, event in events(trace):
        name = known[event.track_uuid]
        step = {event.TYPE_SLICE_BEGIN: 1, event.TYPE_SLICE_END: -1}.get(event.type, 0)
        if ".core" in name and step:
            busy[name] = busy.get(name, 0) + step
            core = ".".join(name.split(".")[:2])
            at_work = [unit for unit, count in busy.items() if unit.startswith(f"{core}.") and count]
            assert len(at_work) <= 1


def test_units_are_shown_within_what_their_core_does(trace: object) -> None:
    shown = slices(trace)
    units = [name for name in shown if ".core" in name and name.count(".") == 2]
    assert units
    for unit in units:
        core = iter(shown[unit.rpartition(".")[0]])
        for begin, end, name in shown[unit]:
            assert any(first <= begin <= end <= last and name == task for first, last, task in core)


def test_every_call_is_a_slice_of_its_thread_that_tells_its_number(trace: object, timeline: Timeline) -> None:
    known = names(trace)
    numbers: dict[str, list[int]] = {}
    for _, event in events(trace):
        if event.type == event.TYPE_SLICE_BEGIN and known[event.track_uuid].startswith("thread"):
            notes = {note.name: note.uint_value for note in event.debug_annotations}
            numbers.setdefault(known[event.track_uuid], []).append(notes["call"])
    for thread, calls in enumerate(timeline.calls):
        assert numbers[f"thread{thread}"] == list(range(len(calls)))


def test_each_flow_begins_at_a_call_and_ends_at_a_unit(trace: object) -> None:
    known = names(trace)
    begun: dict[int, str] = {}
    ended: dict[int, str] = {}
    for _, event in events(trace):
        for flow in event.flow_ids:
            assert flow not in begun
            begun[flow] = known[event.track_uuid]
        for flow in event.terminating_flow_ids:
            assert flow not in ended
            ended[flow] = known[event.track_uuid]
    assert begun
    assert begun.keys() == ended.keys()
    assert all(track.startswith("thread") for track in begun.values())
    assert all(track.startswith("board") for track in ended.values())


def test_counters_stay_within_what_the_board_can_do(trace: object) -> None:
    limits = {
        "ddr bytes/s": float(BOARD.figures.memory_bandwidth),
        "link_in bytes/s": float(BOARD.figures.link_bandwidth),
        "link_out bytes/s": float(BOARD.figures.link_bandwidth),
        "l2 bytes/s": 4 * 64 * 800e6,
    }
    known = names(trace)
    seen: dict[str, list[int]] = {}
    for _, event in events(trace):
        if event.type == event.TYPE_COUNTER:
            seen.setdefault(known[event.track_uuid], []).append(event.counter_value)
    assert {f"board0.{name}" for name in limits} <= seen.keys()
    for name, values in seen.items():
        assert min(values) >= 0
        assert 0 < max(values) <= limits[name.partition(".")[2]]
        assert values[-1] == 0


def test_the_trace_says_that_it_is_simulated(trace: object, timeline: Timeline) -> None:
    (board,) = [name for name in names(trace).values() if name.startswith("board0 (")]
    assert "simulated" in board
    assert timeline.calibration_id in board
