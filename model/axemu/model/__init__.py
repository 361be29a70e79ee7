"""The compiled-model directory: model.json, manifest.json and `.axm` archives, read with suspicion and written exactly.

The program inside a directory is in `axemu.model.program`, its operators in `axemu.model.ops`. `axemu.model.torchscript` reads what
directories of the vendor's compiler hold instead.
"""

from axemu.model._archive import read_axm, write_axm
from axemu.model._compiled_model import CompiledModel, load_compiled_model
from axemu.model._imported import has_torchscript, imported_program
from axemu.model._manifest_json import manifest_json
from axemu.model._model_json import MODEL_VERSIONS, RELEASE_VARIABLE, MemoryPool, model_json
from axemu.model._replacing import replacing

__all__ = [
    "MODEL_VERSIONS",
    "RELEASE_VARIABLE",
    "CompiledModel",
    "MemoryPool",
    "has_torchscript",
    "imported_program",
    "load_compiled_model",
    "manifest_json",
    "model_json",
    "read_axm",
    "replacing",
    "write_axm",
]
