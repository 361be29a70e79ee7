"""A small compiled model whose results anybody can work out, for every driver but a real card's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import TensorInfo
from axemu.model.program import Node, Program, Tensor
from axemu.testing._directory import write_directory

Int8 = npt.NDArray[np.int8]
CLASSES = 10
INPUT_ZERO, OUTPUT_ZERO = -130, 5
SCALE = 1 / 255


@dataclass(frozen=True, slots=True)
class SmallModel:
    """A model that hands its first ten values back, negated: (batch, 8, 8, 3) in, (batch, 10) out, both padded.

    The driver `function` computes nothing; there a result repeats the input's bytes. `path` is its model.json.
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


def write_small_model(
    directory: Path,
    driver: str = "emulator",
    *,
    batch: int = 1,
    l2: int = 4096,
    changes: Mapping[str, Any] | None = None,
) -> SmallModel:
    """Write the files of a small model into an existing directory.

    Args:
        directory: where.
        driver: name of the driver it is to run on, which decides what is expected of it.
        batch: frames at once, and so cores.
        l2: bytes of L2 it declares.
        changes: keys of model.json that are to have other values.
    """
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
    write_directory(directory, _program(batch), l2=l2, infos=(inputs, outputs), changes=changes)
    return SmallModel(directory / "model.json", batch, driver)


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
    )
