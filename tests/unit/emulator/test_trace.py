"""A trace reads back with the schema of Perfetto."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from axelera.runtime import Context
from axemu.chip import BOARDS
from axemu.driver import InvalidConfiguration, NotImplemented  # noqa: A004
from axemu.emulator import EmulatorDriver, parse_options

perfetto_trace_pb2 = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
Event = perfetto_trace_pb2.TrackEvent
MakeModel = Callable[..., Path]
CALLS = 6


def write_trace(model: Path, path: Path, pace: str = "virtual", report: str = "", **load: int) -> object:
    driver = EmulatorDriver(parse_options({"trace": str(path), "report": report, "pace": pace}, "test"))
    with Context(driver) as context:
        loaded = context.load_model(model)
        batch = loaded.inputs()[0].shape[0]
        instances = [
            context.device_connect(None, batch).load_model_instance(loaded, **load) for _ in range(2)
        ]

        def work(index: int) -> None:
            for _ in range(CALLS):
                shape = (batch, 4, 4, 64)
                instances[index].run([np.zeros(shape, np.int8)], [np.empty(shape, np.int8)])

        threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    driver.close()
    return perfetto_trace_pb2.Trace.FromString(path.read_bytes())


@pytest.fixture(params=["one core", "batch of two", "double-buffered", "realtime"])
def packets(request: pytest.FixtureRequest, make_model: MakeModel, tmp_path: Path) -> list[object]:
    model = make_model(batch=2 if request.param == "batch of two" else 1)
    load = {"double_buffer": 1} if request.param == "double-buffered" else {}
    pace = "realtime" if request.param == "realtime" else "virtual"
    return list(write_trace(model, tmp_path / "t.pftrace", pace, **load).packet)  # type: ignore[attr-defined]


def tracks(packets: list[object]) -> dict[int, object]:
    return {
        packet.track_descriptor.uuid: packet.track_descriptor
        for packet in packets
        if packet.HasField("track_descriptor")
    }


def events(packets: list[object], *types: int) -> list[object]:
    found = [packet for packet in packets if packet.HasField("track_event")]
    return [packet for packet in found if packet.track_event.type in types]


def test_slices_are_balanced_and_nested_on_every_track(packets: list[object]) -> None:
    depth: dict[int, int] = defaultdict(int)
    for packet in events(packets, Event.TYPE_SLICE_BEGIN, Event.TYPE_SLICE_END):
        track = packet.track_event.track_uuid
        depth[track] += 1 if packet.track_event.type == Event.TYPE_SLICE_BEGIN else -1
        assert depth[track] in (0, 1)
    assert set(depth.values()) == {0}


def test_timestamps_never_go_back(packets: list[object]) -> None:
    times = [
        packet.timestamp
        for packet in events(packets, Event.TYPE_SLICE_BEGIN, Event.TYPE_SLICE_END, Event.TYPE_COUNTER)
    ]
    assert times == sorted(times)


def test_every_flow_starts_at_a_call_and_ends_at_a_task(packets: list[object]) -> None:
    starts: list[int] = []
    ends: list[int] = []
    for packet in events(packets, Event.TYPE_SLICE_BEGIN):
        starts += packet.track_event.flow_ids
        ends += packet.track_event.terminating_flow_ids
        if packet.track_event.flow_ids:
            assert packet.track_event.name == "run"
    assert sorted(starts) == sorted(ends)
    assert len(starts) == len(set(starts)) >= 2 * (CALLS - 1)


def test_every_track_is_described_and_hangs_below_a_board_or_the_program(packets: list[object]) -> None:
    described = tracks(packets)
    used = {
        packet.track_event.track_uuid
        for packet in events(packets, Event.TYPE_SLICE_BEGIN, Event.TYPE_COUNTER)
    }
    assert used <= set(described)
    roots = set()
    for track in used:
        while described[track].HasField("parent_uuid"):  # type: ignore[attr-defined]
            track = described[track].parent_uuid  # type: ignore[attr-defined]  # noqa: PLW2901
        roots.add(described[track].process.process_name)  # type: ignore[attr-defined]
    assert {name.split()[0] for name in roots} == {"board0", "program"}
    assert all("simulated, model " in name for name in roots)


def test_a_core_is_shown_unit_by_unit_as_busy_as_the_report_says(
    make_model: MakeModel, tmp_path: Path
) -> None:
    trace = tmp_path / "t.pftrace"
    write_trace(make_model(), trace, report=str(tmp_path / "report.json"))
    packets = list(perfetto_trace_pb2.Trace.FromString(trace.read_bytes()).packet)
    described = tracks(packets)
    shown: dict[str, int] = defaultdict(int)
    for packet in events(packets, Event.TYPE_SLICE_BEGIN, Event.TYPE_SLICE_END):
        name = described[packet.track_event.track_uuid].name.removeprefix("board0.")
        ended = packet.track_event.type == Event.TYPE_SLICE_END
        shown[name] += packet.timestamp if ended else -packet.timestamp
    document = json.loads((tmp_path / "report.json").read_text())
    (board,) = document["boards"]
    assert {"core0.array", "core0.start", "core1.array"} <= board["core_utilisation"].keys()
    for unit, share in board["core_utilisation"].items():
        assert shown[unit] / 1e9 == pytest.approx(share * document["elapsed"], rel=1e-3, abs=1e-6)


def test_bandwidth_stays_within_what_the_board_has(packets: list[object]) -> None:
    described = tracks(packets)
    peaks = {
        "board0.link_in": BOARDS["pcie"].link_bandwidth.value,
        "board0.link_out": BOARDS["pcie"].link_bandwidth.value,
    }
    seen = set()
    for packet in events(packets, Event.TYPE_COUNTER):
        name = described[packet.track_event.track_uuid].name.removesuffix(" bytes/s")
        assert 0 <= packet.track_event.counter_value <= peaks.get(name, 1e12)
        seen.add(name)
    assert seen >= set(peaks)


def test_a_trace_that_cannot_be_written_names_the_file(make_model: MakeModel, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidConfiguration, match=r"file/t\.pftrace"):
        write_trace(make_model(), tmp_path / "file" / "t.pftrace")


def test_without_perfetto_a_trace_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(NotImplemented, match=r"axemu\[trace\]"):
        EmulatorDriver(parse_options({"trace": "t.pftrace"}, "test"))
