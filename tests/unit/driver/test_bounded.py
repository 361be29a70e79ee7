"""Text of strangers is bounded before it is parsed, and what parses is what the plain parsers say."""

from __future__ import annotations

import contextlib
import json
import time
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.driver.bounded import JSON_FILE, JSON_TEXT, TOML_FILE, Bounds, parse_json, parse_toml, shown

pytestmark = pytest.mark.slow

MEGABYTE = 1_000_000
SECOND = 1.0

texts = st.text(st.characters(codec="utf-8"))
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)  # fmt: skip


@given(values, st.booleans())
def test_json_is_what_the_plain_parser_says(value: Any, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.text(st.sampled_from("\"'\\#[]{}=., \nab1")))
def test_toml_is_what_the_plain_parser_says(text: str) -> None:
    """The look at brackets and dots never takes a string for structure, nor the other way round."""
    try:
        wanted = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(ValueError, match=r"."):
            parse_toml(text.encode())
    else:
        assert parse_toml(text.encode()) == wanted


@pytest.mark.parametrize(
    "piece",
    [b'"""\\"""\\', b'"\\', b"'''", b'"""', b'"', b"a.", b"a  .", b"\\", b"# ", b"[", b"[]", b"{a=", b"=", b"1", b"1_",
     b"\n", b"' ' ", b"a\n", b"[[a]]\n", b'{"a":', b'"a",'],
)  # fmt: skip
@pytest.mark.parametrize("parse", [parse_json, parse_toml])
def test_a_megabyte_of_anything_takes_no_second(piece: bytes, parse: Any) -> None:
    content = (piece * (MEGABYTE // len(piece)))[:MEGABYTE]
    began = time.process_time()
    with contextlib.suppress(ValueError):
        parse(content)
    assert time.process_time() - began < SECOND


def test_many_keys_of_which_one_comes_twice_take_no_second() -> None:
    text = "{" + ",".join(f'"{n}":1' for n in range(70_000)) + ',"7":1}'
    began = time.process_time()
    with pytest.raises(ValueError, match="key '7' occurs twice"):
        parse_json(text.encode(), JSON_FILE)
    assert time.process_time() - began < SECOND


@pytest.mark.parametrize("depth", [32, 33])
def test_nesting_ends_at_the_bound(depth: int) -> None:
    text = ("[" * depth + "]" * depth).encode()
    if depth == 32:
        assert parse_json(text) is not None
        assert parse_toml(b"a = " + text) is not None
        return
    for parse, content in (
        (parse_json, text),
        (parse_toml, b"a = " + text),
        (parse_toml, b"a" + b".a" * 33 + b" = 1"),
    ):
        with pytest.raises(ValueError, match=r"deeper than 32 levels|more than 32 parts"):
            parse(content)


@pytest.mark.parametrize("digits", [1000, 1025, 4301, 100_000])
@pytest.mark.parametrize("prefix", ["", "-", "0x", "1."])
def test_long_numbers_are_refused_before_they_are_read(digits: int, prefix: str) -> None:
    number = prefix + "1" * digits
    if digits == 1000:
        assert len(repr(parse_toml(f"a = {number}".encode())["a"])) < 4300
        return
    with pytest.raises(ValueError, match="more than 1024 characters"):
        parse_toml(f"a = {number}".encode())
    if prefix != "0x":
        with pytest.raises(ValueError, match="more than 1024 characters"):
            parse_json(f"[{number}]".encode())


def test_brackets_and_dots_in_strings_and_comments_are_no_structure() -> None:
    assert parse_json(json.dumps({"a": "[" * 5000, '"[\\"[': '\\"[[' * 99}).encode())["a"] == "[" * 5000
    text = f'# {"[" * 99}\na = "{"[." * 40}"\nb = \'\'\'{"." * 99}"\'\'\'\nc = """{"{" * 99}\\""""'
    assert parse_toml(text.encode())["c"] == "{" * 99 + '"'


def test_a_value_more_than_the_bound_is_refused() -> None:
    bounds = Bounds(1000, 10)
    assert parse_json(b"[" + b"1," * 9 + b"1]", bounds)
    with pytest.raises(ValueError, match="about 11 values, expected at most 10"):
        parse_json(b"[" + b"1," * 10 + b"1]", bounds)
    with pytest.raises(ValueError, match="larger than 1000 B"):
        parse_json(b" " * 1001, bounds)


def test_every_bound_leaves_room_for_a_networks_own_files() -> None:
    """A hundred times what a large network has."""
    assert min(JSON_FILE.size, JSON_FILE.values) >= 1 << 20
    assert min(TOML_FILE.values, JSON_TEXT.values) >= 20_000


def test_a_shown_value_is_about_a_line() -> None:
    for value in ("x" * MEGABYTE, [[1] * 1000] * 1000, {str(n): n for n in range(9999)}, 10**1000):
        assert len(shown(value)) < 500
