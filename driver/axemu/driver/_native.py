"""Real cards. Their native library has no binding yet; the name is taken so that programs can already be written."""

from __future__ import annotations

from typing import NoReturn


class NativeDriver:
    """Refuses to exist, the way `Context()` does on a machine where the native library cannot be loaded."""

    def __new__(cls) -> NoReturn:
        """Say what is missing.

        Raises:
            OSError: always.
        """
        raise OSError(
            "the native Axelera runtime library (libaxruntime.so) cannot be loaded: this version of the SDK has no binding "
            "to it; unset AXELERA_DRIVER or choose driver 'emulator' to run without a card"
        )
