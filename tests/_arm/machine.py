"""An Arm machine for tests: QEMU runs the kernels' machine code, on memory that has the same addresses there and here."""

from __future__ import annotations

import functools
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.emulator.compute._build import SYMBOL_PREFIX

ROOT = Path(__file__).resolve().parents[2]
PAGE = 4096
EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
COMPILERS = ("aarch64-linux-gnu-gcc",)
CPUS = {"i8mm": "max", "dotprod": "neoverse-n1"}
"""The CPU that QEMU emulates for a path: the second has dot products and no I8MM."""


def missing() -> list[str]:
    """Return what this machine lacks, and how to get it."""
    lacks = []
    for what, names, package in (
        ("QEMU's user mode", EMULATORS, "qemu-user"),
        ("a C compiler for Arm", COMPILERS, "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"),
    ):
        if _found(names) is None:
            lacks.append(f"{what} ({' or '.join(names)}): apt-get install {package}")
    return lacks


def _found(names: Iterable[str]) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


@functools.cache
def build(path: str, directory: Path) -> tuple[Path, Mapping[str, int]]:
    """Return a program with the kernels of a path, and the addresses of its functions."""
    kernels, program = directory / f"{path}.o", directory / path
    _run(sys.executable, "-m", "tests._arm.cross", path, str(kernels))
    compiler = str(_found(COMPILERS))
    source = str(Path(__file__).with_name("runner.c"))
    _run(
        compiler, "-O1", "-Wall", "-Werror", "-static", "-o", str(program), source, str(kernels), "-lpthread"
    )
    symbols = (line.split() for line in _run(compiler.replace("gcc", "nm"), str(program)).splitlines())
    return program, {parts[2]: int(parts[0], 16) for parts in symbols if len(parts) == 3}


class Machine:
    """A process under QEMU with the kernels of a path."""

    def __init__(self, path: str, directory: Path) -> None:
        program, self._symbols = build(path, directory)
        command = [str(_found(EMULATORS)), "-cpu", CPUS[path], str(program)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._pages: set[int] = set()

    def address(self, kernel: str) -> int:
        """Return where a kernel's code starts there."""
        return self._symbols[SYMBOL_PREFIX + kernel]

    def write(self, array: npt.NDArray[Any]) -> None:
        """Copy an array to its own address."""
        address, size = array.ctypes.data, array.nbytes
        if size:
            self._make_pages(address, size)
            self._ask("W", address, size)
            self._give(array.reshape(-1).view(np.uint8).data)

    def read(self, array: npt.NDArray[Any]) -> None:
        """Copy an array back."""
        if array.nbytes:
            self._ask("R", array.ctypes.data, array.nbytes)
            array.reshape(-1).view(np.uint8)[:] = np.frombuffer(self._take(array.nbytes), np.uint8)

    def call(self, function: int, *arguments: int) -> None:
        """Call a function and wait for its end."""
        self._ask("C", function, *arguments)
        self._take(1)

    def start(self, function: int, argument: int) -> None:
        """Call a function in a thread of its own."""
        self._ask("T", function, argument)
        self._take(1)

    def join(self) -> None:
        """Wait for all threads."""
        self._ask("J")
        self._take(1)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()

    def _make_pages(self, address: int, size: int) -> None:
        wanted = range(address // PAGE, -(-(address + size) // PAGE))
        fresh = [page for page in wanted if page not in self._pages]
        self._pages.update(fresh)
        while fresh:  # whole runs of pages
            count = next((n for n in range(1, len(fresh)) if fresh[n] != fresh[0] + n), len(fresh))
            self._ask("M", fresh[0] * PAGE, count * PAGE)
            fresh = fresh[count:]

    def _ask(self, what: str, *words: int) -> None:
        self._give(struct.pack("<4q", ord(what), *words, *[0] * (3 - len(words))))

    def _give(self, data: bytes | memoryview) -> None:
        stream = self._process.stdin
        assert stream is not None
        try:
            stream.write(data)
            stream.flush()
        except BrokenPipeError:
            self._fail()

    def _take(self, size: int) -> bytes:
        stream = self._process.stdout
        assert stream is not None
        data = stream.read(size)
        if len(data) != size:
            self._fail()
        return data

    def _fail(self) -> None:
        raise RuntimeError(f"the program on Arm ended with {self._process.wait(10)}")
