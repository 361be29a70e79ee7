"""A small compiled-model directory, made by the writers under test and checked against vendor examples elsewhere."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from axemu.driver import TensorInfo
from axemu.model import MemoryPool, manifest_json, model_json

INPUT = TensorInfo(
    (1, 10, 16, 4), name="x", padding=[(0, 0), (1, 1), (1, 7), (0, 1)], scale=0.0039213, zero_point=-130
)
OUTPUT = TensorInfo(
    (1, 1, 1, 64), name="y", padding=[(0, 0), (0, 0), (0, 0), (0, 54)], scale=0.1, zero_point=5
)


@pytest.fixture
def contents() -> dict[str, dict[str, Any]]:
    """The two JSON files of a sound model, to be changed by a test."""
    return {
        "model.json": model_json(
            [INPUT], [OUTPUT], [MemoryPool("l2", 4096, "l2"), MemoryPool("l2_const", 100, "l2")]
        ),
        "manifest.json": manifest_json(
            [INPUT],
            [OUTPUT],
            input_names=["x"],
            input_shapes_original=[(1, 3, 8, 8)],
            output_shapes_original=[(1, 10)],
        ),
    }


@pytest.fixture
def write(tmp_path: Path, contents: dict[str, dict[str, Any]]) -> Callable[[], Path]:
    """Write `contents` and return the directory."""

    def write() -> Path:
        directory = tmp_path / "net"
        directory.mkdir(exist_ok=True)
        for name, content in contents.items():
            (directory / name).write_text(json.dumps(content))
        return directory

    return write
