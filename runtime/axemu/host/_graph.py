"""A preamble or postamble: an ONNX file beside model.json, run on the host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument


class Graph:
    """An ONNX graph in ONNX Runtime, on one thread; safe to share between threads.

    Args:
        path: the ONNX file.
        what: what messages call it, such as "postamble".

    Raises:
        InvalidArgument: ONNX Runtime refuses the file.
    """

    def __init__(self, path: Path, what: str) -> None:
        import onnxruntime as ort  # noqa: PLC0415  slow to import, and few models need it

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self._where = f"{what} {path}"
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises pybind exceptions without a common base
            raise InvalidArgument(f"{self._where}: ONNX Runtime cannot load it: {error}") from error
        self._inputs = self._session.get_inputs()

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the inputs, in order; a dimension that has no fixed size is -1."""
        return [_fixed(tensor.shape) for tensor in self._inputs]

    def __call__(self, values: Sequence[npt.NDArray[np.float32]], batch: int) -> list[npt.NDArray[Any]]:
        """Run `batch` frames; inputs are matched by position, outputs come in the graph's order.

        Args:
            values: float32 with the batch in front; each is given the shape that the graph declares.
            batch: frames in `values`. A graph for fewer runs as often as it takes.

        Raises:
            InvalidArgument: number or size of the values do not fit, or an operator fails on them.
        """
        if len(values) != len(self._inputs):
            raise InvalidArgument(f"{self._where}: takes {len(self._inputs)} values, {len(values)} given")
        frames = self._frames(values, batch)
        parts = [
            self._once([value[first : first + frames] for value in values])
            for first in range(0, batch, frames)
        ]
        return (
            parts[0] if len(parts) == 1 else [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
        )

    def _frames(self, values: Sequence[npt.NDArray[np.float32]], batch: int) -> int:
        """Return how many frames the graph takes at once: the first input that says it decides."""
        for shape, value in zip(self.input_shapes, values, strict=True):
            if batch > 1 and -1 not in shape:
                return max(1, batch * int(np.prod(shape)) // max(1, value.size))
        return batch

    def _once(self, values: Sequence[npt.NDArray[np.float32]]) -> list[npt.NDArray[Any]]:
        feeds = {}
        for tensor, shape, value in zip(self._inputs, self.input_shapes, values, strict=True):
            try:
                feeds[tensor.name] = value if shape.count(-1) > 1 else value.reshape(shape)
            except ValueError as error:
                raise InvalidArgument(
                    f"{self._where}: values of shape {value.shape} for input {tensor.name!r} of shape {shape}"
                ) from error
        try:
            return [np.asarray(output) for output in self._session.run(None, feeds)]
        except Exception as error:
            raise InvalidArgument(f"{self._where}: ONNX Runtime failed while running it: {error}") from error


def _fixed(shape: Sequence[object]) -> tuple[int, ...]:
    return tuple(size if isinstance(size, int) else -1 for size in shape)
