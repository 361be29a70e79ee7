"""Whole networks, batch 1: the compute core next to ONNX Runtime in one process, in turn.

    python benchmarks/networks.py                  # three networks, 1 and 2 threads, about two minutes
    python benchmarks/networks.py --write          # and put the table into docs/reference/benchmarks.md

Weights are the zoo's seeded ones and calibration is random: this measures speed, never accuracy. Both sides compute
the part of the network that a board computes, from its first to its last integer; ONNX Runtime gets float32 and
quantises and dequantises at the ends, the core gets int8.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from _measure import COUNTED, Timings, alternate, machine, milliseconds, ratio, replace_section
from _onnx import cut, quantised, session

from axelera.compiler import CompilerConfig, quantize
from axemu import zoo
from axemu.emulator.compute import available_paths, load
from axemu.model.program import Program

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"
NETWORKS = ("resnet50", "mobilenet_v2", "yolov8n")
BASELINE = "U8S8"
OURS = ("exact", "metis")
OTHERS = (BASELINE, "S8S8", "float32")


def frame_runner(program: Program, numerics: str, path: str, threads: int) -> Callable[[], object]:
    """Return a function that runs one frame of random bytes."""
    rng = np.random.default_rng(1)
    runner = load(program, numerics, path=path, threads=threads).instance()
    inputs = [rng.integers(-128, 128, program.tensors[name].size).astype(np.int8) for name in program.inputs]
    outputs = [np.empty(program.tensors[name].size, np.int8) for name in program.outputs]
    return lambda: runner.run(inputs, outputs)


def prepare(name: str, slow: bool) -> tuple[Program, dict[str, bytes], Any]:
    """Return our program, ONNX Runtime's models by kind, and a float32 frame."""
    model = zoo.find(name).build()
    shape = [dimension.dim_value or 1 for dimension in model.graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(0)
    frames = [rng.normal(size=shape).astype(np.float32) for _ in range(2)]
    ours = quantize(model, frames, CompilerConfig())
    core = cut(model, [port.name for port in ours.outputs])
    models = {BASELINE: quantised(core, frames, "uint8")}
    if slow:
        models |= {"S8S8": quantised(core, frames, "int8"), "float32": core.SerializeToString()}
    return ours.program, models, frames[0]


def measure(name: str, arguments: argparse.Namespace) -> dict[tuple[str, int], Timings]:
    """Return the timings of a network for each path and number of threads."""
    start = time.perf_counter()
    program, models, frame = prepare(name, not arguments.quick)
    print(f"{name}: prepared in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    found = {}
    for path, threads in product(arguments.paths, arguments.threads):
        candidates = {kind: session(model, threads, frame) for kind, model in models.items()}
        candidates |= {numerics: frame_runner(program, numerics, path, threads) for numerics in OURS}
        # The runs to compare stand next to each other.
        order = ["exact", BASELINE, "metis", *(kind for kind in models if kind != BASELINE)]
        timings = alternate({kind: candidates[kind] for kind in order}, arguments.rounds)
        found[path, threads] = timings
        line = ", ".join(f"{kind} {milliseconds(timings, kind):.2f} ms" for kind in order)
        print(f"{name}, {path}, {threads} thread(s): {line}", file=sys.stderr)
    return found


def table(results: dict[str, dict[tuple[str, int], Timings]], rounds: int) -> str:
    """Return the Markdown table."""
    lines = [
        f"Measured on {machine()}.",
        f"Median of {rounds} alternating turns of {COUNTED} calls back to back; ratios are medians of those of a turn.",
        "",
        "| network | path | threads | exact ms | metis ms | U8S8 ms | **exact / U8S8** | **metis / U8S8** | S8S8 ms | float32 ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, found in results.items():
        for (path, threads), timings in found.items():
            others = [f"{milliseconds(timings, kind):.2f}" if kind in timings else "" for kind in OTHERS[1:]]
            cells = [
                zoo.find(name).title,
                f"`{path}`",
                str(threads),
                *(f"{milliseconds(timings, kind):.2f}" for kind in (*OURS, BASELINE)),
                *(f"**{ratio(timings, kind, BASELINE):.2f}**" for kind in OURS),
                *others,
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def default_paths() -> list[str]:
    """Return the fastest path, and where that is AMX also what other CPUs of its age have."""
    paths = available_paths()
    return list(paths[:2] if paths[0] == "amx" else paths[:1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=NETWORKS, help="names of the zoo")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--paths", nargs="+", default=default_paths(), choices=available_paths())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="leave out S8S8 and float32")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    results = {name: measure(name, arguments) for name in arguments.networks}
    text = table(results, arguments.rounds)
    print(text)
    if arguments.write:
        replace_section(PAGE, "networks", text)


if __name__ == "__main__":
    main()
