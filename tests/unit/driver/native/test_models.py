"""Models and frames, on a library that does not always do what it should."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import axelera.runtime as axr

Misbehave = Callable[[str], None]
Trace = Callable[[], list[str]]


def _frame() -> tuple[list[Any], list[Any]]:
    return [np.arange(640, dtype=np.uint8).view(np.int8)], [np.zeros(64, np.int8)]


def test_a_frame_goes_through_the_library(
    misbehave: Misbehave, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inputs, outputs = _frame()
    with axr.Context("native") as context:
        context.device_connect().load_model_instance(context.load_model(model)).run(inputs, outputs)
    assert np.array_equal(outputs[0], ~inputs[0][:64])
    assert caplog.messages == []


def test_dma_bufs_reach_the_library_as_descriptors_without_a_copy(misbehave: Misbehave, model: Path) -> None:
    source, target = os.memfd_create("source"), os.memfd_create("target")
    os.write(source, bytes(range(64)) * 10)
    os.write(target, bytes(64))
    with axr.Context("native") as context:
        instance = context.device_connect().load_model_instance(
            context.load_model(model), input_dmabuf=1, output_dmabuf=1
        )
        instance.run([source], [target])
    assert os.pread(target, 64, 0) == bytes(255 - byte for byte in range(64))
    os.close(source)
    os.close(target)


def test_objects_are_destroyed_children_first(misbehave: Misbehave, model: Path, trace: Trace) -> None:
    with axr.Context("native") as context:
        connection = context.device_connect()
        loaded = context.load_model(model)
        kept = [connection.load_model_instance(loaded, double_buffer=1) for _ in range(2)]
        assert len(kept) == 2
    assert trace() == [
        "+context", "+connection",
        "+model", "+properties", "double_buffer=1", "+instance", "-properties",
        "+model", "+properties", "double_buffer=1", "+instance", "-properties",
        "-instance", "-model", "-instance", "-model", "-connection", "-context",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ("model:2", axr.InvalidArgument, r"compiled/model\.json$"),
        ("instance:1", axr.AxeleraError, "Failed to create executor for model: kernel_function"),
        ("no-inputs", axr.IncompatibleDevice, r"the native library sees 0 inputs, model\.json has 1"),
        (
            "small-input",
            axr.IncompatibleDevice,
            r"input 0 .* sees 480 B, 4 dimensions .* model\.json has 640 B",
        ),
        ("many-dims", axr.IncompatibleDevice, "99 dimensions"),
    ],
)
def test_a_model_that_the_library_refuses_or_sees_otherwise_is_not_loaded(
    misbehave: Misbehave, model: Path, trace: Trace, words: str, error: type[Exception], message: str
) -> None:
    misbehave(words)
    with axr.Context("native") as context:
        connection, loaded = context.device_connect(), context.load_model(model)
        with pytest.raises(error, match=message):
            connection.load_model_instance(loaded)
        assert trace().count("+model") == trace().count("-model")


def test_what_the_library_sees_otherwise_without_harm_is_said(
    misbehave: Misbehave, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    misbehave("other-scale")
    with axr.Context("native") as context, caplog.at_level(logging.WARNING, logger="axelera.runtime"):
        context.device_connect().load_model_instance(context.load_model(model))
    assert "input 0" in caplog.messages[0]
    assert "zero point -3 (files: 0); scale 0.25 (files: 1.0)" in caplog.messages[0]


def test_a_failing_frame_is_an_exception_and_leaves_outputs_alone(misbehave: Misbehave, model: Path) -> None:
    inputs, outputs = _frame()
    with axr.Context("native") as context:
        instance = context.device_connect().load_model_instance(context.load_model(model))
        misbehave("run:4")
        with pytest.raises(axr.ConnectionError, match=r"^device lost \(0x70000001\)$"):
            instance.run(inputs, outputs)
        assert not outputs[0].any()
        misbehave("")
        instance.run(inputs, outputs)
        assert outputs[0].any()


def test_the_gil_is_free_while_the_library_runs(misbehave: Misbehave, model: Path) -> None:
    inputs, outputs = _frame()
    misbehave("slow")
    with axr.Context("native") as context:
        instance = context.device_connect().load_model_instance(context.load_model(model))
        frame = threading.Thread(target=instance.run, args=(inputs, outputs))
        frame.start()
        steps = 0
        while frame.is_alive():
            time.sleep(0.001)
            steps += 1
        frame.join()
    assert steps > 20


def test_the_hosts_clock_counts_frames(misbehave: Misbehave, model: Path) -> None:
    inputs, outputs = _frame()
    with axr.Context("native") as context:
        instance = context.device_connect().load_model_instance(context.load_model(model))
        assert instance.counters().frames == 0
        misbehave("slow")
        instance.run(inputs, outputs)
        counters = instance.counters()
    assert (counters.frames, counters.simulated, counters.device_time) == (1, "", 0.0)
    assert counters.host_time >= 0.2


def test_a_thread_of_the_library_may_speak(
    misbehave: Misbehave, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    misbehave("speaks")
    inputs, outputs = _frame()
    with axr.Context("native") as context, caplog.at_level(logging.WARNING, logger="axelera.runtime"):
        instance = context.device_connect().load_model_instance(context.load_model(model))
        caplog.clear()
        instance.run(inputs, outputs)
    assert caplog.messages == ["from a thread of the library"]


def test_a_library_that_crashes_in_a_thread_ends_its_process_and_no_other(
    misbehave: Misbehave, model: Path, card: Path
) -> None:
    code = f"""
import numpy as np, axelera.runtime as axr
context = axr.Context("native")
instance = context.device_connect().load_model_instance(context.load_model({str(model)!r}))
print("before", flush=True)
instance.run([np.zeros(640, np.int8)], [np.zeros(64, np.int8)])
print("after", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"MISBEHAVE": "crashes"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, "before\n")
    inputs, outputs = _frame()
    with axr.Context("native") as context:
        context.device_connect().load_model_instance(context.load_model(model)).run(inputs, outputs)
    assert np.array_equal(outputs[0], ~inputs[0][:64])
