"""The compiler's configuration: one checked object, and the files it can come from."""

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
from axelera.compiler.config._model import CompilerConfig
from axelera.compiler.config._property import Effect, Here

__all__ = [
    "CompilerConfig",
    "CompilerMode",
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
]
