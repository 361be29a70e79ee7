"""`axemu eval` on networks that axcompile compiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from PIL import Image
from typer.testing import CliRunner

from axemu.cli import axcompile
from axemu.cli._answers import ANSWERS
from axemu.cli._eval import app

CLASSES = 4
SHADES = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
"""Of each class; the network weighs red, green, blue and all of them."""


def network(path: Path) -> Path:
    weights = np.eye(3, dtype=np.float32) * 3 - 1
    weights = np.concatenate([weights, np.full((1, 3), 0.7, np.float32)]).reshape(CLASSES, 3, 1, 1)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weights"], ["map"], kernel_shape=[1, 1]),
            helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["scores"]),
        ],
        "shades",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(weights, "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def detector(path: Path) -> Path:
    """A network that sees on every picture of 32 x 32 one object of class 1: centre 12, 20, sides 16 and 8."""
    bias = np.array([12, 20, 16, 8, 0.1, 0.9], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node(
                "Conv", ["image", "weights", "bias"], ["map"], kernel_shape=[8, 8], strides=[8, 8]
            ),
            helper.make_node("Reshape", ["map", "shape"], ["table"]),
        ],
        "detector",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("table", onnx.TensorProto.FLOAT, [1, 6, 16])],
        [
            numpy_helper.from_array(np.full((6, 3, 8, 8), 1e-5, np.float32), "weights"),
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(np.array([1, 6, 16]), "shape"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def pictures(directory: Path, seed: int, each: int, size: int = 8) -> Path:
    rng = np.random.default_rng(seed)
    for label, shade in enumerate(SHADES):
        (directory / str(label)).mkdir(parents=True)
        for number in range(each):
            pixels = np.clip(rng.integers(-90, 90, (size, size, 3)) + np.array(shade), 0, 255).astype(
                np.uint8
            )
            Image.fromarray(pixels).save(directory / str(label) / f"{seed}-{number}.png")
    return directory


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `build` (of axcompile), `calibration` and `test`."""
    root = tmp_path_factory.mktemp("eval")
    pictures(root / "calibration", 1, 3)
    pictures(root / "test", 2, 5)
    arguments = ["-i", network(root / "net.onnx"), "-o", root / "build", "--imageset", root / "calibration"]
    assert CliRunner().invoke(axcompile.app, list(map(str, arguments))).exit_code == 0
    return root


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


def measured(*arguments: object) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    ANSWERS["axemu eval"].model_validate_json(result.stdout)
    return dict(json.loads(result.stdout))


def test_classes_are_judged_in_float_and_int8_on_the_same_pictures(made: Path) -> None:
    found = measured(made / "build", made / "test")
    assert (found["pictures"], found["calibration_samples"], found["left_out"]) == (20, 12, 0)
    top_1 = found["metrics"]["top-1"]
    assert top_1["float"] == top_1["int8"] == {"value": 1, "low": 1, "high": 1}
    assert top_1["difference"]["value"] == 0


def test_the_table_fits_80_columns_and_says_what_it_is_of(made: Path) -> None:
    result = run(made / "build", made / "test")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["float", "int8", "int8", "-", "float"]
    assert lines[1].split()[:2] == ["top-1", "1.000"]
    assert lines[-2:] == [
        "20 images; 95% intervals of images drawn again.",
        "None of them is among the 12 samples of the calibration.",
    ]
    assert max(map(len, lines)) <= 80


