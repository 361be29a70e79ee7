"""Run as a program: compile damaged networks and load damaged directories; prints one line per surprise.

Usage: python _compile_mutants.py onnx|directory FIRST COUNT FOLDER
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tests._memory import peak_bytes
from tests.unit.compiler._networks import Net, data

from axelera import compiler
from axelera.compiler import CompilerConfig
from axelera.runtime import Context
from axemu.driver import AxeleraError
from axemu.model.ops import execute
from axemu.model.program import read_program

SHAPE = (1, 3, 12, 12)
MEMORY = 2 << 30
PATIENCE = 10  # seconds of processor time; a case takes well under one
HANGING = 120  # seconds, for what waits without working


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


def mutate_document(document: Any, chance: random.Random) -> None:
    """Change a few values somewhere in a JSON document, in place."""
    numbers = (
        0,
        1,
        -1,
        2,
        3,
        7,
        127,
        255,
        -128,
        2**31,
        -(2**31),
        2**40,
        2**63,
        0.5,
        1e-30,
        1e30,
        float("nan"),
    )
    places = list(leaves(document))
    for _ in range(chance.choice((1, 1, 2, 4))):
        holder, key = chance.choice(places)
        other, its_key = chance.choice(places)
        match chance.randrange(6):
            case 0 if not isinstance(holder[key], str):
                holder[key] = chance.choice(numbers)
            case 1 if isinstance(holder[key], int):
                holder[key] += chance.choice((-64, -1, 1, 64))
            case 2 | 3 if type(other[its_key]) is type(holder[key]):
                holder[key] = other[its_key]
            case 4:
                holder[key] = chance.choice(([], {}, "", None, True, [holder[key]]))
            case _ if isinstance(holder, list):
                holder.insert(0, holder[key])


def leaves(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield where every number and text stands: its list or object, and its index or key."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(entries):
        if isinstance(value, (dict, list)) and value:
            yield from leaves(value)
        else:
            yield document, key


def forge(folder: Path, chance: random.Random) -> None:
    """Change a file as somebody would who knows that program.json holds the hashes of the others."""
    name = chance.choice(("program.json", "program.json", "program.bin", "model.json", "manifest.json"))
    path = folder / name
    if name == "program.bin":
        path.write_bytes(mutate_bytes(path.read_bytes(), chance))
    else:
        document = json.loads(path.read_text(encoding="utf-8"))
        mutate_document({k: v for k, v in document.items() if k != "files"}, chance)
        path.write_text(json.dumps(document), encoding="utf-8")
    program = json.loads((folder / "program.json").read_text(encoding="utf-8"))
    for covered in program["files"]:
        content = (folder / covered).read_bytes()
        program["files"][covered] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "program.json").write_text(json.dumps(program), encoding="utf-8")


def damage(folder: Path, chance: random.Random) -> None:
    """Damage a file, as disks and transfers do."""
    path = folder / chance.choice(("model.json", "manifest.json", "program.json", "program.bin"))
    match chance.randrange(5):
        case 0:
            path.unlink()
        case 1:
            path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])
        case _:
            path.write_bytes(mutate_bytes(path.read_bytes(), chance))


def directory_case(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    original, mutant = folder / "original", folder / "mutant"
    if not original.is_dir():
        quantised = compiler.quantize(network(), iter(data(SHAPE, 3)), CompilerConfig())
        compiler.compile(quantised, CompilerConfig(), original)
    shutil.rmtree(mutant, ignore_errors=True)
    shutil.copytree(original, mutant)
    (forge if seed % 2 else damage)(mutant, chance)
    generator = np.random.default_rng(seed)
    with Context() as context:
        model = context.load_model(mutant / "model.json")
        inputs = [generator.integers(-128, 128, info.shape, np.int8) for info in model.inputs()]
        outputs = [np.empty(info.shape, np.int8) for info in model.outputs()]
        batch = inputs[0].shape[0]
        instance = context.device_connect(None, batch).load_model_instance(model, aipu_cores=batch)
        instance.run(inputs, outputs)
        instance.counters()  # simulates what the tasks say
    program = read_program(mutant)
    for frame in range(batch):
        values = {name: x[frame].reshape(-1) for name, x in zip(program.inputs, inputs, strict=True)}
        wanted = execute(program, values)
        for name, output in zip(program.outputs, outputs, strict=True):
            if not np.array_equal(wanted[name].reshape(-1), output[frame].reshape(-1)):
                raise AssertionError(f"output {name!r} is not what the program says")


def main() -> None:
    kind, first, count, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    case: Callable[[int, Path], None] = {"onnx": onnx_case, "directory": directory_case}[kind]
    refused = done = 0
    for seed in range(first, first + count):
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)  # ends the process
        signal.alarm(HANGING)
        try:
            case(seed, folder)
            done += 1
        except AxeleraError:
            refused += 1
        except Exception as error:  # noqa: BLE001  that is what the program looks for
            print(f"SURPRISE seed {seed}: {type(error).__name__}: {str(error)[:300]}")
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    peak = peak_bytes()
    if peak > MEMORY:
        print(f"SURPRISE memory: {peak} bytes")
    print(f"{kind}: {done} correct, {refused} refused, peak {peak >> 20} MiB")


if __name__ == "__main__":
    main()
