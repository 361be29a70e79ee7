"""A small program and the directory it lies in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests._cores import CoreSketch

from axemu.model.ops import FUNCTIONS, conv_constants, lut_table, softmax_constants
from axemu.model.program import Node, Program, Tensor, write_program


@pytest.fixture
def program() -> Program:
    """slice, conv, lut, add, softmax, pad: two uses of a tensor, constants of all three dtypes."""
    rng = np.random.default_rng(3)
    tensors = [
        Tensor("in", (6, 16, 4), 1 / 255, -128),
        Tensor("image", (6, 8, 4), 1 / 255, -128),
        Tensor("a", (4, 6, 8), 0.1, 3),
        Tensor("b", (4, 6, 8), 0.07, -100),
        Tensor("c", (4, 6, 8), 0.13, 0),
        Tensor("d", (4, 6, 8), 1 / 256, -128),
        Tensor("out", (4, 6, 64), 1 / 256, -128),
    ]
    weight = rng.integers(-127, 128, (8, 3, 3, 4)).astype(np.int8)
    constants = conv_constants(weight, np.full(8, 0.01), rng.normal(0, 1, 8), 1 / 255, -128, 0.1)
    values = {f"conv.{role}": value for role, value in constants.items()}
    values["silu"] = lut_table(FUNCTIONS["silu"], 0.1, 3, 0.07, -100)
    values["exp"] = softmax_constants(0.13)["exp_table"]
    nodes = (
        Node("slice", "crop", ("in",), "image", {"starts": (0, 0, 0), "sizes": (6, 8, 4)}),
        Node(
            "conv",
            "conv",
            ("image",),
            "a",
            {"kernel": (3, 3), "qmin": -120},
            {r: f"conv.{r}" for r in constants},
        ),
        Node("lut", "silu", ("a",), "b", {"function": "silu"}, {"table": "silu"}),
        Node("add", "residual", ("a", "b"), "c"),
        Node("softmax", "softmax", ("c",), "d", {}, {"exp_table": "exp"}),
        Node("pad", "channels", ("d",), "out", {"before": (0, 0, 0), "after": (0, 0, 56), "value": -128}),
    )
    core = (
        CoreSketch("small")
        .start(4096, what="conv")
        .wait()
        .work(56, layer="conv", load=64, macs=6912)
        .drained()
        .work(24, "vector", layer="residual", lookups=3)
        .fetch(6144, "l1", "ddr_output", "out")
        .core()
    )
    return Program("small", 2, {t.name: t for t in tensors}, nodes, ("in",), ("out",), values, core)


@pytest.fixture
def directory(program: Program, tmp_path: Path) -> Path:
    """A compiled-model directory with the program in it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text('{"name": "kernel_function"}')
    (folder / "manifest.json").write_text("{}")
    write_program(folder, program)
    return folder
