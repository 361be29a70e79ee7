"""Networks of the field with re-seeded weights: they compile and run, or are refused for a rule of the matrix."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from _reseed import input_shapes, reseeded
from tests._sizes import FULL
from tests.conformance._compiler import yardsticks
from tests.unit.compiler._networks import run_float, sqnr

from axelera import compiler
from axelera.compiler import CompilerConfig, UnsupportedModelError
from axelera.compiler.quantisation import random_data

ROOT = Path(__file__).resolve().parents[2]
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
REFUSED = {
    "light_bvlc_alexnet": {"LRN"},
    "light_inception_v1": {"LRN"},
    "light_inception_v2": {"AveragePool"},
    "light_shufflenet": {"AveragePool", "Reshape", "Transpose"},
    "light_zfnet512": {"LRN"},
}
"""Light models that break a rule, and the operators that break it."""
QUICK_GRAPHS = {"resnet10t", "squeezenet1_1", "mobilenetv4_small"}


def light_models() -> Iterator[object]:
    for path in sorted(LIGHT.glob("*.onnx")):
        quick = path.stem in ("light_inception_v1", "light_shufflenet", "light_squeezenet")
        yield pytest.param(path, id=path.stem, marks=[] if quick else [pytest.mark.full])


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("path", list(light_models()))
def test_light_models_of_the_onnx_package(path: Path, tmp_path: Path) -> None:
    model = reseeded(path)
    if path.stem in REFUSED:
        with pytest.raises(UnsupportedModelError) as caught:
            compiler.structure_program(model)
        assert {violation.operator for violation in caught.value.violations} == REFUSED[path.stem]
        return
    shapes = input_shapes(model)
    name = next(iter(shapes))
    calibration = list(random_data(shapes, 10))
    quantised = compiler.quantize(model, iter(calibration), CompilerConfig())
    onnx.save(model, tmp_path / "model.onnx")
    rivals = yardsticks(tmp_path / "model.onnx", [sample[name] for sample in calibration], tmp_path)
    evaluated = [sample[name] for sample in random_data(shapes, 20 if FULL else 4, seed=1)]
    expected = np.concatenate([run_float(model, x)[0].reshape(1, -1) for x in evaluated])
    ours = sqnr(expected, np.concatenate([quantised(x).reshape(1, -1) for x in evaluated]))
    theirs = max(
        sqnr(expected, np.concatenate([rival(x)[0].reshape(1, -1) for x in evaluated]))
        for rival in itertools.islice(rivals, None if FULL else 1)
    )
    print(f"{path.stem}: {ours:.1f} dB, ONNX Runtime {theirs:.1f} dB")
    assert ours >= theirs - 3.0


def graph_names() -> list[str]:
    return [
        "densenet121", "efficientnet_b0", "efficientnet_b2", "efficientnet_b4", "mobilenet_v2", "mobilenetv4_aa_large",
        "mobilenetv4_small", "regnet_x_400mf", "regnet_y_1_6gf", "resnet10t", "resnet152", "resnet18", "resnet50",
        "resnext50_32x4d", "squeezenet1_0", "squeezenet1_1", "wide_resnet50_2", "yolo11m", "yolo11n", "yolo11x",
        "yolo26n-seg", "yolov10n", "yolov5m", "yolov5n", "yolov5s", "yolov8l", "yolov8n-obb", "yolov8n-seg", "yolov8n",
        "yolov8s-pose", "yolov8s",
    ]  # fmt: skip


@pytest.mark.material
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK_GRAPHS else [pytest.mark.full]) for n in graph_names()]
)
def test_networks_of_the_calibration_compile_and_run(shared_dir: Path, tmp_path: Path, name: str) -> None:
    model = reseeded(shared_dir / "calibration" / "graphs" / f"{name}.onnx")
    config = CompilerConfig(model_name=name)
    quantised = compiler.quantize(model, random_data(input_shapes(model), 2), config)
    compiler.compile(quantised, config, tmp_path / name)
    sample = next(random_data(input_shapes(model), 1, seed=4))
    results = quantised(*sample.values())
    for result, expected in zip(
        results if isinstance(results, tuple) else (results,), run_float(model, *sample.values()), strict=True
    ):
        assert result.shape == expected.shape
        assert sqnr(expected, result) > 10.0


@pytest.mark.material
@pytest.mark.parametrize("name", graph_names())
def test_structure_of_placeholder_networks_needs_no_values(shared_dir: Path, name: str) -> None:
    program = compiler.structure_program(shared_dir / "calibration" / "graphs" / f"{name}.onnx", batch=4)
    assert program.batch == 4
    assert not program.constants


STRUCTURES = """
import sys
from tests._memory import peak_bytes
from axelera import compiler
for path in sys.argv[1:]:
    compiler.structure_program(path)
    print(path, peak_bytes(), flush=True)
"""


@pytest.mark.material
@pytest.mark.timeout(600)
def test_structures_are_found_without_memory_for_the_weights(shared_dir: Path) -> None:
    paths = [str(shared_dir / "calibration" / "graphs" / f"{name}.onnx") for name in graph_names()]
    done = subprocess.run(  # a program of its own: this one has held more
        [sys.executable, "-W", "ignore", "-c", STRUCTURES, *paths],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    lines = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()]  # a path may hold spaces
    peaks = {Path(path).stem: int(peak) for path, peak in lines}
    assert list(peaks) == graph_names()
    assert max(peaks.values()) < 250 << 20, peaks  # the weights of the largest alone would take more
