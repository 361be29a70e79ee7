"""What the compiler refuses, and with which words.

::

    InvalidArgument (axemu.driver)
     └─ CompilerError                 anything the compiler refuses; `status` is the word of compilation_report.json
         ├─ ConfigurationError        a property, file or model card that is not valid
         ├─ ModelError                the ONNX file cannot be read, converted or understood
         │   └─ UnsupportedModelError operators the chip cannot run; `violations` lists every one of them
         ├─ CalibrationError          calibration data that does not fit the model
         └─ MemoryPlanError           the program does not fit the memories it was given
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from axelera.compiler._violation import Violation
from axemu.driver import InvalidArgument


class CompilerError(InvalidArgument):
    """The compiler cannot turn this input into a compiled model."""

    status: ClassVar[str] = "TOP_LEVEL_LOWER_ERROR"


class ConfigurationError(CompilerError):
    """A configuration property, file or model card is not valid."""

    status: ClassVar[str] = "INITIALIZE_CLI_ERROR"


class ModelError(CompilerError):
    """The network cannot be read, converted or understood."""

    status: ClassVar[str] = "ONNX_GRAPH_CLEANER_ERROR"


class UnsupportedModelError(ModelError):
    """The network holds operators the chip cannot run; `violations` has one entry per broken rule."""

    status: ClassVar[str] = "QTOOLS_ERROR"

    def __init__(self, model: str, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        listing = "\n".join(f"  - {violation}" for violation in self.violations)
        super().__init__(
            f"model {model!r} cannot run on the chip, {len(self.violations)} problem(s):\n{listing}"
        )


class CalibrationError(CompilerError):
    """Calibration data is missing or does not fit the model."""

    status: ClassVar[str] = "TOP_LEVEL_QUANTIZE_ERROR"


class MemoryPlanError(CompilerError):
    """The program does not fit the memories it was given."""

    status: ClassVar[str] = "LOWER_MIDEND_ERROR"
