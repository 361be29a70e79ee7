"""Executables of compiled kernels: stages linked to addresses, and runners with an arena of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from axemu.driver import InternalError
from axemu.model.program import Program

from ._analysis import analyse
from ._arena import assign_groups, plan_arena
from ._arguments import Arguments, Kernel
from ._assembler import Assembler
from ._executable import Executable, Int8Array, Runner
from ._layout import Address, Data, External, Stage, View
from ._library import Library
from ._paths import SPECS
from ._threads import Helper, ThreadBudget, make_semaphore
from .executor.arguments import (
    COUNTER_BYTES,
    JOB_BYTES,
    JOB_SEMAPHORE,
    JOB_WORKER,
    WORKER_SEMAPHORE,
    Job,
    StageRow,
)
from .ops import assemblies

HELPER_COUNT = Job.index("helper_count")


@dataclass(frozen=True, slots=True)
class Linked:
    """All arguments of a program as one array of int64, and the fields to which an instance adds addresses."""

    words: npt.NDArray[np.int64]
    arena_fields: npt.NDArray[np.int64]
    own_fields: npt.NDArray[np.int64]
    externals: tuple[tuple[int, External], ...]
    stage_count: int
    kept: tuple[npt.NDArray[Any], ...]
    """Arrays whose addresses are in `words`."""


class CompiledExecutable(Executable):
    """A program assembled into stages and linked; weights and tables are shared by all runners."""

    def __init__(
        self,
        program: Program,
        numerics: str,
        library: Library,
        threads: int,
        budget: ThreadBudget,
        taps: tuple[str, ...],
        aside: bool,
    ) -> None:
        super().__init__(program, numerics, library.path, taps)
        self.library, self.threads, self.budget, self.aside = library, threads, budget, aside
        assembler = assemble(program, numerics, library.path, threads, taps)
        self.views = {name: assembler.view(name) for name in taps if name not in program.inputs}
        self.constants = tuple(buffer for buffer in assembler.buffers.values() if buffer.contents is not None)
        for name in self.views:
            assembler.view(name).buffer.kept = True
        assign_groups(assembler.stages)
        self.arena_size = plan_arena(assembler.stages, self.constants)
        """Bytes of activations of one runner."""
        self.linked = link(assembler.stages, library)
        self.program = replace(
            program, constants=MappingProxyType({})
        )  # packed weights and tables take their place
        self.shared_size = sum(array.nbytes for array in self.linked.kept)
        """Bytes of packed weights and tables, shared by all runners."""

    def instance(self) -> Runner:
        """Return a runner with its own arena."""
        return _CompiledRunner(self)


def assemble(program: Program, numerics: str, path: str, threads: int, taps: tuple[str, ...]) -> Assembler:
    """Return a program's stages."""
    assembler = Assembler(analyse(program, taps), numerics, SPECS[path], threads)
    for index, name in enumerate(program.inputs):
        _import(assembler, index, name)
    for node in program.nodes:
        if node.name not in assembler.analysis.fused:
            assemblies()[node.op](assembler, node)
    for index, name in enumerate(program.outputs):
        assembler.export(assembler.view(name), index)
    return assembler


def _import(assembler: Assembler, index: int, name: str) -> None:
    """Copy an input into the arena, unless only slices read it: they copy their part."""
    readers = assembler.analysis.consumers.get(name, [])
    if all(node.op == "slice" for node in readers) and name not in assembler.analysis.outputs:
        return
    _, columns, channels = assembler.tensor(name).shape
    strides = (columns * channels, channels, 1)
    assembler.copy((External(output=False, index=index, offset=0), strides), assembler.view(name))


def link(stages: list[Stage], library: Library) -> Linked:
    """Lay out all arguments and resolve what does not depend on the instance."""
    linker = _Linker(library)
    rows = [linker.reserve(StageRow) for _ in stages]
    chunks_of_group: dict[int, int] = {}
    last_of_group: dict[int, int] = {}
    for index, stage in enumerate(stages):
        chunks_of_group[stage.group] = chunks_of_group.get(stage.group, 0) + stage.chunks
        last_of_group[stage.group] = index
    for position, stage in zip(rows, stages, strict=True):
        row = StageRow(
            function=stage.kernel,
            arguments=stage.arguments,
            chunks=stage.chunks,
            last=last_of_group[stage.group],
            group_chunks=chunks_of_group[stage.group],
        )
        linker.pack(position, row)
    return linker.result(len(stages))


