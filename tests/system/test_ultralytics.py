"""What Ultralytics does with an Axelera model, call by call, after its published backend and exporter (pull request 26065).

Ultralytics itself needs PyTorch and is not run here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from axelera import compiler
from axelera.compiler import config as compiler_config
from axelera.runtime import Context
from axemu import zoo
from axemu.cli import _stand_in
from axemu.host import HostPart

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_boards")]
SIDE = 64


class Tensor:
    """As much of a tensor of PyTorch as the backend hands over."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape = array.shape

    def cpu(self) -> Tensor:
        return self

    def detach(self) -> Tensor:
        return self

    def numpy(self) -> np.ndarray:
        return self._array


Tensor.__module__ = "torch"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`<name>_axelera_model/`, with the properties that the exporter passes."""
    folder = tmp_path_factory.mktemp("exported") / "yolo11n_axelera_model"
    network = zoo.find("yolo11n").build(resolution=SIDE, width=0.25, classes=3)
    rng = np.random.default_rng(0)
    settings = compiler_config.CompilerConfig(
        model_name="yolo11n",
        resources_used=0.25,
        aipu_cores_used=1,
        multicore_mode="batch",
        output_axm_format=True,
    )
    quantised = compiler.quantize(
        network,
        calibration_dataset=(rng.random((1, 3, SIDE, SIDE), np.float32) for _ in range(2)),
        config=settings,
    )
    compiler.compile(quantised, settings, folder / "build")
    archive = next(folder.parent.rglob("yolo11n.axm"))
    archive.rename(folder / "yolo11n.axm")
    return folder


class Backend:
    """The calls of `ultralytics/nn/backends/axelera.py`."""

    def __init__(self, weight: Path) -> None:
        from axelera.runtime import op

        self.model = op.load(str(next(weight.rglob("*.axm")))).optimized()

    def forward(self, im: Tensor) -> Any:
        if im.shape[0] == 1:
            return self.model(im.cpu())
        parts = self.model.batch(im.cpu())
        if isinstance(parts[0], list | tuple):
            return [np.concatenate(outputs, axis=0) for outputs in zip(*parts, strict=True)]
        return np.concatenate(parts, axis=0)


def test_single_images_and_batches_give_what_the_recipes_give(exported: Path) -> None:
    images = np.random.default_rng(1).random((5, 3, SIDE, SIDE), np.float32)
    with Context() as context:
        model = context.load_model(exported / "yolo11n.axm")
        part, instance = HostPart(model), context.device_connect(None, 1).load_model_instance(model)
        expected = np.concatenate([part.run(instance, image[np.newaxis])[0] for image in images])
    backend = Backend(exported)
    np.testing.assert_array_equal(backend.forward(Tensor(images[:1])), expected[:1])
    np.testing.assert_array_equal(backend.forward(Tensor(images)), expected)
    assert expected.shape[:2] == (5, 4 + 3)


def test_the_other_name_of_the_package_has_the_same_operators() -> None:
    from axelera import runtime, runtime2

    assert runtime2.op is runtime.op
    assert runtime2.scheduler is runtime.scheduler


def stand_in(*arguments: str) -> dict[str, str]:
    done = CliRunner().invoke(_stand_in.app, [*arguments, "--json"])
    assert done.exit_code == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_record_answers_for_the_distribution_only_when_asked(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    place = ("--directory", str(packages))
    asked = "import sys; sys.path.insert(0, sys.argv[1]); from importlib import metadata; print(metadata.version('axelera-rt'))"

    def version() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", asked, str(packages)], capture_output=True, text=True, check=False
        )

    assert stand_in(*place)["state"] == "missing"
    assert version().returncode != 0
    for _ in range(2):
        assert stand_in("--install", *place) == {
            "distribution": "axelera-rt",
            "release": "1.9.0",
            "state": "ours",
        }
    assert version().stdout == "1.9.0\n"
    assert stand_in("--install", "--release", "1.8.0", *place)["release"] == "1.8.0"
    assert version().stdout == "1.8.0\n"
    assert stand_in("--remove", *place)["state"] == "missing"
    assert list(packages.iterdir()) == []


def test_a_record_answers_for_the_release_that_the_ultralytics_beside_it_asks_for(tmp_path: Path) -> None:
    asking = tmp_path / "ultralytics" / "utils" / "export" / "axelera.py"
    asking.parent.mkdir(parents=True)
    asking.write_text('import torch\n\nAXELERA_SDK = "1.11.2"\n')
    assert stand_in("--install", "--directory", str(tmp_path))["release"] == "1.11.2"


def test_a_record_stays_if_that_of_another_release_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = ("--directory", str(tmp_path))
    stand_in("--install", "--release", "1.8.0", *place)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_stand_in, "write", full)
    done = CliRunner().invoke(_stand_in.app, ["--install", "--release", "1.9.0", *place])
    assert done.exit_code == 1
    assert stand_in(*place)["release"] == "1.8.0"


def test_a_release_that_would_lead_elsewhere_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        _stand_in.app, ["--install", "--release", "1/../../x", "--directory", str(tmp_path)]
    )
    assert done.exit_code != 0
    assert not list(tmp_path.rglob("*.dist-info"))


@pytest.mark.parametrize("option", ["--install", "--remove"])
def test_a_record_of_somebody_else_stays(option: str, tmp_path: Path) -> None:
    theirs = tmp_path / "packages" / "axelera_rt-1.7.2.dist-info"
    theirs.mkdir(parents=True)
    (theirs / "METADATA").write_text("Metadata-Version: 2.1\nName: axelera-rt\nVersion: 1.7.2\n")
    done = CliRunner().invoke(_stand_in.app, [option, "--directory", str(theirs.parent)])
    assert done.exit_code == 1
    assert "axelera-rt 1.7.2 is there, and not ours" in done.stderr
    assert [path.name for path in theirs.parent.iterdir()] == [theirs.name]
