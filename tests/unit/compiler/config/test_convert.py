"""The converter from inline settings to a TOML file."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axelera.compiler.config import CompilerConfig, load_config
from axelera.compiler.config.convert import convert, main

INLINE = "compilation_config:\n  aipu_cores: 4\n  resources: 1.0\n  ptq_scheme: per_tensor_min_max\n  dfs_search_constraint: null\n"


def test_yaml_becomes_toml_in_todays_spelling_without_null(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(INLINE)
    assert tomllib.loads(convert(tmp_path / "a.yaml")) == {
        "compiler": {
            "quantization_scheme": "per_tensor_min_max",
            "aipu_cores_used": 4,
            "resources_used": 1.0,
        }
    }


def test_json_is_converted_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"resources": 0.5, "profiling_levels": ["[B]"]}')
    assert tomllib.loads(convert(tmp_path / "a.json"))["compiler"] == {
        "resources_used": 0.5,
        "profiling_levels": ["[B]"],
    }


def test_one_model_of_a_card_is_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(
        "models:\n  a: {extra_kwargs: {compilation_config: {resources: 0.75}}}\n"
        "  b: {extra_kwargs: {compiler_config_file: resnet50.toml}}\n"
    )
    assert tomllib.loads(convert(path, "b"))["compiler"]["aipu_cores_used"] == 4
    with pytest.raises(ValueError, match="choose one with --model"):
        convert(path)
    with pytest.raises(ValueError, match="no model 'c'; it has a, b"):
        convert(path, "c")


def test_a_bad_value_is_not_converted(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"resources": 0.3}')
    with pytest.raises(ValueError, match=r"multiple of 0\.25"):
        convert(tmp_path / "a.json")


TOOL = Path(__file__).parents[4] / "tools" / "json_to_toml_config.py"


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "axelera.compiler.config.convert", "a.yaml"],
        [str(TOOL), "--from-yaml", "a.yaml"],
        ["-c", "from axemu.cli.axemu import main; main()", "to-toml", "a.yaml"],
    ],
    ids=["module", "documented name", "command"],
)
def test_the_program_writes_the_file(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(INLINE)
    subprocess.run([sys.executable, *command, "-o", "a.toml"], cwd=tmp_path, check=True)
    assert load_config(tmp_path / "a.toml").aipu_cores_used == 4


def test_the_program_fails_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml" in capsys.readouterr().err


def test_a_json_file_of_another_form_is_refused(tmp_path: Path) -> None:
    for text in ("[1]", "{", "[" * 100_000):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(ValueError, match=r"a\.json"):
            convert(tmp_path / "a.json")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "quantization_scheme": st.sampled_from(["per_tensor_histogram", "per_tensor_min_max"]),
            "aipu_cores_used": st.integers(1, 4),
            "tiling_depth": st.integers(1, 2**31),
            "profiling_levels": st.lists(st.sampled_from(["[?]", "[B]"])),
            "model_name": st.text(
                st.characters(categories=["L", "N", "P"], exclude_characters="/\\"), max_size=20
            ),
            "double_buffer": st.booleans(),
        },
    )
)
def test_conversion_keeps_the_configuration(
    tmp_path_factory: pytest.TempPathFactory, properties: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("convert")
    (folder / "a.json").write_text(json.dumps(properties))
    (folder / "a.toml").write_text(convert(folder / "a.json"), encoding="utf-8")
    assert load_config(folder / "a.toml") == CompilerConfig(**properties)
