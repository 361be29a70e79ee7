"""What is to be predicted: a compiled directory, an ONNX file or a network of the zoo, as the program of a core and bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from axemu import faces
from axemu.chip import METIS, ChipFigures
from axemu.driver import InvalidArgument, path_errors
from axemu.emulator.metis import InstanceSpec
from axemu.model.passes import CoreProgram
from axemu.model.program import Program

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class Target:
    """A model as the timing model sees it. Bytes are of one call, all `batch` frames together."""

    name: str
    batch: int
    core: CoreProgram
    input_bytes: int
    output_bytes: int


def load_target(
    model: str | Path,
    compiled_cores: int | None = None,
    tiling_depth: int | None = None,
    chip: ChipFigures = METIS,
    resources: float | None = None,
) -> Target:
    """Find `model` and plan it.

    Args:
        model: a compiled-model directory (its model.json, or an output of `axcompile`), an ONNX file, or the name of a
            network of the zoo.
        compiled_cores: cores one instance spans; None means as compiled, or 1.
        tiling_depth: see `axelera.compiler.planning.PlanOptions`; a compiled directory has been planned already.
        chip: figures of the chip.
        resources: share of the chip's L2 that the model may use; None means a quarter per core.

    Raises:
        InvalidArgument: nothing of that name exists, or a compiled model spans another number of cores.
        AxeleraError: the model cannot be read or the chip cannot run it.
    """
    program, compiled = _find(model, compiled_cores)
    if not compiled:
        return target_of(program, tiling_depth, chip, resources)
    if program.core is None:
        raise InvalidArgument(
            f"model {model}: says nothing of what a core executes; compile it again with this SDK"
        )
    return Target(program.name, program.batch, program.core, *_io_bytes(program))


def instances_of(target: Target, count: int, double_buffer: bool, boards: int = 1) -> list[InstanceSpec]:
    """Return `count` instances of a target on each board, side by side from its first core on."""
    return [
        InstanceSpec(
            id=board * count + number,
            core=target.core,
            cores=tuple(range(number * target.batch, (number + 1) * target.batch)),
            input_bytes=target.input_bytes,
            output_bytes=target.output_bytes,
            double_buffer=double_buffer,
            board=board,
        )
        for board in range(boards)
        for number in range(count)
    ]


def load_program(model: str | Path, compiled_cores: int | None = None) -> Program:
    """Find `model` as an integer program; arguments and errors are those of :func:`load_target`."""
    return _find(model, compiled_cores)[0]


def _find(model: str | Path, compiled_cores: int | None) -> tuple[Program, bool]:
    """Return a program and whether it comes from a compiled directory."""
    with path_errors(InvalidArgument, f"model {model}"):
        return _load(model, Path(model), compiled_cores)


def _load(model: str | Path, path: Path, compiled_cores: int | None) -> tuple[Program, bool]:
    if path.name == "model.json":
        path = path.parent
    if path.is_dir():
        inside = path / "compiled_model"  # what `axcompile` was told to write is the directory around it
        return _compiled(inside if inside.is_dir() else path, compiled_cores), True
    if path.suffix == ".onnx" or path.is_file():
        if not path.is_file():
            raise InvalidArgument(
                f"model {model}: no such file; give an ONNX file, a directory or a zoo name"
            )
        return _structure(path, compiled_cores or 1), False
    return zoo_program(str(model), compiled_cores or 1), False


def zoo_program(name: str, batch: int = 1) -> Program:
    """Build a network of the zoo, weights left out, and lower it.

    Raises:
        InvalidArgument: the zoo has no such network; the message names similar ones.
    """
    from axemu.zoo import UnknownNetworkError, find  # noqa: PLC0415

    try:
        network = find(name)
    except UnknownNetworkError as error:
        raise InvalidArgument(f"model {name}: neither a file nor a directory, and {error}") from error
    return _structure(network.build(structure_only=True), batch)


def target_of(
    program: Program,
    tiling_depth: int | None = None,
    chip: ChipFigures = METIS,
    resources: float | None = None,
) -> Target:
    """Plan a program and return it as a target."""
    faces.check("axelera.compiler")
    from axelera.compiler.planning import PlanOptions, plan  # noqa: PLC0415

    planned = plan(program, PlanOptions(program.batch, resources, tiling_depth, chip=chip))
    return Target(program.name, program.batch, planned.core, *_io_bytes(program))


def _structure(model: onnx.ModelProto | Path, batch: int) -> Program:
    faces.check("axelera.compiler")
    from axelera.compiler import structure_program  # noqa: PLC0415  onnx is slow to import

    return structure_program(model, batch)


def _compiled(path: Path, compiled_cores: int | None) -> Program:
    from axemu.model import has_torchscript, imported_program  # noqa: PLC0415
    from axemu.model.program import PROGRAM_JSON, read_program  # noqa: PLC0415

    own = (path / PROGRAM_JSON).is_file() or not has_torchscript(path)
    program = read_program(path) if own else imported_program(path)
    if compiled_cores not in (None, program.batch):
        raise InvalidArgument(
            f"model {path}: compiled for {program.batch} cores, not {compiled_cores}; compile it again or leave the option out"
        )
    return program


def _io_bytes(program: Program) -> tuple[int, int]:
    sizes = [sum(program.tensors[name].size for name in names) for names in (program.inputs, program.outputs)]
    return program.batch * sizes[0], program.batch * sizes[1]
