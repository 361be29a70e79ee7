"""Values per core as the tools write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.cli._cores import format_per_core, parse_per_core


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("800", {0: 800, 1: 800, 2: 800, 3: 800}),
        ("0-1:800,2-3:400", {0: 800, 1: 800, 2: 400, 3: 400}),
        ("0:100,1-3:50", {0: 100, 1: 50, 2: 50, 3: 50}),
        ("2:7", {2: 7}),
    ],
)
def test_ranges_are_read(text: str, values: dict[int, int]) -> None:
    assert parse_per_core(text, 4) == values


@pytest.mark.parametrize("text", ["", "x", "4:800", "2-1:800", "0-9:1", "1:", "0:1;1:2", "-1:5"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|names cores"):
        parse_per_core(text, 4)


@given(st.lists(st.sampled_from(["100", "400", "800"]), min_size=1, max_size=4))
def test_what_is_written_reads_back(values: list[str]) -> None:
    text = format_per_core(values, "")
    assert parse_per_core(text, len(values)) == {core: int(value) for core, value in enumerate(values)}
