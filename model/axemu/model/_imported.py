"""Programs of directories that hold none of ours: who can translate them is known by name only, and loaded when needed."""

from __future__ import annotations

import importlib
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from axemu import faces
from axemu.driver import IncompatibleDevice

if TYPE_CHECKING:
    from collections.abc import Callable

    from axemu.model.program import Program

IMPORTER = "axelera.compiler.importing:import_program"
"""`module:attribute` of the function that translates a directory. This room knows no compiler."""
KEPT = 4
"""Programs that stay in memory; the least recently asked for goes."""

_programs: OrderedDict[tuple[object, ...], Program] = OrderedDict()
_lock = threading.Lock()


def has_torchscript(directory: Path) -> bool:
    """Tell whether a directory holds a TorchScript file, as those of the vendor's compiler do."""
    return any(directory.glob("*.pt"))


def imported_program(directory: Path) -> Program:
    """Return the program that the TorchScript file of a directory of the vendor's compiler is translated into.

    The last `KEPT` are kept while the files they came from do not change.

    Raises:
        IncompatibleDevice: there is no such file, it holds something that is not known, or the compiler of this SDK is
            hidden by another distribution's.
        InvalidArgument: a file is damaged, or files contradict each other.
    """
    states = [file.stat() for kind in ("*.pt", "*.json") for file in sorted(directory.glob(kind))]
    key = (directory.resolve(), *((one.st_mtime_ns, one.st_size, one.st_ino) for one in states))
    with _lock:
        if key in _programs:
            _programs.move_to_end(key)
            return _programs[key]
    program = _importer()(directory)
    with _lock:
        _programs[key] = program
        while len(_programs) > KEPT:
            _programs.popitem(last=False)
    return program


def _importer() -> Callable[[Path], Program]:
    module, _, attribute = IMPORTER.partition(":")
    package = ".".join(module.split(".")[:2])
    try:
        faces.check(package)
        function: Callable[[Path], Program] = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise IncompatibleDevice(
            f"a directory of the vendor's compiler is translated by {package} of this SDK: {error}"
        ) from error
    return function
