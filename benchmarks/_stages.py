"""The stages of a loaded program, each to be run alone, without the copies at the program's ends."""

# ruff: noqa: SLF001  a stage is timed without what is around it, which nobody else needs to do
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from axemu.emulator.compute._compiled import CompiledExecutable
from axemu.emulator.compute.executor.arguments import Job, StageRow


def started(executable: CompiledExecutable) -> tuple[Any, list[StageRow]]:
    """Return a runner that has run one frame, and its stages in order; its ends stay where they are."""
    runner = executable.instance()
    tensors = executable.program.tensors
    rng = np.random.default_rng(1)
    frames = [
        rng.integers(-128, 128, tensors[name].size).astype(np.int8) for name in executable.program.inputs
    ]
    results = [np.empty(tensors[name].size, np.int8) for name in executable.program.outputs]
    runner.run(frames, results)
    runner.ends = (frames, results)  # type: ignore[attr-defined]  stages that copy them hold their addresses
    words = runner._words[: executable.linked.stage_count * len(StageRow.names)]
    return runner, [StageRow.unpack(row) for row in words.reshape(-1, len(StageRow.names))]


def job(executable: CompiledExecutable, runner: Any, stages: Sequence[StageRow]) -> Callable[[], object]:
    """Return a function that runs some stages of a runner, one after the other."""
    rows = np.array(
        [replace(stage, last=n, group_chunks=stage.chunks).words() for n, stage in enumerate(stages)],
        np.int64,
    )
    words = np.array(
        replace(
            Job.unpack(runner._job),
            stages=rows.ctypes.data,
            stage_count=len(stages),
            helper_count=0,
        ).words(),
        np.int64,
    )
    run, address = executable.library.run, words.ctypes.data
    return lambda: (run(address, 0, 0), runner, rows, words)
