"""The other side of the comparison: the same network in ONNX Runtime, in float32 and quantised its own way."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

Frames = Sequence["np.ndarray[Any, np.dtype[np.float32]]"]


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, frames: Frames) -> None:
        self._frames: Iterator[Any] = iter([{name: frame} for frame in frames])

    def get_next(self) -> Any:
        return next(self._frames, None)


def cut(model: onnx.ModelProto, outputs: Sequence[str]) -> onnx.ModelProto:
    """Return the part of a network that computes some of its values: what the board computes, too."""
    if set(outputs) == {output.name for output in model.graph.output}:
        return model
    known = {name for node in model.graph.node for name in node.output}
    if missing := [name for name in outputs if name not in known]:
        raise SystemExit(f"the network has no value {missing[0]!r} to stop at")
    inferred = onnx.shape_inference.infer_shapes(model)
    return onnx.utils.Extractor(inferred).extract_model([model.graph.input[0].name], list(outputs))


def quantised(model: onnx.ModelProto, frames: Frames, activations: str) -> bytes:
    """Return the network with QDQ pairs, weights int8 per channel, activations "uint8" or "int8"."""
    with tempfile.TemporaryDirectory() as directory:
        paths = [str(Path(directory) / name) for name in ("float.onnx", "clean.onnx", "int8.onnx")]
        onnx.save(model, paths[0])
        quant_pre_process(paths[0], paths[1])
        quantize_static(
            paths[1],
            paths[2],
            _Reader(model.graph.input[0].name, frames),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8 if activations == "uint8" else QuantType.QInt8,
            weight_type=QuantType.QInt8,
        )
        return Path(paths[2]).read_bytes()


def session(model: bytes, threads: int, frame: Any) -> Callable[[], object]:
    """Return a function that runs one frame."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    running = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {running.get_inputs()[0].name: frame}
    return lambda: running.run(None, feed)


def openvino_version() -> str | None:
    """Return the version of OpenVINO; None where it is not installed."""
    try:
        return version("openvino")
    except PackageNotFoundError:
        return None


def openvino(model: bytes, threads: int, frame: Any) -> Callable[[], object]:
    """Return a function that runs one frame in OpenVINO, which makes int8 operators of the QDQ pairs."""
    import openvino as ov  # noqa: PLC0415  not everywhere

    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    core = ov.Core()
    request = core.compile_model(core.read_model(model), "CPU", settings).create_infer_request()
    name = request.model_inputs[0] if hasattr(request, "model_inputs") else 0
    return lambda: request.infer({name: frame}, share_inputs=True, share_outputs=True)
