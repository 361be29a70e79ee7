"""The command that makes the table of compiled networks, and the table."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from tests.unit.compiler._networks import Net

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "compiled-networks.md"
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
SHAPE = (1, 3, 12, 12)


def cells(text: str) -> dict[str, list[str]]:
    """The rows of a table by network."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "| `" in line]
    return {row[0].strip("`"): row[1:] for row in rows}


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "compile.py"), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks: one that runs, one with an operator in the middle that the chip lacks."""
    folder = tmp_path_factory.mktemp("networks")
    for name, between in (("good", "Relu"), ("bad", "Exp")):
        net = Net(SHAPE)
        x = net.add(between, net.conv("x", 3, 16))
        onnx.save(net.model(net.conv(x, 16, 16)), folder / f"{name}.onnx")
    return folder


def test_a_network_is_compiled_run_and_compared_or_refused_by_rule(networks: Path, tmp_path: Path) -> None:
    done = command(*map(str, sorted(networks.glob("*.onnx"))), "--records", str(tmp_path), "--frames", "2")
    assert done.returncode == 0, done.stderr
    table = cells(done.stdout)
    assert table["good"][-2:] == ["0 / 0", "2 ✓"]
    assert table["bad"][1] == "refused: Exp"
    assert "- `bad`, Exp (1 of them): `operator in the matrix`" in done.stdout


def test_what_is_recorded_is_not_done_again(networks: Path, tmp_path: Path) -> None:
    arguments = (str(networks / "good.onnx"), "--records", str(tmp_path))
    assert command(*arguments).returncode == 0
    file = tmp_path / "good.json"
    known = json.loads(file.read_text(encoding="utf-8"))
    known["record"]["frames"] = 77
    file.write_text(json.dumps(known), encoding="utf-8")
    assert cells(command(*arguments).stdout)["good"][-1] == "77 ✓"


def test_another_failure_than_a_rule_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "damaged.onnx").write_bytes(b"no network")
    done = command(str(tmp_path / "damaged.onnx"), "--records", str(tmp_path))
    assert done.returncode == 1
    assert "damaged: compile ended with 1" in done.stderr


@pytest.mark.material
def test_the_page_has_every_network_or_says_that_it_is_not_measured(shared_dir: Path) -> None:
    folders = (shared_dir / "material" / "models", shared_dir / "calibration" / "graphs", LIGHT)
    expected = {path.stem for folder in folders for path in folder.glob("*.onnx")}
    page = PAGE.read_text(encoding="utf-8")
    rows = cells(page)
    (missing,) = re.findall(r"^Not measured yet: ([^.]*)\.$", page, flags=re.MULTILINE)
    assert sorted([*rows, *re.findall(r"`(.+?)`", missing)]) == sorted(expected)
    for name, row in rows.items():
        assert row[1].startswith("refused: ") or int(row[-1].split()[0]) >= 1, name
