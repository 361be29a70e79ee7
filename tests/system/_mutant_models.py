"""Damaged networks, compiled directories, archives and quantised models: right, or a documented error."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tests.system._mutations import mutate_bytes, mutate_document, mutate_graph, mutate_text
from tests.unit.compiler._networks import Net, data
from typer.testing import CliRunner

from axelera import compiler
from axelera.compiler import AxeleraQuantizedModel, CompilerConfig
from axelera.runtime import Context
from axemu.cli import axemu
from axemu.driver import InvalidArgument
from axemu.model import write_axm
from axemu.model.ops import execute
from axemu.model.program import read_program

SHAPE = (1, 3, 12, 12)


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


def forge(folder: Path, name: str, chance: random.Random) -> None:
    """Change a file as somebody would who knows that program.json holds the hashes of the others."""
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


def damage(path: Path, chance: random.Random) -> None:
    """Damage a file, as disks, transfers and strangers do."""
    match chance.randrange(6):
        case 0:
            path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])
        case 1 | 2 | 3 if path.suffix == ".json":
            path.write_bytes(mutate_text(path.read_text(encoding="utf-8"), "json", chance))
        case 4 if chance.randrange(8) == 0:
            path.unlink()
        case _:
            path.write_bytes(mutate_bytes(path.read_bytes(), chance))


def compiled(folder: Path) -> Path:
    """Return the compiled network, and leave the quantised one beside it."""
    original = folder / "original"
    if not original.is_dir():
        quantised = compiler.quantize(network(), iter(data(SHAPE, 3)), CompilerConfig())
        quantised.export(folder / "quantised")
        compiler.compile(quantised, CompilerConfig(), original)
        write_axm(original, folder / "original.axm")
    return original


def copy_of(original: Path, folder: Path) -> Path:
    mutant = folder / "mutant"
    shutil.rmtree(mutant, ignore_errors=True)
    shutil.copytree(original, mutant)
    return mutant


def directory_case(seed: int, folder: Path, *, name: str) -> None:
    chance = random.Random(seed)
    mutant = copy_of(compiled(folder), folder)
    if seed % 2:
        forge(mutant, name, chance)
    else:
        damage(mutant / name, chance)
    run_both_ways(mutant / "model.json", mutant, seed)


def archive_case(seed: int, folder: Path) -> None:
    chance = random.Random(seed)
    original = compiled(folder)
    content = (folder / "original.axm").read_bytes()
    mutant = folder / "mutant.axm"
    match chance.randrange(4):
        case 0:
            mutant.write_bytes(content[: chance.randrange(len(content))])
        case 1:
            mutant.write_bytes(mutate_bytes(content, chance))
        case _:  # the list of members, where nothing is covered by a hash
            start = content.rindex(b"PK\x01\x02", 0, content.index(b"PK\x01\x02") + 4)
            mutant.write_bytes(content[:start] + mutate_bytes(content[start:], chance))
    run_both_ways(mutant, original, seed)


def run_both_ways(path: Path, directory: Path, seed: int) -> None:
    """Run a frame; the outputs must be those of the specification for the program in `directory`."""
    generator = np.random.default_rng(seed)
    with Context() as context:
        model = context.load_model(path)
        inputs = [generator.integers(-128, 128, info.shape, np.int8) for info in model.inputs()]
        outputs = [np.empty(info.shape, np.int8) for info in model.outputs()]
        batch = inputs[0].shape[0]
        instance = context.device_connect(None, batch).load_model_instance(model, aipu_cores=batch)
        instance.run(inputs, outputs)
        instance.counters()  # simulates what the tasks say
    program = read_program(directory)
    for frame in range(batch):
        values = {name: x[frame].reshape(-1) for name, x in zip(program.inputs, inputs, strict=True)}
        wanted = execute(program, values)
        for name, output in zip(program.outputs, outputs, strict=True):
            if not np.array_equal(wanted[name].reshape(-1), output[frame].reshape(-1)):
                raise AssertionError(f"output {name!r} is not what the program says")


def quantised_case(seed: int, folder: Path, *, pattern: str) -> None:
    chance = random.Random(seed)
    compiled(folder)
    mutant = copy_of(folder / "quantised", folder)
    damage(chance.choice(sorted(mutant.glob(pattern))), chance)
    model = AxeleraQuantizedModel.load(mutant)
    results = model(*(np.zeros(shape, np.float32) for shape in model.input_shapes))
    for result in results if isinstance(results, tuple) else (results,):
        assert isinstance(result, np.ndarray)


def report_case(seed: int, folder: Path) -> None:
    path, mutant = folder / "report.json", folder / "mutant.json"
    if not path.exists():
        os.environ["AXEMU_REPORT"] = str(path)
        run_both_ways(compiled(folder) / "model.json", folder / "original", 0)
        del os.environ["AXEMU_REPORT"]
    mutant.write_bytes(mutate_text(path.read_text(encoding="utf-8"), "json", random.Random(seed)))
    result = CliRunner().invoke(axemu.app, ["report", str(mutant)])
    if isinstance(result.exception, Exception):
        raise result.exception
    if result.exit_code:
        raise InvalidArgument(result.output)  # told on stderr, as commands do


CASES: dict[str, Callable[[int, Path], None]] = {
    "network.onnx": onnx_case,
    **{
        name: partial(directory_case, name=name)
        for name in ("model.json", "manifest.json", "program.json", "program.bin")
    },
    "model.axm": archive_case,
    "quantised.json": partial(quantised_case, pattern="quantized_model_manifest.json"),
    "quantised.onnx": partial(quantised_case, pattern="*.onnx"),
    "report.json": report_case,
}
