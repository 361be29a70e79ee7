"""A quantised network: what `quantize` returns and `compile` takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from axelera.compiler._errors import ModelError
from axelera.compiler._parts import QuantisedParts
from axelera.compiler.packaging import read_quantised_model, write_quantised_model
from axelera.compiler.quantisation import run_session, session
from axemu.emulator import compute

__all__ = ["AxeleraQuantizedModel"]


@dataclass(frozen=True)
class AxeleraQuantizedModel(QuantisedParts):
    """An integer program with the host's float parts around it; immutable.

    Calling it computes on the CPU what an application computes with a board: preamble, quantisation, the program with
    the emulator's integers, dequantisation, postamble.

    Its fields are listed in `axelera.compiler._parts.QuantisedParts`.
    """

    def __call__(self, *inputs: Any) -> Any:
        """Run one or more frames.

        Args:
            inputs: one array or tensor per network input, float NCHW with any number of frames in front.

        Returns:
            The network's only output, or a tuple of them; torch tensors when the first input is one.
        """
        arrays = [_as_numpy(value) for value in inputs]
        self._check(arrays)
        frames = [self.run_frame([array[i : i + 1] for array in arrays]) for i in range(len(arrays[0]))]
        results: list[Any] = [np.concatenate(parts) for parts in zip(*frames, strict=True)]
        if hasattr(inputs[0], "detach"):
            import torch  # noqa: PLC0415  only for who passes tensors

            results = [torch.from_numpy(result) for result in results]
        return results[0] if len(results) == 1 else tuple(results)

    def run_frame(self, inputs: list[npt.NDArray[np.float32]]) -> list[npt.NDArray[Any]]:
        """Run one frame from float inputs to float outputs, both in the network's order."""
        feeds = dict(zip(self.input_names, inputs, strict=True))
        buffers = [port.quantise(value) for port, value in zip(self.inputs, self.prepare(feeds), strict=True)]
        return self.finish(self.run_program(buffers))

    @property
    def by_specification(self) -> bool:
        """Whether frames are computed by the specification, which takes seconds, as no fast code covers the program."""
        return self._executable.path == "reference"

    def prepare(self, feeds: Mapping[str, npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
        """Return the float values of the chip's inputs, (1, C, H, W) or in the network's own rank."""
        if self._preamble is None:
            return [feeds[port.name] for port in self.inputs]
        what = f"preamble of {self.name!r}"
        values = run_session(self._preamble, None, feeds, what)
        for port, value in zip(self.inputs, values, strict=True):
            if math.prod(value.shape) != math.prod(port.shape):
                raise ModelError(
                    f"{what}: gives {port.name!r} the shape {value.shape}, expected {port.shape}"
                )
        return values

    def run_program(self, buffers: list[npt.NDArray[np.int8]]) -> list[npt.NDArray[np.int8]]:
        """Return the padded int8 outputs for padded int8 inputs: what a board returns."""
        outputs = [np.empty(port.info().shape, np.int8) for port in self.outputs]
        self._executable.instance().run(
            [buffer.reshape(-1) for buffer in buffers], [o.reshape(-1) for o in outputs]
        )
        return outputs

    def finish(self, buffers: list[npt.NDArray[np.int8]]) -> list[npt.NDArray[Any]]:
        """Return the network's outputs for the chip's padded int8 outputs."""
        values = [port.dequantise(buffer) for port, buffer in zip(self.outputs, buffers, strict=True)]
        if self._postamble is not None:
            names = [value.name for value in self._postamble.get_inputs()]
            feeds = dict(zip(names, values, strict=True))
            return run_session(self._postamble, None, feeds, f"postamble of {self.name!r}")
        by_name = {
            port.name: value.reshape(port.shape) for port, value in zip(self.outputs, values, strict=True)
        }
        return [by_name[name] for name in self.output_names]

    def export(self, directory: str | Path) -> None:
        """Write the quantised model into a directory, from which `load` reads it."""
        write_quantised_model(self, Path(directory))

    @classmethod
    def load(cls, directory: str | Path) -> AxeleraQuantizedModel:
        """Read a quantised model that `export` wrote.

        Args:
            directory: the directory, or the quantized_model_manifest.json in it.

        Raises:
            ModelError: there is none, or it is damaged.
        """
        return read_quantised_model(Path(directory), cls)

    def _check(self, arrays: list[npt.NDArray[np.float32]]) -> None:
        if len(arrays) != len(self.input_names):
            raise ValueError(f"model {self.name!r} takes {len(self.input_names)} inputs, not {len(arrays)}")
        for name, shape, array in zip(self.input_names, self.input_shapes, arrays, strict=True):
            if array.shape[1:] != shape[1:] or not array.shape[0]:
                raise ValueError(
                    f"model {self.name!r}, input {name!r}: shape {array.shape}, expected {shape} (any number of frames)"
                )
            if np.isnan(array).any():
                raise ValueError(
                    f"model {self.name!r}, input {name!r}: holds NaN, which no integer stands for"
                )
        if len({len(array) for array in arrays}) != 1:
            raise ValueError(f"model {self.name!r}: the inputs have different numbers of frames")

    @cached_property
    def _executable(self) -> compute.Executable:
        return compute.load(self.program)

    @cached_property
    def _preamble(self) -> onnxruntime.InferenceSession | None:
        return None if self.preamble is None else session(self.preamble, f"preamble of {self.name!r}")

    @cached_property
    def _postamble(self) -> onnxruntime.InferenceSession | None:
        return None if self.postamble is None else session(self.postamble, f"postamble of {self.name!r}")


def _as_numpy(value: Any) -> npt.NDArray[np.float32]:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value, np.float32)
