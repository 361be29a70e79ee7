"""Modules of TorchScript cut into logical lines of tokens; each line has an indentation and a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

Kind = Literal["name", "number", "text", "sign"]

_TOKEN = re.compile(
    r"(?P<name>[A-Za-z_]\w*+)"
    r"|(?P<number>-?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?+)"
    r'|(?P<text>"(?:[^"\\]|\\.)*+"' r"|'(?:[^'\\]|\\.)*+')"
    r"|(?P<sign>->|[()\[\],.:=])",
    re.ASCII,
)  # fmt: skip
_BLANK = re.compile(r"[ ]*+")
_OPEN, _CLOSE = "([", ")]"
MAX_NESTING = 32
MAX_TOKENS = 1 << 19


class Token(NamedTuple):
    """A piece of text and what kind it is."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line: it goes on while a bracket is open."""

    number: int
    indent: int
    tokens: tuple[Token, ...]


class UnknownTextError(ValueError):
    """A text that is not of the few forms known; the message names the line."""


def lines_of(text: str) -> Iterator[Line]:
    """Yield the lines of a module that are not blank.

    Raises:
        UnknownTextError: a character, an escape or a nesting that no program of the vendor's compiler has.
    """
    tokens: list[Token] = []
    total = indent = first = depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if not depth:
            tokens, first = [], number
            indent = _end_of_blank(line, 0)
        for token in _tokens_of(line, number):
            tokens.append(token)
            if token.kind == "sign":
                depth += (token.text in _OPEN) - (token.text in _CLOSE)
                if not 0 <= depth <= MAX_NESTING:
                    raise UnknownTextError(
                        f"line {number}: brackets that do not match, or nested deeper than {MAX_NESTING}"
                    )
        total += len(tokens)
        if total > MAX_TOKENS:
            raise UnknownTextError(f"line {number}: more than {MAX_TOKENS} words")
        if not depth:
            yield Line(first, indent, tuple(tokens))
    if depth:
        raise UnknownTextError(f"line {first}: a bracket is never closed")


def _tokens_of(line: str, number: int) -> Iterator[Token]:
    at = _end_of_blank(line, 0)
    while at < len(line):
        found = _TOKEN.match(line, at)
        if found is None:
            raise UnknownTextError(
                f"line {number}: {line[at : at + 40]!r} is no part of the language this SDK reads"
            )
        kind = found.lastgroup
        text = found.group()
        if kind == "text" and "\\" in text:
            raise UnknownTextError(f"line {number}: text {text[:40]} holds a backslash")
        if kind == "number" and len(text) > 64:
            raise UnknownTextError(f"line {number}: a number of {len(text)} characters")
        yield Token(cast("Kind", kind), text)
        at = _end_of_blank(line, found.end())


def _end_of_blank(line: str, at: int) -> int:
    found = _BLANK.match(line, at)
    return found.end() if found else at
