"""The host's half of the work: between real-valued NCHW arrays and the padded int8 NHWC buffers of a board."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from axelera.runtime import Model, TensorInfo


def to_buffer(image: npt.NDArray[np.float32], info: TensorInfo) -> npt.NDArray[np.int8]:
    """Quantise, transpose and pad a float NCHW array into the buffer `info` describes."""
    codes = np.round(image.transpose(0, 2, 3, 1) / info.scale + info.zero_point)
    padded = np.pad(codes, info.padding, constant_values=info.zero_point)
    return padded.clip(-128, 127).astype(np.int8)


def to_real(buffer: npt.NDArray[np.int8], info: TensorInfo) -> npt.NDArray[np.float32]:
    """Cut the padding off an output buffer and dequantise what is left, NHWC."""
    inner = buffer[tuple(slice(before, -after or None) for before, after in info.padding)]
    return (inner.astype(np.float32) - info.zero_point) * np.float32(info.scale)


def load_images(path: str | Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Load the test images that `axemu demo` writes: float (N, 1, 8, 8) and labels (N,)."""
    with np.load(path, allow_pickle=False) as archive:
        return archive["images"], archive["labels"]


def describe(model_path: str | Path) -> dict[str, Any]:
    """Read the model_info.json that `axdownloadmodel` puts above the builds of a network; empty without one."""
    path = Path(model_path).resolve().parents[1] / "model_info.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


class Postamble:
    """The last operators of a network, where the compiler left them to the host: an ONNX file beside model.json.

    The board's outputs are cut, dequantised and transposed to NCHW, and go into ONNX Runtime by position.
    """

    def __init__(self, model_path: str | Path, model: Model) -> None:
        self._infos = model.outputs()
        self._session: ort.InferenceSession | None = None
        if model.postamble_graph:
            options = ort.SessionOptions()
            options.intra_op_num_threads = 1
            graph = Path(model_path).parent / model.postamble_graph
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def __call__(self, buffers: Sequence[npt.NDArray[np.int8]]) -> list[npt.NDArray[Any]]:
        """Return the outputs of the network; without a postamble these are the board's, float32 NCHW."""
        real = [
            to_real(buffer, info).transpose(0, 3, 1, 2)
            for buffer, info in zip(buffers, self._infos, strict=True)
        ]
        if self._session is None:
            return list(real)
        feed = {
            tensor.name: value.reshape([size if isinstance(size, int) else -1 for size in tensor.shape])
            for tensor, value in zip(self._session.get_inputs(), real, strict=True)
        }
        return [np.asarray(output) for output in self._session.run(None, feed)]
