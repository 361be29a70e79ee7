"""From a float ONNX network to a compiled model for the chip."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from axelera.compiler._errors import (
    CalibrationError,
    CompilerError,
    ConfigurationError,
    MemoryPlanError,
    ModelError,
    UnsupportedModelError,
)
from axelera.compiler._violation import Violation
from axelera.compiler.config import CompilerConfig

if TYPE_CHECKING:
    from axelera.compiler._check import check_operators
    from axelera.compiler._compile import compile  # noqa: A004  the documented name
    from axelera.compiler._quantise import quantize
    from axelera.compiler._structure import structure_program
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
    "Violation",
    "check_operators",
    "compile",
    "quantize",
    "structure_program",
]

# The tools that read and run graphs take seconds to import; who writes a configuration needs none of them.
_LATE = {
    "AxeleraQuantizedModel": "quantized_model",
    "check_operators": "_check",
    "compile": "_compile",
    "quantize": "_quantise",
    "structure_program": "_structure",
}


def __getattr__(name: str) -> Any:
    """Load what `_LATE` names."""
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
