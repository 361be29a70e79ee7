"""Threads that load first in a process at the same time, with helpers, get the same code and keep it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests._sizes import sample

LOADER = """
import sys, threading
import numpy as np
from axemu.emulator.compute import load
from axemu.model.program import Node, Program, Tensor

tensors = {name: Tensor(name, (40, 40, 32), 1.0, 0) for name in "xyz"}
nodes = Node("add", "first", ("x", "x"), "y"), Node("add", "second", ("y", "x"), "z")
program = Program("sums", 1, tensors, nodes, ("x",), ("z",))
frame = np.arange(40 * 40 * 32, dtype=np.int64).astype(np.int8) % 40
ready, wrong = threading.Barrier(int(sys.argv[1])), []

def work():
    ready.wait()
    for _ in range(2):
        runner, output = load(program, threads=3).instance(), np.zeros((40, 40, 32), np.int8)
        for _ in range(5):
            output[:] = 0
            runner.run([frame], [output])
            if not np.array_equal(output.reshape(-1), 3 * frame):
                wrong.append(1)
        del runner

workers = [threading.Thread(target=work) for _ in range(int(sys.argv[1]))]
for worker in workers: worker.start()
for worker in workers: worker.join()
assert not wrong
"""


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_first_loads_in_parallel_do_not_crash(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_COMPUTE_THREADS", "6")
    for _ in range(sample(2, 50)):
        command = [sys.executable, "-c", LOADER, str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert (done.returncode, done.stderr) == (0, "")
