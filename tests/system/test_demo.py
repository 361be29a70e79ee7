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
    command = [sys.executable, "-c", "from axemu.cli.axemu import main; main()", "demo"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=280)
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
