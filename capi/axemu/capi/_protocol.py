"""Messages between `libaxruntime.so` and the process that owns the boards.

Numbers are as the machine writes them, texts have their length before them. The other side is `source/wire.c`; a change of anything here raises `VERSION` in both.
"""

from __future__ import annotations

import enum
import struct

VERSION = 1
MOST_BYTES = 1 << 16
"""Of a request; more is refused by the sender's socket anyway."""


class Operation(enum.IntEnum):
    """What a request asks for."""

    GREET = 1
    ATTACH = 2
    LIST = 3
    CONNECT = 4
    CONFIGURE = 5
    READY = 6
    READ_CONFIGURATION = 7
    LOAD_MODEL = 8
    LOAD_INSTANCE = 9
    RUN = 10
    RELEASE = 11
    END = 12
    COUNTERS = 13
    WAIT_UNTIL = 14


class DamagedRequestError(ValueError):
    """A request that no library of this version sends."""


class Reader:
    """Takes a request apart."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def u32(self) -> int:
        """Read a number of 32 bits."""
        return int(self._take("=I"))

    def u64(self) -> int:
        """Read a number of 64 bits."""
        return int(self._take("=Q"))

    def double(self) -> float:
        """Read a number with a fraction."""
        return self._take("=d")

    def text(self) -> str:
        """Read a text."""
        length = self.u32()
        content = self._data[self._at : self._at + length]
        if len(content) != length:
            raise DamagedRequestError("a text ends before its end")
        self._at += length
        return content.decode("utf-8", "surrogateescape")

    def properties(self) -> dict[str, str]:
        """Read keys with their values."""
        return {self.text(): self.text() for _ in range(self.u32())}

    def _take(self, form: str) -> float:
        try:
            (value,) = struct.unpack_from(form, self._data, self._at)
        except struct.error as error:
            raise DamagedRequestError("a request is too short") from error
        self._at += struct.calcsize(form)
        return float(value) if form == "=d" else int(value)


class Writer:
    """Puts a reply together."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def u32(self, *values: int) -> None:
        """Write numbers of 32 bits; negative ones as two's complement."""
        self._parts += [struct.pack("=I", value & 0xFFFFFFFF) for value in values]

    def u64(self, *values: int) -> None:
        """Write numbers of 64 bits."""
        self._parts += [struct.pack("=Q", value) for value in values]

    def double(self, value: float) -> None:
        """Write a number with a fraction."""
        self._parts.append(struct.pack("=d", value))

    def text(self, value: str) -> None:
        """Write a text."""
        content = value.encode("utf-8", "surrogateescape")
        self._parts += [struct.pack("=I", len(content)), content]

    def properties(self, values: dict[str, str]) -> None:
        """Write keys with their values."""
        self.u32(len(values))
        for key, value in values.items():
            self.text(key)
            self.text(value)

    def content(self) -> bytes:
        """Return everything that was written."""
        return b"".join(self._parts)
