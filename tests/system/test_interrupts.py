"""An interrupt at any point of a run, a connect or a load leaves everything usable."""

from __future__ import annotations

import importlib
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests._sizes import FULL, sample
from tests.system._interrupts import Points
from tests.unit.conftest import write_model

from axelera.runtime import Context, ModelInstance
from axemu.emulator import EmulatorDriver, parse_options
from axemu.emulator.compute import _threads, available_paths
from axemu.emulator.compute._library import Library, object_code

SHAPE = (1, 4, 4, 64)
FRAME = np.arange(1024, dtype=np.int64).astype(np.int8).reshape(SHAPE)
LIMIT = 60.0

pytestmark = pytest.mark.usefixtures("own_boards", "unraisable")


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt in a finalizer goes no further than to standard error, where nobody keeps it and the frames it came through."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)


class Neighbour:
    """Another process that takes and gives back all cores of the board."""

    PROGRAM = """
import sys
from axemu.driver import reserve
for line in sys.stdin:
    try:
        held = reserve("metis-0:1:0", int(line))
        held.release()
        print(len(held.cores), flush=True)
    except Exception as error:
        print(error, flush=True)
"""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def take(self, count: int) -> str:
        """Return the number of cores it got, as text, or the error."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture
def neighbour(own_boards: Path) -> Iterator[Neighbour]:
    del own_boards
    one = Neighbour()
    yield one
    one.process.kill()
    one.process.communicate()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "twice", l2_bytes=7 << 20)


def in_time(act: Callable[[], object], what: str) -> None:
    """Call in another thread, so that waiting for ever is a failure."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001  raised again below
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LIMIT)
    if thread.is_alive():
        pytest.fail(f"never ends after an interrupt at {what}")
    if errors:
        raise AssertionError(f"after an interrupt at {what}: {errors[0]!r}") from errors[0]


def result_of(instance: ModelInstance) -> np.ndarray:
    output = np.zeros(SHAPE, np.int8)
    instance.run([FRAME], [output])
    return output


def chosen_points(count: int, seed: int) -> list[int]:
    """Return all points, or a sample of them."""
    if FULL or count <= QUICK:
        return list(range(count))
    return sorted(random.Random(seed).sample(range(count), QUICK))


QUICK = 30


def context(pace: str) -> Context:
    return Context(
        EmulatorDriver(parse_options({"pace": pace, "run_threads": 2, "numerics": "exact"}, "test"))
    )


def assert_no_turn_is_lost() -> None:
    budget = _threads.shared_budget()
    budget.hold(1, len, lambda _: None)  # type: ignore[arg-type]
    assert (budget._free, budget._queue, list(budget._given)) == (budget.total, [], [])


@pytest.mark.parametrize("pace", ["virtual", "realtime"])
@pytest.mark.parametrize("double_buffer", [False, True])
def test_a_run(pace: str, double_buffer: bool, model: Path) -> None:
    expected = None
    with context(pace) as owner:
        instance = owner.device_connect().load_model_instance(
            owner.load_model(model), double_buffer=double_buffer
        )
        for _ in range(3):
            expected = result_of(instance)

        def fresh() -> None:
            instance._driver._instances[0].values._results_fit_inputs = False  # type: ignore[attr-defined]
            result_of(instance)

        fresh()
        points = Points()
        points.run(fresh)
        assert points.count > 50
        raised = 0
        for point in chosen_points(points.count, 1):
            points = Points(point)
            error = points.run(fresh)
            raised += error is not None
            in_time(lambda: np.testing.assert_array_equal(result_of(instance), expected), points.where)
            assert_no_turn_is_lost()
            assert instance.counters().frames >= 1
            del error  # its traceback was held until here
        print(f"{raised} interrupts in runs ({pace})")
        assert raised


def test_a_connect(model: Path, neighbour: Neighbour) -> None:
    with context("virtual") as owner:
        loaded = owner.load_model(model)

        def connect_and_run() -> None:
            with owner.device_connect(None, 4) as connection:
                result_of(connection.load_model_instance(loaded))

        connect_and_run()
        owner.device_connect(None, 2).release()
        points = Points()
        points.run(lambda: owner.device_connect(None, 2))
        owner.list_devices()  # what was dropped is freed at the next call
        raised = 0
        for point in range(points.count):
            points = Points(point)
            error = points.run(lambda: owner.device_connect(None, 2))
            if error is None:
                owner.list_devices()
            raised += error is not None
            in_time(lambda: check(neighbour.take(4), "4"), points.where)
            in_time(connect_and_run, points.where)
            del error
        print(f"{raised} interrupts in connects")
        assert raised


