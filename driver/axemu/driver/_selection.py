"""Which driver a `Context` gets: argument, then environment, then configuration file, then the emulator."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axemu.driver._errors import InvalidConfiguration

ENVIRONMENT_VARIABLE = "AXELERA_DRIVER"
DEFAULT_DRIVER = "emulator"


@dataclass(frozen=True, slots=True)
class Selection:
    """A driver's name and where the choice came from, in words for people."""

    driver: str
    source: str


def selection(argument: str | None = None) -> Selection:
    """Choose a driver: `argument`, else AXELERA_DRIVER, else key `driver` of a configuration file, else the emulator.

    Raises:
        InvalidConfiguration: a configuration file is there and cannot be read.
    """
    if argument is not None:
        return Selection(argument, "argument")
    if name := os.environ.get(ENVIRONMENT_VARIABLE):
        return Selection(name, f"environment variable {ENVIRONMENT_VARIABLE}")
    for path in configuration_files():
        value = read_configuration_file(path).get("driver")
        if value is None:
            continue
        if not isinstance(value, str) or not value:
            raise InvalidConfiguration(
                f"{path}: key 'driver' is {reprlib.repr(value)}; it has to be the name of a driver"
            )
        return Selection(value, f"configuration file {path}")
    return Selection(DEFAULT_DRIVER, "default")


def configuration_files() -> tuple[Path, ...]:
    """Return the configuration files that exist, the one that wins first.

    The file that AXEMU_CONFIG names stands alone; otherwise `axemu.toml` in the current directory comes before
    `axemu/config.toml` in the user's configuration directory (XDG_CONFIG_HOME, else `~/.config`).

    Raises:
        InvalidConfiguration: AXEMU_CONFIG names no file.
    """
    # os.path answers False where a Path raises: names too long, directories that may not be entered.
    if named := os.environ.get("AXEMU_CONFIG"):
        if not os.path.isfile(named):  # noqa: PTH113
            raise InvalidConfiguration(f"AXEMU_CONFIG names {named}, which is not a file")
        return (Path(named),)
    candidates = []
    if os.path.isfile("axemu.toml"):  # noqa: PTH113
        candidates.append(Path("axemu.toml").absolute())
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111  never raises
    if os.path.isabs(base):  # noqa: PTH117  without a home it is not
        candidates.append(Path(base) / "axemu" / "config.toml")
    return tuple(path for path in candidates if os.path.isfile(path))  # noqa: PTH113


def read_configuration_file(path: Path) -> Mapping[str, Any]:
    """Read one TOML configuration file.

    Raises:
        InvalidConfiguration: it is unreadable, over 1 MiB, beyond the other bounds of `TOML_FILE`, or no TOML.
    """
    from axemu.driver.bounded import TOML_FILE, parse_toml, read_bounded  # noqa: PLC0415  as few have such a file

    try:
        content = read_bounded(path, TOML_FILE)
    except OSError as error:
        raise InvalidConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    try:
        return parse_toml(content, TOML_FILE)
    except ValueError as error:
        raise InvalidConfiguration(f"{path}: not a TOML file: {error}") from error
