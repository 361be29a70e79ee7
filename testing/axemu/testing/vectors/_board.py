"""Vectors on a board, through the runtime as an application uses it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from axemu.driver import (
    Driver,
    FunctionDriver,
    InvalidArgument,
    ModelFiles,
    Scratch,
    TensorInfo,
    create_driver,
)
from axemu.model.ops import NUMERICS, Numerics, execute
from axemu.model.program import Tensor, read_program
from axemu.studies import run_frames
from axemu.testing._directory import write_directory
from axemu.testing.vectors._vector import Int8Array, Vector

if TYPE_CHECKING:
    from axelera.runtime import Connection, Context


def make_driver(name: str, numerics: Numerics = "metis") -> Driver:
    """Return a driver by name that computes in the numerics asked for.

    `emulator` is configured as always but for its numerics; `function` executes the specification; any other driver, such as
    `native`, computes as it does.
    """
    if numerics not in NUMERICS:
        raise InvalidArgument(f"numerics {numerics!r} is unknown, expected one of {', '.join(NUMERICS)}")
    if name == "function":
        return FunctionDriver(lambda model, inputs: specification(model, inputs, numerics))
    if name == "emulator":
        from axemu.emulator import EmulatorDriver, load_options  # noqa: PLC0415  only where it is chosen

        return EmulatorDriver(load_options()[0].model_copy(update={"numerics": numerics}))
    return create_driver(name)


def specification(model: ModelFiles, inputs: Sequence[Int8Array], numerics: Numerics) -> list[Int8Array]:
    """Return what a model's program gives by the specification: flat outputs for flat inputs of one frame."""
    program = read_program(model.directory)
    results = execute(program, dict(zip(program.inputs, inputs, strict=True)), numerics)
    return [results[name].reshape(-1) for name in program.outputs]


class Board:
    """One core of the first board with a free one."""

    def __init__(self, context: Context, connection: Connection, directory: Path) -> None:
        self._context = context
        self._connection = connection
        self._directory = directory

    @property
    def name(self) -> str:
        """Name of the board."""
        return self._connection.device.name

    def run(self, vector: Vector, compiled: Path | None = None) -> dict[str, Int8Array]:
        """Run every frame and return the program's outputs: int8 (frames, H, W, C).

        Args:
            vector: what is run.
            compiled: a compiled model of it by another compiler, with the same inputs and outputs but for padding and scales.

        Raises:
            AxeleraError: the model does not load, does not fit the vector, or a run fails.
        """
        if compiled is None:
            write_directory(self._directory, vector.program)
        path = compiled or self._directory
        model = self._context.load_model(path)
        inputs = _ends(vector, vector.program.inputs, model.inputs())
        outputs = _ends(vector, vector.program.outputs, model.outputs())
        frames = [[end.given(frame[end.tensor.name]) for end in inputs] for frame in vector.frames]
        found = run_frames(self._context, self._connection, path, frames)
        return {end.tensor.name: end.found(values) for end, values in zip(outputs, found, strict=True)}


@dataclass(frozen=True, slots=True)
class _End:
    """An input or output: the vector's tensor, and how the compiled model holds it."""

    tensor: Tensor
    info: TensorInfo

    def given(self, values: Int8Array) -> Int8Array:
        """Return the vector's codes as the compiled model has them."""
        return self._moved(values, self.tensor, self.info)

    def found(self, values: Int8Array) -> Int8Array:
        """Return the compiled model's codes as the vector has them."""
        return self._moved(values, self.info, self.tensor)

    @staticmethod
    def _moved(values: Int8Array, source: Tensor | TensorInfo, target: Tensor | TensorInfo) -> Int8Array:
        if (np.float32(source.scale), source.zero_point) == (np.float32(target.scale), target.zero_point):
            return values
        real = (values.astype(np.float64) - source.zero_point) * source.scale
        codes: Int8Array = np.clip(np.rint(real / target.scale) + target.zero_point, -128, 127).astype(
            np.int8
        )
        return codes


def _ends(vector: Vector, names: Sequence[str], infos: Sequence[TensorInfo]) -> list[_End]:
    tensors = [vector.program.tensors[name] for name in names]
    found = [info.unpadded_shape for info in infos]
    if found != [(1, *tensor.shape) for tensor in tensors]:
        raise InvalidArgument(
            f"vector {vector.name!r}: the compiled model has tensors {found}, expected {[(1, *t.shape) for t in tensors]}; "
            "compile the ONNX file that `axemu vectors export` wrote, for one core"
        )
    return [_End(tensor, info) for tensor, info in zip(tensors, infos, strict=True)]


@contextlib.contextmanager
def board(driver: Driver) -> Iterator[Board]:
    """Connect to one core, and give it back."""
    from axelera.runtime import Context  # noqa: PLC0415  nothing of it where vectors are only listed

    with Scratch("axemu-vectors-") as directory, Context(driver) as context:
        yield Board(context, context.device_connect(None, 1), directory)
