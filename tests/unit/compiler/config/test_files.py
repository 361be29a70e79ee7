"""TOML files, the places they are looked for, and what wins over what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from axelera.compiler import ConfigurationError
from axelera.compiler.config import CompilerConfig, check_cascade, load_config, preset_names


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text", ["tiling_depth = 6\nresources = 0.5\n", "[compiler]\ntiling_depth = 6\nresources = 0.5\n"]
)
def test_a_file_holds_flat_keys_or_a_compiler_table(tmp_path: Path, text: str) -> None:
    config = load_config(write(tmp_path / "a.toml", text))
    assert config == CompilerConfig(tiling_depth=6, resources_used=0.5)


@pytest.mark.parametrize(
    ("name", "text"), [("a.toml", "[compiler]\r\ntiling_depth = 6\r\n"), ("a.json", '{"tiling_depth": 6}')]
)
def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_config(tmp_path / name).tiling_depth == 6


def test_keys_beside_the_compiler_table_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "resources_used = 0.5\n[compiler]\ntiling_depth = 6\n")
    with pytest.raises(ValueError, match=r"'resources_used' stand outside the \[compiler\] table"):
        load_config(path)


def test_overrides_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", 'quantization_scheme = "per_tensor_min_max"\ntiling_depth = 6\n')
    config = load_config(path, overrides={"tiling_depth": 1})
    assert (config.quantization_scheme, config.tiling_depth, config.max_tiling_attempts) == (
        "per_tensor_min_max",
        1,
        8,
    )


def test_an_override_wins_in_another_spelling_too(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "aipu_cores_used = 4\n")
    assert load_config(path, overrides={"aipu_cores": 1}).aipu_cores_used == 1


def test_an_override_of_null_restores_an_unset_value(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "dfs_search_constraint = 1000\n")
    assert load_config(path, overrides={"dfs_search_constraint": None}).dfs_search_constraint is None


def test_an_error_says_which_file_set_the_bad_value(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "resources_used = 0.3\n")
    with pytest.raises(ValueError, match=r"resources_used is set in .*a\.toml"):
        load_config(path, overrides={"tiling_depth": 2})


def test_an_unknown_name_says_which_file_it_is_in(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "tiling = 6\n")
    with pytest.raises(ValueError, match=r"in .*a\.toml:\n.*unknown property 'tiling'"):
        load_config(path)


def test_a_bare_name_is_found_in_the_given_folder_before_the_presets(tmp_path: Path) -> None:
    write(tmp_path / "yolov8s.toml", "tiling_depth = 3\n")
    assert load_config("yolov8s.toml", folder=tmp_path).tiling_depth == 3


def test_a_bare_name_falls_back_to_the_presets(tmp_path: Path) -> None:
    assert load_config("yolov8s.toml", folder=tmp_path).aipu_cores_used == 4


def test_a_relative_path_starts_at_the_folder_and_never_means_a_preset(tmp_path: Path) -> None:
    write(tmp_path / "cards" / "settings" / "a.toml", "tiling_depth = 5\n")
    assert load_config("settings/a.toml", folder=tmp_path / "cards").tiling_depth == 5
    with pytest.raises(FileNotFoundError):
        load_config("./settings/yolov8s.toml", folder=tmp_path)


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", "tiling_depth = 5\n")
    assert load_config(str(path), folder=Path("/nowhere")).tiling_depth == 5


def test_a_missing_file_lists_the_attempts_a_hint_and_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        load_config("yolov8.toml", folder=tmp_path)
    message = str(caught.value)
    assert str(tmp_path / "yolov8.toml") in message
    assert "config/models/yolov8.toml" in message
    assert "comment out" in message
    assert "Did you mean 'yolov8" in message


def test_a_missing_file_is_a_configuration_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="was not found"):
        load_config(tmp_path / "missing.toml")


@pytest.mark.parametrize("text", ["tiling_depth = = 6", "[compiler\n", "a = 1\na = 2\n", "x = " + "[" * 5000])
def test_bad_syntax_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"Invalid TOML syntax in .*a\.toml"):
        load_config(write(tmp_path / "a.toml", text))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="UTF-8"):
        load_config(tmp_path / "a.toml")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.toml").open("wb") as file:
        file.truncate(1 << 32)
    with pytest.raises(ValueError, match="larger than 1048576 B"):
        load_config(tmp_path / "a.toml")


def test_resources_of_a_cascade_add_up_to_at_most_one_board() -> None:
    check_cascade({"a": CompilerConfig(resources_used=0.75), "b": CompilerConfig(resources_used=0.25)})
    with pytest.raises(ValueError, match=r"a 0\.75, b 0\.5"):
        check_cascade({"a": CompilerConfig(resources_used=0.75), "b": CompilerConfig(resources_used=0.5)})


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_a_cascade_fits_exactly_when_its_quarters_do(quarters: list[int]) -> None:
    configs = {str(n): CompilerConfig(resources_used=quarter / 4) for n, quarter in enumerate(quarters)}
    if sum(quarters) <= 4:
        check_cascade(configs)
    else:
        with pytest.raises(ValueError, match="claim"):
            check_cascade(configs)


LAYER = st.fixed_dictionaries(
    {},
    optional={
        "tiling_depth": st.integers(1, 9),
        "max_tiling_attempts": st.integers(1, 9),
        "double_buffer": st.booleans(),
        "quantization_scheme": st.sampled_from(["per_tensor_histogram", "per_tensor_min_max"]),
    },
)


@given(file=LAYER, inline=LAYER)
def test_each_property_comes_from_the_highest_layer_that_sets_it(
    tmp_path_factory: pytest.TempPathFactory, file: dict[str, Any], inline: dict[str, Any]
) -> None:
    path = write(tmp_path_factory.mktemp("layers") / "a.toml", tomli_w.dumps(file))
    config = load_config(path, overrides=inline)
    default = CompilerConfig()
    for name in CompilerConfig.model_fields:
        expected = inline.get(name, file.get(name, getattr(default, name)))
        assert getattr(config, name) == expected


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_configuration(name: str, tmp_path: Path) -> None:
    assert load_config(name, folder=tmp_path).resources_used >= 0.25


def test_the_named_presets_are_shipped() -> None:
    assert {"yolo11n.toml", "yolo11s.toml", "yolov8s.toml"} <= set(preset_names())


@pytest.mark.parametrize("name", ["x" * 300, "x" * 70_000, "a/" * 3000, "a\0b"])
def test_a_name_that_no_file_has_is_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="was not found") as caught:
        load_config(name, folder=tmp_path)
    assert len(str(caught.value)) < 5000


def test_a_json_key_written_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="key 'tiling_depth' occurs twice"):
        load_config(write(tmp_path / "a.json", '{"tiling_depth": 6, "tiling_depth": 1}'))
