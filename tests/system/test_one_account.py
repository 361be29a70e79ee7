"""Prediction, explanation, `axrunmodel`, the report of a program and studies tell the same rates, bound and account of time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests._sizes import FULL
from typer.testing import CliRunner

from axemu.cli._study import app as study_command
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
from axemu.studies.deployments import BoardSetup, Deployment, NetworkSetup, Stream, evaluate, grid, sweep
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
    report = reported(tmp_path, PROGRAM, model, batch, buffered)
    assert sum(one["fps"] for one in report) == pytest.approx(predicted.system_fps, rel=SETTLED)
    parts: dict[str, float] = report[0]["microseconds_per_call"]
    for name, amount in predicted.parts_us.items():
        if name not in ("host", "link"):
            told = sum(one["microseconds_per_call"].get(name, 0.0) for one in report) / len(report)
            assert told == pytest.approx(amount, rel=0.02, abs=0.01 * sum(parts.values()))
    assert core_parts(explain(scenario).prediction) == core_parts(predicted)


SHARED = """
import sys, threading
import numpy as np
import axelera.runtime as axr
with axr.Context() as context:
    def work(instance, infos):
        inputs, outputs = ([np.zeros(info.shape, np.int8) for info in some] for some in infos)
        for _ in range(400):
            instance.run(inputs, outputs)
    threads = []
    for path in sys.argv[1:]:
        model = context.load_model(path)
        for _ in range(2):
            instance = context.device_connect(None, 1).load_model_instance(model, double_buffer=True)
            threads.append(threading.Thread(target=work, args=(instance, (model.inputs(), model.outputs()))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("own_boards")
def test_networks_on_one_board_are_as_fast_in_a_study_as_in_a_program(
    digits_1: Path, built: dict[tuple[str, int], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = (built["squeezenet1_1", 1], digits_1)
    monkeypatch.setenv("AXEMU_EMULATOR", "boards = ['m2'], compute = 'off'")
    report = reported(tmp_path, SHARED, *models)
    deployment = Deployment(
        networks=tuple(NetworkSetup(str(path), cores=2) for path in models),
        streams=tuple(Stream(str(path), arrivals="loop", count=0) for path in models),
        boards=(BoardSetup("m2"),),
        seconds=2.0,
    )
    answer = evaluate(deployment)
    (row,) = sweep(grid(deployment, {"boards.0.clock": (800,)}), "serial").to_pylist()
    for at, stream in enumerate(answer.streams):
        pair = report[2 * at : 2 * at + 2]
        assert stream.fps == pytest.approx(sum(one["fps"] for one in pair), rel=SETTLED)
        assert stream.latency.p50 == pytest.approx(
            sum(one["latency_p50_ms"] for one in pair) / 2, rel=SETTLED
        )
        assert row["streams"][at]["fps"] == stream.fps
        assert row["networks"][at]["fps"] == answer.networks[at].fps


def test_networks_on_one_board_that_do_not_keep_up_are_said_to_first(tmp_path: Path) -> None:
    networks = (NetworkSetup("squeezenet1_1", cores=2), NetworkSetup("resnet10t", cores=2))
    streams = (Stream("squeezenet1_1", fps=3500.0), Stream("resnet10t", fps=30.0))
    deployment = Deployment(networks, streams, (BoardSetup("m2"),), seconds=1.0)
    (row,) = sweep(grid(deployment, {"boards.0.clock": (800,)}), "serial").to_pylist()
    assert row["verdict"] == "overloaded"
    file = tmp_path / "deployment.json"
    file.write_text(json.dumps(deployment.to_dict()))
    asked = CliRunner().invoke(study_command, ["study", "deployment", str(file)])
    assert asked.stdout.startswith("OVERLOADED: ")
    assert "squeezenet1_1 is busy" in asked.stdout.splitlines()[0]


def core_parts(prediction: Prediction) -> dict[str, float]:
    return {name: amount for name, amount in prediction.parts_us.items() if name not in ("host", "link")}


def reported(folder: Path, program: str, *given: object) -> list[dict[str, Any]]:
    """Run a program with a report and return what that says of the instances."""
    file, report = folder / "program.py", folder / "report.json"
    file.write_text(program)
    command = [sys.executable, str(file), *map(str, given)]
    environment = {**os.environ, "AXEMU_REPORT": str(report)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    instances: list[dict[str, Any]] = json.loads(report.read_text())["instances"]
    return instances
