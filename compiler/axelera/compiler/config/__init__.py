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
from axelera.compiler.config._files import ConfigurationNotFoundError, preset_names
from axelera.compiler.config._layers import check_cascade, load_config
from axelera.compiler.config._model import CompilerConfig, here_of
from axelera.compiler.config._property import Effect, Here

__all__ = [
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
    "here_of",
    "load_config",
    "preset_names",
    "read_model_card",
]
