"""Suites of the compute core, unchanged, on the machine code of the paths for Arm.

Usage: python -m pytest -p tests._arm.plugin SUITE...; AXEMU_ARM_PATHS names the paths (i8mm,dotprod).

In place of the paths of this machine there are those of Arm: what `load` returns runs its frames under QEMU. All that
happens before, from analysis to packed weights and linked addresses, happens here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from axemu.emulator import compute
from axemu.emulator.compute import _compiled, _load, _paths
from axemu.emulator.compute._threads import make_semaphore
from axemu.emulator.compute.executor.arguments import MAILBOX_BYTES, MAILBOX_SEMAPHORE

from .machine import CPUS, Machine, missing

PATHS = tuple(os.environ.get("AXEMU_ARM_PATHS", ",".join(CPUS)).split(","))
_directory = tempfile.TemporaryDirectory(prefix="axemu-arm-")
_machines: list[Machine] = []

Array = npt.NDArray[Any]


class Helper(NamedTuple):
    """A thread of the machine that waits for work."""

    mailbox: int


class ArmLibrary:
    """Stands in for `_library.Library`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.machine = Machine(path, Path(_directory.name))
        self.address = self.machine.address
        self.sent: Sequence[Array] = ()
        """What the next run may read, but for what is in `written`."""
        self.written: Sequence[Array] = ()
        self._mailboxes: list[Array] = []
        _machines.append(self.machine)

    def run(self, job: int, _first: int, _second: int) -> None:
        """Run a job there, on copies of the memory it works on."""
        for array in (*self.sent, *self.written):
            self.machine.write(array)
        self.machine.call(self.address("run"), job, 0)
        for array in self.written:
            self.machine.read(array)

    def serve(self, _mailbox: int, _first: int, _second: int) -> None:
        """Never called: threads of the machine serve."""
        raise AssertionError

    def helpers(self, count: int) -> list[Helper]:
        """Return some threads of the machine."""
        while len(self._mailboxes) < count:
            mailbox = _compiled._aligned(MAILBOX_BYTES)
            make_semaphore(mailbox.ctypes.data + MAILBOX_SEMAPHORE)
            self.machine.write(mailbox)
            self.machine.start(self.address("serve"), mailbox.ctypes.data)
            self._mailboxes.append(mailbox)
        return [Helper(mailbox.ctypes.data) for mailbox in self._mailboxes[:count]]


class ArmBudget:
    """Stands in for `_threads.ThreadBudget`: every run gets the threads it may use."""

    def hold(
        self, count: int, serve: Any, execute: Callable[[list[Any]], None], *, aside: bool = False
    ) -> None:
        """Run with helpers."""
        assert not aside
        execute(serve.__self__.helpers(count - 1))


class ArmRunner(_compiled._CompiledRunner):
    """Tells the library which memory a frame works on."""

    def _run_frame(self, index: int, inputs: list[Any], outputs: list[Any]) -> None:
        kernels: Any = self._executable.library
        job = self._job.base
        assert isinstance(job, np.ndarray)
        kernels.sent = (self._words, self._helpers, *self._executable.linked.kept, *inputs)
        kernels.written = (self._arena, self._counters, job, *outputs)
        super()._run_frame(index, inputs, outputs)


def pytest_configure() -> None:
    """Replace the paths of this machine."""
    if lacks := missing():
        pytest.exit("the paths for Arm cannot be run on this machine, it lacks\n  " + "\n  ".join(lacks), 1)
    flags = frozenset(flag for path in PATHS for way in _paths.SPECS[path].ways for flag in way.needs)
    _paths.cpu_flags = lambda: flags
    for module in (compute, _load, _paths):
        module.available_paths = lambda: PATHS
    _load.library = cache(ArmLibrary)
    _load.shared_budget = ArmBudget
    _compiled._CompiledRunner = ArmRunner


def pytest_unconfigure() -> None:
    """End the processes."""
    for machine in _machines:
        machine.close()
    _directory.cleanup()
