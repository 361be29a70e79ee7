"""Damaged configurations: every text the SDK reads beside models gives what it says, or a documented error."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from tests.system._mutations import mutate_text

from axelera.compiler import CompilerConfig, ConfigurationError
from axelera.compiler.config import load_config, read_model_card
from axelera.compiler.config.convert import convert
from axelera.runtime import Context
from axemu.chip import Calibration, calibration_to_json, load_calibration
from axemu.cli._compile_options import Options
from axemu.driver import InvalidConfiguration
from axemu.emulator import EmulatorDriver, EmulatorOptions, load_options, parse_options

ARGUMENTS = """{"input": "a.onnx", "output": "out", "dataset_len": 50, "input_shape": "1,3,224,224", "aipu_cores": 1,
"tiling_depth": 6, "color_format": "BGR", "overwrite": true}"""
EMULATOR = """# what is plugged in
driver = "emulator"

[emulator]
boards = ["pcie", {type = "m2", count = 2, name = "left", memory = "2GiB", upstream = "a"}, "m2"]
pace = "virtual"
numerics = "exact"
compute = "portable"
run_threads = 2
host = "desktop"
calibration = ""
warmup = "poison"
configure_polls = 3
ambient = 30

[[emulator.more]]
"""
VARIABLE = 'boards = ["m2", {type = "pcie", count = 3}], pace = "virtual", ambient = 40, configure_polls = 2, calibration = ""'
CARD = """name: detector
models:
  m: &m
    extra_kwargs:
      compiler_config_file: yolov8s.toml
      compilation_config: {aipu_cores: 2, resources: 0.5, tiling_depth: 6}
  n:
    <<: *m
    class: Network
    labels: [one, two, "three", 4.5, 0x10, true, null, 2024-01-01]
"""
TOML = """# of a detector
[compiler]
aipu_cores_used = 4
resources_used = 1.0
multicore_mode = "batch"
profiling_levels = ["[B]"]
model_name = 'a'
model_metadata = {names = {"0" = "cat", "1" = "dog"}, stride = 32, imgsz = [640, 640]}
"""
JSON = """{"aipu_cores": 4, "resources": 1.0, "model_metadata": {"a": [1, null, 0.5]}, "quantize_only": true,
"model_name": "n", "tiling_depth": 6, "multicore_mode": "batch"}"""


def board_case(seed: int, folder: Path) -> None:
    path = folder / "boards.toml"
    path.write_bytes(mutate_text(EMULATOR.replace("[[emulator.more]]\n", ""), "toml", random.Random(seed)))
    os.environ["AXEMU_CONFIG"] = str(path)
    try:
        _boards()
    finally:
        del os.environ["AXEMU_CONFIG"]


def variable_case(seed: int, folder: Path) -> None:
    text = mutate_text(VARIABLE, "toml", random.Random(seed)).decode("utf-8", "surrogateescape")
    if "\0" in text or len(text.encode("utf-8", "surrogateescape")) > 100_000:
        raise InvalidConfiguration("no variable can hold this")
    os.environ["AXEMU_EMULATOR"] = text
    try:
        _boards()
    finally:
        del os.environ["AXEMU_EMULATOR"]


def _boards() -> None:
    options, _ = load_options()
    assert parse_options(options.model_dump(), "itself") == options
    with Context() as context:
        count = len(context.list_devices())
    assert count == sum(
        len(EmulatorDriver(EmulatorOptions(boards=(board,))).list_devices()) for board in options.boards
    )


def toml_case(seed: int, folder: Path) -> None:
    _configuration(folder / "a.toml", mutate_text(TOML, "toml", random.Random(seed)))


def json_case(seed: int, folder: Path) -> None:
    _configuration(folder / "a.json", mutate_text(JSON, "json", random.Random(seed)))


def _configuration(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    config = load_config(path)
    assert CompilerConfig(**config.model_dump(mode="json")) == config


def card_case(seed: int, folder: Path) -> None:
    path = folder / "card.yaml"
    path.write_bytes(mutate_text(CARD, "yaml", random.Random(seed)))
    for name, config in read_model_card(path).items():
        other = folder / "card.toml"
        try:
            other.write_text(convert(path, name), encoding="utf-8")
        except ConfigurationError:
            continue  # which needs a whole card, not each of its models
        assert isinstance(load_config(other), type(config))


def calibration_case(seed: int, folder: Path) -> None:
    text = calibration_to_json(load_calibration())
    path = folder / f"calibration-{seed}.json"
    path.write_bytes(mutate_text(text, "json", random.Random(seed)))
    try:
        EmulatorDriver(parse_options({"calibration": str(path)}, "the test")).close()
        assert isinstance(load_calibration(path), Calibration)
    finally:
        path.unlink()


def options_case(seed: int, folder: Path) -> None:
    text = mutate_text(ARGUMENTS, "json", random.Random(seed)).decode("utf-8", "surrogateescape")
    options, properties = Options.read({}, text)
    assert isinstance(options, Options)
    assert isinstance(properties, dict)


CASES: dict[str, Callable[[int, Path], None]] = {
    "axemu.toml": board_case,
    "AXEMU_EMULATOR": variable_case,
    "compiler.toml": toml_case,
    "compiler.json": json_case,
    "card.yaml": card_case,
    "calibration.json": calibration_case,
    "--cli-args": options_case,
}
