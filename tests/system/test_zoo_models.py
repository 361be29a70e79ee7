"""Networks of the zoo, from a name to frames on the emulated board."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import Result
from onnx import helper
from typer.testing import CliRunner

from axelera.runtime import Context
from axemu import zoo
from axemu.cli import axdownloadmodel

pytestmark = pytest.mark.usefixtures("own_boards")

NAME = "resnet10t-imagenet-onnx"


def download(*arguments: str) -> Result:
    return CliRunner().invoke(axdownloadmodel.app, [*arguments, "--samples", "2"])


def run_one_frame(model_file: Path, cores: int) -> list[np.ndarray]:
    with Context() as context:
        model = context.load_model(model_file)
        instance = context.device_connect(None, cores).load_model_instance(model)
        rng = np.random.default_rng(0)
        inputs = [rng.integers(-128, 128, info.shape, np.int8) for info in model.inputs()]
        outputs = [np.zeros(info.shape, np.int8) for info in model.outputs()]
        instance.run(inputs, outputs)
    return outputs


def own_weights(path: Path, **arguments: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zoo.find(NAME).build(width=0.1, **arguments).SerializeToString())
    return path


@pytest.fixture
def thin(tmp_path: Path) -> tuple[str, ...]:
    """What to download where only the folder matters: the network with few channels."""
    weights = own_weights(tmp_path / "weights" / "best.onnx")
    return NAME, "--weights", str(weights), "--output", str(tmp_path)


def test_a_name_becomes_a_model_that_runs(tmp_path: Path) -> None:
    result = download(NAME, "--output", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    assert "synthetic weights" in result.stderr
    model_file = tmp_path / NAME / NAME / "1" / "model.json"
    assert result.stdout.split() == [str(model_file)]
    (logits,) = run_one_frame(model_file, 1)
    assert logits.std() > 1
    quick_start = tmp_path / NAME / "model.json"
    np.testing.assert_array_equal(run_one_frame(quick_start, 1)[0], logits)


def test_a_published_spelling_is_built_under_the_vendors_name(tmp_path: Path) -> None:
    result = download("ResNet-10t", "--output", str(tmp_path))
    assert result.stdout.split() == [str(tmp_path / NAME / NAME / "1" / "model.json")]


def test_the_description_says_what_the_weights_are(tmp_path: Path) -> None:
    assert download(NAME, "--output", str(tmp_path)).exit_code == 0
    info = json.loads((tmp_path / NAME / NAME / "model_info.json").read_text())
    network = zoo.find(NAME)
    assert info["weights"].startswith("synthetic")
    assert (info["task"], info["num_classes"]) == ("classification", 1000)
    assert (info["parameters"], info["macs"]) == (network.parameters, network.macs)


def test_builds_for_one_and_four_cores_lie_side_by_side(thin: tuple[str, ...], tmp_path: Path) -> None:
    for cores in (1, 4):
        assert download(*thin, "--cores", str(cores)).exit_code == 0
    folder = tmp_path / NAME / NAME
    assert {path.name for path in folder.iterdir()} == {"1", "4", "model_info.json"}
    (single,), (batch,) = (
        run_one_frame(folder / "1" / "model.json", 1),
        run_one_frame(folder / "4" / "model.json", 4),
    )
    assert batch.shape == (4, *single.shape[1:])


def test_what_is_there_stays_until_it_is_forced(thin: tuple[str, ...], tmp_path: Path) -> None:
    assert download(*thin).exit_code == 0
    model_file = tmp_path / NAME / NAME / "1" / "model.json"
    before = model_file.stat().st_mtime_ns
    again = download(*thin)
    assert "--force" in again.stderr
    assert model_file.stat().st_mtime_ns == before
    assert download(*thin, "--force").exit_code == 0
    assert model_file.stat().st_mtime_ns > before


def test_the_number_of_classes_is_an_argument(tmp_path: Path) -> None:
    assert download(NAME, "--classes", "15", "--output", str(tmp_path)).exit_code == 0
    folder = tmp_path / NAME / NAME
    info = json.loads((folder / "model_info.json").read_text())
    counts = zoo.count(zoo.find(NAME).build(classes=15, structure_only=True))
    assert (info["num_classes"], info["parameters"], info["macs"]) == (15, counts.parameters, counts.macs)
    (logits,) = run_one_frame(folder / "1" / "model.json", 1)
    assert logits.shape[-1] == 64  # 15, padded


def test_a_folder_never_mixes_builds_of_different_networks(thin: tuple[str, ...], tmp_path: Path) -> None:
    for cores in ("1", "4"):
        assert download(*thin, "--cores", cores, "--axm").exit_code == 0
    folder = tmp_path / NAME / NAME
    other = (NAME, "--weights", str(own_weights(tmp_path / "15.onnx", classes=15)), "--output", str(tmp_path))
    refused = download(*other)
    assert refused.exit_code == 1
    assert f"{folder} holds builds with weights: best.onnx; --force replaces them" in refused.stderr
    assert download(*other, "--force").exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"1", "model_info.json"}


def test_weights_of_ones_own_are_compiled_instead(tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(zoo.find(NAME).build(width=0.5, classes=12).SerializeToString())
    result = download(NAME, "--weights", str(file), "--output", str(tmp_path), "--axm")
    assert result.exit_code == 0, result.stderr
    assert "synthetic" not in result.stderr
    assert f"Compiling {file} as {NAME} on this machine (only its input is compared" in result.stderr
    folder = tmp_path / NAME / NAME
    info = json.loads((folder / "model_info.json").read_text())
    assert (info["weights"], info["num_classes"]) == ("mine.onnx", 12)
    assert (folder / f"{NAME}.axm").is_file()


def test_other_weights_in_a_file_of_the_same_name_are_refused(tmp_path: Path) -> None:
    build = ["--output", str(tmp_path / "build")]
    first, second = (own_weights(tmp_path / str(seed) / "best.onnx", seed=seed) for seed in (1, 2))
    assert download(NAME, "--weights", str(first), *build).exit_code == 0
    assert download(NAME, "--weights", str(first), *build).exit_code == 0
    refused = download(NAME, "--weights", str(second), *build)
    assert refused.exit_code == 1
    assert "holds builds with other weights: best.onnx; --force replaces them" in refused.stderr
    assert download(NAME, "--weights", str(second), *build, "--force").exit_code == 0


def test_weights_beside_the_file_count_as_well(tmp_path: Path) -> None:
    model = zoo.find(NAME).build(width=0.1)
    file = tmp_path / "mine.onnx"
    onnx.save(model, file, save_as_external_data=True, location="mine.data", size_threshold=0)
    arguments = (NAME, "--weights", str(file), "--output", str(tmp_path / "build"))
    assert download(*arguments).exit_code == 0
    data = bytearray((tmp_path / "mine.data").read_bytes())
    data[:4] = np.float32(0.5).tobytes()
    (tmp_path / "mine.data").write_bytes(data)
    assert "holds builds with other weights: mine.onnx" in download(*arguments).stderr


def test_other_calibration_is_refused(tmp_path: Path) -> None:
    weights = own_weights(tmp_path / "best.onnx")
    arguments = (NAME, "--weights", str(weights), "--output", str(tmp_path / "build"))
    assert download(*arguments).exit_code == 0
    (tmp_path / "photos").mkdir()
    refused = download(*arguments, "--imageset", str(tmp_path / "photos"))
    assert refused.exit_code == 1
    assert "holds builds with calibration: 2 samples of random numbers in [0, 1)" in refused.stderr


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("[]")])
def test_a_build_that_nothing_describes_is_refused(
    damage: Callable[[Path], object], thin: tuple[str, ...], tmp_path: Path
) -> None:
    assert download(*thin).exit_code == 0
    damage(tmp_path / NAME / NAME / "model_info.json")
    refused = download(*thin)
    assert refused.exit_code == 1
    assert "holds builds with unknown content (model_info.json is missing or damaged)" in refused.stderr
    assert download(*thin, "--force").exit_code == 0
    assert (tmp_path / NAME / NAME / "model_info.json").is_file()


def test_an_archive_of_a_build_that_is_there_is_written(thin: tuple[str, ...], tmp_path: Path) -> None:
    assert download(*thin).exit_code == 0
    folder = tmp_path / NAME / NAME
    archive = folder / f"{NAME}.axm"
    assert not archive.exists()
    assert download(*thin, "--axm").exit_code == 0
    np.testing.assert_array_equal(
        run_one_frame(archive, 1)[0], run_one_frame(folder / "1" / "model.json", 1)[0]
    )


def test_a_classifier_without_a_batch_axis_has_no_known_classes(tmp_path: Path) -> None:
    image = helper.make_tensor_value_info("image", 1, [1, 3, 224, 224])
    nodes = [
        helper.make_node("Relu", ["image"], ["positive"]),
        helper.make_node("ReduceMean", ["positive"], ["y"], axes=[1, 2, 3], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "g", [image], [helper.make_tensor_value_info("y", 1, [1])])
    file = tmp_path / "mine.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    result = download(NAME, "--weights", str(file), "--output", str(tmp_path))
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / NAME / NAME / "model_info.json").read_text())["num_classes"] is None


def test_a_network_that_is_refused_does_not_keep_others_from_being_compiled(tmp_path: Path) -> None:
    assert download(NAME, "--output", str(tmp_path)).exit_code == 0
    other = "squeezenet1_1-imagenet-onnx"
    result = download(NAME, other, "--classes", "15", "--output", str(tmp_path))
    assert result.exit_code == 1
    assert "holds builds with 1000 classes" in result.stderr
    assert result.stdout.split() == [str(tmp_path / other / other / "1" / "model.json")]


@pytest.mark.parametrize("content", [b"", b"no onnx", b"\x08\x07"])
def test_a_file_that_is_no_network_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(content)
    result = download(NAME, "--weights", str(file), "--output", str(tmp_path / "build"))
    assert result.exit_code == 1
    assert "mine.onnx" in result.stderr
    assert not (tmp_path / "build").exists()


def test_weights_for_another_input_size_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(zoo.find("resnet10t").build(resolution=96, structure_only=True).SerializeToString())
    result = download(NAME, "--weights", str(file), "--output", str(tmp_path / "build"))
    assert result.exit_code == 1
    assert "input images is [1, 3, 96, 96]; resnet10t takes [1, 3, 224, 224]" in result.stderr


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [network.name for network in zoo.networks()])
def test_every_network_compiles_for_one_and_four_cores_and_runs(name: str, tmp_path: Path) -> None:
    for cores in (1, 4):
        result = download(name, "--cores", str(cores), "--output", str(tmp_path))
        assert result.exit_code == 0, result.stderr
        outputs = run_one_frame(tmp_path / name / name / str(cores) / "model.json", cores)
        assert all(output.std() > 0 for output in outputs)
