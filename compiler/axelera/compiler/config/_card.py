"""Model cards: the YAML file of a pipeline, with the compiler's settings under each model's `extra_kwargs`.

::

    models:
      my-detector:
        extra_kwargs:
          compiler_config_file: yolov8s.toml      # optional
          compilation_config:                     # optional, wins over the file
            aipu_cores: 1
            resources: 0.25
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axelera.compiler._errors import ConfigurationError
from axelera.compiler.config._files import find_configuration, read_configuration, read_yaml
from axelera.compiler.config._layers import Layer, check_cascade, merge
from axelera.compiler.config._model import ALIASES, CompilerConfig

__all__ = ["card_layers", "read_model_card"]

MAX_MODELS = 64
"""Each may name a file of its own."""
_FILE = "compiler_config_file"
_INLINE = "compilation_config"


def read_model_card(path: str | Path) -> dict[str, CompilerConfig]:
    """The configuration of every model of a card, in the card's order.

    Precedence, property by property: inline `compilation_config`, then `compiler_config_file`, then the defaults.
    A model's `model_name` is its name in the card unless it says otherwise. Several models are a cascade: their
    resources may not exceed one board.

    Raises:
        ConfigurationNotFoundError: the card or a file it names is missing (also a FileNotFoundError).
        ConfigurationError: bad syntax, settings at the wrong place, unknown names, bad values (also a ValueError).
    """
    configs = {}
    for model, layers in card_layers(Path(path)).items():
        configs[model] = merge([Layer("the card", {"model_name": model}), *layers])
    check_cascade(configs)
    return configs


def card_layers(path: Path) -> dict[str, list[Layer]]:
    """What a card says about each model: its TOML file, then its inline settings."""
    models = read_yaml(path).get("models")
    if not isinstance(models, dict) or not models:
        raise ConfigurationError(f"{path} has no models: expected `models:` with one entry per model")
    if len(models) > MAX_MODELS:
        raise ConfigurationError(f"{path} has {len(models)} models; a card has at most {MAX_MODELS}")
    return {str(model): _layers_of(str(model), entry, path) for model, entry in models.items()}


def _layers_of(model: str, entry: object, path: Path) -> list[Layer]:
    where = f"models.{model}"
    settings = _table(entry, where, path)
    misplaced = [key for key in settings if key in {_FILE, _INLINE, *ALIASES, *CompilerConfig.model_fields}]
    if misplaced:
        raise ConfigurationError(
            f"{path}: {', '.join(misplaced)} directly under {where} has no effect; "
            f"move it to {where}.extra_kwargs ({_INLINE} or {_FILE})"
        )
    extra = _table(settings.get("extra_kwargs"), f"{where}.extra_kwargs", path)
    misplaced = [key for key in extra if key in {*ALIASES, *CompilerConfig.model_fields}]
    if misplaced:
        raise ConfigurationError(
            f"{path}: {', '.join(misplaced)} directly under {where}.extra_kwargs has no effect; "
            f"move it to {where}.extra_kwargs.{_INLINE}"
        )
    layers = []
    if extra.get(_FILE) is not None:
        if not isinstance(extra[_FILE], str):
            raise ConfigurationError(
                f"{path}: {where}.extra_kwargs.{_FILE} = {extra[_FILE]!r} is not a file name"
            )
        toml = find_configuration(extra[_FILE], path.parent)
        layers.append(Layer(str(toml), read_configuration(toml)))
    inline = _table(extra.get(_INLINE), f"{where}.extra_kwargs.{_INLINE}", path)
    if inline:
        layers.append(Layer(f"{path} ({where}.extra_kwargs.{_INLINE})", inline))
    return layers


def _table(value: object, where: str, path: Path) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: {where} = {value!r}; expected names with values")
    return {str(key): item for key, item in value.items()}
