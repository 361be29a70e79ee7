"""Where the time of a network goes: every stage of it alone, in `exact` and in `metis`.

    python benchmarks/stages.py NETWORK... [--path avx2] [--top 12] [--prepared FOLDER]

A pass runs all stages in their order, so that caches hold what they hold in a frame; a call's own cost, about a
microsecond, is in every figure.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from _stages import job, started
from networks import OURS, prepare

from axemu.emulator.compute import available_paths, load
from axemu.emulator.compute._arena import assign_groups
from axemu.emulator.compute._compiled import assemble
from axemu.model.program import Program


def profile(program: Program, path: str, passes: int) -> dict[str, list[tuple[str, str, float]]]:
    """Return by numerics the kernel, a description and the median microseconds of every stage."""
    candidates = {}
    for numerics in OURS:
        executable: Any = load(program, numerics, path=path)
        runner, rows = started(executable)
        stages = assemble(program, numerics, path, 1, ()).stages
        assign_groups(stages)
        names = [
            (stage.kernel.name.removesuffix(f"_{numerics}"), describe(stage, numerics)) for stage in stages
        ]
        calls = [job(executable, runner, [row]) for row in rows]
        candidates[numerics] = names, calls
    seconds = {numerics: np.empty((passes, len(calls))) for numerics, (_, calls) in candidates.items()}
    for index in range(-2, passes):
        for numerics, (_, calls) in candidates.items():
            for number, call in enumerate(calls):
                start = time.perf_counter()
                call()
                if index >= 0:
                    seconds[numerics][index, number] = time.perf_counter() - start
    return {
        numerics: [
            (*name, float(microseconds))
            for name, microseconds in zip(names, 1e6 * np.median(seconds[numerics], axis=0), strict=True)
        ]
        for numerics, (names, _) in candidates.items()
    }


def describe(stage: Any, numerics: str) -> str:
    """Return shapes, taps and what follows."""

    def shape(view: Any) -> str:
        return "×".join(str(size) for size in view.shape)

    given = stage.arguments
    words = [
        " ".join(shape(view) for view in stage.reads),
        "→",
        " ".join(shape(view) for view in stage.writes),
    ]
    if hasattr(given, "tap_count"):
        words.append(f"{given.tap_count} taps")
    if hasattr(given, "panels"):
        words.append(f"{given.panels * given.panel_channels} channels")
    after = getattr(given, "after", None) or getattr(given, "function", None)
    rest = getattr(given, "after_arguments", None) or getattr(given, "arguments", None)
    while after is not None:
        words.append(f"+ {after.name.removesuffix('_' + numerics)}")
        after, rest = getattr(rest, "after", None), getattr(rest, "after_arguments", None)
    return " ".join(word for word in words if word)


def report(name: str, found: dict[str, list[tuple[str, str, float]]], top: int) -> str:
    """Return two tables: kernels, and the stages that take longest."""
    total = {numerics: sum(row[2] for row in rows) for numerics, rows in found.items()}
    exact, metis = found["exact"], found["metis"]
    same = [row[:2] for row in exact] == [row[:2] for row in metis]
    by_kernel: dict[str, dict[str, float]] = defaultdict(lambda: dict.fromkeys(OURS, 0.0))
    for numerics, rows in found.items():
        for kernel, what, microseconds in rows:
            follows = " ".join(part for part in what.split(" + ")[1:])
            by_kernel[f"{kernel} + {follows}" if follows else kernel][numerics] += microseconds
    lines = [
        f"{name}: exact {total['exact'] / 1e3:.2f} ms, metis {total['metis'] / 1e3:.2f} ms in stages",
        "",
    ]
    lines += ["| kernel | exact µs | metis µs | share of metis |", "|---|---|---|---|"]
    for kernel, times in sorted(by_kernel.items(), key=lambda item: -item[1]["metis"]):
        lines.append(
            f"| {kernel} | {times['exact']:.0f} | {times['metis']:.0f} | {100 * times['metis'] / total['metis']:.1f} % |"
        )
    lines += ["", "| kernel | stage | exact µs | metis µs |", "|---|---|---|---|"]
    ranked = sorted(range(len(metis)), key=lambda index: -metis[index][2])[:top]
    for index in ranked:
        kernel, what, microseconds = metis[index]
        other = f"{exact[index][2]:.0f}" if same else ""
        lines.append(f"| {kernel} | {what} | {other} | {microseconds:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="+", help="names of the zoo")
    parser.add_argument("--path", default=available_paths()[0], choices=available_paths())
    parser.add_argument("--passes", type=int, default=25)
    parser.add_argument("--top", type=int, default=12, help="stages to list")
    parser.add_argument("--prepared", type=Path, help="folder that keeps quantised networks")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for name in arguments.networks:
        program = prepare(name, slow=False, folder=arguments.prepared).program
        print(report(name, profile(program, arguments.path, arguments.passes), arguments.top), end="\n\n")


if __name__ == "__main__":
    main()
