"""From a float ONNX network to a compiled model for the chip."""

from axelera.compiler._compile import compile  # noqa: A004  the documented name
from axelera.compiler._errors import (
    CalibrationError,
    CompilerError,
    ConfigurationError,
    MemoryPlanError,
    ModelError,
    UnsupportedModelError,
)
from axelera.compiler._quantize import quantize
from axelera.compiler._structure import structure_program
from axelera.compiler.config import CompilerConfig
from axelera.compiler.quantized_model import AxeleraQuantizedModel

__all__ = [
    "AxeleraQuantizedModel",
    "CalibrationError",
    "CompilerConfig",
    "CompilerError",
    "ConfigurationError",
    "MemoryPlanError",
    "ModelError",
    "UnsupportedModelError",
    "compile",
    "quantize",
    "structure_program",
]
