"""The options of `axcompile`: from the command line, from a JSON file, and the configuration they lead to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from axelera.compiler import CompilerConfig, ConfigurationError
from axelera.compiler.config import ALIASES, explain, load_config, nearest, read_json, spell_out
from axemu.chip import CORES
from axemu.cli._compile_choices import ColorFormat, ImageReader, Layout, LogLevel
from axemu.driver.bounded import JSON_TEXT, parse_json, shown

__all__ = [
    "MANIFEST",
    "Options",
    "configuration",
    "default_configuration",
]


MOST_PROBLEMS = 20
"""Unknown names that are spelled out."""
MANIFEST = "quantized_model_manifest.json"
"""A file of this name is a quantised model, not a network."""


def _shape(text: object) -> object:
    """`N,C,H,W` as text, or a list of integers."""
    if isinstance(text, str):
        parts = text.split(",")
        if not all(part.strip().isdigit() for part in parts):
            raise ValueError("expected whole numbers with commas between them, like 1,3,224,224")
        return tuple(int(part) for part in parts)
    return text


Extent = Annotated[int, Field(ge=1, le=1 << 20)]


class Options(BaseModel):
    """Every option, checked; the field names are the option names with underscores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Path
    output: Path
    conf: Path | None = None
    quantize_only: bool = False
    input_shape: Annotated[tuple[Extent, ...] | None, BeforeValidator(_shape)] = None
    imageset: Path | None = None
    transform: str | None = None
    input_data_layout: Layout = Layout.NCHW
    color_format: ColorFormat = ColorFormat.RGB
    imreader_backend: ImageReader = ImageReader.PIL
    dump_after: tuple[str, ...] = ()
    dataset_len: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    overwrite: bool = False
    log_level: LogLevel = LogLevel.INFO
    aipu_cores: Literal[1, 2, 3, 4] | None = None
    board: str = "pcie"
    choose_scheme: bool = False

    @classmethod
    def read(cls, given: Mapping[str, Any], saved: str | None) -> tuple[Options, dict[str, Any]]:
        """Options and configuration properties: what was `given` on the command line wins over what is `saved`.

        Args:
            given: options the command line had.
            saved: JSON text, or the path of a JSON file, with option names (`input_shape`) and with properties of the
                configuration (`tiling_depth`).

        Raises:
            ConfigurationError: an unknown name, or a value that is not valid.
        """
        stored = _saved(saved) if saved is not None else {}
        options = {name: value for name, value in stored.items() if name in cls.model_fields}
        properties = {name: value for name, value in stored.items() if name not in cls.model_fields}
        valid = (*cls.model_fields, *CompilerConfig.model_fields, *ALIASES)
        strangers = [name for name in properties if name not in valid]
        if strangers:
            problems = [
                f"unknown name {shown(name)}{nearest(name, valid)}" for name in strangers[:MOST_PROBLEMS]
            ]
            if len(strangers) > MOST_PROBLEMS:
                problems.append(f"and {len(strangers) - MOST_PROBLEMS} more")
            raise ConfigurationError(f"--cli-args: {'; '.join(problems)}")
        options |= given
        missing = [f"--{name}" for name in ("input", "output") if name not in options]
        if missing:
            raise ConfigurationError(f"{' and '.join(missing)} must be given")
        try:
            return cls(**options), properties
        except ValidationError as error:
            raise ConfigurationError(explain(error, cls, "the options")) from None


def default_configuration() -> CompilerConfig:
    """The configuration of a run without `--conf`: one core and a quarter of the board."""
    return CompilerConfig(resources_used=0.25)


def configuration(options: Options, properties: Mapping[str, Any]) -> CompilerConfig:
    """The configuration of this run: `--conf`, then `properties`, then the options that set a property.

    Raises:
        ConfigurationError: the file or a value is not valid (missing files are FileNotFoundErrors too).
    """
    overrides = spell_out(properties)
    if options.aipu_cores is not None:
        overrides["aipu_cores_used"] = options.aipu_cores
    if options.quantize_only:
        overrides["compiler_mode"] = "quantize_only"
    if options.conf is None:
        cores = overrides.get("aipu_cores_used", 1)
        overrides.setdefault("resources_used", cores / CORES if cores in range(1, CORES + 1) else 1.0)
    config = load_config(options.conf, overrides=overrides)
    if not config.model_name and options.input.name != MANIFEST:  # which keeps the name it was quantised with
        config.model_name = options.input.stem
    return config


def _saved(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        path = Path(text)
        if not os.path.isfile(path):  # noqa: PTH113  a name too long for any file is false here, not an OSError
            raise ConfigurationError(
                f'--cli-args: {shown(text)} is neither JSON of names with values, like {{"dataset_len": 50}}, nor a file'
            )
        return read_json(path)
    try:
        document = parse_json(text.encode(), JSON_TEXT)
    except ValueError as error:
        raise ConfigurationError(f"Invalid JSON syntax in --cli-args: {error}") from None
    return dict(document)
