"""Options and configuration of `axcompile`: what wins over what, and what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from axelera.compiler import CompilerConfig, ConfigurationError
from axemu.cli._compile_options import Options, configuration, default_configuration

NEEDED = {"input": Path("net.onnx"), "output": Path("out")}


def configured(given: dict[str, Any] | None = None, saved: str | None = None) -> CompilerConfig:
    options, properties = Options.read(NEEDED | (given or {}), saved)
    return configuration(options, properties)


def test_without_a_configuration_a_model_gets_one_core_and_a_quarter() -> None:
    config = configured()
    assert (config.aipu_cores_used, config.resources_used, config.model_name) == (1, 0.25, "net")


@pytest.mark.parametrize("cores", [1, 2, 3, 4])
def test_every_core_brings_its_quarter(cores: int) -> None:
    config = configured({"aipu_cores": cores})
    assert (config.aipu_cores_used, config.resources_used) == (cores, cores / 4)


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_a_configuration_file_is_json_or_toml(tmp_path: Path, suffix: str) -> None:
    text = {".json": '{"tiling_depth": 6, "resources": 0.5}', ".toml": "tiling_depth = 6\nresources = 0.5\n"}[
        suffix
    ]
    path = tmp_path / f"conf{suffix}"
    path.write_text(text)
    config = configured({"conf": path})
    assert (config.tiling_depth, config.resources_used) == (6, 0.5)


def test_a_preset_is_found_by_its_name() -> None:
    assert configured({"conf": Path("resnet50.toml")}).aipu_cores_used == 4


def test_the_written_default_configuration_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "default_conf.json"
    path.write_text(default_configuration().model_dump_json())
    assert configured({"conf": path}) == configured()


def test_properties_in_cli_args_win_over_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("tiling_depth = 6\nmax_tiling_attempts = 3\n")
    config = configured({"conf": tmp_path / "c.toml"}, '{"tiling_depth": 2}')
    assert (config.tiling_depth, config.max_tiling_attempts) == (2, 3)


def test_an_option_wins_over_cli_args_in_every_spelling() -> None:
    saved = '{"aipu_cores_used": 1, "dataset_len": 7, "imageset": "photos"}'
    options, properties = Options.read(NEEDED | {"aipu_cores": 4, "dataset_len": 9}, saved)
    assert (options.dataset_len, options.imageset) == (9, Path("photos"))
    assert configuration(options, properties).aipu_cores_used == 4


def test_cli_args_may_be_a_file_of_an_earlier_run(tmp_path: Path) -> None:
    first, _ = Options.read(
        NEEDED | {"input_shape": "1,3,8,8", "color_format": "BGR", "transform": "t.py:f"}, None
    )
    path = tmp_path / "cli_args.json"
    path.write_text(json.dumps(first.model_dump(mode="json", exclude_none=True)))
    assert Options.read({}, str(path)) == (first, {})


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ('{"dataset_length": 3}', r"unknown name 'dataset_length'; did you mean 'dataset_len'\?"),
        ('{"tiling_dept": 3}', r"did you mean 'tiling_depth'\?"),
        ("{", "Invalid JSON"),
        ("missing.json", "missing.json"),
        ('{"dataset_len": 0}', "dataset_len = 0 is not valid"),
        ('{"color_format": "RBG"}', r"did you mean 'RGB'\?"),
        ('{"resources": 0.3}', "multiple of 0.25"),
        ('{"aipu_cores": 9}', "aipu_cores"),
    ],
)
def test_bad_cli_args_are_refused(saved: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        configured(saved=saved)


@pytest.mark.parametrize("shape", ["1,3,x,8", "1,,3", "", "1,3,0,8", "-1,3,8,8", "1,3,8,99999999"])
def test_a_shape_is_positive_numbers_with_commas(shape: str) -> None:
    with pytest.raises(ValueError, match="input_shape"):
        configured({"input_shape": shape})


@pytest.mark.parametrize("missing", ["input", "output"])
def test_input_and_output_are_needed(missing: str) -> None:
    with pytest.raises(ValueError, match=f"--{missing} must be given"):
        Options.read({name: value for name, value in NEEDED.items() if name != missing}, None)


def test_quantize_only_is_a_compiler_mode() -> None:
    assert configured({"quantize_only": True}).compiler_mode == "quantize_only"


def test_of_thousands_of_unknown_names_twenty_are_told() -> None:
    saved = json.dumps({f"dataset_len_{number}": 1 for number in range(30_000)})
    began = time.process_time()
    with pytest.raises(ConfigurationError, match="and 29980 more") as caught:
        Options.read({}, saved)
    assert str(caught.value).count("did you mean 'dataset_len'") == 20
    assert time.process_time() - began < 1
