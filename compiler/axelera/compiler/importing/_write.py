"""`write_import`: a copy of a directory of the vendor's compiler with our program files beside its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from axelera.compiler._errors import ConfigurationError
from axelera.compiler.importing._import import program_of
from axelera.compiler.packaging import Contents, replacing
from axemu.driver import InvalidArgument, path_errors
from axemu.model import load_compiled_model
from axemu.model.program import PROGRAM_BIN, PROGRAM_JSON, Program, write_program

MAX_FILES = 1024
MAX_DEPTH = 8


def write_import(directory: str | Path, output: str | Path) -> Program:
    """Copy a compiled model and add the files of its program; the directory appears whole or not at all.

    Args:
        directory: a compiled-model directory, its model.json, or an .axm archive, made by the vendor's compiler.
        output: the directory to write; an earlier import of the same files is replaced.

    Returns:
        The program.

    Raises:
        IncompatibleDevice: the TorchScript program holds something that is not known; names it.
        InvalidArgument: a file is missing or damaged, is a link, or files contradict each other.
        ConfigurationError: `output` lies inside the directory, holds something else, or cannot be written.
    """
    model = load_compiled_model(directory)
    target = Path(output)
    with path_errors(InvalidArgument, model.directory):
        files = _files(model.directory)
    if Path(os.path.abspath(target)).is_relative_to(model.directory):  # noqa: PTH100  links are refused later
        raise ConfigurationError(
            f"output directory {target} lies inside {model.directory}; give another place"
        )
    program = program_of(model)
    names = tuple(dict.fromkeys((*(name.parts[0] for name in files), PROGRAM_JSON, PROGRAM_BIN)))
    contents = Contents("imported model", ("model.json", "manifest.json", PROGRAM_JSON), names)
    with replacing(target, contents, added_too=False) as fresh:
        with path_errors(InvalidArgument, model.directory):
            for name in files:
                copy = fresh / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(model.directory / name, copy)
        write_program(fresh, program)
    return program


def _files(directory: Path) -> list[Path]:
    """Return the files of a directory, relative to it; our own program files, should there be any, are made anew."""
    found: list[Path] = []
    for place, folders, names in os.walk(directory, onerror=_raise):
        inside = Path(place).relative_to(directory)
        if len(inside.parts) > MAX_DEPTH or len(found) + len(names) > MAX_FILES:
            raise InvalidArgument(
                f"{directory}: holds more than {MAX_FILES} files or directories deeper than {MAX_DEPTH}, which no compiled model does"
            )
        for name in (*folders, *names):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise InvalidArgument(f"{path}: is a link or no regular file; replace it by a copy (cp -L)")
        found += [inside / name for name in names]
    return sorted(name for name in found if name.as_posix() not in (PROGRAM_JSON, PROGRAM_BIN))


def _raise(error: OSError) -> None:
    raise error
