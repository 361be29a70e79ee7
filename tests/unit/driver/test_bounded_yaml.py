"""YAML is bounded while it is composed."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from axemu.driver.bounded_yaml import YAML_FILE, parse_yaml

SECOND = 1.0
scalars = (
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii", categories=["L", "N"]))
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner), max_leaves=20
)


@given(documents)
def test_yaml_is_what_the_plain_loader_says(document: object) -> None:
    text = yaml.safe_dump(document)
    assert parse_yaml(text.encode(), YAML_FILE) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 5000, "nested deeper than 32 levels"),
        ("- " * 5000, "nested deeper than 32 levels"),
        ("\n".join(f"k{n}: 1" for n in range(20_000)), "stands for more than 8192 values"),
        ("\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]), "8192 values"),
        ("a: &a {<<: *a}", "an alias stands inside what it stands for"),
        ("a: " + "1" * 5000, "a number of more than 1024 characters"),
        ("a: " + "1:" * 5000 + "1", "a number of more than 1024 characters"),
        ("a: 0x" + "f" * 5000, "a number of more than 1024 characters"),
        ("#" * (1 << 18) + "#", "larger than 262144 B"),
        ("!!int ''", "a form that its tag does not"),
        ("!!timestamp x", "a form that its tag does not"),
        ("!!bool x", "a form that its tag does not"),
        ("a: \x01", "special characters are not allowed"),
        ("{a: 1, a: 2}", "'a' is written twice"),
        ("!!python/object/apply:os.system [true]", "could not determine a constructor"),
    ],
)  # fmt: skip
def test_what_hurts_is_a_value_error_within_a_second(text: str, message: str) -> None:
    began = time.process_time()
    with pytest.raises(ValueError, match=message):
        parse_yaml(text.encode(), YAML_FILE)
    assert time.process_time() - began < SECOND
