"""From a compiled model's files to a program that fits them and a runner for its values."""

from __future__ import annotations

from pathlib import Path

from axemu.driver import IncompatibleDevice, InvalidArgument, ModelFiles, TensorInfo, path_errors
from axemu.emulator._configuration import EmulatorOptions
from axemu.emulator._execution import Executables
from axemu.emulator.compute import Runner, load
from axemu.model import has_torchscript, imported_program
from axemu.model.passes import CoreProgram
from axemu.model.program import PROGRAM_JSON, Program, read_program


def load_model(
    model: ModelFiles, options: EmulatorOptions, executables: Executables
) -> tuple[Program, Runner | None]:
    """Read a model's program and make it ready; there is no runner when values are not computed.

    Raises:
        IncompatibleDevice: the directory holds no program, one that cannot be translated, or one that does not belong to its
            model.json.
        InvalidArgument: a file is damaged, or has gone.
    """
    with path_errors(InvalidArgument, model.directory):
        return _load(model, options, executables)


def _load(
    model: ModelFiles, options: EmulatorOptions, executables: Executables
) -> tuple[Program, Runner | None]:
    if not (model.directory / PROGRAM_JSON).is_file() and not has_torchscript(model.directory):
        raise IncompatibleDevice(
            f"model {model.name!r}: {model.directory} has no {PROGRAM_JSON} and no TorchScript program (*.pt, which the "
            "vendor's compiler writes), so an emulated board cannot execute it. Its tensor infos can be read all the same; to "
            "run it, compile the ONNX file into a new directory: axcompile --input NETWORK.onnx --output NEW_DIRECTORY"
        )
    if not options.computes:
        program = _program_of(model.directory)
        _check(model, program)
        return program, None
    executable = executables.get(
        model.directory,
        (options.numerics, options.compute, options.run_threads),
        lambda: load(
            _program_of(model.directory),
            numerics=options.numerics,
            path=options.compute,
            threads=options.run_threads,
            aside=True,
        ),
    )
    _check(model, executable.program)
    return executable.program, executable.instance()


def core_of(model: ModelFiles, program: Program) -> CoreProgram:
    """Return what each core executes.

    Raises:
        IncompatibleDevice: nobody planned it.
    """
    if program.core is None:
        raise IncompatibleDevice(
            f"model {model.name!r}: {PROGRAM_JSON} says nothing of what a core executes; compile the model again"
        )
    return program.core


def _program_of(directory: Path) -> Program:
    """Return a directory's own program, or what that of the vendor's compiler is translated into."""
    if (directory / PROGRAM_JSON).is_file():
        return read_program(directory)
    return imported_program(directory)


def _check(model: ModelFiles, program: Program) -> None:
    if program.batch != model.batch:
        raise IncompatibleDevice(
            f"model {model.name!r}: {PROGRAM_JSON} is for {program.batch} frames at once, model.json for {model.batch}; "
            "compile the model again"
        )
    for what, infos, names in (
        ("inputs", model.inputs, program.inputs),
        ("outputs", model.outputs, program.outputs),
    ):
        sizes = [program.batch * program.tensors[name].size for name in names]
        _check_sizes(model.name, what, infos, sizes)


def _check_sizes(name: str, what: str, infos: tuple[TensorInfo, ...], sizes: list[int]) -> None:
    if [info.size for info in infos] != sizes:
        raise InvalidArgument(
            f"model {name!r}: model.json has {what} of {[info.size for info in infos]} B, {PROGRAM_JSON} of {sizes} B; "
            "compile the model again"
        )
