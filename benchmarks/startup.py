"""What a program waits for before its first frame, what it costs in memory, and what a call costs beside its kernels.

    python benchmarks/startup.py [model.json] [--write]

Without a compiled model, ResNet-50 of the zoo is compiled first (on random calibration data). Every figure is the
median of processes of their own, with kernels in the cache.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"


def first_frame(path: str) -> dict[str, float]:
    """Time from the first import to the first result, through the runtime."""
    start = time.perf_counter()
    import axelera.runtime as axr  # noqa: PLC0415  its import is part of what is measured

    with axr.Context() as context:
        model = context.load_model(path)
        inputs = [np.zeros(info.shape, np.int8) for info in model.inputs()]
        outputs = [np.empty(info.shape, np.int8) for info in model.outputs()]
        context.device_connect(None, 1).load_model_instance(model).run(inputs, outputs)
        return {"cold process to first result, s": time.perf_counter() - start}


def loading(path: str) -> dict[str, float]:
    """Time and memory of a program and one instance that has run, after import and a warm-up with a small program."""
    from axemu.emulator.compute import load  # noqa: PLC0415
    from axemu.model.program import read_program  # noqa: PLC0415

    _runner(_one_layer())()
    before = _resident()
    start = time.perf_counter()
    program = read_program(Path(path).parent)
    executable = load(program)
    instance = executable.instance()
    seconds = time.perf_counter() - start
    inputs = [np.zeros(program.tensors[name].size, np.int8) for name in program.inputs]
    outputs = [np.empty(program.tensors[name].size, np.int8) for name in program.outputs]
    instance.run(inputs, outputs)
    memory = _resident() - before
    model = sum(array.nbytes for array in program.constants.values())
    return {
        "read, pack and load, s": seconds,
        "memory above import and warm-up, MB": memory / 1e6,
        "constants of the model, MB": model / 1e6,
        "(memory - activations) / constants": (memory - executable.arena_size) / model,  # type: ignore[attr-defined]
    }


def calls(_path: str) -> dict[str, float]:
    """Time of a call whose kernels do next to nothing."""
    call = _runner(_one_layer())
    return {"call of a one-layer network, µs": _median(call) * 1e6}


def _one_layer() -> object:
    from axemu.model.program import Node, Program, Tensor  # noqa: PLC0415

    tensors = {name: Tensor(name, (1, 1, 16), 1.0, 0) for name in "xy"}
    table = Node("lut", "table", ("x",), "y", {}, {"table": "table"})
    constants = {"table": np.arange(-128, 128).astype(np.int8)}
    return Program("one layer", 1, tensors, (table,), ("x",), ("y",), constants)


def _runner(program: object) -> Callable[[], object]:
    from axemu.emulator.compute import load  # noqa: PLC0415

    instance = load(program).instance()  # type: ignore[arg-type]
    frame, result = np.zeros(16, np.int8), np.empty(16, np.int8)
    return lambda: instance.run([frame], [result])


def _median(call: Callable[[], object], count: int = 2000) -> float:
    seconds = np.empty(count)
    for index in range(count):
        start = time.perf_counter()
        call()
        seconds[index] = time.perf_counter() - start
    return float(np.median(seconds))


def _resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * resource.getpagesize()


PARTS = {part.__name__: part for part in (first_frame, loading, calls)}


def measure(path: str, processes: int) -> dict[str, float]:
    """Run every part in new processes and return the medians."""
    found: dict[str, list[float]] = {}
    for part in PARTS:
        for _ in range(processes):
            command = [sys.executable, __file__, path, "--part", part]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            for name, value in json.loads(printed).items():
                found.setdefault(name, []).append(value)
    return {name: float(np.median(values)) for name, values in found.items()}


def compiled(directory: str) -> str:
    """Compile ResNet-50 of the zoo and return its model.json."""
    from axelera.compiler import CompilerConfig, compile, quantize  # noqa: A004, PLC0415
    from axemu import zoo  # noqa: PLC0415

    frame = np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32)
    config = CompilerConfig()
    compile(quantize(zoo.find("resnet50").build(), [frame], config), config, Path(directory))
    return str(next(Path(directory).rglob("model.json")))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", help="a model.json")
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps(PARTS[arguments.part](arguments.model)))
        return
    from _measure import machine, replace_section  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as directory:
        path = arguments.model or compiled(directory)
        found = measure(path, arguments.processes)
    lines = [
        f"ResNet-50 v1.5, `metis`, one thread, on {machine()}; median of {arguments.processes} processes.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value:.3g} |" for name, value in found.items()),
    ]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        replace_section(PAGE, "startup", text)


if __name__ == "__main__":
    main()
