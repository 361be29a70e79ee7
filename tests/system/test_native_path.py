"""Emulator behind C behind Python: the native driver on the C face gives what the emulator gives, bytes and times."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests._sizes import sample

import axelera.runtime as axr
from axemu.capi import Server
from axemu.driver import Counters, create_driver

GUIDES = ("cascade.py", "double_buffering.py", "quick_start.py", "round_robin.py")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
pytestmark = pytest.mark.usefixtures("own_boards")


@pytest.fixture
def native(c_face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Boards behind the C face, for this process and its children."""
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", str(c_face / "lib" / "libaxruntime.so"))
    monkeypatch.setenv("AXEMU_SERVER", str(tmp_path / "server"))
    with Server(lambda: create_driver("emulator"), tmp_path / "server") as server:
        yield server


def _work(driver: str, path: Path, properties: dict[str, int]) -> tuple[list[Any], list[Counters]]:
    """Run four threads with an instance each; return all results, and the counters."""
    frames = sample(20, 500)
    with axr.Context(driver) as context, ThreadPoolExecutor(4) as threads:
        model = context.load_model(path)
        instances = [
            context.device_connect(None, 1).load_model_instance(model, **properties) for _ in range(4)
        ]
        context.configure_device(0, clock_profile_core_1=400)

        together = threading.Barrier(
            4
        )  # or the pool would give a second job to a thread that has done its first

        def work(index: int) -> list[Any]:
            together.wait()
            rng = np.random.default_rng(index)
            results = []
            for _ in range(frames):
                inputs = [rng.integers(-128, 128, info.shape, np.int8) for info in model.inputs()]
                results.append([np.empty(info.shape, np.int8) for info in model.outputs()])
                instances[index].run(inputs, results[-1])
            return results

        return list(threads.map(work, range(4))), [instance.counters() for instance in instances]


@pytest.mark.parametrize("double_buffer", [0, 1])
def test_results_and_simulated_times_are_the_emulators(
    native: Server, digits_1: Path, double_buffer: int
) -> None:
    results, counters = _work("native", digits_1, {"double_buffer": double_buffer})
    expected, direct = _work("emulator", digits_1, {"double_buffer": double_buffer})
    for one, other in zip(results, expected, strict=True):
        assert all(
            np.array_equal(*pair)
            for frames in zip(one, other, strict=True)
            for pair in zip(*frames, strict=True)
        )
    assert counters == [replace(one, latencies=np.empty(0)) for one in direct]
    assert counters[1].device_time > 1.5 * counters[0].device_time


@pytest.mark.parametrize("example", GUIDES[: sample(2, 4)])
def test_the_guides_order_of_calls_runs_through_the_native_driver(
    native: Server,
    example: str,
    digits_1: Path,
    digits_2: Path,
    digits_images: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AXELERA_DRIVER", "native")
    monkeypatch.setenv("AXEMU_EMULATOR", f"boards = {2 if example == 'round_robin.py' else 1}")
    models = (digits_2, digits_2) if example == "cascade.py" else (digits_1,)
    command = [sys.executable, str(EXAMPLES / example), *map(str, models), str(digits_images)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    correct = re.match(r"(\d+) of 600 correct", done.stdout)
    assert correct is not None
    assert int(correct[1]) >= 590


def _frame(instance: axr.ModelInstance, model: axr.Model) -> None:
    inputs = [np.zeros(info.shape, np.int8) for info in model.inputs()]
    instance.run(inputs, [np.empty(info.shape, np.int8) for info in model.outputs()])


def test_threads_contexts_and_instances_leave_nothing_behind(native: Server, digits_1: Path) -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    def use() -> None:
        with axr.Context("native") as context:
            model, connection = context.load_model(digits_1), context.device_connect()
            for _ in range(3):
                instance = connection.load_model_instance(model)
                thread = threading.Thread(target=_frame, args=(instance, model))
                thread.start()
                thread.join()
                instance.release()

    use()
    before = held()
    for _ in range(sample(5, 200)):
        use()
    deadline = time.monotonic() + 20
    while any(now > then for now, then in zip(held(), before, strict=True)):
        assert time.monotonic() < deadline, (held(), before)
        time.sleep(0.01)


def test_boards_that_end_are_a_connection_error_and_contexts_can_still_be_closed(
    native: Server, digits_1: Path
) -> None:
    with axr.Context("native") as context:
        model = context.load_model(digits_1)
        instance = context.device_connect().load_model_instance(model)
        _frame(instance, model)
        native.close()
        for use in (lambda: _frame(instance, model), context.list_devices):
            with pytest.raises(axr.ConnectionError, match="the process of the emulated boards has gone"):
                use()
    with (
        axr.Context("native") as context,
        pytest.raises(axr.ConnectionError, match="no emulated boards are served at"),
    ):
        context.list_devices()
