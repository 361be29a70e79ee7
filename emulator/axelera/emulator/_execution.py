"""The values of one instance: executes frames and keeps what double buffering delays."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from axelera.driver import ModelFiles

if TYPE_CHECKING:
    from axelera.emulator.compute import Executable, Runner

Int8Array = npt.NDArray[np.int8]
POISON = -86
"""The byte (0xAA) that fills warm-up outputs with `warmup = "poison"`."""
FILES = ("program.json", "program.bin", "model.json", "manifest.json")
"""Files of a model; an executable is shared while none of them changes."""
DELAY = 2
"""Results of a double-buffered instance come this many calls late."""


class Values:
    """What one instance computes.

    A frame whose inputs equal those of the frame before is not computed again: the program is a pure function. Without
    a `runner` outputs hold the zero points of the output tensors.
    """

    def __init__(self, model: ModelFiles, runner: Runner | None, double_buffer: bool, warmup: str) -> None:
        self._runner = runner
        self._inputs: list[Int8Array] = []
        self._results = [
            np.full(info.size, np.clip(info.zero_point, -128, 127), np.int8) for info in model.outputs
        ]
        self._warmup = np.int8(POISON if warmup == "poison" else 0)
        self._late: deque[list[Int8Array] | None] = deque([None] * DELAY if double_buffer else [])
        self._double_buffer = double_buffer

    def frame(self, inputs: Sequence[Int8Array], outputs: Sequence[Int8Array]) -> None:
        """Take the next frame in and hand out the results that are due."""
        if self._runner is not None:
            self._compute(self._runner, inputs)
        due: list[Int8Array] | None = self._results
        if self._double_buffer:
            self._late.append([result.copy() for result in self._results])
            due = self._late.popleft()
        for index, output in enumerate(outputs):
            output[:] = self._warmup if due is None else due[index]

    def _compute(self, runner: Runner, inputs: Sequence[Int8Array]) -> None:
        if self._inputs and all(map(np.array_equal, inputs, self._inputs)):
            return
        self._inputs = []
        runner.run(inputs, self._results)
        self._inputs = [array.copy() for array in inputs]


class Executables:
    """Executables by model directory and numerics, so that instances of a model share its packed weights."""

    def __init__(self) -> None:
        self._loaded: weakref.WeakValueDictionary[tuple[object, ...], Executable] = (
            weakref.WeakValueDictionary()
        )
        self._lock = threading.Lock()

    def get(self, directory: Path, numerics: str, path: str, make: Callable[[], Executable]) -> Executable:
        """Return the executable of a directory, made with `make` unless one is in use already."""
        files = [(directory / name).stat() for name in FILES if (directory / name).exists()]
        key = (directory.resolve(), numerics, path, *((file.st_mtime_ns, file.st_size) for file in files))
        with self._lock:
            executable = self._loaded.get(key)
            if executable is None:
                executable = make()
                self._loaded[key] = executable
            return executable
