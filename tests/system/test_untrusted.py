"""Damaged files of every kind: a documented error or a correct result, at once, nothing else, nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests._sizes import sample

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "tests" / "system" / "_mutants.py"


KINDS = {
    "network": ["network.onnx"],
    "compiled model": [
        "model.json",
        "manifest.json",
        "program.json",
        "program.bin",
        "model.axm",
        "report.json",
    ],
    "directory of the vendor": ["quantized_model.pt"],
    "quantised model": ["quantised.json", "quantised.onnx"],
    "configuration": [
        "axemu.toml",
        "AXEMU_EMULATOR",
        "compiler.toml",
        "compiler.json",
        "card.yaml",
        "calibration.json",
        "--cli-args",
    ],
}
LEFT = {"out", "original", "original.axm", "quantised", "mutant", "mutant.axm", "mutant.onnx", "boards.toml", "a.toml", "a.json"}  # fmt: skip
LEFT |= {"card.yaml", "card.toml", "report.json", "mutant.json"}


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS.keys())
def test_mutants_are_refused_or_right(kinds: list[str], tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    count = sample(20, 1450)
    result = subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKER), "0", str(count), str(inside), *kinds],
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
    assert ours <= LEFT
