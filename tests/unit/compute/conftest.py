"""Small programs for the compute core."""

from __future__ import annotations

import numpy as np
import pytest

from axemu.model import ops
from axemu.model.program import Node, Program, Tensor


@pytest.fixture
def block() -> Program:
    """Return a residual block: two convolutions with a table between them, and their input added."""
    rng = np.random.default_rng(7)
    tensors = {
        name: Tensor(name, (9, 8, 24), scale, zero)
        for name, scale, zero in (("x", 0.05, 3), ("a", 2.0, -7), ("b", 0.1, 0), ("c", 3.0, 5), ("y", 3.0, 1))
    }
    constants = {}
    nodes = []
    window = {"kernel": (3, 3), "strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1), "group": 1}
    for source, target in (("x", "a"), ("b", "c")):
        weight = rng.integers(-127, 128, (24, 3, 3, 24)).astype(np.int8)
        scale = rng.uniform(0.005, 0.01, 24).astype(np.float32)
        before, after = tensors[source], tensors[target]
        made = ops.conv_constants(
            weight, scale, rng.normal(size=24), before.scale, before.zero_point, after.scale
        )
        constants |= {f"{target}.{role}": value for role, value in made.items()}
        roles = {role: f"{target}.{role}" for role in made}
        nodes.append(Node("conv", f"conv {target}", (source,), target, window, roles))
    constants["table"] = rng.integers(-128, 128, 256).astype(np.int8)
    nodes.insert(1, Node("lut", "table b", ("a",), "b", {}, {"table": "table"}))
    nodes.append(Node("add", "sum", ("c", "x"), "y"))
    return Program("block", 1, tensors, tuple(nodes), ("x",), ("y",), constants)


@pytest.fixture
def frame() -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    """Return an input of `block`."""
    return np.random.default_rng(8).integers(-128, 128, (9, 8, 24)).astype(np.int8)
