"""Measured activations of a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

BYTES_AT_ONCE = 1 << 30


@dataclass(frozen=True, slots=True)
class Activation:
    """What one tensor held in one run."""

    name: str
    op: str
    std: float
    mean: float
    zeros: float


Measure = Callable[[onnx.ModelProto, NDArray[np.float32]], list[Activation]]


def _pixel_tensors(model: onnx.ModelProto) -> set[str]:
    """Tensors that depend on the grid of a detector: coordinates in pixels, whose size is the image's."""
    grid = {
        t.name
        for t in model.graph.initializer
        if t.name.rpartition("/")[2].startswith(("anchors", "strides"))
    }
    for node in model.graph.node:
        if grid & set(node.input):
            grid.update(node.output)
    return grid


def _batches(model: onnx.ModelProto, names: list[str]) -> Iterator[list[str]]:
    """Cut the list so that the tensors of one piece fit into memory together."""
    sizes = {
        info.name: 4 * math.prod(dim.dim_value for dim in info.type.tensor_type.shape.dim)
        for info in (*model.graph.value_info, *model.graph.output)
    }
    batch: list[str] = []
    for name in names:
        if batch and sum(sizes[other] for other in batch) + sizes[name] > BYTES_AT_ONCE:
            yield batch
            batch = []
        batch.append(name)
    yield batch


@pytest.fixture(scope="session")
def measure() -> Measure:
    """Run a model in ONNX Runtime and return figures of every activation except pixel coordinates."""

    def run(model: onnx.ModelProto, image: NDArray[np.float32]) -> list[Activation]:
        skipped = _pixel_tensors(model)
        ops = {name: node.op_type for node in model.graph.node for name in node.output}
        names = [name for name in ops if name not in skipped]
        probe = onnx.ModelProto()
        probe.CopyFrom(model)
        del probe.graph.output[:]
        probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 2
        session = ort.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
        found: list[Activation] = []
        for batch in _batches(model, names):
            for name, value in zip(batch, session.run(batch, {"images": image}), strict=True):
                assert np.isfinite(value).all(), name
                std, mean = float(value.std()), float(value.mean())
                found.append(Activation(name, ops[name], std, mean, float(np.mean(value == 0))))
        return found

    return run
