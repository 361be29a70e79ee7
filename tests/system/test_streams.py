"""Streams of the operator layer as whole programs: how fast, and what an interrupt leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from axelera.runtime import Context, op, scheduler

FRAMES = 200
pytestmark = pytest.mark.usefixtures("own_boards")


@pytest.fixture
def rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], float]:
    """Return a function that runs a program and returns its frames per second of virtual time."""

    def measure(program: Callable[[], object]) -> float:
        report = tmp_path / "report.json"
        monkeypatch.setenv("AXEMU_REPORT", str(report))
        program()
        document = json.loads(report.read_text())
        return float(sum(one["frames"] for one in document["instances"]) / document["elapsed"])

    return measure


def streamed(model: Path) -> None:
    image = np.zeros((1, 8, 8), np.float32)
    with scheduler.create():
        assert sum(1 for _ in op.load(model).stream([image] * FRAMES)) == FRAMES


def by_hand(model: Path) -> None:
    """A thread and an instance per core, as the published examples write it."""
    frame = np.zeros((1, 10, 64, 1), np.int8)
    with Context() as context:
        loaded = context.load_model(model)
        instances = [context.device_connect(None, 1).load_model_instance(loaded) for _ in range(4)]

        def work(index: int) -> None:
            for _ in range(FRAMES // 4):
                instances[index].run([frame], [np.empty((1, 1, 1, 64), np.int8)])

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))


def test_a_stream_is_as_fast_as_worker_threads_written_by_hand(
    digits_1: Path, rate: Callable[[Callable[[], object]], float]
) -> None:
    assert rate(lambda: streamed(digits_1)) == pytest.approx(rate(lambda: by_hand(digits_1)), rel=0.05)


def test_the_rate_of_a_stream_does_not_depend_on_the_host(
    digits_1: Path, rate: Callable[[Callable[[], object]], float]
) -> None:
    def hindered() -> None:
        rng = np.random.default_rng(3)
        image = np.zeros((1, 8, 8), np.float32)
        with scheduler.create():
            delays = (float(rng.random()) / 200 for _ in range(FRAMES))
            pipeline = op.seq(lambda delay: (time.sleep(delay), image)[1], op.load(digits_1))
            assert sum(1 for _ in pipeline.stream(delays)) == FRAMES

    assert rate(hindered) == rate(lambda: streamed(digits_1))


def test_virtual_time_hears_of_frames_though_workers_were_there_before_the_board(
    digits_1: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    monkeypatch.setenv("AXEMU_REPORT", str(report))
    with scheduler.create():
        assert [result for _, result in op.seq(abs).stream(range(-8, 0))] == list(range(8, 0, -1))
        list(op.load(digits_1).stream([np.zeros((1, 8, 8), np.float32)] * 20))
    assert "queue" in json.loads(report.read_text())["inferred_from"]


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background of a shell
import numpy as np
from axelera.runtime import op
image = np.zeros((1, 8, 8), np.float32)
def forever():
    while True:
        yield image
for number, _ in enumerate(op.load(sys.argv[1]).stream(forever())):
    if number == 20:
        print("running", flush=True)
"""


def test_an_interrupted_stream_ends_at_once_and_leaves_the_boards_free(digits_1: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(digits_1)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    assert errors.count("Traceback") == 1, errors
    with Context() as context:
        context.device_connect(None, 4)


def test_importing_the_runtime_loads_no_operators() -> None:
    code = (
        "import sys, axelera.runtime; "
        "print([name for name in sys.modules if name.startswith(('axelera.runtime.op', 'axelera.runtime.cv', "
        "'axelera.runtime.scheduler', 'PIL', 'onnx', 'numba', 'cv2'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
