"""Damaged networks and damaged compiled models: a documented error or a correct result, nothing else, nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests._sizes import sample

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "tests" / "system" / "_compile_mutants.py"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["onnx", "directory"])
def test_a_thousand_mutants(kind: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    count = sample(25, 1000)
    result = subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKER), kind, "0", str(count), str(inside)],
        capture_output=True,
        text=True,
        check=False,
        cwd=inside,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(inside)},
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert "SURPRISE" not in result.stdout, result.stdout
    print(result.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    ours = {path.name for path in inside.iterdir() if path.name != ".ses"}  # ONNX Runtime's own
    assert ours <= {"out", "mutant.onnx", "original", "mutant"}
