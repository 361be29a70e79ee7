"""The compiler's configuration: one checked object, and the files it can come from."""

from axelera.compiler.config._card import read_model_card
from axelera.compiler.config._choices import (
    CompilerMode,
    DpuAllocation,
    GraphCleanerCondition,
    GraphCleanerNode,
    HomeMemory,
    InstructionHome,
    MemoryPool,
    MulticoreMode,
    ProfilingLevel,
    QuantizationScheme,
)
from axelera.compiler.config._files import ConfigurationNotFoundError, preset_names, read_json
from axelera.compiler.config._layers import check_cascade, load_config
from axelera.compiler.config._messages import explain, nearest
from axelera.compiler.config._model import ALIASES, CompilerConfig, here_of, spell_out
from axelera.compiler.config._property import Effect, Here

__all__ = [
    "ALIASES",
    "CompilerConfig",
    "CompilerMode",
    "ConfigurationNotFoundError",
    "DpuAllocation",
    "Effect",
    "GraphCleanerCondition",
    "GraphCleanerNode",
    "Here",
    "HomeMemory",
    "InstructionHome",
    "MemoryPool",
    "MulticoreMode",
    "ProfilingLevel",
    "QuantizationScheme",
    "check_cascade",
    "explain",
    "here_of",
    "load_config",
    "nearest",
    "preset_names",
    "read_json",
    "read_model_card",
    "spell_out",
]
