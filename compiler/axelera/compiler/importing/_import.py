"""`import_program`: from a directory of the vendor's compiler to a program of ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from axelera.compiler.importing._builder import Builder
from axelera.compiler.importing._ports import input_ports, output_ports, take_border_from_buffer
from axelera.compiler.importing._refusal import INSTEAD, Source
from axelera.compiler.importing._translate import Translator, quantisers
from axelera.compiler.planning import DoesNotFit, PlanOptions, plan
from axemu.driver import IncompatibleDevice, InvalidArgument, path_errors
from axemu.model import CompiledModel, load_compiled_model
from axemu.model.program import Program, validate
from axemu.model.torchscript import read_torchscript


def import_program(directory: str | Path) -> Program:
    """Translate the TorchScript program of a compiled model and plan what a core does, as `compile` plans those of ours.

    Nothing of the directory is executed.

    Args:
        directory: a compiled-model directory, its model.json, or an .axm archive.

    Raises:
        IncompatibleDevice: there is no TorchScript program, or it holds something that is not known; names it.
        InvalidArgument: a file is missing or damaged, or files contradict each other.
    """
    return program_of(load_compiled_model(directory))


def program_of(model: CompiledModel) -> Program:
    """Translate the program of a loaded model; errors as `import_program`."""
    name = model.quantized_model
    path = model.directory / name
    with path_errors(InvalidArgument, path):
        if not name.endswith(".pt") or not path.is_file():
            missing = f"no {name}" if name.endswith(".pt") else "no TorchScript program (quantized_model.pt)"
            raise IncompatibleDevice(
                f"model {model.name!r}: {model.directory} has {missing}; copy the file there, or compile the network's ONNX "
                "file here (axcompile)"
            )
        if not path.resolve().is_relative_to(model.directory.resolve()):
            raise InvalidArgument(f"{path}: is a link to a file outside the directory; copy it there (cp -L)")
        return _planned(_translated(model, Source(path)), model, path)


def _translated(model: CompiledModel, source: Source) -> Program:
    try:
        graph = read_torchscript(source.path)
    except IncompatibleDevice as error:
        raise IncompatibleDevice(f"{error}; {INSTEAD}") from error
    builder = Builder(source)
    inputs, ports = input_ports(source, builder, model.inputs, quantisers(graph))
    names = Translator(graph, source, builder, ports).run()
    take_border_from_buffer(source, builder, list(ports.values()))
    outputs = output_ports(source, builder, model.outputs, names, inputs)
    program = Program(
        name=model.name,
        batch=model.batch,
        tensors=MappingProxyType(builder.tensors),
        nodes=tuple(builder.nodes),
        inputs=inputs,
        outputs=outputs,
        constants=MappingProxyType(builder.constants),
    )
    _check(program, source.path)
    return program


def _planned(program: Program, model: CompiledModel, path: Path) -> Program:
    options = PlanOptions(cores=model.batch)
    try:
        core = plan(program, options).core
    except DoesNotFit as error:
        raise IncompatibleDevice(f"{path}: {error}") from error
    planned = replace(program, core=core)
    _check(planned, path)
    return planned


def _check(program: Program, path: Path) -> None:
    try:
        validate(program)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path}: {error}") from error
