"""Cores belong to one holder among all connections and processes, and come back however the holder ends."""

import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from axemu.driver import (
    ConnectionError,  # noqa: A004
    DeviceInUse,
    Driver,
    FunctionDriver,
    Holder,
    IncompatibleDevice,
    InvalidArgument,
    acting_for,
    holders,
    reservation_directory,
    reserve,
)
from axemu.driver._reservation import _BoardFile
from axemu.emulator import EmulatorDriver

BOARD = "metis-0:1:0"


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "axemu"))


@pytest.fixture
def other() -> Iterator["Other"]:
    process = Other()
    yield process
    process.end()


class Other:
    """Another process that evaluates what it is told, line by line."""

    SERVER = """
import sys
from axemu.driver import *
kept = []
for line in sys.stdin:
    try:
        print(repr(eval(line)), flush=True)
    except Exception as error:
        print(type(error).__name__, error, flush=True)
"""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid

    def tell(self, expression: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_connections_of_one_process_get_different_cores() -> None:
    held = [reserve(BOARD, count) for count in (1, 2, 1)]
    assert [one.cores for one in held] == [(0,), (1, 2), (3,)]


def test_more_than_what_is_free_is_refused_and_leaves_the_rest_free() -> None:
    held = reserve(BOARD, 3)
    with pytest.raises(
        DeviceInUse,
        match=rf"2 of its 4 .* 1 free \(process {os.getpid()} .* holds cores 0, 1, 2\).*AXEMU_RUNTIME_DIR",
    ):
        reserve(BOARD, 2)
    assert reserve(BOARD, 1).cores == (3,)
    held.release()


@pytest.mark.parametrize("count", [0, 5, -1])
def test_an_impossible_number_of_cores_is_a_bad_argument(count: int) -> None:
    with pytest.raises(InvalidArgument, match=f"{count} sub-devices asked for; the board has 4"):
        reserve(BOARD, count)


def test_released_cores_can_be_reserved_again_and_a_second_release_harms_nobody() -> None:
    first = reserve(BOARD, 4)
    first.release()
    second = reserve(BOARD, 4)
    first.release()
    assert [holder.cores for holder in holders(BOARD)] == [second.cores]


def test_boards_are_reserved_separately() -> None:
    held = reserve(BOARD, 4)
    assert reserve("metis-0:3:0", 4).cores == held.cores == (0, 1, 2, 3)


def test_two_spellings_of_a_name_that_share_a_file_name_share_the_board() -> None:
    reserve("../x y", 4)
    assert all(path.parent == reservation_directory() for path in reservation_directory().iterdir())


def test_two_spellings_of_the_directory_share_the_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second descriptor of a lock file would see all cores free, and drop their locks when closed."""
    first = reserve(BOARD, 3)
    (tmp_path / "link").symlink_to(tmp_path / "axemu")
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "link"))
    second = reserve(BOARD, 1)
    assert (first.cores, second.cores) == ((0, 1, 2), (3,))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", "axemu")
    with pytest.raises(DeviceInUse):
        reserve(BOARD, 1)


def test_cores_of_a_reservation_that_nobody_refers_to_are_free_for_all_processes(other: Other) -> None:
    held = reserve(BOARD, 4)
    assert other.tell(f"reserve({BOARD!r}, 1)").startswith("DeviceInUse")
    assert len(held.cores) == 4
    del held
    assert "Reservation" in other.tell(f"kept.append(reserve({BOARD!r}, 4)) or kept[-1]")
    other.kill()
    assert reserve(BOARD, 4).cores == (0, 1, 2, 3)


class _Owner:
    """Refers to itself, so that only a garbage collection ends it."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.itself = self


@pytest.mark.parametrize("make", [EmulatorDriver, FunctionDriver])
def test_cores_of_a_driver_in_a_reference_cycle_come_back(make: Callable[[], Driver]) -> None:
    driver = make()
    (device, *_) = driver.list_devices()
    owner = _Owner((driver, driver.connect(device, 4, {})))
    assert holders(device.name) != ()
    del driver, owner
    gc.collect()
    assert holders(device.name) == ()


def test_another_process_is_kept_out_and_told_who_holds(other: Other) -> None:
    held = reserve(BOARD, 3)
    answer = other.tell(f"reserve({BOARD!r}, 2)")
    assert answer.startswith("DeviceInUse")
    assert f"process {os.getpid()}" in answer
    held.release()
    assert "Reservation" in other.tell(f"reserve({BOARD!r}, 2)")


def test_the_holders_program_and_cores_are_named(other: Other) -> None:
    other.tell(f"kept.append(reserve({BOARD!r}, 2))")
    (holder,) = holders(BOARD)
    assert (holder.pid, holder.cores) == (other.pid, (0, 1))
    assert str(holder) == f"process {other.pid} ({Path(sys.executable).name}) holds cores 0, 1"


def test_a_killed_process_loses_its_cores_at_once(other: Other) -> None:
    other.tell(f"kept.append(reserve({BOARD!r}, 4))")
    other.kill()
    assert holders(BOARD) == ()
    assert reserve(BOARD, 4).cores == (0, 1, 2, 3)


def test_cores_of_a_process_that_dies_during_a_refusal_are_given_out(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that can name no holder would be wrong; death is the one change that needs no gate."""
    other.tell(f"kept.append(reserve({BOARD!r}, 2))")
    original = _BoardFile.holders

    def dying(file: _BoardFile) -> Iterator[Holder]:
        other.kill()
        return original(file)

    monkeypatch.setattr(_BoardFile, "holders", dying)
    assert reserve(BOARD, 3).cores == (0, 1, 2)


def test_looking_at_the_holders_does_not_take_cores_away(other: Other) -> None:
    mine = reserve(BOARD, 1)
    for _ in range(3):
        assert [holder.cores for holder in holders(BOARD)] == [mine.cores]
    assert other.tell(f"reserve({BOARD!r}, 4)").startswith("DeviceInUse")


PARENT = """
import os, sys, time
from axemu.driver import reserve
held = reserve("metis-0:1:0", 4)
child = os.fork()
if child == 0:
    held.release()               # not the child's to give
    print(os.getppid(), os.getpid(), flush=True)
    time.sleep(60)
    os._exit(0)
time.sleep(60)
"""


def test_a_forked_child_neither_keeps_nor_frees_its_parents_cores() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    _, child = (int(pid) for pid in parent.stdout.readline().split())
    try:
        with pytest.raises(DeviceInUse, match=f"process {parent.pid} "):
            reserve(BOARD, 1)
        parent.kill()
        parent.wait()
        os.kill(child, 0)  # the child lives
        assert reserve(BOARD, 4).cores == (0, 1, 2, 3)
    finally:
        os.kill(child, signal.SIGKILL)
        parent.stdout.close()


def test_a_forked_child_can_reserve_for_itself() -> None:
    held = reserve(BOARD, 2)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            own = reserve(BOARD, 2)
            os.write(write, json.dumps([own.cores, len(holders(BOARD))]).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    assert json.loads(os.read(read, 100)) == [[2, 3], 2]
    assert [holder.cores for holder in holders(BOARD)] == [held.cores]
    os.close(read)


def test_threads_share_the_cores_out_without_losing_or_doubling_one() -> None:
    seen: list[int] = []
    lock = threading.Lock()

    def fight() -> None:
        for _ in range(50):
            try:
                held = reserve(BOARD, 2)
            except DeviceInUse:
                continue
            with lock:
                assert not set(held.cores) & set(seen)
                seen.extend(held.cores)
            with lock:
                for core in held.cores:
                    seen.remove(core)
            held.release()

    threads = [threading.Thread(target=fight) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reserve(BOARD, 4).cores == (0, 1, 2, 3)


def test_l2_is_accounted_for_across_processes(other: Other) -> None:
    mine = reserve(BOARD, 1)
    other.tell(f"kept.append(reserve({BOARD!r}, 1))")
    holding = mine.hold_l2("resnet", 60, 100)
    answer = other.tell("kept[0].hold_l2('yolo', 50, 100)")
    assert answer.startswith("IncompatibleDevice")
    assert f"resnet (process {os.getpid()}) holds 60 B" in answer
    mine.free_l2(holding)
    assert "L2Holding" in other.tell("kept[0].hold_l2('yolo', 50, 100)")
    with pytest.raises(IncompatibleDevice, match=rf"yolo \(process {other.pid}\) holds 50 B"):
        mine.hold_l2("resnet", 60, 100)
    other.kill()
    mine.hold_l2("resnet", 60, 100)


def test_equal_holdings_are_given_back_one_at_a_time() -> None:
    mine = reserve(BOARD, 1)
    first, _second = mine.hold_l2("a", 50, 100), mine.hold_l2("a", 50, 100)
    mine.free_l2(first)
    mine.free_l2(first)
    mine.hold_l2("a", 50, 100)
    with pytest.raises(IncompatibleDevice):
        mine.hold_l2("a", 1, 100)


def test_many_holdings_stay_accounted_for() -> None:
    mine = reserve(BOARD, 4)
    for index in range(300):
        mine.hold_l2(f"instance {index} " + "x" * 300, 10, 3000)
    with pytest.raises(IncompatibleDevice, match=r"instance 0 .* holds 10 B; .*\d more holds"):
        mine.hold_l2("last", 1, 3000)


@pytest.mark.parametrize("letter", ["x", "入", "\U0001f984", '"', "\n"])
def test_records_of_neighbouring_cores_keep_apart(letter: str) -> None:
    """Names in JSON take up to twelve times their length."""
    first, second = reserve(BOARD, 1), reserve(BOARD, 1)
    second.hold_l2("neighbour", 7, 1000)
    for index in range(40):
        first.hold_l2(f"{index} " + letter * 200, 10, 1000)
    assert [(holder.pid, holder.cores) for holder in holders(BOARD)] == [
        (os.getpid(), (0,)),
        (os.getpid(), (1,)),
    ]
    assert [sum(holding.size for holding in holder.l2) for holder in holders(BOARD)] == [400, 7]


def test_a_forked_child_cannot_touch_its_parents_l2() -> None:
    mine = reserve(BOARD, 1)
    holding = mine.hold_l2("a", 100, 100)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            mine.free_l2(holding)
            mine.hold_l2("b", 0, 100)
        except ConnectionError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [holding.size for holder in holders(BOARD) for holding in holder.l2] == [100]


def test_a_released_connection_holds_no_l2_and_cannot_take_any() -> None:
    first = reserve(BOARD, 4)
    holding = first.hold_l2("a", 100, 100)
    first.release()
    second = reserve(BOARD, 4)
    second.hold_l2("b", 100, 100)
    first.free_l2(holding)
    with pytest.raises(ConnectionError, match="released"):
        first.hold_l2("a", 1, 1000)
    assert sum(owner.l2[0].size for owner in holders(BOARD)) == 100


def test_a_scribbled_record_does_not_hide_the_holder(other: Other) -> None:
    other.tell(f"kept.append(reserve({BOARD!r}, 1))")
    (path,) = reservation_directory().iterdir()
    path.write_bytes(b"x" * path.stat().st_size)
    (holder,) = holders(BOARD)
    assert (holder.pid, holder.program, holder.cores) == (0, "unknown", (0,))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.chmod(0o777),
        pytest.param(
            lambda path: os.chown(path, 12345, 12345),
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away"),
        ),
    ],
)
def test_a_directory_that_is_not_ours_alone_is_left_for_one_beside_it(
    spoil: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    other: Other,
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    spoil(taken)
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(taken))
    found = reservation_directory()
    assert found.parent == tmp_path
    assert found.name.startswith("taken.own-")
    assert f"{taken} is somebody else's or was; {found} is used in its place" in caplog.text
    held = reserve(BOARD, 1)
    assert not list(taken.iterdir())
    other.tell(f"__import__('os').environ.update(AXEMU_RUNTIME_DIR={str(taken)!r})")
    assert other.tell(f"reserve({BOARD!r}, 4)").startswith("DeviceInUse")
    held.release()


@pytest.mark.parametrize("what", ["pipe", "link", "directory"])
def test_what_is_no_file_of_ours_is_no_lock(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path))
    lock, victim = tmp_path / (re.sub("[:]", "_", BOARD) + ".lock"), tmp_path / "victim"
    victim.write_text("precious")
    {"pipe": lambda: os.mkfifo(lock), "link": lambda: lock.symlink_to(victim), "directory": lock.mkdir}[
        what
    ]()
    with pytest.raises(
        ConnectionError, match=rf"{BOARD}: cannot open its reservation file .*; remove it, or set"
    ):
        reserve(BOARD, 1)
    assert victim.read_text() == "precious"


def test_an_unusable_directory_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "file" / "x"))
    with pytest.raises(ConnectionError, match="cannot keep core reservations"):
        reserve(BOARD, 1)


def test_cores_may_be_held_in_the_name_of_a_process_that_is_served() -> None:
    with acting_for(4711, "detector"):
        first = reserve(BOARD, 2)
    second = reserve(BOARD, 1)
    holding = first.hold_l2("model 'm'", 10, 100)
    assert holders(BOARD)[0].program == "detector"
    assert [one.pid for one in holders(BOARD)] == [4711, os.getpid()]
    assert holding.holder == "model 'm' (process 4711)"
    with acting_for(4712, "other"):
        first.free_l2(holding)
    assert [(one.pid, one.cores) for one in holders(BOARD)] == [(4711, (0, 1)), (os.getpid(), (2,))]
    second.release()
    first.release()
    assert holders(BOARD) == ()


def test_for_whom_a_thread_acts_ends_with_its_block_and_is_no_matter_of_others() -> None:
    def elsewhere() -> None:
        seen.append(reserve(BOARD, 1).program.pid)

    seen: list[int] = []
    with acting_for(1, "outer"):
        with acting_for(2, "inner"):
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            seen.append(reserve(BOARD, 1).program.pid)
        seen.append(reserve(BOARD, 1).program.pid)
    assert seen == [os.getpid(), 2, 1]
