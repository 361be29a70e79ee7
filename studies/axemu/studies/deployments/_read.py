"""Deployments from TOML, YAML, JSON and dictionaries: types, ranges and names are checked, and refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from axemu.driver import InvalidArgument, path_errors
from axemu.driver.bounded import JSON_FILE, TOML_FILE, parse_json, parse_toml, read_bounded
from axemu.studies.deployments._distribution import Distribution
from axemu.studies.deployments._spec import Deployment

KINDS = (Distribution.__name__, "float", "str")
"""What pydantic adds to the place of a value that may be either."""


def read_deployment(path: str | Path) -> Deployment:
    """Read a deployment from a file: `.toml`, `.yaml`, `.yml` or `.json`.

    Raises:
        InvalidArgument: the file cannot be read, or says something that cannot be; the message names the value.
    """
    return deployment_from(read_file(Path(path)), str(path))


def read_file(path: Path) -> dict[str, Any]:
    """Read a file of tables; arguments and errors are those of `read_deployment`."""
    with path_errors(InvalidArgument, f"deployment {path}"):
        try:
            content = _parsed(path)
        except ValueError as error:
            raise InvalidArgument(f"deployment {path}: {error}") from error
    if not isinstance(content, dict):
        raise InvalidArgument(f"deployment {path}: holds no table of names and values")
    return content


def _parsed(path: Path) -> Any:
    if path.suffix == ".toml":
        return parse_toml(read_bounded(path, TOML_FILE), TOML_FILE)
    if path.suffix in (".yaml", ".yml"):
        from axemu.driver.bounded_yaml import YAML_FILE, parse_yaml  # noqa: PLC0415  few are YAML

        return parse_yaml(read_bounded(path, YAML_FILE), YAML_FILE)
    if path.suffix == ".json":
        return parse_json(read_bounded(path, JSON_FILE), JSON_FILE)
    raise ValueError("expected a file that ends in .toml, .yaml, .yml or .json")


def deployment_from(content: Mapping[str, Any], where: str = "given") -> Deployment:
    """Make a deployment of plain values, as `Deployment.to_dict` gives them.

    A number stands for a distribution that is always as long.

    Raises:
        InvalidArgument: a value is missing, unknown, of another type, or cannot be.
    """
    from pydantic import ValidationError  # noqa: PLC0415  slow to import

    if "faults" in content:
        raise InvalidArgument(
            f"deployment {where}: faults: a fault befalls calls of a program, and what its application does then decides what "
            "becomes of its frames; run the program with a plan (docs/how-to/inject-faults.md)"
        )
    try:
        text = json.dumps(content)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"deployment {where}: a value that JSON does not know: {error}") from error
    try:
        model = _model(Deployment).model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in KINDS) or "the whole"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InvalidArgument(f"deployment {where}: {place}: {first['msg']}{more}") from error
    deployment = _made(Deployment, model)
    assert isinstance(deployment, Deployment)  # noqa: S101
    return deployment


@cache
def _model(kind: type[Any]) -> Any:
    """Return the pydantic model of a dataclass: strict, and without unknown keys."""
    from pydantic import ConfigDict, create_model  # noqa: PLC0415

    hints = get_type_hints(kind)
    members: Any = {}
    for one in fields(kind):
        default: Any = ... if one.default is MISSING else one.default
        members[one.name] = (_hint(hints[one.name]), default)
    return create_model(kind.__name__, __config__=ConfigDict(extra="forbid", strict=True), **members)


def _hint(hint: Any) -> Any:
    """Return a type whose dataclasses are models."""
    if hint is Distribution:
        return _model(Distribution) | float
    if is_dataclass(hint):
        return _model(hint)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        return tuple[tuple(_hint(one) if one is not Ellipsis else one for one in get_args(hint))]  # type: ignore[misc]
    return hint


def _made(kind: Any, value: Any) -> Any:
    """Return the dataclass that a model, or a default, stands for."""
    if kind is Distribution and isinstance(value, float | int):
        return Distribution(mean=float(value))
    if is_dataclass(kind):
        if isinstance(value, kind):  # type: ignore[arg-type]
            return value
        hints = get_type_hints(kind)
        return kind(**{one.name: _made(hints[one.name], getattr(value, one.name)) for one in fields(kind)})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(_made(get_args(kind)[0], one) for one in value)
    return value
