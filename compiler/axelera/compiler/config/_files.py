"""Finding and reading the text files a configuration comes from; all of them are untrusted."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Hashable
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from axelera.compiler._errors import ConfigurationError
from axelera.driver import path_errors

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

MAX_FILE_BYTES = 1 << 20
"""A configuration of a megabyte is a mistake."""
MAX_VALUES = 100_000
"""YAML aliases let a small file stand for any number of values."""


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
        if candidate.is_file():
            return candidate
    attempts = "\n".join(f"  - {candidate}" for candidate in tried)
    near = {other.name: None for candidate in tried for other in sorted(candidate.parent.glob("*.toml"))}
    close = difflib.get_close_matches(path.name, [*near], n=1, cutoff=0.5)
    hint = f"\nDid you mean {close[0]!r}?" if close else ""
    raise ConfigurationNotFoundError(
        f"compiler configuration file {str(path)!r} was not found. Tried:\n{attempts}{hint}\n"
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
    try:
        document = tomllib.loads(_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"Invalid TOML syntax in {path}: {error}") from None
    if "compiler" not in document:
        return document
    table = document.pop("compiler")
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: 'compiler' must be a table, like [compiler], not {table!r}")
    if document:
        outside = ", ".join(repr(key) for key in document)
        raise ConfigurationError(f"{path}: {outside} stand outside the [compiler] table; move them into it")
    return table


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds.

    Raises:
        ConfigurationError: not readable, bad syntax, a key written twice, or not a mapping.
    """
    text = _text(path)
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"Invalid YAML syntax in {path}: {error}") from None
    return _mapping(document, path)


def read_json(path: Path) -> dict[str, Any]:
    """The mapping a JSON file holds.

    Raises:
        ConfigurationError: not readable, bad syntax or not a mapping.
    """
    text = _text(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"Invalid JSON syntax in {path}: {error}") from None
    return _mapping(document, path)


def _text(path: Path) -> str:
    with path_errors(ConfigurationError, f"configuration file {path}"):
        return _read(path)


def _read(path: Path) -> str:
    if not path.is_file():
        raise ConfigurationNotFoundError(f"configuration file {path} does not exist or is not a file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ConfigurationError(f"{path} has {path.stat().st_size} bytes; at most {MAX_FILE_BYTES} are read")
    try:
        return path.read_text(encoding="utf-8-sig")  # editors on Windows put a mark in front
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} cannot be read as UTF-8 text: {error}") from None


def _mapping(document: object, path: Path) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} holds a {type(document).__name__}; expected names with values")
    left = MAX_VALUES
    waiting: list[object] = [document]
    while waiting:
        value = waiting.pop()
        children = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        left -= len(children)
        if left < 0:
            raise ConfigurationError(
                f"{path} stands for more than {MAX_VALUES} values; spell it out without aliases"
            )
        waiting.extend(children)
    return document


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key written twice instead of keeping the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        written = [
            key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"
        ]
        twice = {key for key in written if written.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"{', '.join(sorted(twice))} is written twice", node.start_mark
            )
        return super().construct_mapping(node, deep)
