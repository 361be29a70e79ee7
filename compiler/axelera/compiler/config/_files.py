"""Finding and reading the text files a configuration comes from; all of them are untrusted."""

from __future__ import annotations

import codecs
import contextlib
import difflib
import os
from importlib import resources
from pathlib import Path
from typing import Any

from axelera.compiler._errors import ConfigurationError
from axemu.driver import path_errors
from axemu.driver.bounded import JSON_TEXT, TOML_FILE, Bounds, parse_json, parse_toml, read_bounded, shown
from axemu.driver.bounded_yaml import YAML_FILE, parse_yaml

__all__ = [
    "ConfigurationNotFoundError",
    "find_configuration",
    "preset_names",
    "presets_folder",
    "read_configuration",
    "read_json",
    "read_toml",
    "read_yaml",
]


class ConfigurationNotFoundError(ConfigurationError, FileNotFoundError):
    """A configuration file is not at any of the places where it may be."""


def presets_folder() -> Path:
    """The folder of the shipped TOML presets."""
    return Path(str(resources.files("axelera.compiler.config.models")))


def preset_names() -> tuple[str, ...]:
    """File names of the shipped presets, sorted."""
    return tuple(sorted(path.name for path in presets_folder().glob("*.toml")))


def find_configuration(name: str | Path, folder: Path) -> Path:
    """Where the configuration file `name` is.

    Args:
        name: absolute path: taken as it is; relative path: from `folder`; bare file name: in `folder`, then among
            the shipped presets.
        folder: folder of the file that names it.

    Raises:
        ConfigurationNotFoundError: lists the places tried and the nearest name there is.
    """
    with path_errors(ConfigurationError, f"compiler configuration file {name}"):
        return _find(Path(name), folder)


def _find(path: Path, folder: Path) -> Path:
    folders = [folder, presets_folder()] if path.name == str(path) else [folder]
    tried = [path] if path.is_absolute() else [place / path for place in folders]
    for candidate in tried:
        if os.path.isfile(candidate):  # noqa: PTH113  a name too long for any file is false here, not an OSError
            return candidate
    attempts = "\n".join(f"  - {str(candidate)[:500]}" for candidate in tried)
    near: dict[str, None] = {}
    for candidate in tried:
        with contextlib.suppress(OSError):  # a folder with a name too long, or that may not be entered
            near |= dict.fromkeys(sorted(other.name for other in candidate.parent.glob("*.toml")))
    close = difflib.get_close_matches(path.name[:100], [*near], n=1, cutoff=0.5)
    hint = f"\nDid you mean {close[0]!r}?" if close else ""
    raise ConfigurationNotFoundError(
        f"compiler configuration file {str(path)[:500]!r} was not found. Tried:\n{attempts}{hint}\n"
        "Correct the name, or comment out compiler_config_file (leave out --conf) to compile with the defaults."
    )


def read_configuration(path: Path) -> dict[str, Any]:
    """Properties of a configuration file: JSON when its name ends so, else TOML.

    Raises:
        ConfigurationError: see `read_toml` and `read_json`.
    """
    return read_json(path) if path.suffix == ".json" else read_toml(path)


def read_toml(path: Path) -> dict[str, Any]:
    """Properties of a TOML file: its `[compiler]` table, or its keys when there is no such table.

    Raises:
        ConfigurationError: not readable, `Invalid TOML syntax`, or keys beside the `[compiler]` table.
    """
    content = _content(path, TOML_FILE)
    try:
        document = parse_toml(content, TOML_FILE)
    except ValueError as error:
        raise ConfigurationError(f"Invalid TOML syntax in {path}: {error}") from None
    if "compiler" not in document:
        return document
    table = document.pop("compiler")
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: 'compiler' must be a table, like [compiler], not {shown(table)}")
    if document:
        raise ConfigurationError(
            f"{path}: {', '.join(map(shown, [*document][:20]))} stand outside the [compiler] table; move them into it"
        )
    return table


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds.

    Raises:
        ConfigurationError: not readable, bad syntax, a key written twice, or not a mapping.
    """
    content = _content(path, YAML_FILE)
    try:
        document = parse_yaml(content, YAML_FILE)
    except ValueError as error:
        raise ConfigurationError(f"Invalid YAML syntax in {path}: {error}") from None
    return _mapping(document, path)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping a JSON file holds.

    Raises:
        ConfigurationError: not readable, bad syntax or not a mapping.
    """
    content = _content(path, JSON_TEXT)
    try:
        document = parse_json(content, JSON_TEXT)
    except ValueError as error:
        raise ConfigurationError(f"Invalid JSON syntax in {path}: {error}") from None
    return _mapping(document, path)


def _content(path: Path, bounds: Bounds) -> bytes:
    try:
        if not os.path.isfile(path):  # noqa: PTH113  see above
            raise ConfigurationNotFoundError(f"configuration file {path} does not exist or is not a file")
        content = read_bounded(path, bounds)
    except ConfigurationError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"configuration file {path} cannot be read: {error}") from None
    return content.removeprefix(codecs.BOM_UTF8)  # editors on Windows put it in front


def _mapping(document: object, path: Path) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} holds a {type(document).__name__}; expected names with values")
    return document
