"""Keyword arguments of the API on their way to a driver: names checked, values as text or integers."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from axemu.driver._errors import InvalidArgument

_MAX_BITS = 63
_WORDS = {"true": 1, "false": 0, "on": 1, "off": 0, "yes": 1, "no": 0}


def reject_unknown(properties: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse property names that are not `known`.

    Raises:
        InvalidArgument: with the text the native runtime uses, and the known names.
    """
    known = tuple(known)
    for key in properties:
        if key not in known:
            names = ", ".join(known) if known else "none"
            raise InvalidArgument(
                f"Invalid properties: Unknown property key: {key} (known to {where}: {names})"
            )


def as_integer(key: str, value: Any) -> int:
    """Read an int, a bool or the text of one.

    Raises:
        InvalidArgument: it is something else.
    """
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _WORDS:
            return _WORDS[word]
        try:
            number = int(word, 0)
        except ValueError:
            raise InvalidArgument(
                f"property {key}: {value[:100]!r} is not a number or a truth value"
            ) from None
    elif isinstance(value, np.bool_):
        return int(value)
    else:
        try:
            number = operator.index(value)
        except TypeError:
            raise InvalidArgument(
                f"property {key}: {value!r} is a {type(value).__name__}; give an int, a bool or their text"
            ) from None
    if number.bit_length() > _MAX_BITS:
        raise InvalidArgument(
            f"property {key}: a number of {number.bit_length()} bits; {_MAX_BITS} are the most"
        )
    return number


def as_text(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return properties as the text a driver takes; truth values become 1 and 0.

    Raises:
        InvalidArgument: a value is neither int, bool nor str.
    """
    text = {}
    for key, value in properties.items():
        if isinstance(value, str):
            text[key] = value.strip()
        else:
            text[key] = str(as_integer(key, value))
    return text
