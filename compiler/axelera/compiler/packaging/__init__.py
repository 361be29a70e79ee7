"""Directories: the compiled model and the quantised model, written at once and deterministically."""

from axelera.compiler.packaging._compiled import COMPILED_MODEL, write_compiled_model, write_json
from axelera.compiler.packaging._listing import program_text
from axelera.compiler.packaging._quantised import read_quantised_model, write_quantised_model
from axelera.compiler.packaging._replace import Contents, replacing

__all__ = [
    "COMPILED_MODEL",
    "Contents",
    "program_text",
    "read_quantised_model",
    "replacing",
    "write_compiled_model",
    "write_json",
    "write_quantised_model",
]
