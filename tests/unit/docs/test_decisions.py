"""Every decision record has a number of its own, a date and a status, and stands in the index."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

DIRECTORY = Path(__file__).resolve().parents[3] / "docs" / "decisions"
RECORDS = sorted(path.name for path in DIRECTORY.iterdir() if path.name != "index.md")


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_named_by_its_number_and_title_has_a_date_and_a_status(
    name: str, decisions: ModuleType
) -> None:
    assert re.fullmatch(r"\d{4}(-[a-z0-9]+)+\.md", name)
    record = decisions.read(DIRECTORY / name)
    assert record.date >= date(2026, 11, 21)  # the project's first day


def test_no_number_is_given_twice() -> None:
    numbers = [name[:4] for name in RECORDS]
    assert len(numbers) == len(set(numbers))


def test_records_that_change_each_other_both_say_so(decisions: ModuleType) -> None:
    records = [decisions.read(DIRECTORY / name) for name in RECORDS]
    assert {(r.older, r.number) for r in records if r.older} == {(r.number, r.by) for r in records if r.by}


def test_the_index_is_the_one_that_the_records_give(decisions: ModuleType) -> None:
    """After a change: `python tools/decisions.py`."""
    assert (DIRECTORY / "index.md").read_text(encoding="utf-8") == decisions.index()


@pytest.mark.parametrize(
    "text",
    [
        "# 0002 Other number\n\n2026-11-21 · accepted\n",
        "# 0001: A colon\n\n2026-11-21 · accepted\n",
        "# 0001 No line of its own\n2026-11-21 · accepted\n",
        "# 0001 No date\n\naccepted\n",
        "# 0001 No such status\n\n2026-11-21 · agreed\n",
        "# 0001 By whom\n\n2026-11-21 · replaced by\n",
        "# 0001 By nobody\n\n2026-11-21 · replaced by [0002](0002-missing.md)\n",
        "# 0001 Only a title",
    ],
)
def test_a_head_that_says_less_is_refused_by_the_name_of_its_file(
    text: str, tmp_path: Path, decisions: ModuleType
) -> None:
    path = tmp_path / "0001-a-record.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"0001-a-record\.md: "):
        decisions.read(path)
