"""`axemu demo`, as a user runs it."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from axemu.cli import digits
from axemu.cli._demo import DemoResult, run_demo
from axemu.cli._demo_page import write_page


def axemu(directory: Path, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"from axemu.cli.{tool} import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False, timeout=280)


@pytest.fixture(scope="module")
def record() -> dict[str, object]:
    return json.loads((files("axemu.cli.digits") / "digits.json").read_text())


def test_the_network_is_the_one_that_the_record_describes(record: dict[str, object]) -> None:
    assert hashlib.sha256(digits.network()).hexdigest() == record["onnx_sha256"]
    assert len(digits.network()) < 1_000_000
    assert record["data_licence"] == "CC BY 4.0"
    assert record["seed"] == 20


def test_test_images_were_used_for_nothing_else(record: dict[str, object]) -> None:
    test, calibration = digits.test_images(), digits.calibration_images()
    assert len(test.labels) == record["test_images"] == 600
    seen = {image.tobytes() for image in calibration.images}
    assert not seen & {image.tobytes() for image in test.images}


@pytest.mark.usefixtures("own_boards")
def test_demo_prints_accuracies_prediction_and_where_the_model_lies(
    record: dict[str, object], tmp_path: Path
) -> None:
    done = axemu(tmp_path, "axemu", "demo")
    assert done.returncode == 0, done.stderr
    number = r"([\d.]+)"
    found = {
        key: float(match[1])
        for key, pattern in {
            "float": rf"accuracy float32 .*? {number}%",
            "int8": rf"accuracy int8 .*? {number}%",
            "agreement": rf"same answer +{number}%",
            "fps": rf"throughput +{number} FPS \(simulated\)",
            "latency": rf"latency +{number} ms \(simulated\)",
        }.items()
        if (match := re.search(pattern, done.stdout))
    }
    assert found["float"] == pytest.approx(100 * float(str(record["test_accuracy"])), abs=0.01)
    assert abs(found["int8"] - found["float"]) <= 1
    assert found["agreement"] >= 99
    assert found["fps"] > 0
    assert found["latency"] > 0
    assert re.search(r"simulated: timing model \S+, calibration \S+", done.stdout)
    assert "The compiled model is in build/digits/1" in done.stdout
    assert (tmp_path / "build/digits/1/model.json").is_file()
    assert "All of it on one page: build/digits/demo-1.html" in done.stdout
    page = (tmp_path / "build/digits/demo-1.html").read_text(encoding="utf-8")
    assert f"<b>{found['int8']:.2f} %</b>" in page
    assert f"<b>{found['fps']:,.0f} FPS</b>" in page
    assert re.search(r"simulated: timing model \S+, calibration \S+", page)
    measured = re.search(rf"axrunmodel prints {number} FPS", done.stdout)
    assert measured is not None
    line = axemu(tmp_path, "axrunmodel", "build/digits/1", "--seconds", "1").stdout
    system = re.search(rf"system:{number}", line)
    assert system is not None
    # Which thread comes first may differ, by a launch that is longer.
    assert float(system[1]) == pytest.approx(float(measured[1]), rel=1e-3)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """The demo of the network for two cores."""
    return run_demo(tmp_path_factory.mktemp("demo") / "2", cores=2)


@pytest.mark.usefixtures("own_boards")
def test_the_page_refers_to_nothing_outside_itself(result: DemoResult, tmp_path: Path) -> None:
    write_page(tmp_path / "demo.html", result)
    page = (tmp_path / "demo.html").read_text(encoding="utf-8")
    assert set(re.findall(r'(?:src|href)="(.{10})', page)) == {"data:image"}
    assert "url(" not in page
    assert "<script" not in page


@pytest.mark.usefixtures("own_boards")
def test_the_page_shows_every_digit_that_was_read_wrong_and_each_unit_at_work(
    result: DemoResult, tmp_path: Path
) -> None:
    write_page(tmp_path / "demo.html", result)
    page = (tmp_path / "demo.html").read_text(encoding="utf-8")
    wrong = int((result.answers != digits.test_images().labels).sum())
    assert page.count(", is ") == wrong == round(600 * (1 - result.int8_accuracy))
    assert page.count("<figure") == 60 + wrong
    for row in ("link in", "core0", "core3", "link out"):
        assert f">{row}</text>" in page
    assert page.count("<rect") > 100


def test_another_number_of_cores_is_refused(tmp_path: Path) -> None:
    done = axemu(tmp_path, "axemu", "demo", "--cores", "3")
    assert (done.returncode, done.stderr) == (2, "axemu demo: --cores 3; it has to be 1, 2 or 4\n")
