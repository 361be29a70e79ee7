"""Programs that read a worker's result when its next frame is under way into the same arrays: they work beside a card."""

from __future__ import annotations

import hashlib
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from axelera.runtime import Context, Model, ModelInstance
from axemu.emulator import EmulatorDriver, parse_options
from axemu.model import load_compiled_model
from axemu.studies import ZooBuild, compile_zoo
from axemu.zoo import find

WORKERS, FRAMES, RUNS = 4, 20, 20
HOST_WORK = 0.002
"""Seconds that the program makes ready a frame, or looks at a result."""

PICTURE = bytes(1 << 16)

pytestmark = [pytest.mark.usefixtures("own_boards"), pytest.mark.full]


class Worker:
    """A thread with one set of arrays for all its frames, as published examples have it."""

    def __init__(self, instance: ModelInstance, model: Model) -> None:
        self.inputs = [np.zeros(info.shape, np.int8) for info in model.inputs()]
        self._outputs = [np.zeros(info.shape, np.int8) for info in model.outputs()]
        self._instance = instance
        self.todo: queue.Queue[bool] = queue.Queue()
        self.done: queue.Queue[list[np.ndarray]] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while self.todo.get():
            self._instance.run(self.inputs, self._outputs)
            self.done.put(self._outputs)


def work() -> None:
    """Compute as a program does around a frame: in libraries that let other threads run Python meanwhile.

    In plain Python the program would overwrite inputs that its own workers had no chance to look at yet.
    """
    end = time.thread_time() + HOST_WORK
    while time.thread_time() < end:
        hashlib.sha256(PICTURE)


def racing(model_file: Path, frames: list[np.ndarray], *, double_buffer: bool) -> list[np.ndarray]:
    with Context(EmulatorDriver(parse_options({}, "test"))) as context:
        model = context.load_model(model_file)
        workers = [
            Worker(
                context.device_connect(None, 1).load_model_instance(model, double_buffer=double_buffer), model
            )
            for _ in range(WORKERS)
        ]
        flush = [np.zeros_like(frames[0])] * (2 * WORKERS if double_buffer else 0)
        results = []

        def pop(number: int) -> None:
            (output,) = workers[number % WORKERS].done.get()
            work()
            results.append(output.copy())

        for number, frame in enumerate([*frames, *flush]):
            work()
            worker = workers[number % WORKERS]
            worker.inputs[0][:] = frame
            worker.todo.put(True)
            if number >= WORKERS:
                pop(number)
        for number in range(WORKERS):
            pop(number)
        for worker in workers:
            worker.todo.put(False)
    return results[len(flush) :]


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = ZooBuild(find("resnet10t"), "resnet10t", tmp_path_factory.mktemp("zoo"), samples=2)
    return compile_zoo(build)


@pytest.fixture
def frames(resnet: Path) -> list[np.ndarray]:
    (info,) = load_compiled_model(resnet).inputs
    return list(np.random.default_rng(0).integers(-128, 128, (FRAMES, *info.shape), np.int8))


@pytest.fixture
def expected(resnet: Path, frames: list[np.ndarray]) -> list[np.ndarray]:
    """What the frames give one after the other."""
    with Context(EmulatorDriver(parse_options({}, "test"))) as context:
        model = context.load_model(resnet)
        instance = context.device_connect(None, 1).load_model_instance(model)
        found = [np.zeros(model.outputs()[0].shape, np.int8) for _ in frames]
        for frame, output in zip(frames, found, strict=True):
            instance.run([frame], [output])
    return found


@pytest.fixture(params=["idle", "busy"])
def machine(request: pytest.FixtureRequest) -> Iterator[str]:
    """A machine with nothing else to do, as far as the test knows; or one with two processes that compute all the time."""
    count = 2 if request.param == "busy" else 0
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    yield request.param
    for other in others:
        other.kill()
        other.wait()


@pytest.mark.timeout(900)
def test_readers_in_a_race_come_in_time(
    machine: str, resnet: Path, frames: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    wrong = {}
    for form, double_buffer in (("example", False), ("dblbuff", True)):
        wrong[form] = 0
        for _ in range(RUNS):
            found = racing(resnet, frames, double_buffer=double_buffer)
            wrong[form] += sum(
                not np.array_equal(one, other) for one, other in zip(found, expected, strict=True)
            )
    print(f"wrong labels of {RUNS * FRAMES} on a machine that is {machine}: {wrong}")
    assert sum(wrong.values()) <= 1
