"""From a float ONNX network to a compiled model for the chip."""

from axelera.compiler._errors import (
    CalibrationError,
    CompilerError,
    ConfigurationError,
    MemoryPlanError,
    ModelError,
    UnsupportedModelError,
)
from axelera.compiler._structure import structure_program
from axelera.compiler.config import CompilerConfig

__all__ = [
    "CalibrationError",
    "CompilerConfig",
    "CompilerError",
    "ConfigurationError",
    "MemoryPlanError",
    "ModelError",
    "UnsupportedModelError",
    "structure_program",
]
