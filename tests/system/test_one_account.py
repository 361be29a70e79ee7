"""Prediction, explanation, `axrunmodel` and the report of a program tell the same rates, bound and account of time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests._sizes import FULL

from axemu.studies import (
    MeasureOptions,
    Prediction,
    Scenario,
    ZooBuild,
    compile_zoo,
    explain,
    measure,
    predict,
)
from axemu.zoo import find

SCENARIOS = [
    (network, board, batch, buffered)
    for network in ("squeezenet1_1", "resnet18", "mobilenet_v2", "mobilenetv4_small", "resnet10t")
    for board, batch, buffered in (("pcie", 1, True), ("m2", 1, True), ("pcie", 4, True), ("m2", 1, False))
]

SETTLED = 0.02
"""How far means of loops that contend for DDR, begun differently, may lie apart."""

PROGRAM = """
import sys, threading
import numpy as np
import axelera.runtime as axr
path, batch, buffered = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
with axr.Context() as context:
    model = context.load_model(path)
    infos = model.inputs(), model.outputs()
    def work(instance):
        inputs, outputs = ([np.zeros(info.shape, np.int8) for info in some] for some in infos)
        for _ in range(120):
            instance.run(inputs, outputs)
    instances = [
        context.device_connect(None, batch).load_model_instance(
            model, num_sub_devices=batch, aipu_cores=batch, double_buffer=buffered
        )
        for _ in range(4 // batch)
    ]
    threads = [threading.Thread(target=work, args=(one,)) for one in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Path]:
    made: dict[tuple[str, int], Path] = {}
    for network, _, batch, _ in SCENARIOS if FULL else SCENARIOS[:3]:
        if (network, batch) not in made:
            folder = tmp_path_factory.mktemp("zoo")
            made[network, batch] = compile_zoo(
                ZooBuild(find(network), network, folder, cores=batch, samples=1)
            )
    return made


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "board", "batch", "buffered"), SCENARIOS if FULL else SCENARIOS[:3], ids=str
)
def test_every_command_tells_the_same(
    network: str,
    board: str,
    batch: int,
    buffered: bool,
    built: dict[tuple[str, int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = built[network, batch]
    scenario = Scenario(model.parent, board=board, compiled_cores=batch, double_buffer=buffered)
    predicted = predict(scenario)
    monkeypatch.setenv("AXEMU_EMULATOR", f"boards = ['{board}'], compute = 'off'")
    ran = measure(model, MeasureOptions(seconds=1, double_buffer=buffered))
    assert ran.host_fps == pytest.approx(predicted.host_fps, rel=SETTLED)
    assert ran.device_fps == pytest.approx(predicted.device_fps, rel=SETTLED)
    report = reported(tmp_path, model, batch, buffered)
    assert sum(one["fps"] for one in report) == pytest.approx(predicted.system_fps, rel=SETTLED)
    parts: dict[str, float] = report[0]["microseconds_per_call"]
    for name, amount in predicted.parts_us.items():
        if name not in ("host", "link"):
            told = sum(one["microseconds_per_call"].get(name, 0.0) for one in report) / len(report)
            assert told == pytest.approx(amount, rel=0.02, abs=0.01 * sum(parts.values()))
    assert core_parts(explain(scenario).prediction) == core_parts(predicted)


def core_parts(prediction: Prediction) -> dict[str, float]:
    return {name: amount for name, amount in prediction.parts_us.items() if name not in ("host", "link")}


def reported(folder: Path, model: Path, batch: int, buffered: bool) -> list[dict[str, object]]:
    """Run a program under `axemu run` and return what its report says of the instances."""
    program, report = folder / "program.py", folder / "report.json"
    program.write_text(PROGRAM)
    command = [sys.executable, str(program), str(model), str(batch), str(buffered)]
    environment = {**os.environ, "AXEMU_REPORT": str(report)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    instances: list[dict[str, object]] = json.loads(report.read_text())["instances"]
    return instances
