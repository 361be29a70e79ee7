"""A compile that is killed at any moment leaves the old compiled model or the new one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests._sizes import sample
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig
from axemu.emulator import compute
from axemu.model import load_compiled_model
from axemu.model.program import read_program

ROOT = Path(__file__).resolve().parents[2]
SHAPE = (1, 3, 12, 12)

WORKER = """
import sys
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig, compile
models = [AxeleraQuantizedModel.load(path) for path in sys.argv[2:]]
print("ready", flush=True)
while True:
    for cores, model in enumerate(models, 1):
        compile(model, CompilerConfig(aipu_cores_used=cores), sys.argv[1])
"""


@pytest.mark.timeout(1200)
def test_killed_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(7)
    names = []
    for number, channels in enumerate((8, 24)):
        net = Net(SHAPE, seed=number)
        model = net.model(net.conv(net.add("Relu", net.conv("x", 3, channels)), channels, 5))
        quantised = compiler.quantize(model, iter(data(SHAPE, 2)), CompilerConfig())
        names.append(str(tmp_path / f"quantised{number}"))
        quantised.export(names[-1])
    target = tmp_path / "work" / "out"
    seen = set()
    for _ in range(sample(3, 30)):
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(target), *names],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        time.sleep(0.05 + 0.3 * chance.random())
        while (
            not seen and not target.exists() and worker.poll() is None
        ):  # on a busy machine the first takes longer
            time.sleep(0.01)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        if not target.exists():  # killed before the very first one was in place
            continue
        batch = load_compiled_model(target).batch
        program = read_program(target)  # checks every hash
        assert program.batch == batch
        assert json.loads((target / "report.json").read_text())["cores"] == batch
        runner = compute.load(program).instance()
        sizes = [
            [program.tensors[n].size * batch for n in side] for side in (program.inputs, program.outputs)
        ]
        runner.run(*([np.zeros(size, np.int8) for size in side] for side in sizes))
        seen.add(batch)
    assert seen
