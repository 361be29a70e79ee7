"""Running programs on a compute path, and the paths this machine has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from axemu.emulator.compute import available_paths, load
from axemu.model.program import Program

Int8Array = npt.NDArray[np.int8]

PATHS = available_paths()
"""Every compiled path this CPU runs; each is forced in turn."""
EVERY_PATH = pytest.mark.parametrize("path", PATHS)
NUMERICS = pytest.mark.parametrize("numerics", ["metis", "exact"])


def run(
    program: Program, frames: Mapping[str, npt.NDArray[Any]], numerics: str, path: str, threads: int = 1
) -> dict[str, Int8Array]:
    """Return the outputs (batch, H, W, C) by name; frames are (batch, H, W, C), or one frame (H, W, C)."""
    runner = load(program, numerics, path, threads=threads).instance()
    outputs = {
        name: np.empty((program.batch, *program.tensors[name].shape), np.int8) for name in program.outputs
    }
    inputs = [np.ascontiguousarray(frames[name], np.int8) for name in program.inputs]
    runner.run(inputs, list(outputs.values()))
    return outputs
