"""ZIP archives of strangers: how much is read at once, and what damage looks like."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from pathlib import Path

from axemu.driver.bounded import open_without_waiting

LISTED = 2 << 20
"""Bytes the list of members of an archive may take."""
DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OverflowError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What `zipfile` raises for damaged files; UnicodeError is a ValueError."""


class BoundedFile(io.FileIO):
    """A file of which no more than `most` bytes are read at once.

    `zipfile` reads and decodes the whole list of members, however long it claims to be, before anybody can count them.
    """

    def __init__(self, path: Path, most: int = LISTED) -> None:
        super().__init__(path, opener=open_without_waiting)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes; without a size, of the end of the file, where the list of members is looked for."""
        if size is None or size < 0:
            size = min(self._most, os.fstat(self.fileno()).st_size)
        if size > self._most:
            raise zipfile.BadZipFile(f"its list of members is larger than {self._most} B")
        return super().read(size) or b""
