"""Where watchers and watched meet: a mark that somebody watches, and a file per context, beside the reservations."""

from __future__ import annotations

import os
import re

from axemu.driver import PrivateDirectory, reservation_directory

MARK = "watching"
"""Whoever watches touches this file again and again."""
MARK_SECONDS = 5.0
"""After how long without a touch nobody watches any more."""
SNAPSHOT = re.compile(r"watched-(\d{1,10})-(\d{1,10})\.json")


def open_place() -> PrivateDirectory:
    """Open the directory of the reservations.

    Raises:
        OSError, ConnectionError: it cannot be opened.
    """
    return PrivateDirectory(reservation_directory())


def file_name(context: int) -> str:
    """Return the name of this process's file for one of its contexts."""
    return f"watched-{os.getpid()}-{context}.json"


def is_watched(place: PrivateDirectory) -> bool:
    """Tell whether a watcher was there within the last seconds."""
    return abs(place.age(MARK)) < MARK_SECONDS


def touch(place: PrivateDirectory) -> None:
    """Say that somebody watches."""
    descriptor = place.open(MARK, os.O_WRONLY | os.O_CREAT)
    try:
        os.utime(descriptor)
    finally:
        os.close(descriptor)
