"""Whole networks, batch 1: the compute core next to ONNX Runtime in one process, in turn.

    python benchmarks/networks.py                  # three networks, 1 and 2 threads, about two minutes
    python benchmarks/networks.py --write          # and put the table into docs/reference/benchmarks.md
    python benchmarks/networks.py --set avx2       # the same on a CPU without VNNI, a section of its own
    python benchmarks/networks.py --set zoo        # ten more, one thread

Weights are the zoo's seeded ones and calibration is random: this measures speed, never accuracy. Both sides compute
the part of the network that a board computes, from its first to its last integer; ONNX Runtime gets float32 and
quantises and dequantises at the ends, the core gets int8. Where OpenVINO is installed it runs the same quantised model;
then a ratio is to the faster of the two.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from _measure import COUNTED, Timings, alternate, machine, milliseconds, ratio, replace_section
from _onnx import cut, openvino, openvino_version, quantised, session

from axelera.compiler import AxeleraQuantizedModel, CompilerConfig, quantize
from axemu import zoo
from axemu.emulator.compute import available_paths, load
from axemu.model.program import Program

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"
THREE = ("resnet50", "mobilenet_v2", "yolov8n")
SETS = {
    "networks": THREE,
    "avx2": THREE,
    "zoo": (
        "resnet18",
        "squeezenet1_1",
        "densenet121",
        "inception_v3",
        "regnet_x_1_6gf",
        "efficientnet_b0",
        "mobilenetv4_medium",
        "unet",
        "yolov10n",
        "yolo11n",
    ),
}
"""By section of the page."""
BASELINE = "U8S8"
OURS = ("exact", "metis")
OTHERS = (BASELINE, "S8S8", "float32")
OPENVINO = "OpenVINO"


def frame_runner(program: Program, numerics: str, path: str, threads: int) -> Callable[[], object]:
    """Return a function that runs one frame of random bytes."""
    rng = np.random.default_rng(1)
    runner = load(program, numerics, path=path, threads=threads).instance()
    inputs = [rng.integers(-128, 128, program.tensors[name].size).astype(np.int8) for name in program.inputs]
    outputs = [np.empty(program.tensors[name].size, np.int8) for name in program.outputs]
    return lambda: runner.run(inputs, outputs)


@dataclass(frozen=True)
class Prepared:
    """A network in both forms."""

    program: Program
    models: dict[str, bytes]
    """ONNX Runtime's, by kind."""
    frame: Any
    """float32, batch first."""


