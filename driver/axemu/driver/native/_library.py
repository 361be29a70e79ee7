"""The native library: found, loaded and checked before anything is asked of it."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import Any

from axemu.driver._errors import AxeleraError, InternalError
from axemu.driver.native import LIBRARY, VARIABLE
from axemu.driver.native._abi import NEEDED, OURS, TENSOR, ffi
from axemu.driver.native._find import VENDOR_VARIABLE, places
from axemu.driver.native._results import NAMES, error_of

MAJOR = 1
_PROBE = (2, 3, 5, 7)
_MOST_TEXT = 1 << 16
_SMALLEST_ADDRESS = 1 << 20


class Library:
    """A loaded library; `functions` is what cffi made of it.

    Args:
        argument: its file; None looks for it.

    Raises:
        OSError: it is not found, cannot be loaded, or is not one that this binding knows.
    """

    def __init__(self, argument: str | os.PathLike[str] | None = None) -> None:
        looked = []
        for place in places(argument):
            if place.name is None:
                looked.append(f"{place.source}: {place.problem}")
                continue
            try:
                self.functions: Any = ffi.dlopen(place.name, ffi.RTLD_NOW)
            except OSError as error:
                looked.append(f"{place.source}: {error}")
                continue
            self.path = place.name
            self.source = place.source
            self._check()
            return
        raise OSError(
            f"the native Axelera runtime library ({LIBRARY}) cannot be loaded; looked at {'; '.join(looked)}. Install the "
            f"vendor's runtime, set {VARIABLE} to the library's file or {VENDOR_VARIABLE} to its directory, or choose "
            "driver 'emulator' to run without a card"
        )

    @cached_property
    def version(self) -> str:
        """What the library calls its interface; empty if it says nothing that is text."""
        word = int(self.functions.axr_api_version())
        if word < _SMALLEST_ADDRESS:
            return str(word) if word else ""
        content = read_memory(word, 256)  # documents do not say whether it is a text or a number
        text = content.split(b"\0")[0]
        return text.decode("ascii", "replace") if b"\0" in content and text.isascii() else ""

    @cached_property
    def result_names(self) -> tuple[str, ...]:
        """Names of the results by number, as the library itself has them; where it has none, as documented."""
        own = [self._result_name(code) for code in range(2 * len(NAMES))]
        return tuple(own) if any(own) else NAMES

    @property
    def emulated(self) -> bool:
        """Whether it is the library of this SDK, whose boards are emulated."""
        return hasattr(self.functions, OURS)

    def text(self, pointer: Any) -> str:
        """Copy a text that the library returned; NULL is an empty one."""
        if not pointer:
            return ""
        return bytes(ffi.string(pointer, _MOST_TEXT)).decode("utf-8", "surrogateescape")

    def error(self, what: str, owner: Any, code: int | None = None) -> AxeleraError:
        """Make the exception for a call that failed.

        Args:
            what: what was tried.
            owner: an object whose context knows the error.
            code: what the call returned, if it was a result.
        """
        last = int(self.functions.axr_last_error(owner))
        text = self.text(self.functions.axr_last_error_string(owner))
        if code is None:
            code = last
        if not code:
            return InternalError(f"{what}: the native library failed and names no error")
        if last != code:
            text = ""  # of something else
        name = self.result_names[code] if 0 <= code < len(self.result_names) else ""
        if not text:
            said = self.text(self.functions.axr_error_string(code))
            text = f"{what}: the native library says {said or 'nothing'} (result {code})"
        return error_of(name)(text)

    def _result_name(self, code: int) -> str:
        said = self.text(self.functions.axr_error_string(code)).upper().replace(" ", "_")
        return max((name for name in NAMES if name in said), key=len, default="")

    def _check(self) -> None:
        where = f"the native library {self.path} ({self.source})"
        missing = [name for name in NEEDED if not hasattr(self.functions, name)]
        if missing:
            raise OSError(
                f"{where} lacks {', '.join(missing)}: it is not a libaxruntime that this SDK knows; install a release "
                f"{MAJOR}.x of the vendor's runtime"
            )
        version = re.match(r"\D{0,8}(\d+)\.\d+", self.version)
        if version and int(version[1]) != MAJOR:
            raise OSError(
                f"{where} has interface version {self.version[:80]!r}; this SDK knows {MAJOR}.x: install such a release, or "
                "a newer axemu"
            )
        self._check_tensor_info(where)

    def _check_tensor_info(self, where: str) -> None:
        """Let the library measure a tensor: it finds the size only if it lays out the structure as we do."""
        probe = ffi.new("axrReturnedTensorInfo *")  # with room behind it
        for axis, size in enumerate(_PROBE):
            probe.info.dims[axis] = size
        probe.info.ndims, probe.info.bits, probe.info.type = len(_PROBE), 16, 1
        expected = 2 * 2 * 3 * 5 * 7
        found = int(self.functions.axr_tensor_size(ffi.addressof(probe, "info")))
        if found != expected:
            raise OSError(
                f"{where} measures a tensor of {expected} B as {found} B: its axrTensorInfo is not the one this SDK knows "
                f"({TENSOR.size} B; interface version {self.version[:80]!r})"
            )


def read_memory(address: int, count: int) -> bytes:
    """Read memory of this process as far as there is any; a bad address gives fewer bytes, not the end of the process."""
    try:
        with open("/proc/self/mem", "rb", buffering=0) as memory:  # noqa: PTH123
            memory.seek(address)
            return memory.read(count)
    except (OSError, ValueError, OverflowError):
        return b""
