"""What `load` returns: an executable (shared, immutable) and its runners (one per instance, with their own memory)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from axemu.driver import InvalidArgument
from axemu.model.program import Program

Int8Array = npt.NDArray[np.int8]


class Runner(ABC):
    """Executes frames for one instance; not to be entered by two threads at once."""

    def __init__(self, program: Program, taps: Sequence[str]) -> None:
        self._program = program
        self._taps = {
            name: np.empty((program.batch, *program.tensors[name].shape), dtype=np.int8) for name in taps
        }

    @property
    def taps(self) -> Mapping[str, Int8Array]:
        """Values of the tapped tensors after the last `run`, each int8 of shape (batch, H, W, C)."""
        return self._taps

    def run(self, inputs: Sequence[Int8Array], outputs: Sequence[Int8Array]) -> None:
        """Execute one batch.

        Args:
            inputs: One C-contiguous int8 array of batch × H × W × C elements (any shape) per input of the program.
            outputs: As many arrays as the program has outputs; written in place.

        Raises:
            InvalidArgument: Count, type, size or layout of a buffer does not fit the program.
        """
        frames_in = self._frames("input", self._program.inputs, inputs)
        frames_out = self._frames("output", self._program.outputs, outputs)
        for index in range(self._program.batch):
            self._run_frame(
                index, [array[index] for array in frames_in], [array[index] for array in frames_out]
            )

    @abstractmethod
    def _run_frame(self, index: int, inputs: list[Int8Array], outputs: list[Int8Array]) -> None:
        """Execute frame `index` of the batch; arrays are flat or shaped, C-contiguous, of the right size."""

    def _frames(self, what: str, names: tuple[str, ...], arrays: Sequence[Int8Array]) -> list[Int8Array]:
        program = self._program
        if len(arrays) != len(names):
            raise InvalidArgument(
                f"program {program.name!r} got {len(arrays)} {what} buffers, expected {len(names)}: one per tensor"
            )
        frames = []
        for name, array in zip(names, arrays, strict=True):
            tensor = program.tensors[name]
            if (
                array.dtype != np.int8
                or array.size != program.batch * tensor.size
                or not array.flags.c_contiguous
            ):
                raise InvalidArgument(
                    f"{what} {name!r} of program {program.name!r} is {array.dtype} with {array.size} elements"
                    f"{'' if array.flags.c_contiguous else ' in strided memory'}, expected C-contiguous int8 with"
                    f" {program.batch * tensor.size}: {program.batch} frames of {tensor.shape}"
                )
            frames.append(array.reshape(program.batch, *tensor.shape))
        return frames


class Executable(ABC):
    """A program made ready for one numerics and one path; immutable and shared by its runners."""

    def __init__(self, program: Program, numerics: str, path: str, taps: Sequence[str]) -> None:
        self.program = program
        self.numerics = numerics
        self.path = path
        """The path in use: what "auto" was resolved to."""
        self.taps = tuple(taps)

    @abstractmethod
    def instance(self) -> Runner:
        """Return a runner with its own activation memory; weights and tables stay shared."""
