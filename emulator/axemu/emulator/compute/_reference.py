"""The path "reference": the plain NumPy specification, for debugging and as the oracle of all other paths."""

from __future__ import annotations

from typing import cast

from axemu.model import ops
from axemu.model.ops import Numerics

from ._executable import Executable, Int8Array, Runner


class ReferenceExecutable(Executable):
    """Runs the specification itself; compiles nothing."""

    def instance(self) -> Runner:
        """Return a runner of the specification."""
        return _ReferenceRunner(self)


class _ReferenceRunner(Runner):
    def __init__(self, executable: ReferenceExecutable) -> None:
        super().__init__(executable.program, executable.taps)
        self._numerics = cast("Numerics", executable.numerics)

    def _run_frame(self, index: int, inputs: list[Int8Array], outputs: list[Int8Array]) -> None:
        program = self._program
        values = dict(zip(program.inputs, inputs, strict=True))
        if self._taps:
            tapped = ops.execute_taps(program, values, self._numerics)
            for name, tap in self._taps.items():
                tap[index] = tapped[name]
            results = tapped
        else:
            results = ops.execute(program, values, self._numerics)
        for name, output in zip(program.outputs, outputs, strict=True):
            output[...] = results[name]