def check(found: str, expected: str) -> None:
    assert found == expected


@pytest.mark.timeout(7200)  # the full counts: 4900 points
def test_a_load(model: Path, neighbour: Neighbour) -> None:
    chosen, _ = interrupted_loads(model, neighbour, None)
    # A context of their own for some at a time: what it logs grows, and is asked for again and again.
    raised = sum(interrupted_loads(model, neighbour, some)[1] for some in batched(chosen, QUICK))
    print(f"{raised} interrupts in loads")
    assert raised


def interrupted_loads(
    model: Path, neighbour: Neighbour, chosen: Sequence[int] | None
) -> tuple[list[int], int]:
    """Interrupt loads at the chosen points; return which there are to choose from, and how many were raised."""
    with context("virtual") as owner:
        loaded = owner.load_model(model)
        connection = owner.device_connect(None, 1)

        def load_and_run() -> None:
            # Four instances fill L2.
            several = [connection.load_model_instance(loaded) for _ in range(4)]
            for instance in several:
                result_of(instance)
                instance.counters()
                instance.release()

        load_and_run()
        points = Points()
        points.run(lambda: connection.load_model_instance(loaded))
        owner.list_devices()
        count, raised = points.count, 0
        for point in chosen or ():
            points = Points(point)
            error = points.run(lambda: connection.load_model_instance(loaded))
            if error is None:
                owner.list_devices()
            raised += error is not None
            in_time(load_and_run, points.where)
            in_time(lambda: check(neighbour.take(3), "3"), points.where)
            del error
        return chosen_points(count, 3), raised


def batched(points: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (points[begin : begin + size] for begin in range(0, len(points), size))


def test_a_library_beside_numba() -> None:
    importlib.import_module("numba")  # which is called by llvmlite inside of its lock
    path = available_paths()[0]
    data = object_code(path)[1]

    def load() -> int:
        return Library(path, data).address("run")

    load()
    points = Points()
    points.run(load)
    assert points.count > 20
    for point in range(points.count):
        points = Points(point)
        error = points.run(load)
        in_time(load, points.where)
        del error


SIGNALS = """
import json, random, signal, sys, threading
import numpy as np
from axemu.driver import DeviceInUse
from axemu.emulator import EmulatorDriver, parse_options
from axemu.emulator.compute import _threads
from axelera.runtime import Context

model_json, what, pace, threads, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
rng, frame = random.Random(count), np.arange(1024, dtype=np.int64).astype(np.int8).reshape(1, 4, 4, 64)
stop, done = threading.Event(), [0] * threads

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
context = Context(EmulatorDriver(parse_options({"pace": pace, "run_threads": 2}, "test")))
model = context.load_model(model_json)
instances = [context.device_connect().load_model_instance(model) for _ in range(threads)] if what == "run" else []

def run(index):
    output = np.zeros_like(frame)
    frames = frame + np.int8(done[index] % 100)  # not the frame before
    instances[index].run([frames], [output])
    done[index] += 1

def connect(index):
    context.device_connect(None, 1 + index % 2).release()
    done[index] += 1

act = {"run": run, "connect": connect}[what]

def work(index):
    while not stop.is_set():
        act(index)

workers = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(1, threads)]
for worker in workers:
    worker.start()
interrupts = 0
while interrupts < count:
    try:
        # Again after a while: one that falls into a finalizer goes no further.
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 4e-3), 3.0)
        while True:
            act(0)
    except KeyboardInterrupt:
        interrupts += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
before = list(done)
for _ in range(20):
    act(0)
stop.set()
for worker in workers:
    worker.join(60)
    assert not worker.is_alive(), "a thread waits for ever"
budget = _threads.shared_budget()
budget.hold(1, len, lambda _: None)
assert (budget._free, budget._queue) == (budget.total, []), (budget._free, budget._queue)
for instance in instances:
    assert instance.counters().frames
    instance.release()
del instances
context.release()
context = Context(EmulatorDriver(parse_options({"pace": pace}, "test")))
assert not context.list_devices()[0].in_use
context.device_connect(None, 4)
print(json.dumps({"interrupts": interrupts, "done": done}))
"""


@pytest.mark.parametrize(("what", "pace"), [("run", "virtual"), ("run", "realtime"), ("connect", "virtual")])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_signals(what: str, pace: str, threads: int, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_COMPUTE_THREADS", "2")
    command = [sys.executable, "-c", SIGNALS, str(model), what, pace, str(threads), str(sample(15, 200))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    print(what, pace, threads, done.stdout.strip())
