"""Turn inline settings (a model card's YAML, or JSON) into a TOML file.

Used as a program: ``python -P -m axelera.compiler.config.convert card.yaml --output settings.toml``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from axelera.compiler._errors import ConfigurationError
from axelera.compiler.config._card import card_layers
from axelera.compiler.config._files import read_json, read_yaml
from axelera.compiler.config._layers import Layer, merge
from axelera.compiler.config._model import CompilerConfig
from axemu.model import replacing

__all__ = ["convert", "main", "to_toml"]


def convert(source: str | Path, model: str | None = None) -> str:
    """TOML text with the settings written in `source`, in today's spelling.

    Args:
        source: model card (YAML with `models:`), or YAML or JSON with properties, possibly below `compilation_config`.
        model: which model of a card; needed when it has several.

    Raises:
        ConfigurationNotFoundError: no such file.
        ConfigurationError: the settings are not a valid configuration, or the model is not in the card.
    """
    path = Path(source)
    config = merge(_layers(path, model))
    return to_toml(config)


def to_toml(config: CompilerConfig) -> str:
    """TOML text of the properties that were set in `config`; the rest keeps its default. None has no TOML form."""
    properties = config.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    return tomli_w.dumps({"compiler": properties})


def main(
    arguments: Sequence[str] | None = None, name: str = "python -m axelera.compiler.config.convert"
) -> int:
    """The converter as a program that is called `name`; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=name,
        description=convert.__doc__.splitlines()[0] if convert.__doc__ else None,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("source", nargs="?", type=Path, help="model card, YAML or JSON file")
    source.add_argument("--from-yaml", dest="yaml", type=Path, metavar="FILE", help="the same")
    parser.add_argument("-m", "--model", help="which model of a card that has several")
    parser.add_argument(
        "-o", "--output", type=Path, help="TOML file to write; standard output when not given"
    )
    options = parser.parse_args(arguments)
    try:
        text = convert(options.source or options.yaml, options.model)
        if options.output is None:
            sys.stdout.write(text)
        else:
            with replacing(options.output) as temporary:
                temporary.write_text(text, encoding="utf-8")
    except (ConfigurationError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _layers(path: Path, model: str | None) -> list[Layer]:
    document: dict[str, Any] = read_json(path) if path.suffix == ".json" else read_yaml(path)
    if "models" in document:
        cards = card_layers(path)
        if model is None and len(cards) > 1:
            raise ConfigurationError(f"{path} has the models {', '.join(cards)}: choose one with --model")
        chosen = model if model is not None else next(iter(cards))
        if chosen not in cards:
            raise ConfigurationError(f"{path} has no model {chosen!r}; it has {', '.join(cards)}")
        return cards[chosen]
    inline = document.get("compilation_config", document)
    if not isinstance(inline, dict):
        raise ConfigurationError(f"{path}: compilation_config = {inline!r}; expected names with values")
    return [Layer(str(path), inline)]


if __name__ == "__main__":
    sys.exit(main())
