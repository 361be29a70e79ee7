"""Defaults, a TOML file and inline overrides become one configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axelera.compiler._errors import ConfigurationError
from axelera.compiler.config._files import find_configuration, read_configuration
from axelera.compiler.config._messages import listed, unknown
from axelera.compiler.config._model import ALIASES, CompilerConfig, spell_out

__all__ = ["Layer", "check_cascade", "load_config", "merge"]


@dataclass(frozen=True, slots=True)
class Layer:
    """Properties and the place they were written at."""

    source: str
    properties: Mapping[str, Any]


def load_config(
    file: str | Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    folder: Path | None = None,
) -> CompilerConfig:
    """The configuration of a TOML (or JSON) file with `overrides` on top of it.

    Args:
        file: file to read. A bare file name is looked for in `folder`, then among the shipped presets; a relative
            path starts at `folder`.
        overrides: properties that win over the file's.
        folder: the folder relative names start at; the current one when not given.

    Raises:
        ConfigurationNotFoundError: no such file (also a FileNotFoundError); lists the places that were tried.
        ConfigurationError: bad syntax, unknown names or bad values (also a ValueError).
    """
    layers = []
    if file is not None:
        path = find_configuration(file, folder or Path())
        layers.append(Layer(str(path), read_configuration(path)))
    if overrides:
        layers.append(Layer("the overrides", overrides))
    return merge(layers)


def merge(layers: Sequence[Layer]) -> CompilerConfig:
    """The configuration of `layers`, a later one winning over an earlier one, property by property.

    Raises:
        ConfigurationError: names the layer that an unknown or invalid property was written in.
    """
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    messages = []
    for layer in layers:
        properties, strangers = _known(layer)
        if strangers:
            messages.append(listed(unknown(strangers, _VALID), layer.source))
        merged |= properties
        origin |= dict.fromkeys(properties, layer.source)
    config = None
    try:
        config = CompilerConfig(**merged)
    except ConfigurationError as error:
        written = "".join(
            f"\n  {name} is set in {source}" for name, source in origin.items() if name in str(error)
        )
        messages.append(str(error) + written)
    if config is None or messages:
        raise ConfigurationError("\n".join(messages))
    return config


def check_cascade(configs: Mapping[str, CompilerConfig]) -> None:
    """Models that run side by side may not claim more than one board.

    Args:
        configs: model name -> its configuration.

    Raises:
        ConfigurationError: the resources of all models add up to more than 1.0.
    """
    total = sum(config.resources_used for config in configs.values())
    if len(configs) > 1 and total > 1.0:
        shares = ", ".join(f"{name} {config.resources_used}" for name, config in configs.items())
        raise ConfigurationError(
            f"the models of this cascade claim {total} of the board ({shares}): "
            "set resources_used of each so that they add up to at most 1.0, for instance 0.75 and 0.25"
        )


_VALID = (*CompilerConfig.model_fields, *ALIASES, "quantize_only")


def _known(layer: Layer) -> tuple[dict[str, Any], list[str]]:
    """Return the properties of a layer in today's spelling, and the names that are none."""
    strangers = [name for name in layer.properties if name not in _VALID]
    try:
        return spell_out({k: v for k, v in layer.properties.items() if k in _VALID}), strangers
    except ValueError as error:
        raise ConfigurationError(f"{layer.source}: {error}") from None
