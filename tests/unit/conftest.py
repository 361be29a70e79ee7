"""Small compiled models, written by hand so that unit tests need no compiler, and boards of a test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests._cores import working

from axemu.driver import TensorInfo
from axemu.model import MemoryPool, manifest_json, model_json
from axemu.model.program import Node, Program, Tensor, write_program

MakeModel = Callable[..., Path]

SIDE = 4
CHANNELS = 64


def write_model(
    directory: Path,
    batch: int = 1,
    l2_bytes: int = 1 << 20,
    mvm_slots: int = 10_000,
    ddr_bytes: int = 0,
) -> Path:
    """Write a model that adds each frame to itself, (4, 4, 64) in and out; returns its model.json."""
    directory.mkdir(parents=True)
    shape = (SIDE, SIDE, CHANNELS)
    tensors = {"x": Tensor("x", shape, 0.5, 3), "y": Tensor("y", shape, 1.0, -7)}
    program = Program(
        name="twice",
        batch=batch,
        tensors=tensors,
        nodes=(Node("add", "sum", ("x", "x"), "y", {"qmin": -128, "qmax": 127}),),
        inputs=("x",),
        outputs=("y",),
        core=working(8 * mvm_slots, layer="sum"),
    )
    infos = {
        name: TensorInfo((batch, *shape), name=name, scale=tensor.scale, zero_point=tensor.zero_point)
        for name, tensor in tensors.items()
    }
    inputs, outputs = [infos["x"]], [infos["y"]]
    model = model_json(
        inputs, outputs, [MemoryPool("l2", l2_bytes, "l2"), MemoryPool("ddr_const", ddr_bytes, "ddr")]
    )
    (directory / "model.json").write_text(json.dumps(model))
    nchw = [(batch, CHANNELS, SIDE, SIDE)]
    manifest = manifest_json(
        inputs, outputs, input_names=["x"], input_shapes_original=nchw, output_shapes_original=nchw
    )
    (directory / "manifest.json").write_text(json.dumps(manifest))
    write_program(directory, program)
    return directory / "model.json"


@pytest.fixture
def make_model(tmp_path: Path) -> MakeModel:
    """Return a function that writes a model into a new directory."""

    def make(name: str = "twice", **options: int) -> Path:
        return write_model(tmp_path / name, **options)

    return make


@pytest.fixture
def own_boards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep reservations and configuration of these tests apart from everything else on the machine."""
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "reservations"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-configuration"))
    monkeypatch.chdir(tmp_path)
    for name in ("AXEMU_CONFIG", "AXEMU_EMULATOR", "AXEMU_REPORT", "AXEMU_TRACE", "AXELERA_DRIVER"):
        monkeypatch.delenv(name, raising=False)