class _Linker:
    def __init__(self, library: Library) -> None:
        self._library = library
        self._words: list[int] = []
        self._arena: list[int] = []
        self._own: list[int] = []
        self._externals: list[tuple[int, External]] = []
        self._arrays: dict[int, npt.NDArray[Any]] = {}
        self._packed: dict[int, int] = {}
        self._kernels: dict[str, int] = {}

    def reserve(self, description: type[Arguments]) -> int:
        start = len(self._words)
        self._words += [0] * len(description.names)
        return start

    def pack(self, position: int, arguments: Arguments) -> None:
        for index, value in enumerate(arguments.words()):
            self._set(position + index, value)

    def _set(self, position: int, value: object) -> None:
        if isinstance(value, Address):
            self._words[position] = value.buffer.offset + value.offset
            self._arena.append(position)
        elif isinstance(value, Data):
            self._arrays[id(value.array)] = value.array
            self._words[position] = value.array.ctypes.data
        elif isinstance(value, Kernel):
            if value.name not in self._kernels:
                self._kernels[value.name] = self._library.address(value.name)
            self._words[position] = self._kernels[value.name]
        elif isinstance(value, External):
            self._externals.append((position, value))
        elif isinstance(value, Arguments):
            self._words[position] = Arguments.word * self._place(value)
            self._own.append(position)
        elif isinstance(value, int | np.integer):
            self._words[position] = int(value)
        elif value is not None:  # whose word is 0
            raise InternalError(f"arguments hold {value!r}, which is no value of a word")

    def _place(self, arguments: Arguments) -> int:
        known = self._packed.get(id(arguments))
        if known is None:
            known = self._packed[id(arguments)] = self.reserve(type(arguments))
            self.pack(known, arguments)
        return known

    def result(self, stage_count: int) -> Linked:
        return Linked(
            np.array(self._words, np.int64),
            np.array(self._arena, np.int64),
            np.array(self._own, np.int64),
            tuple(self._externals),
            stage_count,
            tuple(self._arrays.values()),
        )


class _CompiledRunner(Runner):
    def __init__(self, executable: CompiledExecutable) -> None:
        super().__init__(executable.program, executable.taps)
        self._executable = executable
        linked = executable.linked
        self._arena = _aligned(executable.arena_size)
        self._words = _aligned(8 * linked.words.size).view(np.int64)
        self._words[:] = linked.words
        self._words[linked.arena_fields] += self._arena.ctypes.data
        self._words[linked.own_fields] += self._words.ctypes.data
        for buffer in executable.constants:
            contents = buffer.contents
            if contents is not None:
                self._arena[buffer.offset : buffer.offset + buffer.size] = contents
        self._counters = _aligned(COUNTER_BYTES * max(1, linked.stage_count))
        self._helpers = np.zeros(max(1, executable.threads), np.int64)
        memory = _aligned(JOB_BYTES)
        self._job = memory[: Job.size()].view(np.int64)
        self._job[:] = Job(
            stages=self._words.ctypes.data,
            stage_count=linked.stage_count,
            counters=self._counters.ctypes.data,
            helpers=self._helpers.ctypes.data,
            aside=int(executable.aside),
        ).words()
        self._job_address = self._job.ctypes.data
        make_semaphore(self._job_address + JOB_SEMAPHORE)
        make_semaphore(self._job_address + JOB_WORKER + WORKER_SEMAPHORE)

    def _run_frame(self, index: int, inputs: list[Int8Array], outputs: list[Int8Array]) -> None:
        executable = self._executable
        addresses = ([array.ctypes.data for array in inputs], [array.ctypes.data for array in outputs])
        for position, external in executable.linked.externals:
            self._words[position] = addresses[external.output][external.index] + external.offset
        executable.budget.hold(
            executable.threads, executable.library.serve, self._execute, aside=executable.aside
        )
        for name, tap in self._taps.items():
            view = executable.views.get(name)
            if view is None:
                tap[index] = inputs[self._program.inputs.index(name)]
            else:
                tap[index] = self._read(view)

    def _execute(self, helpers: list[Helper]) -> None:
        for place, helper in enumerate(helpers):
            self._helpers[place] = helper.mailbox
        self._job[HELPER_COUNT] = len(helpers)
        self._executable.library.run(self._job_address, 0, 0)

    def _read(self, view: View) -> Int8Array:
        start = view.buffer.offset + view.start
        stored = np.lib.stride_tricks.as_strided(
            self._arena[start:], shape=view.shape, strides=(view.row, view.pixel, 1)
        )
        return (stored ^ np.uint8(0x80)).view(np.int8)


def _aligned(size: int) -> npt.NDArray[np.uint8]:
    """Return zeroed memory that starts at a cache line."""
    memory = np.zeros(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]
