"""The integer program of a compiled model: its graph, constants and tasks, and the two files that hold it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from axemu.model.program._program import FORMAT_VERSION, Attribute, Node, Program, Tensor, is_structure_only

if TYPE_CHECKING:
    from axemu.model.program._files import PROGRAM_BIN, PROGRAM_JSON, read_program, write_program
    from axemu.model.program._validate import validate

__all__ = [
    "FORMAT_VERSION",
    "PROGRAM_BIN",
    "PROGRAM_JSON",
    "Attribute",
    "Node",
    "Program",
    "Tensor",
    "is_structure_only",
    "read_program",
    "validate",
    "write_program",
]

_LATE = {
    "PROGRAM_BIN": "_files",
    "PROGRAM_JSON": "_files",
    "read_program": "_files",
    "validate": "_validate",
    "write_program": "_files",
}


def __getattr__(name: str) -> Any:
    """Import what needs the operators on first use: the operators themselves are made of the types above."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
