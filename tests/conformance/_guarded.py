"""Programs whose memory ends, or begins, at a page that nobody may touch; run in a process of its own.

Usage: python -m tests.conformance._guarded PATH SEED PROGRAMS WIDTH...

Executes every kind of operator with every WIDTH of channels, and then PROGRAMS random programs, on one compiled path. Each
case runs once per layout of memory. What a kernel is given - frames, constants, arguments, and each buffer of the arena
with its slack - lies in memory of its own:

- `end`: right before a page without access; reads beyond it end the process by a signal,
- `start`: right after such a page; reads and writes before it do,
- `write`: right before a page that may be read only, as all constants and inputs may; writes out of place do.

Before each case its name is written to standard output, so the last line names the case that ended the process. The last
line of a process that came to its end is a JSON document of counts.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.conformance._compute_programs import MAKERS, random_frames, random_program
from tests.conformance._guarded_programs import KINDS, program_of

from axemu.emulator.compute import ThreadBudget, _assembler, _compiled, available_paths
from axemu.emulator.compute._arguments import Arguments, Kernel
from axemu.emulator.compute._assembler import Unsupported
from axemu.emulator.compute._layout import SLACK, Buffer, Data, Stage
from axemu.emulator.compute._library import Library, library
from axemu.model import ops
from axemu.model.program import Program, validate

Bytes = npt.NDArray[np.uint8]

PAGE = mmap.PAGESIZE
LAYOUTS = ("end", "start", "write")
NONE, READ = 0, mmap.PROT_READ
_libc = ctypes.CDLL(None, use_errno=True)


def protect(address: int, size: int, access: int) -> None:
    """Set what may be done with whole pages."""
    if size and _libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(size), access):
        raise OSError(ctypes.get_errno(), "mprotect")


def pages(size: int) -> int:
    """Return a number of bytes in whole pages."""
    return -(-size // PAGE) * PAGE


def fenced(size: int, layout: str) -> Bytes:
    """Return `size` zeroed bytes next to a page without access."""
    room = pages(size)
    memory = np.frombuffer(mmap.mmap(-1, room + 2 * PAGE), np.uint8)
    address = memory.ctypes.data
    protect(address, PAGE, NONE)
    protect(address + PAGE + room, PAGE, NONE)
    start = PAGE if layout == "start" else PAGE + room - size
    return memory[start : start + size]


def fenced_copy(array: npt.NDArray[Any], layout: str) -> npt.NDArray[Any]:
    """Return a copy in fenced memory, which is read only in the layout `write`."""
    memory = fenced(array.nbytes, layout)
    copy = memory.view(array.dtype).reshape(array.shape)
    copy[...] = array
    if layout == "write":
        first = copy.ctypes.data // PAGE * PAGE
        protect(first, pages(copy.ctypes.data + array.nbytes - first), READ)
    return copy


class Guard:
    """Gives the compute core fenced memory in place of its own."""

    def __init__(self) -> None:
        self.layout = "end"
        self.kernels: set[str] = set()
        self._arena: list[tuple[int, int]] = []
        self._arena_size = -1
        self._plan, self._link, self._aligned = _compiled.plan_arena, _compiled.link, _compiled._aligned

    def install(self) -> None:
        """Replace what lays out and allocates memory."""
        _compiled.plan_arena = self.plan
        _compiled.link = self.link
        _compiled._aligned = self.aligned

    def plan(self, stages: Sequence[Stage], constants: Sequence[Buffer]) -> int:
        """Give every buffer pages of its own, with a page on both sides."""
        self._plan(stages, constants)
        buffers = dict.fromkeys([*constants, *(buffer for stage in stages for buffer in stage.buffers)])
        end, self._arena = PAGE, []
        for buffer in buffers:
            slack = 0 if self.layout == "write" else SLACK
            room = pages(buffer.size + slack)
            buffer.offset = end if self.layout == "start" else end + room - buffer.size - slack
            self._arena.append((end + room, READ if self.layout == "write" else NONE))
            end += room + PAGE
        self._arena_size = end + PAGE  # no other allocation is so large but by chance
        return self._arena_size

    def aligned(self, size: int) -> Bytes:
        """Return memory of a runner: its arena, or its arguments."""
        if size != self._arena_size:
            return fenced(size, "end" if self.layout == "write" else self.layout)
        memory = np.frombuffer(mmap.mmap(-1, size), np.uint8)
        protect(memory.ctypes.data, PAGE, NONE)
        protect(memory.ctypes.data + size - PAGE, PAGE, NONE)
        for place, access in self._arena:
            protect(memory.ctypes.data + place, PAGE, access)
        return memory

    def link(self, stages: list[Stage], code: Library) -> _compiled.Linked:
        """Move all constants into fenced memory first."""
        arrays: dict[int, Data] = {}
        seen: dict[int, Arguments] = {}

        def moved(value: object) -> object:
            if isinstance(value, Arguments):
                if id(value) not in seen:
                    words = zip(value.names, value.words(), strict=True)
                    seen[id(value)] = type(value)(**{name: moved(word) for name, word in words})
                return seen[id(value)]
            if isinstance(value, Data):
                if id(value.array) not in arrays:
                    arrays[id(value.array)] = Data(fenced_copy(value.array, self.layout))
                return arrays[id(value.array)]
            return value

        self.kernels.update(_called(stages))
        fenced_stages = [dataclasses.replace(stage, arguments=moved(stage.arguments)) for stage in stages]
        return self._link(fenced_stages, code)

    def execute(self, program: Program, numerics: str, code: Library, frames: dict[str, Any]) -> list[Any]:
        """Return the outputs of each frame of a batch."""
        threads = 3 if self.layout == "write" else 1
        budget = ThreadBudget(threads)
        executable = _compiled.CompiledExecutable(program, numerics, code, threads, budget, (), aside=False)
        runner = executable.instance()
        inputs = [fenced_copy(np.ascontiguousarray(frames[name]), self.layout) for name in program.inputs]
        fence = "end" if self.layout == "write" else self.layout
        outputs = [
            fenced(program.batch * program.tensors[name].size, fence).view(np.int8)
            for name in program.outputs
        ]
        runner.run(inputs, outputs)
        return outputs


def _called(stages: Sequence[Stage]) -> Iterator[str]:
    """Yield the kernels of the stages and those that other kernels call."""
    yield from (stage.kernel.name for stage in stages)
    todo = [stage.arguments for stage in stages]
    while todo:
        for value in todo.pop().words():
            if isinstance(value, Arguments):
                todo.append(value)
            elif isinstance(value, Kernel):
                yield value.name


def check(guard: Guard, name: str, program: Program, seed: int, code: Library) -> tuple[int, int]:
    """Execute a program in every layout; return the number of runs, and of values not those of the specification."""
    validate(program)
    frames = random_frames(program, seed)
    runs = differing = 0
    for numerics in ("metis", "exact"):
        expected = [
            ops.execute(program, {key: value[index] for key, value in frames.items()}, numerics)  # type: ignore[arg-type]
            for index in range(program.batch)
        ]
        for layout in LAYOUTS:
            guard.layout = layout
            _assembler.SMALL_WORK = 1 if layout == "write" else 20_000
            os.write(1, f"{code.path}: {name}, {numerics}, layout {layout}\n".encode())
            try:
                outputs = guard.execute(program, numerics, code, frames)
            except Unsupported:  # runs by the specification
                continue
            runs += 1
            wrong = 0
            for tensor, found in zip(program.outputs, outputs, strict=True):
                wanted = np.stack([result[tensor] for result in expected])
                wrong += int((found != wanted.reshape(-1)).sum())
            if wrong:
                os.write(1, f"wrong: {wrong} values\n".encode())
            differing += wrong
    return runs, differing


def main(path: str, seed: int, programs: int, widths: Sequence[int]) -> None:
    """Run all cases and print the counts."""
    assert path in available_paths()  # which asks the system for tile registers, too
    guard, code = Guard(), library(path)
    guard.install()
    cases = [
        (f"{kind} of {width} channels", program_of(kind, width, seed), seed)
        for kind in KINDS
        for width in widths
    ]
    for number in range(seed, seed + programs):
        maker = sorted(MAKERS)[number % len(MAKERS)]
        cases.append((f"random program {number} around {maker}", random_program(number, maker, 5), number))
    results = [check(guard, *case, code) for case in cases]
    runs, differing = (sum(column) for column in zip(*results, strict=True))
    kernels = sorted(guard.kernels)
    print(json.dumps({"cases": len(cases), "runs": runs, "differing": differing, "kernels": kernels}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(width) for width in sys.argv[4:]])
