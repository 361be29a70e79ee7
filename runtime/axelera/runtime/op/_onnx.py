"""ONNX files as operators of the host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from axelera.runtime.op._core import Operator, Unpacked
from axemu.driver import InvalidArgument

_PROVIDERS = {
    "CUDA": "CUDAExecutionProvider",
    "MPS": "CoreMLExecutionProvider",
    "OpenVINO": "OpenVINOExecutionProvider",
    "CPU": "CPUExecutionProvider",
}


class OnnxModel(Operator):
    """An ONNX file run by ONNX Runtime on the host: arrays in, by position; an array, or several spread, out.

    `provider` is one of CUDA, MPS, OpenVINO and CPU; without it the first of these that is there.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the provider is unknown or not there.
        InvalidArgument: ONNX Runtime does not take the file.
    """

    path: str | os.PathLike[str]
    provider: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Open the file."""
        import onnxruntime  # noqa: PLC0415  slow to import

        if not Path(self.path).is_file():
            raise FileNotFoundError(f"{self.path}: no such ONNX file")
        here = onnxruntime.get_available_providers()
        known = {name.lower(): title for name, title in _PROVIDERS.items()}
        if self.provider is None:
            chosen = next(title for title in _PROVIDERS.values() if title in here)
        else:
            chosen = known.get(self.provider.lower(), self.provider)
            if chosen not in here:
                raise ValueError(
                    f"onnx_model: provider {self.provider!r} is not there; there are {', '.join(here)}"
                )
        try:
            self._session = onnxruntime.InferenceSession(self.path, providers=[chosen])
        except Exception as error:
            raise InvalidArgument(f"{self.path}: ONNX Runtime does not take it: {error}") from error
        self._inputs = tuple((value.name, value.type) for value in self._session.get_inputs())

    def __call__(self, *values: Any) -> Any:
        """Return the output, or an `Unpacked` tuple of several.

        Raises:
            InvalidArgument: number, shape or dtype of the arrays is not that of the inputs.
        """
        if len(values) != len(self._inputs):
            raise InvalidArgument(f"{self.path}: {len(values)} arrays given for {len(self._inputs)} inputs")
        feed = {
            name: np.asarray(value, np.float32 if kind == "tensor(float)" else None)
            for (name, kind), value in zip(self._inputs, values, strict=True)
        }
        try:
            outputs = [np.asarray(output) for output in self._session.run(None, feed)]
        except Exception as error:  # onnxruntime raises pybind exceptions without a common base
            raise InvalidArgument(f"{self.path}: ONNX Runtime failed while running it: {error}") from error
        return outputs[0] if len(outputs) == 1 else Unpacked(outputs)


onnx_model = OnnxModel
