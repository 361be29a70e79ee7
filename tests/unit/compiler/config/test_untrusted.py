"""Files from strangers: a configuration or a documented error, never anything else."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axelera.compiler.config import ALIASES, CompilerConfig, load_config, read_model_card
from axelera.compiler.config.convert import convert
from axemu.driver import AxeleraError

CARD = (
    "models:\n  m:\n    extra_kwargs:\n      compiler_config_file: yolov8s.toml\n"
    "      compilation_config: {aipu_cores: 4, resources: 1.0, tiling_depth: 6}\n"
)
TOML = '[compiler]\naipu_cores_used = 4\nresources_used = 1.0\nmulticore_mode = "batch"\nprofiling_levels = ["[B]"]\n'
JSON = '{"aipu_cores": 4, "resources": 1.0, "model_metadata": {"a": [1, null]}, "quantize_only": true}'

names = st.sampled_from([*CompilerConfig.model_fields, *ALIASES, "quantize_only", "compiler", "nonsense"])
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("batch"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def damaged(draw: st.DrawFn, text: str) -> str:
    """`text` with a piece cut out and something else in its place."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 12)))
    return (
        text[:start]
        + draw(st.text(max_size=6) | st.sampled_from(["\n", "&a ", "*a", "!!", "[", "{", "? "]))
        + text[end:]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("untrusted")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", errors="replace")
    return path


@given(damaged(TOML))
def test_a_damaged_toml_file_is_read_or_refused(folder: Path, text: str) -> None:
    with contextlib.suppress(AxeleraError):
        assert isinstance(load_config(write(folder / "a.toml", text)), CompilerConfig)


@given(damaged(JSON))
def test_a_damaged_json_file_is_read_or_refused(folder: Path, text: str) -> None:
    with contextlib.suppress(AxeleraError):
        assert isinstance(load_config(write(folder / "a.json", text)), CompilerConfig)


@given(damaged(CARD))
def test_a_damaged_card_is_read_or_refused(folder: Path, text: str) -> None:
    with contextlib.suppress(AxeleraError):
        assert all(
            isinstance(c, CompilerConfig) for c in read_model_card(write(folder / "card.yaml", text)).values()
        )


@given(damaged(CARD))
def test_a_damaged_card_is_converted_or_refused(folder: Path, text: str) -> None:
    with contextlib.suppress(AxeleraError):
        load_config(write(folder / "b.toml", convert(write(folder / "card.yaml", text))))


@given(st.dictionaries(names, values, max_size=4))
def test_any_values_make_a_configuration_or_are_refused(properties: dict[str, Any]) -> None:
    with contextlib.suppress(AxeleraError):
        config = CompilerConfig(**properties)
        assert CompilerConfig(**config.model_dump(mode="json")) == config


def test_thousands_of_unknown_names_are_counted_and_twenty_are_shown(folder: Path) -> None:
    path = write(folder / "many.toml", "".join(f"tiling_depth_{number} = 1\n" for number in range(20_000)))
    with pytest.raises(ValueError, match="20000 problem") as caught:
        load_config(path)
    assert str(caught.value).count("did you mean 'tiling_depth'") == 20
    assert str(caught.value).endswith("and 19980 more")


def test_a_long_value_is_shortened_in_the_message(folder: Path) -> None:
    with pytest.raises(ValueError, match="multicore_mode") as caught:
        load_config(write(folder / "long.toml", f'multicore_mode = "{"x" * 500_000}"\n'))
    assert len(str(caught.value)) < 1000
