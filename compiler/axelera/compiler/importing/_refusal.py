"""How the translation says no."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from axemu.driver import IncompatibleDevice, InvalidArgument

INSTEAD = "compile the network's ONNX file here instead (axcompile)"


@dataclass(frozen=True, slots=True)
class Source:
    """The file that is translated, for messages."""

    path: Path

    def unknown(self, module: str, what: str) -> IncompatibleDevice:
        """Return the refusal of something that is not known in a program of the vendor's compiler."""
        return IncompatibleDevice(
            f"{self.path}: {_named(module)}{what}, which this SDK cannot translate; {INSTEAD}"
        )

    def wrong(self, module: str, what: str) -> InvalidArgument:
        """Return the refusal of constants or numbers that contradict each other."""
        return InvalidArgument(
            f"{self.path}: {_named(module)}{what}; the file is damaged or was changed: copy it again"
        )


def _named(module: str) -> str:
    return f"module {module!r}: " if module else ""
