"""Run as a program: compile damaged networks and load damaged directories; prints one line per surprise.

Usage: python _compile_mutants.py onnx|directory FIRST COUNT FOLDER
"""

from __future__ import annotations

import random
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.driver import AxeleraError
from axelera.emulator import compute
from axelera.model import load_compiled_model
from axelera.model.program import read_program

SHAPE = (1, 3, 12, 12)
MEMORY = 2 << 30
PATIENCE = 60  # seconds, for a loaded machine; an undisturbed case takes well under one


def network() -> onnx.ModelProto:
    net = Net(SHAPE)
    x = net.add("Relu", net.conv("x", 3, 8, pads=[1, 1, 1, 1]))
    y = net.conv(x, 8, 8, group=8, pads=[1, 1, 1, 1])
    x = net.add("Add", net.add("Mul", y, net.add("Sigmoid", y)), x)
    net.add("Split", x, net.constant(np.array([4, 4])), outputs=2, axis=1)
    x = net.add("Concat", net.nodes[-1].output[1], net.nodes[-1].output[0], axis=1)
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    x = net.add("Resize", x, "", scales, mode="nearest", nearest_mode="floor",
                coordinate_transformation_mode="asymmetric")  # fmt: skip
    x = net.add(
        "AveragePool", net.add("MaxPool", x, kernel_shape=[2, 2]), kernel_shape=[2, 2], strides=[2, 2]
    )
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    weight = net.constant(net.random.standard_normal((8, 5)).astype(np.float32))
    return net.model(net.add("Softmax", net.add("Gemm", x, weight)))


def mutate_bytes(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 2, 8, 64))):
        match chance.randrange(4):
            case 0:
                changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
            case 1:
                changed[chance.randrange(len(changed))] = chance.choice((0, 1, 127, 128, 255))
            case 2:
                start = chance.randrange(len(changed))
                del changed[start : start + chance.randrange(1, 32)]
            case _:
                start = chance.randrange(len(changed))
                changed[start:start] = changed[: chance.randrange(1, 32)]
        if not changed:
            return b""
    return bytes(changed)


def mutate_graph(model: onnx.ModelProto, chance: random.Random) -> onnx.ModelProto:  # noqa: C901, PLR0912  a list of damages
    graph = model.graph
    numbers = (0, 1, 2, 3, 7, -1, -2, 64, 2**31, 2**40)
    for _ in range(chance.choice((1, 1, 2, 4))):
        node = chance.choice(graph.node)
        match chance.randrange(8):
            case 0:
                node.op_type = chance.choice(
                    ("Conv", "Relu", "Exp", "MaxPool", "Transpose", "Loop", "Nothing", "Split")
                )
            case 1 if node.attribute:
                entry = chance.choice(node.attribute)
                if entry.ints:
                    entry.ints[chance.randrange(len(entry.ints))] = chance.choice(numbers)
                else:
                    entry.i = chance.choice(numbers)
            case 2:
                dims = graph.input[0].type.tensor_type.shape.dim
                dims[chance.randrange(len(dims))].dim_value = chance.choice(numbers)
            case 3:
                tensor = chance.choice(graph.initializer)
                tensor.dims[chance.randrange(len(tensor.dims))] = chance.choice(numbers) if tensor.dims else 0
            case 4:
                graph.node.remove(node)
                if not graph.node:
                    return model
            case 5 if node.input:
                values = [
                    *(v for n in graph.node for v in n.output),
                    *(t.name for t in graph.initializer),
                    "x",
                    "",
                ]
                node.input[chance.randrange(len(node.input))] = chance.choice(values)
            case 6:
                model.opset_import[0].version = chance.choice((1, 6, 7, 11, 13, 18, 22, 99))
            case _:
                tensor = chance.choice(graph.initializer)
                raw = bytearray(tensor.raw_data)
                for _ in range(4):
                    if raw:
                        raw[chance.randrange(len(raw))] = 255
                tensor.raw_data = bytes(raw)
    return model


def onnx_case(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    model = network()
    if seed % 2:
        path = folder / "mutant.onnx"
        path.write_bytes(mutate_bytes(model.SerializeToString(), chance))
        subject: Any = path
    else:
        subject = mutate_graph(model, chance)
    quantised = compiler.quantize(subject, iter(data(SHAPE, 3)), CompilerConfig(model_name="mutant"))
    compiler.compile(quantised, CompilerConfig(), folder / "out")
    shapes = [np.zeros(shape, np.float32) for shape in quantised.input_shapes]
    results = quantised(*shapes)
    for result in results if isinstance(results, tuple) else (results,):
        if not np.isfinite(result).all():
            raise AssertionError("a result is not finite")


def directory_case(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    original, mutant = folder / "original", folder / "mutant"
    if not original.is_dir():
        quantised = compiler.quantize(network(), iter(data(SHAPE, 3)), CompilerConfig())
        compiler.compile(quantised, CompilerConfig(), original)
    shutil.rmtree(mutant, ignore_errors=True)
    shutil.copytree(original, mutant)
    files = [mutant / n for n in ("model.json", "manifest.json", "program.json", "program.bin")]
    path = chance.choice(files)
    match chance.randrange(5):
        case 0:
            path.unlink()
        case 1:
            path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])
        case _:
            path.write_bytes(mutate_bytes(path.read_bytes(), chance))
    model = load_compiled_model(mutant)
    program = read_program(mutant)
    runner = compute.load(program).instance()
    runner.run(
        [np.zeros(info.size, np.int8) for info in model.inputs],
        [np.zeros(info.size, np.int8) for info in model.outputs],
    )


def main() -> None:
    kind, first, count, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    case: Callable[[int, Path], None] = {"onnx": onnx_case, "directory": directory_case}[kind]
    refused = done = 0
    for seed in range(first, first + count):
        signal.alarm(PATIENCE)
        try:
            case(seed, folder)
            done += 1
        except AxeleraError:
            refused += 1
        except Exception as error:  # noqa: BLE001  that is what the program looks for
            print(f"SURPRISE seed {seed}: {type(error).__name__}: {str(error)[:300]}")
        signal.alarm(0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if peak > MEMORY:
        print(f"SURPRISE memory: {peak} bytes")
    print(f"{kind}: {done} correct, {refused} refused, peak {peak >> 20} MiB")


if __name__ == "__main__":
    main()
