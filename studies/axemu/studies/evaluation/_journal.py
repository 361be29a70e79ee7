"""What was judged already, a line per picture, so that an evaluation can go on where it was interrupted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from axemu.driver import InvalidArgument, path_errors
from axemu.driver.bounded import JSON_FILE, JSON_TEXT, in_words, parse_json

VERSION = 1


class Journal:
    """Records by name of the picture, in a file if `path` is given; a context manager that closes it.

    Args:
        path: a file of an earlier evaluation, or a new one.
        settings: what decides a record, as JSON.

    Raises:
        InvalidArgument: the file is of an evaluation with other settings, or of something else.
    """

    def __init__(self, path: Path | None, settings: Mapping[str, Any]) -> None:
        self.records: dict[str, Any] = {}
        self._file = None
        if path is None:
            return
        with path_errors(InvalidArgument, f"journal {path}"):
            head = {"axemu evaluation": VERSION, **parse_json(json.dumps(settings).encode(), JSON_TEXT)}
            end = self._read(path, head) if path.exists() else 0
            self._file = path.open("r+b" if end else "wb")
            os.ftruncate(self._file.fileno(), end)  # a line that an interrupt cut off
            self._file.seek(end)
            if not end:
                self._write(head)

    def add(self, name: str, record: Any) -> None:
        """Keep the record of a picture."""
        self.records[name] = record
        self._write({"picture": name, **record})

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            self._file.flush()

    def _read(self, path: Path, head: Mapping[str, Any]) -> int:
        """Take over what the file has; return where the last whole line ends."""
        end = 0
        with path.open("rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                try:
                    content = parse_json(line, JSON_FILE)
                    if number:
                        self.records[str(content.pop("picture"))] = content
                except (ValueError, KeyError, AttributeError) as error:
                    raise InvalidArgument(
                        f"journal {path}, line {number + 1}: not written here: {in_words(error)}"
                    ) from error
                if not number and content != head:
                    raise InvalidArgument(
                        f"journal {path}: {_other(content, head)}; give another file, or remove this one"
                    )
                end += len(line)
        if end == 0 and path.stat().st_size:
            raise InvalidArgument(f"journal {path}: not written here; give another file")
        return end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()


def _other(content: Any, head: Mapping[str, Any]) -> str:
    if not isinstance(content, dict) or "axemu evaluation" not in content:
        return "not written here"
    differing = [key for key in {**head, **content} if content.get(key) != head.get(key)]
    return "belongs to an evaluation with " + ", ".join(
        f"{key} {content.get(key)!r:.60} instead of {head.get(key)!r:.60}" for key in differing[:3]
    )
