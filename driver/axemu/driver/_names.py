"""Names that people type: in any case, and with a proposal where there is none like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from axemu.driver.bounded import shown


def nearest(word: object, valid: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest of `valid`, or an empty string when nothing is close."""
    by_case = {name.casefold(): name for name in valid}
    close = difflib.get_close_matches(str(word)[:100].casefold(), by_case, n=1, cutoff=0.5)
    return f"; did you mean {by_case[close[0]]!r}?" if close else ""


def canonical(what: str, name: str, known: Iterable[str]) -> str:
    """Return the one of `known` that `name` means, whatever its case.

    Args:
        what: what is named, for the message.
        name: as it was typed.
        known: names.

    Raises:
        ValueError: there is no such name; the message lists them, the closest first.
    """
    names = {one.casefold(): one for one in known}
    found = names.get(name.casefold())
    if found is None:
        listed = ", ".join(names.values())
        raise ValueError(
            f"{what} {shown(name)} is unknown: known are {listed}{nearest(name, names.values())}"
        )
    return found
