"""Float graphs in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from axelera.compiler._errors import ModelError

Feeds = Mapping[str, npt.NDArray[np.float32]]


def session(
    model: onnx.ModelProto, what: str, *, keep_memory: bool = True, as_written: bool = False
) -> onnxruntime.InferenceSession:
    """Return an ONNX Runtime session on the CPU, which keeps its memory for the next run or gives it back.

    `as_written` runs the graph node by node. Else a quantised one would be fused into integer kernels, whose sums saturate
    on some CPUs.

    Raises:
        ModelError: ONNX Runtime refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = keep_memory
    if as_written:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["Pad_Fusion"],  # it moves a zero Pad into MaxPool, where padding never wins
        )
    except Exception as error:  # onnxruntime raises pybind exceptions without a common base
        raise ModelError(f"{what}: ONNX Runtime cannot run it: {error}") from error


def run_session(
    runner: onnxruntime.InferenceSession, names: Sequence[str] | None, feeds: Feeds, what: str
) -> list[npt.NDArray[Any]]:
    """Run a session on the inputs of one frame.

    Raises:
        ModelError: an operator fails on these inputs, as in a model whose parts do not fit together.
    """
    try:
        return list(runner.run(None if names is None else list(names), dict(feeds)))
    except Exception as error:  # onnxruntime raises pybind exceptions without a common base
        raise ModelError(f"{what}: ONNX Runtime failed while running it: {error}") from error
