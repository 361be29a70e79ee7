"""Boards are published while somebody watches, as their report has them, and files of strangers do no harm."""

from __future__ import annotations

import gc
import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from axelera.runtime import Context, ModelInstance
from axemu.driver import ConnectionError, reservation_directory  # noqa: A004
from axemu.emulator import EmulatorDriver, parse_options, report
from axemu.emulator._publisher import Publisher
from axemu.emulator._recording import Recording
from axemu.emulator.faults import Health, State
from axemu.emulator.watching import Snapshot, Watcher, parse_snapshot
from axemu.emulator.watching._take import take

MakeModel = Callable[..., Path]
SHAPE = (1, 4, 4, 64)


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axemu.emulator._publisher.LOOK_SECONDS", 0.01)


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with Watcher() as found:
        yield found


def boards(**options: object) -> EmulatorDriver:
    return EmulatorDriver(parse_options(options, "test"))


def load(driver: EmulatorDriver, path: Path, **options: bool) -> ModelInstance:
    context = Context(driver)
    return context.device_connect().load_model_instance(context.load_model(path), **options)


def run(instance: ModelInstance, count: int) -> None:
    for _ in range(count):
        instance.run([np.zeros(SHAPE, np.int8)], [np.empty(SHAPE, np.int8)])


def seen(watcher: Watcher, wanted: Callable[[Snapshot], bool]) -> Snapshot:
    """Wait for a snapshot."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if found := [one for one in watcher.look() if wanted(one)]:
            return found[0]
        time.sleep(0.01)
    raise AssertionError("no such snapshot")


def files() -> list[str]:
    return sorted(path.name for path in reservation_directory().glob("watch*"))


def snapshot_of(driver: EmulatorDriver) -> Snapshot:
    return take(driver.recording(), program="test", context=0, at=1.0, every=1.0, ended=False)


def test_nothing_is_published_while_nobody_watches(make_model: MakeModel) -> None:
    driver = boards()
    instance = load(driver, make_model())
    run(instance, 3)
    driver.close()
    assert files() == []


@pytest.mark.parametrize("pace", ["virtual", "realtime"])
def test_who_watches_sees_the_calls_of_a_running_program_and_its_end(
    make_model: MakeModel, watcher: Watcher, pace: str
) -> None:
    driver = boards(pace=pace)
    instance = load(driver, make_model())
    run(instance, 3)
    found = seen(watcher, lambda one: [entry.frames for entry in one.instances] == [3])
    assert (found.pid, found.pace, found.ended) == (os.getpid(), pace, False)
    run(instance, 2)
    driver.close()
    (last,) = watcher.look()
    assert last.ended
    assert [entry.frames for entry in last.instances] == [5]


def test_nothing_is_left_when_all_have_ended(make_model: MakeModel) -> None:
    with Watcher() as watcher:
        driver = boards()
        run(load(driver, make_model()), 1)
        seen(watcher, lambda one: bool(one.instances))
        driver.close()
        assert len(files()) == 2
    assert files() == []


def test_publishing_ends_when_nobody_watches_any_more(make_model: MakeModel) -> None:
    driver = boards()
    with Watcher() as watcher:
        run(load(driver, make_model()), 1)
        seen(watcher, lambda one: bool(one.instances))
    end = time.monotonic() + 60
    while files() and time.monotonic() < end:
        time.sleep(0.01)
    assert files() == []
    driver.close()


def test_simulated_times_are_the_same_watched_or_not(make_model: MakeModel) -> None:
    path = make_model()

    def told() -> dict[str, object]:
        driver = boards()
        context = Context(driver)
        model = context.load_model(path)
        instances = [context.device_connect().load_model_instance(model) for _ in range(3)]
        threads = [threading.Thread(target=run, args=(instance, 100)) for instance in instances]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        document = report(driver.recording())
        driver.close()
        return document

    alone = told()
    with Watcher():
        assert told() == alone


def test_a_watched_driver_that_nobody_refers_to_is_given_up(make_model: MakeModel, watcher: Watcher) -> None:
    driver = boards()
    run(load(driver, make_model()), 1)
    seen(watcher, lambda one: bool(one.instances))
    known = weakref.ref(driver)
    del driver
    end = time.monotonic() + 60
    while known() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert known() is None


def test_a_context_may_end_in_the_thread_that_publishes_it(watcher: Watcher) -> None:
    class Dropped:
        closed = False

        def recording(self) -> Recording:
            if not self.closed:
                self.closed = True
                publisher.close()  # as the garbage collector may, wherever it strikes
            raise ConnectionError("over")

    dropped = Dropped()
    publisher = Publisher(dropped.recording)
    thread = threading.Thread(target=publisher._run, daemon=True)
    thread.start()
    thread.join(30)
    assert dropped.closed
    assert not thread.is_alive()


def test_a_context_may_end_while_its_record_is_made() -> None:
    driver = boards()
    with driver._pace._lock:
        ends = driver.recording()
    assert ends.record.elapsed == 0
    driver.close()


def test_a_program_may_have_a_name_that_is_no_text() -> None:
    driver = boards()
    snapshot = take(driver.recording(), program="a\udcffb", context=0, at=1.0, every=1.0, ended=False)
    assert parse_snapshot(snapshot.model_dump_json().encode()).program == "a\ufffdb"
    driver.close()


def test_a_snapshot_agrees_with_the_report(make_model: MakeModel) -> None:
    driver = boards(cooling="fan")
    instance = load(driver, make_model())
    run(instance, 1500)
    document, snapshot = report(driver.recording()), snapshot_of(driver)
    (board,), (entry,) = document["boards"], document["instances"]
    (shown,), (one,) = snapshot.boards, snapshot.instances
    assert snapshot.elapsed_s == document["elapsed"]
    assert one.frames == entry["frames"]
    assert one.latency_ms == pytest.approx((entry["latency_p50_ms"], entry["latency_p99_ms"]))
    assert shown.cores[0].busy_s / snapshot.elapsed_s == pytest.approx(
        board["utilisation"]["core0"], abs=1e-6
    )
    assert {unit: channel.bytes_moved for unit, channel in shown.channels.items()} == board["bytes_moved"]
    assert shown.heat is not None
    assert shown.heat.power_w == pytest.approx(board["heat"]["power_w"], abs=1e-3)
    driver.close()


def test_recent_latencies_are_those_of_the_last_thousand_frames(make_model: MakeModel) -> None:
    driver = boards()
    instance = load(driver, make_model(mvm_slots=500_000))
    run(instance, 5)
    driver.configure(driver.list_devices()[0], {"clock_profile": "400"})
    run(instance, 1000)
    (one,) = snapshot_of(driver).instances
    assert one.latency_ms is not None
    assert one.recent_ms is not None
    assert one.recent_ms[0] == one.latency_ms[0]
    driver.configure(driver.list_devices()[0], {"clock_profile": "800"})
    run(instance, 1000)
    (one,) = snapshot_of(driver).instances
    assert one.latency_ms is not None
    assert one.recent_ms is not None
    assert one.recent_ms[1] < 0.7 * one.latency_ms[1]
    driver.close()


def test_a_snapshot_tells_settings_holders_and_boards_that_do_not_answer(make_model: MakeModel) -> None:
    driver = boards(boards=2)
    instance = load(driver, make_model())
    driver.configure(
        driver.list_devices()[0], {"clock_profile_core_1": "400", "mvm_utilisation_core_2": "50"}
    )
    run(instance, 1)
    first, second = snapshot_of(driver).boards
    assert [core.clock_mhz for core in first.cores] == [800, 400, 800, 800]
    assert [core.mvm_percent for core in first.cores] == [100, 100, 50, 100]
    assert first.cores[0].held_by.startswith(f"{os.getpid()} ")
    assert [core.held_by for core in second.cores] == [""] * 4
    Health(first.name).fail(State.LOST)
    assert [board.answers for board in snapshot_of(driver).boards] == [False, True]
    driver.close()


def test_instances_beyond_what_a_snapshot_holds_are_counted(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axemu.emulator.watching._take.MOST_INSTANCES", 2)
    driver = boards()
    context = Context(driver)
    model, connection = context.load_model(make_model()), context.device_connect()
    first, *released = [connection.load_model_instance(model) for _ in range(4)]
    for instance in released:
        instance.release()
    snapshot = snapshot_of(driver)
    assert [one.id for one in snapshot.instances] == [
        first._handle.spec.id,
        3,
    ]  # the loaded one, and the last
    assert snapshot.left_out == 2
    driver.close()


def example() -> dict[str, object]:
    driver = boards()
    snapshot = snapshot_of(driver)
    driver.close()
    return json.loads(snapshot.model_dump_json())


def test_a_snapshot_survives_its_journey() -> None:
    document = example()
    assert json.loads(parse_snapshot(json.dumps(document).encode()).model_dump_json()) == document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"snapshot": 2}, "snapshot: "),
        ({"elapsed_s": -1}, "elapsed_s: "),
        ({"at": "soon"}, "at: "),
        ({"more": 1}, "more: "),
        ({"program": "x" * 201}, "program: "),
        ({"instances": [{}] * 257}, "instances"),
        ({"boards": [{"name": "x"}]}, "boards.0.board: "),
    ],
)
def test_what_is_no_snapshot_is_refused_and_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=f"no snapshot of version 1: {words}"):
        parse_snapshot(json.dumps(example() | change).encode())


def test_names_cannot_command_a_terminal() -> None:
    content = json.dumps(example() | {"program": "a\x1b[2Jb\nc"}).encode()
    assert parse_snapshot(content).program == "a\ufffd[2Jb\ufffdc"


def test_files_of_strangers_are_passed_over(watcher: Watcher, tmp_path: Path) -> None:
    place = reservation_directory()
    (place / "watched-1-0.json").write_bytes(b"{")
    (place / "watched-2-0.json").mkdir()
    (place / "watched-3-0.json").symlink_to(tmp_path / "nothing")
    (place / "watched-4-0.json").write_bytes(b"[" * (2 << 20))
    os.mkfifo(place / "watched-5-0.json")
    assert watcher.look() == ()


@pytest.mark.parametrize("ended", [False, True])
def test_what_is_long_overdue_is_removed(watcher: Watcher, ended: bool) -> None:
    path = reservation_directory() / "watched-1-0.json"
    for age, there in ((0, True), (20, False)):
        document = example() | {"pid": 1, "at": time.time() - age, "every": 1.0, "ended": ended}
        path.write_text(json.dumps(document), encoding="utf-8")
        assert bool(watcher.look()) is there
        assert path.exists() is there