def prepare(name: str, slow: bool, folder: Path | None = None) -> Prepared:
    """Return a network quantised by both sides, from `folder` where it has been kept there."""
    kinds = OTHERS if slow else (BASELINE,)
    kept = folder and folder / name
    if kept and (kept / "frame.npy").exists() and all((kept / f"{kind}.onnx").exists() for kind in kinds):
        models = {kind: (kept / f"{kind}.onnx").read_bytes() for kind in kinds}
        ours = AxeleraQuantizedModel.load(kept / "quantised")
        return Prepared(ours.program, models, np.load(kept / "frame.npy"))
    model = zoo.find(name).build()
    shape = [dimension.dim_value or 1 for dimension in model.graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(0)
    frames = [rng.normal(size=shape).astype(np.float32) for _ in range(2)]
    ours = quantize(model, frames, CompilerConfig())
    core = cut(model, [port.name for port in ours.outputs])
    models = {BASELINE: quantised(core, frames, "uint8")}
    if slow:
        models |= {"S8S8": quantised(core, frames, "int8"), "float32": core.SerializeToString()}
    if kept:
        ours.export(kept / "quantised")
        for kind, data in models.items():
            (kept / f"{kind}.onnx").write_bytes(data)
        np.save(kept / "frame.npy", frames[0])
    return Prepared(ours.program, models, frames[0])


def measure(name: str, arguments: argparse.Namespace) -> dict[tuple[str, int], Timings]:
    """Return the timings of a network for each path and number of threads."""
    start = time.perf_counter()
    prepared = prepare(name, not arguments.quick, arguments.prepared)
    models, frame = prepared.models, prepared.frame
    print(f"{name}: prepared in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    found = {}
    for path, threads in product(arguments.paths, arguments.threads):
        candidates = {kind: session(model, threads, frame) for kind, model in models.items()}
        candidates |= {numerics: frame_runner(prepared.program, numerics, path, threads) for numerics in OURS}
        if openvino_version() and not arguments.without_openvino:
            candidates[OPENVINO] = openvino(models[BASELINE], threads, frame)
        # The runs to compare stand next to each other.
        first = ["exact", BASELINE, "metis"]
        order = [*first, *(kind for kind in candidates if kind not in first)]
        timings = alternate({kind: candidates[kind] for kind in order}, arguments.rounds)
        found[path, threads] = timings
        line = ", ".join(f"{kind} {milliseconds(timings, kind):.2f} ms" for kind in order)
        print(f"{name}, {path}, {threads} thread(s): {line}", file=sys.stderr)
    return found


def table(results: dict[str, dict[tuple[str, int], Timings]], rounds: int) -> str:
    """Return the Markdown table."""
    present = {kind for found in results.values() for timings in found.values() for kind in timings}
    peers = [kind for kind in (BASELINE, OPENVINO) if kind in present]
    rest = [kind for kind in OTHERS[1:] if kind in present]
    against = BASELINE if len(peers) == 1 else "best"
    versions = f", OpenVINO {openvino_version()}" if OPENVINO in peers else ""
    headings = [
        *("network", "path", "threads", "exact ms", "metis ms"),
        *(f"{kind} ms" for kind in peers),
        *(f"**{numerics} / {against}**" for numerics in OURS),
        *(f"{kind} ms" for kind in rest),
    ]
    lines = [
        f"Measured on {machine()}{versions}.",
        f"Median of {rounds} alternating turns of {COUNTED} calls back to back; ratios are medians of those of a turn.",
        "",
        f"| {' | '.join(headings)} |",
        "|---" * len(headings) + "|",
    ]
    means: dict[tuple[str, int], list[list[float]]] = {}
    for name, found in results.items():
        for (path, threads), timings in found.items():
            present_peers = [kind for kind in peers if kind in timings]
            best = min(present_peers, key=lambda kind: milliseconds(timings, kind))
            ratios = [ratio(timings, kind, best) for kind in OURS]
            means.setdefault((path, threads), []).append(ratios)
            cells = [
                zoo.find(name).title,
                f"`{path}`",
                str(threads),
                *(
                    f"{milliseconds(timings, kind):.2f}" if kind in timings else "–"
                    for kind in (*OURS, *peers)
                ),
                *(f"**{value:.2f}**" for value in ratios),
                *(f"{milliseconds(timings, kind):.2f}" if kind in timings else "" for kind in rest),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    if len(results) > 1:
        lines += ["", f"Geometric means of the ratios to {against}:", ""]
    for (path, threads), of_networks in means.items() if len(results) > 1 else ():
        cells = (
            f"{numerics} **{mean:.2f}**" for numerics, mean in zip(OURS, _means(of_networks), strict=True)
        )
        lines.append(f"- `{path}`, {threads} thread{'s' if threads > 1 else ''}: {', '.join(cells)}")
    return "\n".join(lines)


def _means(ratios: list[list[float]]) -> list[float]:
    """Return the geometric mean of each column."""
    return [math.exp(sum(map(math.log, column)) / len(column)) for column in zip(*ratios, strict=True)]


def default_paths() -> list[str]:
    """Return the fastest path, and where that is AMX also what other CPUs of its age have."""
    paths = available_paths()
    return list(paths[:2] if paths[0] == "amx" else paths[:1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", help="names of the zoo, instead of those of a set")
    parser.add_argument(
        "--set", choices=SETS, default="networks", help="which networks, and section of the page"
    )
    parser.add_argument("--threads", type=int, nargs="+", help="1 and 2, or 1 for the zoo")
    parser.add_argument("--prepared", type=Path, help="folder that keeps quantised networks for the next run")
    parser.add_argument("--only-prepare", action="store_true", help="fill that folder and stop")
    parser.add_argument("--paths", nargs="+", default=default_paths(), choices=available_paths())
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="leave out S8S8 and float32")
    parser.add_argument("--without-openvino", action="store_true", help="it crashes on a network")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    names = arguments.networks or SETS[arguments.set]
    arguments.threads = arguments.threads or ([1] if arguments.set == "zoo" else [1, 2])
    if arguments.only_prepare:
        for name in names:
            prepare(name, not arguments.quick, arguments.prepared)
        return
    results = {name: measure(name, arguments) for name in names}
    text = table(results, arguments.rounds)
    print(text)
    if arguments.write:
        replace_section(PAGE, arguments.set, text)


if __name__ == "__main__":
    main()
