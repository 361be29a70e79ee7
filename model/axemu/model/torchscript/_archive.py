"""The ZIP of a TorchScript program: its members are counted, bounded and read one at a time."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Self

from axemu.driver import IncompatibleDevice, InvalidArgument
from axemu.model._bounded_zip import DAMAGE, BoundedFile

MAX_MEMBERS = 1 << 15
MAX_LIST = 4 << 20
"""Bytes of the list of members: names of modules are long."""
MAX_TEXT = 2 << 20
"""Bytes of one module or record, unpacked."""
MAX_TEXTS = 4 << 20
"""Bytes of all of them together."""
MAX_TENSOR = 1 << 30
SHARING = 4
"""How often all bytes of the file may be read as tensors."""
_ENCRYPTED = 0x1


class Archive:
    """An open archive; a context manager.

    Raises:
        InvalidArgument: it is no ZIP, damaged, or its members have no common directory, are doubled, encrypted, or claim
            more than the file can hold.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._texts = self._tensors = self._capacity = 0
        try:
            self._file = BoundedFile(path, MAX_LIST)
            try:
                self._zip = zipfile.ZipFile(self._file)
                self._members = self._checked(self._zip.infolist())
            except BaseException:
                self._file.close()
                raise
        except DAMAGE as error:
            raise self._damaged(error) from error
        except OSError as error:
            raise InvalidArgument(f"{path}: cannot be read: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._zip.close()
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self, name: str) -> bytes:
        """Return a module or record, which may be packed; at most `MAX_TEXT` bytes.

        Raises:
            InvalidArgument: it is missing, damaged or larger.
        """
        content = self._read(self._member(name), MAX_TEXT)
        self._texts += len(content)
        if self._texts > MAX_TEXTS:
            raise InvalidArgument(f"{self.path}: its modules unpack to more than {MAX_TEXTS} B")
        return content

    def tensor(self, name: str) -> bytes:
        """Return the bytes of a tensor, which are stored as they are.

        Raises:
            InvalidArgument: the member is missing, damaged, packed or beyond `MAX_TENSOR`, or tensors have been asked for
                so often that they must share members.
        """
        member = self._member(name)
        self._tensors += member.file_size
        if self._tensors > SHARING * self._capacity:
            raise InvalidArgument(
                f"{self.path}: its tensors take more than {SHARING} times the {self._capacity} B of the file"
            )
        if member.compress_type != zipfile.ZIP_STORED:
            raise InvalidArgument(f"{self.path}: member {name!r} is packed; tensors are stored as they are")
        return self._read(member, MAX_TENSOR)

    def _read(self, member: zipfile.ZipInfo, limit: int) -> bytes:
        size = member.file_size
        if size > limit:
            raise InvalidArgument(
                f"{self.path}: member {member.filename!r} claims {size} B, expected at most {limit}"
            )
        try:
            with self._zip.open(member) as stream:
                content = stream.read(size + 1)
        except DAMAGE as error:
            raise self._damaged(error) from error
        except OSError as error:
            raise InvalidArgument(f"{self.path}: cannot be read: {error.strerror or error}") from error
        if len(content) != size:
            raise self._damaged(f"member {member.filename!r} holds {len(content)} B and claims {size}")
        return content

    def _member(self, name: str) -> zipfile.ZipInfo:
        member = self._members.get(name)
        if member is None:
            raise InvalidArgument(
                f"{self.path}: member {name[:200]!r} is missing, so this is no TorchScript program, or damaged; copy it again"
            )
        return member

    def _checked(self, members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        """Return the members by their names inside the one directory that holds all of them."""
        if not 0 < len(members) <= MAX_MEMBERS:
            raise InvalidArgument(f"{self.path}: has {len(members)} members, expected 1 to {MAX_MEMBERS}")
        capacity = self._capacity = self.path.stat().st_size
        root = members[0].filename.partition("/")[0]
        found: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            directory, slash, name = member.filename.partition("/")
            problem = _problem(member, capacity)
            if directory != root or not slash:
                problem = f"is not in {root[:80]!r} like the first"
            elif name in found:
                problem = "is there twice"
            if problem:
                raise InvalidArgument(f"{self.path}: member {member.filename[:200]!r} {problem}")
            found[name] = member
        return found

    def _damaged(self, what: object) -> InvalidArgument:
        return InvalidArgument(f"{self.path}: no TorchScript archive, or damaged: {what}; copy it again")

    def require_little_endian(self) -> None:
        """Refuse an archive whose tensors are stored the other way round; one that does not say is little-endian."""
        if "byteorder" in self and self.text("byteorder").strip() != b"little":
            raise IncompatibleDevice(
                f"{self.path}: its tensors are not stored little-endian; export it again"
            )


def _problem(member: zipfile.ZipInfo, capacity: int) -> str:
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that PyTorch does not use"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is not a regular file"
    if member.compress_size > capacity:
        return f"claims {member.compress_size} B of a file of {capacity}"
    return ""
