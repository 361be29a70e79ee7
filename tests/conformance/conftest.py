"""Small compiled models and contexts for the suites that every driver has to pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import axelera.runtime as axr
from axemu.capi import Server
from axemu.driver import TensorInfo, create_driver
from axemu.model import MemoryPool, manifest_json, model_json
from axemu.model.program import Node, Program, Task, Tensor, write_program

Int8 = npt.NDArray[np.int8]
CLASSES = 10
INPUT_ZERO, OUTPUT_ZERO = -130, 5
SCALE = 1 / 255


@dataclass(frozen=True)
class Small:
    """A model that hands its first ten values back, negated: (batch, 8, 8, 3) in, (batch, 10) out, both padded.

    The function driver does not compute; there a result repeats the input's bytes.
    """

    path: Path
    batch: int
    driver: str

    def frame(self, seed: int) -> list[Int8]:
        """Return one input of random codes."""
        rng = np.random.default_rng(seed)
        return [rng.integers(-128, 128, (self.batch, 10, 16, 4), np.int8)]

    def outputs(self, fill: int = 99) -> list[Int8]:
        """Return arrays for one result."""
        return [np.full((self.batch, 1, 1, 64), fill, np.int8)]

    def expected(self, inputs: Sequence[Int8]) -> list[Int8]:
        """Return what a run must write."""
        result = self.outputs(OUTPUT_ZERO)
        if self.driver == "function":
            result[0].reshape(-1)[:] = np.resize(inputs[0], result[0].size)
        else:
            codes = inputs[0].reshape(self.batch, 10, 16, 4)[:, 1:9, 1:9, :3].reshape(self.batch, -1)
            result[0][:, 0, 0, :CLASSES] = ~codes[:, :CLASSES]
        return result


MakeSmall = Callable[..., Small]
MakeContext = Callable[..., axr.Context]


@pytest.fixture(params=["emulator", "function", "native"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The driver that `Context()` gets in this test; `native` reaches emulated boards through the C face."""
    if request.param == "native":
        request.getfixturevalue("native_boards")
    monkeypatch.setenv("AXELERA_DRIVER", request.param)
    return str(request.param)


@pytest.fixture
def native_boards(c_face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Emulated boards, served by this process to whoever uses the library of the C face."""
    address = tmp_path / "server"
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", str(c_face / "lib" / "libaxruntime.so"))
    monkeypatch.setenv("AXEMU_SERVER", str(address))
    with Server(lambda: create_driver("emulator"), address):
        yield


@pytest.fixture(autouse=True)
def _own_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "reservations"))
    monkeypatch.delenv("AXEMU_EMULATOR", raising=False)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Configure the emulated boards, as the inside of a TOML table."""
    return lambda options: monkeypatch.setenv("AXEMU_EMULATOR", options)


@pytest.fixture
def context() -> Iterator[axr.Context]:
    """A context of the default driver, or of `driver` where a test asks for that."""
    with axr.Context() as context:
        yield context


@pytest.fixture
def small(request: pytest.FixtureRequest, tmp_path: Path) -> MakeSmall:
    """Make small compiled models."""
    name = request.getfixturevalue("driver") if "driver" in request.fixturenames else "emulator"

    def make(
        batch: int = 1, l2: int = 4096, name: str = "small", driver: str = name, **changes: Any
    ) -> Small:
        directory = tmp_path / name
        directory.mkdir()
        _write(directory, batch, l2, changes)
        return Small(directory / "model.json", batch, driver)

    return make


def _write(directory: Path, batch: int, l2: int, changes: dict[str, Any]) -> None:
    inputs = [
        TensorInfo(
            (batch, 10, 16, 4), padding=[(0, 0), (1, 1), (1, 7), (0, 1)], scale=SCALE, zero_point=INPUT_ZERO
        )
    ]
    outputs = [
        TensorInfo(
            (batch, 1, 1, 64), padding=[(0, 0), (0, 0), (0, 0), (0, 54)], scale=SCALE, zero_point=OUTPUT_ZERO
        )
    ]
    model = model_json(inputs, outputs, [MemoryPool("l2", l2, "l2")]) | changes
    manifest = manifest_json(
        inputs,
        outputs,
        input_names=["image"],
        input_shapes_original=[(batch, 3, 8, 8)],
        output_shapes_original=[(batch, CLASSES)],
    )
    (directory / "model.json").write_text(json.dumps(model))
    (directory / "manifest.json").write_text(json.dumps(manifest))
    write_program(directory, _program(batch))


def _program(batch: int) -> Program:
    tensors = [
        Tensor("image", (10, 16, 4), SCALE, INPUT_ZERO),
        Tensor("inner", (8, 8, 3), SCALE, INPUT_ZERO),
        Tensor("flat", (1, 1, 192), SCALE, INPUT_ZERO),
        Tensor("first", (1, 1, CLASSES), SCALE, INPUT_ZERO),
        Tensor("negated", (1, 1, CLASSES), SCALE, OUTPUT_ZERO),
        Tensor("padded", (1, 1, 64), SCALE, OUTPUT_ZERO),
    ]
    nodes = (
        Node(
            "slice",
            "crop",
            ("image",),
            "inner",
            {"starts": (1, 1, 0), "sizes": (8, 8, 3), "steps": (1, 1, 1)},
        ),
        Node("reshape", "flatten", ("inner",), "flat"),
        Node(
            "slice",
            "take",
            ("flat",),
            "first",
            {"starts": (0, 0, 0), "sizes": (1, 1, 10), "steps": (1, 1, 1)},
        ),
        Node("lut", "negate", ("first",), "negated", {"function": "neg"}, {"table": "table"}),
        Node(
            "pad",
            "widen",
            ("negated",),
            "padded",
            {"before": (0, 0, 0), "after": (0, 0, 54), "value": OUTPUT_ZERO},
        ),
    )
    return Program(
        name="small",
        batch=batch,
        tensors={tensor.name: tensor for tensor in tensors},
        nodes=nodes,
        inputs=("image",),
        outputs=("padded",),
        constants={"table": np.arange(127, -129, -1, dtype=np.int8)},
        tasks=(Task("negate", "lut", vectors=1),),
    )
