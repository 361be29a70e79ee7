"""The host's half of a loaded model, which many pipelines and schedulers may share."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument, TensorInfo, path_errors
from axemu.host import HostPart
from axemu.model import CompiledModel, load_compiled_model

Int8Array = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class _Described:
    """A compiled model as `HostPart` asks for it, without a context."""

    compiled: CompiledModel

    @property
    def preamble_graph(self) -> str:
        return self.compiled.preamble_graph

    @property
    def postamble_graph(self) -> str:
        return self.compiled.postamble_graph

    @property
    def directory(self) -> Path:
        return self.compiled.directory

    def inputs(self) -> list[TensorInfo]:
        return list(self.compiled.inputs)

    def outputs(self) -> list[TensorInfo]:
        return list(self.compiled.outputs)


class HostSide:
    """What of a compiled model runs on the host, with the shapes that operators take and give."""

    def __init__(self, compiled: CompiledModel) -> None:
        self.compiled = compiled
        self._part = HostPart(_Described(compiled))

    def outputs(self) -> list[Int8Array]:
        """Return buffers for one frame's outputs."""
        return self._part.outputs()

    def encode(self, values: Sequence[Any]) -> list[Int8Array]:
        """Return the buffers of one frame.

        Args:
            values: one array per input of the network, with or without axes of 1; an image also as (height, width, channels).

        Raises:
            InvalidArgument: a wrong number of arrays, a shape that is not the input's, or NaN.
        """
        shapes = self._part.input_shapes
        if len(values) == len(shapes):
            values = [_as_shaped(value, shape) for value, shape in zip(values, shapes, strict=True)]
        try:
            return self._part.inputs(*values)
        except InvalidArgument as error:
            raise InvalidArgument(f"{self.compiled.name}: {error}") from error

    def decode(self, buffers: Sequence[Int8Array]) -> list[npt.NDArray[Any]]:
        """Return the outputs of the network for the buffers of one frame, each with its batch axis of 1.

        A compiled model does not tell whether its network gives (1, N) or (1, N, 1, 1): without a postamble it is (1, N).
        """
        results = self._part.results(buffers)
        if self._part.has_postamble:
            return results
        return [value.reshape(value.shape[:2]) if value.shape[2:] == (1, 1) else value for value in results]


def _as_shaped(value: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Add or drop axes of 1, and turn an image into planes; anything else stays to be refused."""
    array = np.asarray(value)
    if array.shape in (shape, shape[1:]) or -1 in shape:
        return array
    if len(shape) == 4:
        image = (shape[2], shape[3], shape[1])
        if array.shape in (image, (shape[0], *image)):
            return array.reshape(shape[0], *image).transpose(0, 3, 1, 2)
    if [size for size in array.shape if size != 1] == [size for size in shape if size != 1]:
        return array.reshape(shape)
    return array


_loaded: weakref.WeakValueDictionary[tuple[str, int, int], HostSide] = weakref.WeakValueDictionary()


def loaded(path: Path) -> HostSide:
    """Load a compiled model, or return what was loaded from the same file before and is still in use.

    Raises:
        InvalidArgument: the files are missing, damaged or contradict themselves.
        IncompatibleDevice: the model's version is not known.
    """
    with path_errors(InvalidArgument, path):
        file = path / "model.json" if os.path.isdir(path) else path  # noqa: PTH112  answers False where a Path raises
        status = os.stat(file) if os.path.isfile(file) else None  # noqa: PTH113, PTH116
    if status is None:
        return HostSide(load_compiled_model(path))  # which says what is wrong
    key = os.path.realpath(file), status.st_mtime_ns, status.st_size
    if (known := _loaded.get(key)) is not None:
        return known
    return _loaded.setdefault(key, HostSide(load_compiled_model(path)))
