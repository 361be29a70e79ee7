"""Numbers in environment variables, read in one way."""

from __future__ import annotations

import os
import re

from axemu.driver import InvalidArgument

MAX_THREADS = 4096


def thread_setting(variable: str, default: int) -> int:
    """Return a number of threads, 1 to `MAX_THREADS`, from the environment; `default` where it is unset or empty.

    Raises:
        InvalidArgument: the variable holds something else; names it, what it holds and what is expected.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 1 <= number <= MAX_THREADS:
        raise _refusal(variable, text, f"a number of threads, 1 to {MAX_THREADS}")
    return number


def seconds_setting(variable: str, default: float) -> float:
    """Return seconds, more than 0 and at most a day, from the environment; `default` where it is unset or empty.

    Raises:
        InvalidArgument: the variable holds something else; names it, what it holds and what is expected.
    """
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    seconds = float(text) if re.fullmatch(r"[0-9]{0,9}(\.[0-9]{0,9})?", text) and text != "." else 0.0
    if not 0 < seconds <= 86_400:
        raise _refusal(variable, text, "seconds as a decimal number, more than 0 and at most 86400")
    return seconds


def _refusal(variable: str, text: str, expected: str) -> InvalidArgument:
    shown = repr(text) if len(text) <= 40 else f"{text[:40]!r}… ({len(text)} characters)"
    return InvalidArgument(f"environment variable {variable} is {shown}, expected {expected}")
