"""Several processes compile into one new directory at the same moment: one of them has it, the others say so."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from tests._sizes import sample
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig
from axemu.model.program import read_program

SHAPE = (1, 3, 12, 12)
WORKER = """
import sys, pathlib
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig, ConfigurationError, compile
model, cores = AxeleraQuantizedModel.load(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for target in sys.stdin:
    try:
        compile(model, CompilerConfig(aipu_cores_used=cores), target.strip())
        print("won", flush=True)
    except ConfigurationError as error:
        print(error, flush=True)
"""


@pytest.mark.timeout(600)
def test_one_of_those_who_compile_together_wins(tmp_path: Path) -> None:
    net = Net(SHAPE)
    model = net.model(net.conv(net.add("Relu", net.conv("x", 3, 8)), 8, 5))
    quantised = compiler.quantize(model, iter(data(SHAPE, 2)), CompilerConfig())
    quantised.export(tmp_path / "quantised")
    expected = {}
    for cores in (1, 2, 3):
        compiler.compile(quantised, CompilerConfig(aipu_cores_used=cores), tmp_path / str(cores))
        expected[cores] = digest(tmp_path / str(cores))
    workers = {
        cores: subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path / "quantised"), str(cores)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for cores in expected
    }
    assert [line(worker) for worker in workers.values()] == ["ready"] * 3
    overtaken = 0
    (tmp_path / "new").mkdir()
    for number in range(sample(10, 300)):
        target = tmp_path / "new" / str(number)
        for worker in workers.values():
            assert worker.stdin is not None
            worker.stdin.write(f"{target}\n")
            worker.stdin.flush()
        answers = {cores: line(worker) for cores, worker in workers.items()}
        told = [answer for answer in answers.values() if answer != "won"]
        assert all("was written by somebody else in the meantime" in answer for answer in told)
        overtaken += len(told)
        # Who began when it was there has replaced it, as anybody may who compiles again.
        assert digest(target) in [expected[cores] for cores, answer in answers.items() if answer == "won"]
        assert read_program(target).batch in expected
        assert sorted(path.name for path in target.parent.iterdir()) == sorted(
            str(n) for n in range(number + 1)
        )
    for worker in workers.values():
        worker.communicate()
    assert overtaken  # else nobody met anybody
    print(f"{overtaken} of {3 * (number + 1)} compiles were told")


def line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def digest(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
