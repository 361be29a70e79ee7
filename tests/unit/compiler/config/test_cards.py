"""Model cards: the examples of the configuration guide, and the mistakes people make in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from axelera.compiler.config import CompilerConfig, read_model_card


def card(folder: Path, text: str) -> Path:
    path = folder / "card.yaml"
    path.write_text(text)
    return path


def test_a_card_names_a_toml_file_and_overrides_one_property(tmp_path: Path) -> None:
    (tmp_path / "detector.toml").write_text(
        '[compiler]\nquantization_scheme = "per_tensor_min_max"\ntiling_depth = 6\nresources_used = 0.5\n'
    )
    configs = read_model_card(
        card(
            tmp_path,
            "models:\n  detector:\n    class: AxONNXModel\n    extra_kwargs:\n"
            "      compiler_config_file: detector.toml\n      compilation_config:\n        tiling_depth: 1\n",
        )
    )
    assert configs == {
        "detector": CompilerConfig(
            model_name="detector",
            quantization_scheme="per_tensor_min_max",
            tiling_depth=1,
            resources_used=0.5,
        )
    }


def test_a_batch_1_model_uses_one_core_and_a_quarter(tmp_path: Path) -> None:
    text = "models:\n  m:\n    extra_kwargs:\n      compilation_config:\n        aipu_cores: 1\n        resources: 0.25\n"
    config = read_model_card(card(tmp_path, text))["m"]
    assert (config.aipu_cores_used, config.resources_used) == (1, 0.25)


def test_a_batch_4_model_uses_the_whole_board(tmp_path: Path) -> None:
    text = (
        "models:\n  m:\n    extra_kwargs:\n      compilation_config:\n"
        "        aipu_cores: 4\n        resources: 1.0\n        multicore_mode: batch\n"
    )
    config = read_model_card(card(tmp_path, text))["m"]
    assert (config.aipu_cores_used, config.resources_used, config.multicore_mode) == (4, 1.0, "batch")


CASCADE = (
    "models:\n"
    "  detector:\n    extra_kwargs:\n      compilation_config: {{aipu_cores: 3, resources: {first}}}\n"
    "  classifier:\n    extra_kwargs:\n      compilation_config: {{aipu_cores: 1, resources: {second}}}\n"
)


def test_a_cascade_shares_the_board(tmp_path: Path) -> None:
    configs = read_model_card(card(tmp_path, CASCADE.format(first=0.75, second=0.25)))
    assert [(name, c.resources_used) for name, c in configs.items()] == [
        ("detector", 0.75),
        ("classifier", 0.25),
    ]


def test_a_cascade_that_claims_more_than_the_board_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"claim 1\.25 of the board"):
        read_model_card(card(tmp_path, CASCADE.format(first=0.75, second=0.5)))


@pytest.mark.parametrize(
    "key", ["compilation_config", "compiler_config_file", "aipu_cores", "resources_used"]
)
def test_settings_directly_under_the_model_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match=rf"{key} directly under models\.m .*models\.m\.extra_kwargs"):
        read_model_card(card(tmp_path, f"models:\n  m:\n    {key}: {{}}\n"))


def test_settings_directly_under_extra_kwargs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"aipu_cores directly under models\.m\.extra_kwargs"):
        read_model_card(card(tmp_path, "models:\n  m:\n    extra_kwargs:\n      aipu_cores: 4\n"))


def test_a_model_without_settings_gets_the_defaults_and_its_name(tmp_path: Path) -> None:
    configs = read_model_card(
        card(tmp_path, "name: card\nmodels:\n  m:\n    class: X\n    extra_kwargs:\n      custom: 1\n")
    )
    assert configs == {"m": CompilerConfig(model_name="m")}


def test_a_frozen_property_is_refused_in_a_card(tmp_path: Path) -> None:
    text = "models:\n  m:\n    extra_kwargs:\n      compilation_config:\n        aipu_cores_max: 2\n"
    with pytest.raises(ValueError, match="aipu_cores_max"):
        read_model_card(card(tmp_path, text))


def test_a_missing_toml_file_of_a_card_is_looked_for_beside_the_card(tmp_path: Path) -> None:
    text = "models:\n  m:\n    extra_kwargs:\n      compiler_config_file: yolo11.toml\n"
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "yolo11.toml")):
        read_model_card(card(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models: []\n",
        "models: {}\n",
        "- 1\n",
        "models:\n  m: 3\n",
        "models:\n  m:\n    extra_kwargs: [1]\n",
        "models:\n  m:\n    extra_kwargs:\n      compiler_config_file: 3\n",
        "models:\n  m:\n    extra_kwargs:\n      compilation_config: x.toml\n",
        "a: [\n",
        "a: !!python/name:os.system\n",
    ],
)
def test_a_card_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"card\.yaml"):
        read_model_card(card(tmp_path, text))


def test_a_key_written_twice_is_refused(tmp_path: Path) -> None:
    text = "models:\n  m:\n    extra_kwargs:\n      compilation_config:\n        resources: 1.0\n        resources: 0.25\n"
    with pytest.raises(ValueError, match="'resources' is written twice"):
        read_model_card(card(tmp_path, text))


def test_aliases_that_stand_for_billions_of_values_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(ValueError, match="more than 8192 values"):
        read_model_card(card(tmp_path, "\n".join(lines)))


def test_an_alias_that_contains_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an alias stands inside what it stands for"):
        read_model_card(card(tmp_path, "a: &a\n  b: *a\n"))


def test_a_card_of_a_thousand_models_is_refused(tmp_path: Path) -> None:
    lines = (
        f"  m{number}: {{extra_kwargs: {{compiler_config_file: yolov8s.toml}}}}" for number in range(1000)
    )
    with pytest.raises(ValueError, match="has 1000 models; a card has at most 64"):
        read_model_card(card(tmp_path, "\n".join(["models:", *lines])))
