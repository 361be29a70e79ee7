"""Compiled-model directories of the vendor's compiler, translated into programs of ours.

Such a directory holds the int8 core as a TorchScript program, which `axemu.model.torchscript` reads without executing it. Here
its operators become operators of a program (`_translate`, whose pieces are `_values`, `_reals` and `_constants`), the ports of model.json
are joined to it (`_ports`), and the planner adds what the timing model charges. What is not known is refused by name.
"""

from axelera.compiler.importing._import import import_program
from axelera.compiler.importing._write import write_import

__all__ = ["import_program", "write_import"]
