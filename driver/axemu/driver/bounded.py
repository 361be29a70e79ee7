"""Text of strangers: its size, depth and number of values are bounded before a parser sees it.

Parsers build what a text asks for, some of them in more than linear time or memory. What is looked at here is linear
in the text, and a text within the bounds costs its parser, and whoever walks or prints the result, little.
"""

from __future__ import annotations

import json
import os
import re
import reprlib
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, NoReturn

__all__ = [
    "JSON_FILE",
    "JSON_TEXT",
    "LONGEST_NUMBER",
    "TOML_FILE",
    "TOML_TEXT",
    "Bounds",
    "decoded",
    "in_words",
    "open_without_waiting",
    "parse_json",
    "parse_toml",
    "read_bounded",
    "shown",
]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most a text may have: bytes, values (with keys, tables and parts of keys), and levels of nesting."""

    size: int
    values: int
    depth: int = 32


JSON_FILE = Bounds(16 << 20, 1 << 20)
"""A file of a compiled model."""
JSON_TEXT = Bounds(1 << 20, 1 << 15)
"""Options and reports."""
TOML_FILE = Bounds(1 << 20, 1 << 15)
TOML_TEXT = Bounds(1 << 16, 1 << 12)
"""What an environment variable holds."""

LONGEST_NUMBER = 1024
"""Characters of a number or bare word: Python prints integers of up to 4300 digits, and reads longer ones slowly."""

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
# Every alternative matches to the end of the text where the closing quote is missing: nothing is looked at twice.
_TOML_STRING = re.compile(
    rb'"""(?:[^"\\]|\\(?:.|\Z)|"(?!""))*+(?:"{3,5}|\Z)'
    rb"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    rb'|"(?:[^"\\\n]|\\(?:.|\Z))*+(?:"|\n|\Z)'
    rb"|'[^'\n]*+(?:'|\n|\Z)"
    rb"|#[^\n]*+(?:\s*+#[^\n]*+)*+",
    re.DOTALL,
)
_WORDS = bytes.maketrans(b",:=[]{}", b"       ")
_BRACKETS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class _Short(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        """Show an integer; Python refuses to print those of over 4300 digits."""
        return (
            super().repr_int(x, level) if x.bit_length() < 10_000 else f"an integer of {x.bit_length()} bits"
        )


_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 6


def in_words(error: Exception) -> str:
    """Return what was wrong with a text whose values were taken as they should be, without Python's spelling of it."""
    if isinstance(error, KeyError) and error.args:
        return f"there is no {error.args[0]!r}"
    if isinstance(error, (TypeError, AttributeError, LookupError, ArithmeticError)):
        return "a value has another form than it should"
    return str(error)


def shown(value: object) -> str:
    """Return a value as a message shows it: about a line, whatever its size."""
    return _SHORT.repr(value)


def read_bounded(path: Path, bounds: Bounds) -> bytes:
    """Read a file of at most `bounds.size` bytes; a named pipe is refused, not waited for.

    Raises:
        ValueError: it is no regular file, or larger.
        OSError: it can't be read.
    """
    with open(path, "rb", opener=open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file; give the file itself")
        content = file.read(bounds.size + 1)
    _check_size(content, bounds)
    return content


def open_without_waiting(path: str, flags: int) -> int:
    """Open for a look at what kind of file it is; a named pipe would wait for its other end."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse_json(content: bytes, bounds: Bounds = JSON_TEXT) -> Any:
    """Parse JSON in UTF-8.

    Raises:
        ValueError: it is none, exceeds `bounds`, has a number of over 1024 characters, names a member twice, or holds
            NaN, Infinity or half a character.
    """
    _check_size(content, bounds)
    # Outside strings a backslash is an error, and nothing behind it is read.
    plain = _ESCAPED.sub(b"", content) if b"\\" in content else content
    _check(b" ".join(plain.split(b'"')[::2]), bounds, (b",", b"[", b"{"))
    value = json.loads(decoded(content), parse_constant=_no_constant, object_pairs_hook=_without_repetition)
    if b"\\ud" in content or b"\\uD" in content:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # UnicodeEncodeError, a ValueError
    return value


def parse_toml(content: bytes, bounds: Bounds = TOML_FILE) -> dict[str, Any]:
    """Parse TOML in UTF-8.

    Raises:
        ValueError: it is none, exceeds `bounds`, or has a number or bare word of over 1024 characters.
    """
    import tomllib  # noqa: PLC0415  only paid for by those who have such a text

    _check_size(content, bounds)
    bare = _TOML_STRING.sub(lambda found: b"" if found[0].startswith(b"#") else b"s", content)
    _check(bare, bounds, (b"=", b",", b"[", b"{", b"."))
    if re.search(rb"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){%d}" % bounds.depth, bare):
        raise ValueError(f"a dotted key has more than {bounds.depth} parts")
    return tomllib.loads(decoded(content))


def decoded(content: bytes) -> str:
    """Return UTF-8 as text.

    Raises:
        ValueError: it is something else.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text: {error}") from error


def _check_size(content: bytes, bounds: Bounds) -> None:
    if len(content) > bounds.size:
        raise ValueError(f"larger than {bounds.size} B, which no such text is")


def _check(bare: bytes, bounds: Bounds, marks: Sequence[bytes]) -> None:
    """Check a text without its strings; `marks` stand before or between values."""
    values = sum(bare.count(mark) for mark in marks)
    if values > bounds.values:
        raise ValueError(f"has about {values} values, expected at most {bounds.values}")
    levels = memoryview(bare.translate(_BRACKETS, _NO_BRACKETS)).cast("b")
    if max(accumulate(levels), default=0) > bounds.depth:
        raise ValueError(f"is nested deeper than {bounds.depth} levels")
    if max(map(len, bare.translate(_WORDS).split()), default=0) > LONGEST_NUMBER:
        raise ValueError(f"has a number or name of more than {LONGEST_NUMBER} characters")


def _without_repetition(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """Refuse a key that occurs twice, of which every parser believes another."""
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {shown(key)} occurs twice in one object")
            seen.add(key)
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number JSON knows")
