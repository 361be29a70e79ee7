"""The library's messages, in `logging`."""

from __future__ import annotations

import logging
from typing import Any

from axemu.driver.native._abi import ffi

LOGGER = "axelera.runtime"
TRACE = 5
_LEVELS = (TRACE, TRACE, logging.DEBUG, logging.INFO, logging.WARNING, logging.WARNING, logging.ERROR)
"""TRACE, LOG, DEBUG, INFO, FIXME, WARNING, ERROR."""
_log = logging.getLogger(LOGGER)


def least_level() -> int:
    """Return the library's level for the least that the logger takes."""
    wanted = _log.getEffectiveLevel()
    return next((index for index, level in enumerate(_LEVELS) if level >= wanted), len(_LEVELS) - 1)


def make_callback() -> Any:
    """Return what the library is to call; keep it as long as the library may."""

    def tell(_: Any, level: int, message: Any) -> None:
        if message:
            text = bytes(ffi.string(message, 1 << 16)).decode("utf-8", "replace").rstrip()
            _log.log(_LEVELS[level] if 0 <= level < len(_LEVELS) else logging.ERROR, "%s", text)

    return ffi.callback("void(void *, int, const char *)", tell)
