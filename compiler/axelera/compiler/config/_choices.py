"""The closed lists of values a property may have."""

from __future__ import annotations

from enum import Enum, StrEnum

__all__ = [
    "CompilerMode",
    "DpuAllocation",
    "GraphCleanerCondition",
    "GraphCleanerNode",
    "HomeMemory",
    "InstructionHome",
    "MemoryPool",
    "MulticoreMode",
    "ProfilingLevel",
    "QuantizationScheme",
]


class CompilerMode(StrEnum):
    """Which stages run."""

    QUANTIZE_AND_LOWER = "quantize_and_lower"
    QUANTIZE_ONLY = "quantize_only"
    LOWER_ONLY = "lower_only"


class QuantizationScheme(StrEnum):
    """How the ranges of activations are found; weights are always per output channel."""

    PER_TENSOR_HISTOGRAM = "per_tensor_histogram"
    PER_TENSOR_MIN_MAX = "per_tensor_min_max"
    HYBRID_PER_TENSOR_PER_CHANNEL = "hybrid_per_tensor_per_channel"


class MulticoreMode(StrEnum):
    """How several cores share the work."""

    MULTIPROCESS = "multiprocess"
    MULTITHREAD = "multithread"
    BATCH = "batch"
    COOPERATIVE = "cooperative"
    PIPELINE = "pipeline"


class GraphCleanerCondition(StrEnum):
    """What the split of pre- and post-processing compares with its threshold."""

    MAXIMUM_WEIGHT_TENSOR_SIZE = "maximum_weight_tensor_size"
    MAXIMUM_WEIGHT_TENSOR_FIRST_DIMENSION_SIZE = "maximum_weight_tensor_first_dimension_size"


class GraphCleanerNode(StrEnum):
    """The operator the condition of the split looks at."""

    MATMUL = "MatMul"
    GEMM = "Gemm"
    CLIP = "Clip"


class MemoryPool(StrEnum):
    """Where a kind of buffer starts out."""

    DDR = "global.ddr"
    L2 = "global.l2"
    L1 = "global.l1"

    @classmethod
    def _missing_(cls, value: object) -> Enum | None:
        return next((pool for pool in cls if pool.value == f"global.{value}"), None)


class HomeMemory(StrEnum):
    """Where the vector unit's constants live."""

    DDR = "global.ddr"
    L2 = "global.l2"

    @classmethod
    def _missing_(cls, value: object) -> Enum | None:
        return next((pool for pool in cls if pool.value == f"global.{value}"), None)


class InstructionHome(StrEnum):
    """Where the instructions of a vector unit live."""

    DEFAULT = "default"
    L2 = "l2"


class DpuAllocation(StrEnum):
    """The register allocator of the vector unit."""

    GRAPH = "graph"
    LAZY = "lazy"
    BACKJUMP_RECURSIVE = "backjump_recursive"
    TRY_ALL = "try_all"


class ProfilingLevel(StrEnum):
    """What the profiling build of a model records."""

    ANY = "[?]"
    B = "[B]"
    PB = "[PB]"
    PE = "[PE]"
    K = "[K]"
    M = "[M]"
    T = "[T]"
