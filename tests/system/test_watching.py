"""A program that runs unchanged in one process is watched, recorded and summed up from another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.unit.conftest import write_model

from axemu.monitor import markdown, read_recording

PROGRAM = """
import sys
import numpy as np
from axelera.runtime import Context

with Context() as context:
    model = context.load_model(sys.argv[1])
    instance = context.device_connect().load_model_instance(model)
    inputs = [np.zeros(info.shape, np.int8) for info in model.inputs()]
    outputs = [np.empty(info.shape, np.int8) for info in model.outputs()]
    for _ in range(300):
        instance.run(inputs, outputs)
"""


@pytest.mark.slow
def test_a_recording_ends_with_all_frames_of_the_program(tmp_path: Path) -> None:
    place = tmp_path / "rt"
    environment = os.environ | {"AXEMU_RUNTIME_DIR": str(place), "AXEMU_EMULATOR": "pace = 'realtime'"}
    command = [sys.executable, "-m", "axemu.cli.axmonitor", "--record", "--until-end", "--summary", "-"]
    monitor = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        while not (place / "watching").exists() and monitor.poll() is None:
            time.sleep(0.05)
        model = write_model(tmp_path / "model")
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(model)],
            cwd=tmp_path,
            env=environment,
            check=True,
            timeout=100,
        )
        told, _ = monitor.communicate(timeout=100)
    finally:
        monitor.kill()
        monitor.wait()
    snapshots = list(read_recording(tmp_path / "axmonitor.data"))
    assert snapshots[-1].ended
    assert snapshots[-1].instances[0].frames == 300
    assert told.endswith(markdown(snapshots))
    assert [*place.glob("watch*")] == []
