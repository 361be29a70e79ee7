"""Every compiled path reproduces the committed golden vectors."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conformance._compute import EVERY_PATH, NUMERICS, run

from axemu.model import ops
from axemu.model.program import Node, Program, Tensor
from axemu.testing import vectors as golden

VECTORS = Path(__file__).resolve().parents[2] / "testvectors" / "vectors"


@cache
def read(name: str) -> tuple[Program, dict[str, Any], dict[str, Any]]:
    """Return program, inputs and outputs (by numerics) of a vector."""
    text = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    data = (VECTORS / f"{name}.bin").read_bytes()
    arrays = {}
    for place in text["arrays"]:
        dtype = np.dtype(place["dtype"]).newbyteorder("<")
        count = int(np.prod(place["shape"]))
        array = np.frombuffer(data, dtype, count, place["offset"]).reshape(place["shape"])
        arrays[place["key"]] = array.astype(dtype.newbyteorder("="))
    described = [*text["inputs"], text["output"]]
    tensors = {
        tensor["name"]: Tensor(tensor["name"], tuple(tensor["shape"]), tensor["scale"], tensor["zero_point"])
        for tensor in described
    }
    attributes = {
        key: tuple(value) if isinstance(value, list) else value for key, value in text["attributes"].items()
    }
    constants = {key.split(":")[1]: array for key, array in arrays.items() if key.startswith("constant:")}
    inputs = tuple(tensor["name"] for tensor in text["inputs"])
    output = text["output"]["name"]
    node = Node(text["op"], "node", inputs, output, attributes, {role: role for role in constants})
    values = {key.split(":")[1]: array for key, array in arrays.items() if key.startswith("input:")}
    if not inputs:  # a program has at least one input
        inputs = ("unused",)
        tensors["unused"] = Tensor("unused", (1, 1, 1))
        values["unused"] = np.zeros((1, 1, 1), np.int8)
    program = Program(name, 1, tensors, (node,), tuple(dict.fromkeys(inputs)), (output,), constants)
    outputs = {key.split(":")[1]: array for key, array in arrays.items() if key.startswith("output:")}
    return program, values, outputs


NAMES = sorted(file.stem for file in VECTORS.glob("*.json"))
QUICK = {"network_atrous", "network_detector", "network_fire", "network_inverted_residual", "network_mixer"}
NETWORKS = [
    pytest.param(v, id=v.name, marks=() if v.name in QUICK else pytest.mark.full)
    for v in golden.find()
    if v.kind == "network"
]


def test_there_are_vectors() -> None:
    assert len(NAMES) >= 60


@pytest.mark.parametrize("name", NAMES)
@NUMERICS
@EVERY_PATH
def test_a_golden_vector_is_reproduced(name: str, numerics: str, path: str) -> None:
    program, values, outputs = read(name)
    found = run(program, values, numerics, path)[program.outputs[0]]
    np.testing.assert_array_equal(found.reshape(-1), outputs[numerics].reshape(-1))


@pytest.mark.parametrize("vector", NETWORKS)
@EVERY_PATH
def test_a_golden_network_is_reproduced(vector: golden.Vector, path: str) -> None:
    for numerics in ops.NUMERICS:
        wanted = vector.expected(numerics)
        for index, frame in enumerate(vector.frames):
            found = run(vector.program, frame, numerics, path)
            for name in vector.program.outputs:
                np.testing.assert_array_equal(found[name][0], wanted[name][index], err_msg=name)
