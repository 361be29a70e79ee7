"""The host's part of a compiled model, as one object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument, TensorInfo
from axemu.host._buffers import Int8Array, from_buffer, nchw, to_buffer
from axemu.host._graph import Graph


class CompiledModel(Protocol):
    """What is asked of a model: the public face of `axelera.runtime.Model`, whoever made it."""

    @property
    def preamble_graph(self) -> str:
        """Name of the ONNX file to run before, or empty."""

    @property
    def postamble_graph(self) -> str:
        """Name of the ONNX file to run after, or empty."""

    def inputs(self) -> list[TensorInfo]:
        """Return the inputs of the board."""

    def outputs(self) -> list[TensorInfo]:
        """Return the outputs of the board."""


class Instance(Protocol):
    """What is asked of an instance: the call."""

    def run(self, inputs: list[Any], outputs: list[Any], /) -> None:
        """Run a frame, or a batch of them."""


class HostPart:
    """Everything of a network that runs on the host: preamble, quantisation and padding; their reverse, postamble.

    It knows no instance and holds no state, so one serves all threads. The documented recipes are followed to the bit
    (`quantise`, `pad`, `depad`, `dequantise`); graphs run in ONNX Runtime on the caller's thread.

        part = HostPart(model)
        buffers = part.outputs()
        instance.run(part.inputs(image), buffers)
        (scores,) = part.results(buffers)

    Args:
        model: a model that `Context.load_model` returned.
        path: what it was loaded from; needed only with a runtime whose models do not tell their `directory`.

    Raises:
        InvalidArgument: preamble or postamble cannot be found or loaded.
    """

    def __init__(self, model: CompiledModel, path: str | Path | None = None) -> None:
        self._inputs, self._outputs = tuple(model.inputs()), tuple(model.outputs())
        self._sources = _sources(self._inputs)
        self._distinct = [
            self._inputs[self._sources.index(value)] for value in range(len(set(self._sources)))
        ]
        self._preamble = _graph(model, model.preamble_graph, path, "preamble")
        self._postamble = _graph(model, model.postamble_graph, path, "postamble")
        if self._preamble is None:
            self._shapes = [nchw(info) for info in self._distinct]
        else:
            self._shapes = [(self.batch, *shape[1:]) for shape in self._preamble.input_shapes]

    @property
    def batch(self) -> int:
        """Frames of one call."""
        return next((info.shape[0] for info in self._inputs if len(info.shape) > 1), 1)

    @property
    def input_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the network's inputs, usually NCHW, the batch in front; -1 where any size is taken."""
        return list(self._shapes)

    @property
    def has_preamble(self) -> bool:
        """Tell whether the host computes before the board."""
        return self._preamble is not None

    @property
    def has_postamble(self) -> bool:
        """Tell whether the host computes after the board."""
        return self._postamble is not None

    def inputs(self, *values: npt.NDArray[np.floating]) -> list[Int8Array]:
        """Return the buffers for `ModelInstance.run`.

        Args:
            values: one array per input of the network, float, of the shapes in `input_shapes`; a frame of a model with
                batch 1 may come without its batch axis.

        Raises:
            InvalidArgument: number or shape of the values do not fit, or one is NaN.
        """
        shapes = self._shapes
        if len(values) != len(shapes):
            raise InvalidArgument(f"the network takes {len(shapes)} inputs {shapes}, {len(values)} given")
        real = [
            _framed(value, shape, index)
            for index, (value, shape) in enumerate(zip(values, shapes, strict=True))
        ]
        if self._preamble is not None:
            real = self._preamble(real, self.batch)
        if len(real) != len(self._distinct):
            raise InvalidArgument(
                f"the preamble gives {len(real)} values for {len(self._distinct)} inputs of the board"
            )
        distinct = [to_buffer(value, info) for info, value in zip(self._distinct, real, strict=True)]
        return [
            distinct[source].reshape(info.shape)
            for source, info in zip(self._sources, self._inputs, strict=True)
        ]

    def outputs(self) -> list[Int8Array]:
        """Return new buffers for the board's outputs; their contents mean nothing before a run."""
        return [np.empty(info.shape, np.int8) for info in self._outputs]

    def results(self, buffers: Sequence[Int8Array]) -> list[npt.NDArray[Any]]:
        """Return the network's outputs for the buffers that a run filled.

        With a postamble these are its outputs, else the board's, float32 NCHW in the board's order.

        Raises:
            InvalidArgument: number or size of the buffers do not fit, or the postamble fails on them.
        """
        if len(buffers) != len(self._outputs):
            raise InvalidArgument(f"the board has {len(self._outputs)} outputs, {len(buffers)} buffers given")
        real = [from_buffer(buffer, info) for buffer, info in zip(buffers, self._outputs, strict=True)]
        return list(real) if self._postamble is None else self._postamble(real, self.batch)

    def run(self, instance: Instance, *values: npt.NDArray[np.floating]) -> list[npt.NDArray[Any]]:
        """Run one call on an instance without double buffering, from float to float: `inputs`, `run`, `results`."""
        buffers = self.outputs()
        instance.run(self.inputs(*values), buffers)
        return self.results(buffers)


def _sources(infos: Sequence[TensorInfo]) -> tuple[int, ...]:
    """Return which value of the network every input of the board holds: a flat input may repeat another."""
    sizes: list[int] = []
    sources = []
    for info in infos:
        if len(info.shape) == 1 and info.size in sizes:
            sources.append(sizes.index(info.size))
        else:
            sources.append(len(sizes))
            sizes.append(info.size)
    return tuple(sources)


def _framed(value: npt.NDArray[np.floating], shape: tuple[int, ...], index: int) -> npt.NDArray[np.float32]:
    """Return `value` with a batch axis, its shape checked."""
    given = np.asarray(value, np.float32)
    if given.ndim == len(shape) - 1 and shape[0] == 1:
        given = given[np.newaxis]
    fits = given.ndim == len(shape) and all(
        expected in (-1, size) for size, expected in zip(given.shape, shape, strict=True)
    )
    if not fits:
        raise InvalidArgument(f"input {index} of the network: shape {np.shape(value)}, expected {shape}")
    return given


def _graph(model: CompiledModel, name: str, path: str | Path | None, what: str) -> Graph | None:
    if not name:
        return None
    directory: Path | None = getattr(model, "directory", None)
    if directory is None:
        if path is None:
            raise InvalidArgument(
                f"the model has a {what} {name} and does not say where it lies; give the path it was loaded from"
            )
        directory = Path(path) if Path(path).is_dir() else Path(path).parent
    return Graph(directory / name, what)
