"""Real cards: a binding to the vendor's library `libaxruntime.so` by its documented C interface.

The library is found and checked when a driver is made; until then nothing is loaded, not even cffi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from axemu.driver.native._results import error_of, result_of

if TYPE_CHECKING:
    from axemu.driver.native._driver import NativeDriver

__all__ = ["LIBRARY", "VARIABLE", "NativeDriver", "error_of", "result_of"]

LIBRARY = "libaxruntime.so"
VARIABLE = "AXEMU_NATIVE_LIBRARY"
"""Names the library's file; `AXELERA_RUNTIME_DIR`, the vendor's variable, the directory it is installed in."""


def __getattr__(name: str) -> Any:
    """Load the driver on first use."""
    if name != "NativeDriver":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}._driver").NativeDriver
