"""Run as a program by compile.py, once per step: compile one network, or run what was compiled; prints JSON.

python benchmarks/_compile_network.py compile NETWORK.onnx FOLDER SAMPLES
python benchmarks/_compile_network.py run FOLDER FRAMES with-specification|without
"""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from _reseed import input_shapes, parameters, reseeded

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig, UnsupportedModelError
from axelera.compiler.quantisation import random_data
from axelera.runtime import Context
from axemu.emulator import compute
from axemu.model.ops import execute
from axemu.model.program import read_program

SEED = 4
"""Of the frames that are run: others than those of the calibration."""


def compile_network(path: Path, folder: Path, samples: int) -> dict[str, Any]:
    """Compile for one core with a quarter of the board; return what it cost, or the rules that refused it."""
    model = reseeded(path)
    found: dict[str, Any] = {"parameters": parameters(model)}
    config = CompilerConfig(model_name=path.stem, aipu_cores_used=1, resources_used=0.25)
    frames = list(random_data(input_shapes(model), samples))
    for kernels in compute.available_paths()[:1]:  # a machine makes them once, not once per network
        compute.generate(kernels)
    wall, busy = time.perf_counter(), time.process_time()
    try:
        quantised = compiler.quantize(model, frames, config)
    except UnsupportedModelError as error:
        rules = Counter((violation.operator, violation.rule) for violation in error.violations)
        return found | {"refused": [[*rule, count] for rule, count in rules.items()]}
    compiler.compile(quantised, config, folder / "compiled")
    found |= {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - busy,
        "peak_bytes": peak(),
    }
    quantised.export(folder / "quantised")
    report = json.loads((folder / "compiled" / "report.json").read_text(encoding="utf-8"))
    return found | {
        "macs": sum(operator["macs"] for operator in report["operators"]),
        "memory": report["memory"],
        "host_before": sum(o["runs_on"] == "host, before" for o in report["host_operators"]),
        "host_after": sum(o["runs_on"] == "host, after" for o in report["host_operators"]),
    }


def run(folder: Path, frames: int, affordable: bool) -> dict[str, Any]:
    """Run frames on the emulated board; what it returns must be what the quantised model computes.

    Args:
        folder: where `compile_network` wrote.
        frames: how many.
        affordable: compare the first frame with the specification, too.
    """
    quantised = AxeleraQuantizedModel.load(folder / "quantised")
    shapes = dict(zip(quantised.input_names, quantised.input_shapes, strict=True))
    equal = []
    with Context() as context:
        model = context.load_model(folder / "compiled" / "model.json")
        instance = context.device_connect(None, 1).load_model_instance(model)
        for number, feeds in enumerate(random_data(shapes, frames, SEED)):
            inputs = [
                port.quantise(value)
                for port, value in zip(quantised.inputs, quantised.prepare(feeds), strict=True)
            ]
            outputs = [np.empty(info.shape, np.int8) for info in model.outputs()]
            instance.run(inputs, outputs)
            wanted = quantised.run_program(inputs)
            if affordable and not number:
                specified = by_specification(folder / "compiled", inputs)
                equal += [
                    np.array_equal(a, b.reshape(a.shape)) for a, b in zip(outputs, specified, strict=True)
                ]
            equal += [np.array_equal(a, b) for a, b in zip(outputs, wanted, strict=True)]
            finished = quantised.finish(outputs)
            equal += [
                value.shape == shape and bool(np.isfinite(value).all())
                for value, shape in zip(finished, quantised.output_shapes, strict=True)
            ]
    return {"frames": frames, "specification": affordable, "correct": all(equal)}


def by_specification(directory: Path, inputs: list[Any]) -> list[Any]:
    """Return what the program in a compiled directory means, by the plain NumPy specification."""
    program = read_program(directory)
    values = {
        name: value.reshape(program.tensors[name].shape)
        for name, value in zip(program.inputs, inputs, strict=True)
    }
    results = execute(program, values)
    return [results[name] for name in program.outputs]


def peak() -> int:
    """Return the most memory this program has held, in bytes; `ru_maxrss` would count the starting process, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) << 10


def main() -> None:
    warnings.simplefilter("ignore")
    match sys.argv[1:]:
        case "compile", path, folder, samples:
            result = compile_network(Path(path), Path(folder), int(samples))
        case "run", folder, frames, affordable:
            result = run(Path(folder), int(frames), affordable == "with-specification")
        case _:
            raise SystemExit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
