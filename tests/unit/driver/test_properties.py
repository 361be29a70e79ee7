"""Keyword arguments take ints, bools and their text; unknown names get the native runtime's words."""

import enum
from typing import Any

import numpy as np
import pytest

from axemu.driver import InvalidArgument, as_integer, as_text, reject_unknown


class Small(enum.IntEnum):
    four = 4


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (4, 4),
        (True, 1),
        (False, 0),
        ("4", 4),
        (" 0x10 ", 16),
        ("true", 1),
        ("Off", 0),
        (np.int64(3), 3),
        (np.True_, 1),
        (Small.four, 4),
    ],
)
def test_numbers_and_truth_values_are_read_from_what_programs_pass(value: Any, number: int) -> None:
    assert as_integer("key", value) == number
    assert int(as_text({"key": number})["key"]) == number


@pytest.mark.parametrize("value", ["", "four", "1.5", 1.5, None, [1], 10**4000, "9" * 5000, "0x" + "f" * 30])
def test_anything_else_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidArgument, match="property key"):
        as_integer("key", value)


def test_text_is_passed_on_and_truth_becomes_a_digit() -> None:
    assert as_text({"a": " 1 ", "b": True, "c": 7}) == {"a": "1", "b": "1", "c": "7"}


def test_an_unknown_key_gets_the_documented_text() -> None:
    with pytest.raises(
        InvalidArgument, match=r"Invalid properties: Unknown property key: depth \(known to x: a, b\)"
    ):
        reject_unknown(["a", "depth"], ["a", "b"], "x")
