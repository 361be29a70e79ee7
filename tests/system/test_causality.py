"""Programs whose threads wait for each other through the standard library get the rates of a closed form, undeclared."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.system.test_virtual_time import busy_host, fps, frame, join, repeat

from axelera.runtime import Context, ModelInstance
from axemu.chip import HOSTS
from axemu.emulator import EmulatorDriver, parse_options, report

pytestmark = pytest.mark.usefixtures("own_boards")

FRAMES = 17 * 8
"""Launches of all lengths, several times."""
Program = Callable[[Sequence[ModelInstance]], None]


def ran(program: Program, model: Path, count: int = 4) -> dict[str, Any]:
    driver = EmulatorDriver(parse_options({"compute": "off"}, "test"))
    with Context(driver) as context:
        loaded = context.load_model(model)
        program([context.device_connect().load_model_instance(loaded) for _ in range(count)])
        document = report(driver.recording())
    driver.close()
    return document


def rate(program: Program, model: Path, count: int = 4) -> float:
    return fps(ran(program, model, count))


@dataclass(frozen=True)
class Lone:
    """What one instance does that a thread calls without a pause: seconds in a call, and from call to call."""

    call: float
    period: float


@pytest.fixture(scope="module")
def lone(digits_1: Path, tmp_path_factory: pytest.TempPathFactory) -> Lone:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path_factory.mktemp("reservations")))
        (instance,) = ran(lambda instances: repeat(instances[0], FRAMES), digits_1, 1)["instances"]
    period = 1 / float(instance["fps"])
    return Lone(period - HOSTS["desktop"].gap.value, period)


class Workers:
    """A thread per instance, with a queue to it and one from it."""

    def __init__(self, instances: Sequence[ModelInstance]) -> None:
        self.go: list[queue.Queue[Any]] = [queue.Queue() for _ in instances]
        self.done: list[queue.Queue[Any]] = [queue.Queue() for _ in instances]
        self._threads = [
            threading.Thread(target=self._work, args=(index, instance))
            for index, instance in enumerate(instances)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, index: int, instance: ModelInstance) -> None:
        while (item := self.go[index].get()) is not None:
            time.sleep(random.random() * 1e-3)
            frame(instance)
            self.done[index].put(item)

    def stop(self) -> None:
        for line in self.go:
            line.put(None)
        for thread in self._threads:
            thread.join()


def wait_for_each(instances: Sequence[ModelInstance]) -> None:
    """Send a frame to a worker, wait for it, send the next to the next worker."""
    workers = Workers(instances)
    for number in range(FRAMES):
        worker = number % len(instances)
        workers.go[worker].put(number)
        assert workers.done[worker].get() == number
    workers.stop()


def round_robin(instances: Sequence[ModelInstance]) -> None:
    """Keep one frame at each worker: collect the oldest before its worker gets the next."""
    workers = Workers(instances)
    for number in range(FRAMES):
        worker = number % len(instances)
        if number >= len(instances):
            workers.done[worker].get()
        workers.go[worker].put(number)
    workers.stop()


def prefill_and_drain(instances: Sequence[ModelInstance]) -> None:
    """Hand out everything, then collect everything."""
    workers = Workers(instances)
    for number in range(FRAMES):
        workers.go[number % len(instances)].put(number)
    for number in range(FRAMES):
        workers.done[number % len(instances)].get()
    workers.stop()


def stages(instances: Sequence[ModelInstance], line: queue.Queue[Any]) -> None:
    def first() -> None:
        for number in range(FRAMES):
            frame(instances[0])
            line.put(number)
        line.put(None)

    def second() -> None:
        while line.get() is not None:
            frame(instances[1])

    join([threading.Thread(target=second), threading.Thread(target=first)])


def cascade(instances: Sequence[ModelInstance]) -> None:
    """Detector and classifier, joined by a queue."""
    stages(instances, queue.Queue())


def uneven_cascade(instances: Sequence[ModelInstance]) -> None:
    """Three frames in the second stage for each of the first, through a queue that holds one."""
    line: queue.Queue[Any] = queue.Queue(1)

    def second() -> None:
        while line.get() is not None:
            repeat(instances[1], 3)

    thread = threading.Thread(target=second)
    thread.start()
    for number in range(FRAMES // 4):
        frame(instances[0])
        line.put(number)
    line.put(None)
    thread.join()


def pool(instances: Sequence[ModelInstance]) -> None:
    """A pool of threads, each with an instance of its own."""
    free = list(instances)
    own = threading.local()

    def task(number: int) -> int:
        if not hasattr(own, "instance"):
            own.instance = free.pop()
        time.sleep(random.random() * 1e-3)
        frame(own.instance)
        return number

    with ThreadPoolExecutor(len(instances)) as executor:
        assert list(executor.map(task, range(FRAMES))) == list(range(FRAMES))


def shared_queue(instances: Sequence[ModelInstance]) -> None:
    """Workers that take their work from one queue; the later ones start when much of it is gone."""
    work: queue.Queue[Any] = queue.Queue()

    def worker(index: int, instance: ModelInstance) -> None:
        time.sleep(0.01 * index)
        while work.get() is not None:
            time.sleep(random.random() * 1e-3)
            frame(instance)

    threads = [
        threading.Thread(target=worker, args=(index, instance)) for index, instance in enumerate(instances)
    ]
    for number in range(FRAMES):
        work.put(number)
    for _ in instances:
        work.put(None)
    join(threads)


def futures(instances: Sequence[ModelInstance]) -> None:
    """Two frames in flight; the next is submitted when the older one has come back."""
    with ThreadPoolExecutor(2) as executor:
        flying: deque[Future[None]] = deque()
        for number in range(FRAMES):
            if len(flying) == 2:
                flying.popleft().result()
            flying.append(executor.submit(frame, instances[number % len(instances)]))


def slow_futures(instances: Sequence[ModelInstance]) -> None:
    """Likewise, where the host has computed each frame before the next is submitted."""
    with ThreadPoolExecutor(2) as executor:
        flying: deque[Future[None]] = deque()
        for number in range(FRAMES):
            if len(flying) == 2:
                flying.popleft().result()
            flying.append(executor.submit(frame, instances[number % len(instances)]))
            time.sleep(3e-3)


PROGRAMS: dict[str, tuple[Program, int, Callable[[Lone], float]]] = {
    "wait for each": (wait_for_each, 4, lambda lone: 1 / lone.call),
    "round robin": (round_robin, 4, lambda lone: 4 / lone.period),
    "prefill and drain": (prefill_and_drain, 4, lambda lone: 4 / lone.period),
    "cascade": (cascade, 2, lambda lone: 2 / lone.period),
    "uneven cascade": (uneven_cascade, 2, lambda lone: 4 / (3 * lone.period)),
    "pool": (pool, 4, lambda lone: 4 / lone.period),
    "shared queue": (shared_queue, 3, lambda lone: 3 / lone.period),
    "futures": (futures, 4, lambda lone: 2 / lone.period),
    "slow futures": (slow_futures, 4, lambda lone: 2 / lone.period),
}
"""Program, instances, and frames per second of all of them together."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_rate_is_that_of_a_closed_form(name: str, digits_1: Path, lone: Lone) -> None:
    program, count, expected = PROGRAMS[name]
    assert rate(program, digits_1, count) == pytest.approx(expected(lone), rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_rate_is_the_same_on_a_loaded_host(name: str, digits_1: Path, lone: Lone) -> None:
    program, count, expected = PROGRAMS[name]
    with busy_host(3):
        assert rate(program, digits_1, count) == pytest.approx(expected(lone), rel=0.02)
