"""The compiled-model directory: model.json, manifest.json and `.axm` archives, read with suspicion and written exactly.

The program inside a directory is in `axelera.model.program`, its operators in `axelera.model.ops`.
"""

from axelera.model._archive import read_axm, write_axm
from axelera.model._compiled_model import CompiledModel, load_compiled_model
from axelera.model._manifest_json import manifest_json
from axelera.model._model_json import MemoryPool, model_json
from axelera.model._replacing import replacing

__all__ = [
    "CompiledModel",
    "MemoryPool",
    "load_compiled_model",
    "manifest_json",
    "model_json",
    "read_axm",
    "replacing",
    "write_axm",
]
