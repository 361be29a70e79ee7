"""The values of one instance: executes frames and keeps what double buffering delays."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from axemu.driver import ModelFiles, copy_flat

if TYPE_CHECKING:
    from axemu.emulator.compute import Executable, Runner

Int8Array = npt.NDArray[np.int8]
POISON = -86
"""The byte (0xAA) that fills warm-up outputs with `warmup = "poison"`."""
FILES = ("program.json", "program.bin", "model.json", "manifest.json")
"""Files of a model, beside TorchScript programs; an executable is shared while none of them changes."""
_GLANCE = 4096
DELAY = 2
"""Results of a double-buffered instance come this many calls late."""
LONGEST_WAIT = 0.1
"""Seconds that a call waits at most for who still reads the results of the call before."""


class Values:
    """What one instance computes.

    A frame whose inputs equal those of the frame before is not computed again: the program is a pure function. Yet it
    takes as long while it hands out other results than the frame before, as double buffering does: on a card there is time
    to read them. Without a `runner` outputs hold the zero points of the output tensors.
    """

    def __init__(self, model: ModelFiles, runner: Runner | None, double_buffer: bool, warmup: str) -> None:
        self._runner = runner
        self._inputs = [np.empty(info.size, np.int8) for info in model.inputs]
        self._results_fit_inputs = False
        self._equal_frames = 0
        """Frames since the last that was computed."""
        self._took = 0.0
        """Seconds that one took."""
        self._results = [
            np.full(info.size, np.clip(info.zero_point, -128, 127), np.int8) for info in model.outputs
        ]
        fill = np.int8(POISON if warmup == "poison" else 0)
        self._late = deque(
            [np.full(info.size, fill) for info in model.outputs]
            for _ in range(DELAY + 1 if double_buffer else 0)
        )
        """The results that are due next, those that follow, and at last room for those of the next frame."""

    def frame(self, inputs: Sequence[Int8Array], outputs: Sequence[Int8Array]) -> None:
        """Take the next frame in and hand out the results that are due."""
        if self._runner is not None:
            self._compute(self._runner, inputs)
        if not self._late:
            _copy(self._results, outputs)
            return
        _copy(self._results, self._late[-1])
        _copy(self._late[0], outputs)
        self._late.rotate(-1)  # with this the frame was taken in; an interrupt before it leaves all as it was

    def _compute(self, runner: Runner, inputs: Sequence[Int8Array]) -> None:
        if self._results_fit_inputs and all(map(_equal, inputs, self._inputs)):
            self._equal_frames += 1
            if self._late and self._equal_frames <= DELAY:
                time.sleep(min(self._took, LONGEST_WAIT))
            return
        self._results_fit_inputs = False
        start = time.perf_counter()
        runner.run(inputs, self._results)
        self._took = time.perf_counter() - start
        _copy(inputs, self._inputs)
        self._equal_frames = 0
        self._results_fit_inputs = True


def _copy(sources: Sequence[Int8Array], targets: Sequence[Int8Array]) -> None:
    for source, target in zip(sources, targets, strict=True):
        copy_flat(source, target)


def _equal(one: Int8Array, other: Int8Array) -> bool:
    """Compare flat arrays; a difference is mostly near the start."""
    # Of bytes, as these stay with the interpreter.
    return one[:_GLANCE].tobytes() == other[:_GLANCE].tobytes() and np.array_equal(one, other)


class Executables:
    """Executables by model directory and options, so that instances of a model share its packed weights."""

    def __init__(self) -> None:
        self._loaded: weakref.WeakValueDictionary[tuple[object, ...], Executable] = (
            weakref.WeakValueDictionary()
        )
        self._lock = threading.Lock()

    def get(self, directory: Path, options: tuple[object, ...], make: Callable[[], Executable]) -> Executable:
        """Return the executable of a directory, made with `make` unless one is in use already."""
        files = [(directory / name).stat() for name in FILES if (directory / name).exists()]
        files += [file.stat() for file in sorted(directory.glob("*.pt"))]
        key = (directory.resolve(), *options, *((file.st_mtime_ns, file.st_size) for file in files))
        with self._lock:
            executable = self._loaded.get(key)
            if executable is None:
                executable = make()
                self._loaded[key] = executable
            return executable
