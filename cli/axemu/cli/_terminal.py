"""Text for people: as wide as their terminal, and never folded for a file or another program."""

from __future__ import annotations

import shutil
import sys
import textwrap

NARROWEST = 60


def columns() -> int | None:
    """Return how wide stdout is; None when nobody looks at it, so that lines stay whole."""
    return max(NARROWEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def folded(label: str, words: str, width: int = 12) -> list[str]:
    """Return text behind a label, folded to the terminal; a no-break space keeps words together."""
    begin = f"  {label:{width}}" if label else "  "
    room = columns()
    if room is None:
        return [f"{begin}{words}".replace("\N{NO-BREAK SPACE}", " ")]
    return [
        line.replace("\N{NO-BREAK SPACE}", " ")
        for line in textwrap.wrap(
            words, room, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False
        )
    ]


def ends(text: str, room: int) -> str:
    """Return a text that has room, cut in the middle if need be: both ends of a name tell it apart."""
    if len(text) <= room:
        return text
    tail = (2 * room) // 3
    return f"{text[: max(room - tail - 1, 0)]}…{text[-tail:]}"
