"""The digits network, compiled once per test process, and boards of a test's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from axelera import compiler
from axemu.cli import digits


@pytest.fixture
def own_boards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep reservations and configuration apart from everything else on the machine; returns the empty home."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "reservations"))
    for name in ("AXEMU_CONFIG", "AXEMU_EMULATOR", "AXEMU_REPORT", "AXEMU_TRACE", "AXELERA_DRIVER"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def digits_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The float network."""
    path = tmp_path_factory.mktemp("digits") / "digits.onnx"
    path.write_bytes(digits.network())
    return path


def compile_digits(source: Path, target: Path, cores: int) -> Path:
    """Compile for `cores` cores and as many quarters of L2; returns model.json."""
    config = compiler.CompilerConfig(aipu_cores_used=cores, resources_used=cores / 4)
    calibration = (image[np.newaxis] for image in digits.calibration_images().images)
    compiler.compile(compiler.quantize(str(source), calibration, config), config, target)
    return target / "model.json"


@pytest.fixture(scope="session")
def digits_1(digits_onnx: Path) -> Path:
    """model.json of the one-core build."""
    return compile_digits(digits_onnx, digits_onnx.parent / "1", 1)


@pytest.fixture(scope="session")
def digits_2(digits_onnx: Path) -> Path:
    """model.json of the two-core build (batch 2)."""
    return compile_digits(digits_onnx, digits_onnx.parent / "2", 2)


@pytest.fixture(scope="session")
def digits_argmax(digits_onnx: Path) -> Path:
    """model.json of a build whose last operator is left to the host."""
    import onnx

    model = onnx.load(digits_onnx)
    (logits,) = model.graph.output
    model.graph.node.append(onnx.helper.make_node("ArgMax", [logits.name], ["digit"], axis=1, keepdims=0))
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info("digit", onnx.TensorProto.INT64, [1]))
    source = digits_onnx.parent / "argmax.onnx"
    onnx.save(model, source)
    return compile_digits(source, digits_onnx.parent / "argmax", 1)


@pytest.fixture(scope="session")
def digits_images(digits_onnx: Path) -> Path:
    """The test images as the demo writes them for the examples."""
    path = digits_onnx.parent / "test.npz"
    test = digits.test_images()
    np.savez(path, images=test.images, labels=test.labels)
    return path