def test_pictures_of_the_calibration_are_refused_or_left_out(made: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    for source, label in (("calibration", 0), ("calibration", 3), ("test", 2)):
        (mixed / str(label)).mkdir(parents=True)
        for number, path in enumerate(sorted((made / source / str(label)).iterdir())):
            # Another name and another format: the pixels are the same.
            Image.open(path).save(mixed / str(label) / f"other{number}.bmp")
    refused = run(made / "build", mixed)
    assert refused.exit_code == 1
    assert "6 of 11 images were used to calibrate this network (by content): 0/other0.bmp" in refused.stderr
    found = measured(made / "build", mixed, "--leave-out-calibration")
    assert (found["pictures"], found["left_out"]) == (5, 6)
    everything = run(made / "build", made / "calibration", "--leave-out-calibration")
    assert "every image was used to calibrate this network" in everything.stderr


def test_a_compiled_model_alone_needs_its_float_network_named(made: Path, tmp_path: Path) -> None:
    compiled = made / "build" / "compiled_model"
    alone = measured(compiled, made / "test")
    assert alone["metrics"]["top-1"]["float"] is None
    both = measured(compiled / "model.json", made / "test", "--onnx", made / "net.onnx")
    assert both["metrics"]["top-1"]["float"]["value"] == 1


def test_a_model_without_a_record_of_its_calibration_is_judged_and_said_to_be_so(
    made: Path, tmp_path: Path
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(made / "build" / "compiled_model", copy)
    (copy / "report.json").unlink()
    result = run(copy, made / "calibration")
    assert result.exit_code == 0
    assert "does not say what it was calibrated with" in result.stderr


def test_a_metric_of_ones_own(made: Path, tmp_path: Path) -> None:
    metric = tmp_path / "metric.py"
    metric.write_text("def metric(outputs, path):\n    return {'first': float(outputs[0].argmax() == 0)}\n")
    found = measured(made / "build", made / "test", "--metric", metric)
    assert found["metrics"]["first"]["int8"]["value"] == 0.25
    refused = run(made / "build", made / "test", "--metric", f"{metric}:other")
    assert "no function 'other'" in refused.stderr


def test_an_evaluation_goes_on_with_its_journal(made: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    first = measured(made / "build", made / "test", "--journal", journal, "--limit", 7)
    assert (first["pictures"], first["resumed"]) == (7, 0)
    second = measured(made / "build", made / "test", "--journal", journal)
    assert (second["pictures"], second["resumed"]) == (20, 7)
    other = run(made / "build", made / "test", "--journal", journal, "--transform", "tf_ssd")
    assert other.exit_code == 1
    assert "belongs to an evaluation with transform" in other.stderr


def test_a_journal_of_other_truths_is_refused(made: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    for name, label in (("one", 0), ("two", 1)):
        lines = [f"{label}/2-{number}.png,{label}" for number in range(5)]
        (tmp_path / name).write_text("\n".join(lines))
    assert (
        run(made / "build", made / "test", "--journal", journal, "--labels", tmp_path / "one").exit_code == 0
    )
    other = run(made / "build", made / "test", "--journal", journal, "--labels", tmp_path / "two")
    assert other.exit_code == 1
    assert "belongs to an evaluation with truth" in other.stderr
    pictures(tmp_path / "elsewhere", 2, 5)
    other = run(made / "build", tmp_path / "elsewhere", "--journal", journal, "--labels", tmp_path / "one")
    assert other.exit_code == 1
    assert "belongs to an evaluation with images" in other.stderr


def test_a_journal_of_another_metric_of_the_same_file_is_refused(made: Path, tmp_path: Path) -> None:
    metrics, journal = tmp_path / "metrics.py", tmp_path / "journal.jsonl"
    metrics.write_text("def one(outputs, path):\n    return 1\n\n\ndef two(outputs, path):\n    return 2\n")
    arguments = (made / "build", made / "test", "--journal", journal, "--metric")
    assert run(*arguments, f"{metrics}:one").exit_code == 0
    other = run(*arguments, f"{metrics}:two")
    assert other.exit_code == 1
    assert "belongs to an evaluation with metric" in other.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--family", "yolov8"], "--family is of detection, which needs --annotations"),
        (["--divide", "1"], "--divide is of detection"),
        (["--annotations", "a.json", "--metric", "m.py"], "--metric has no effect with --annotations"),
        (["--annotations", "a.json", "--transform", "tf_ssd"], "--transform has no effect"),
        (["--metric", "m.py", "--labels", "l.csv"], "--labels has no effect with --metric"),
    ],
)
def test_options_without_effect_are_refused(arguments: list[str], said: str) -> None:
    result = run("build", "images", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_detection_needs_annotations(tmp_path: Path) -> None:
    images = pictures(tmp_path / "images", 3, 2, size=64)
    build = tmp_path / "build"
    arguments = ["-i", detector(tmp_path / "net.onnx"), "-o", build]
    assert CliRunner().invoke(axcompile.app, list(map(str, arguments))).exit_code == 0
    names = sorted(str(path.relative_to(images)) for path in images.rglob("*.png"))
    content = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        # The picture is twice the network's input. Half of them have another object, too.
        "annotations": [
            {"id": number, "image_id": number, "category_id": 2, "bbox": [8, 32, 32, 16]}
            for number in range(len(names))
        ]
        + [
            {"id": 100 + number, "image_id": number, "category_id": 1, "bbox": [0, 0, 9, 9]}
            for number in range(0, len(names), 2)
        ],
    }
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    found = measured(build, images, "--annotations", tmp_path / "annotations.json", "--divide", 255)
    assert found["metrics"]["mAP 50"]["float"]["value"] == pytest.approx(0.5)  # every dog, and no cat
    assert found["metrics"]["mAP 50"]["int8"]["value"] == pytest.approx(0.5)
    assert set(found["metrics"]) == {"mAP 50-95", "mAP 50", "mAP 75"}
