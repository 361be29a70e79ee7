"""The glossary defines each term once."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "glossary.md"


def rows() -> list[tuple[list[str], str, list[str]]]:
    """Return (terms, meaning, words to avoid) of each row."""
    found = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "term":
            assert len(cells) == 3, line
            found.append((_words(cells[0]), cells[1], _words(cells[2])))
    return found


def _words(cell: str) -> list[str]:
    plain = re.sub(r"\(.*?\)", "", cell)
    return [word.strip().lower() for word in plain.split(",") if word.strip()]


def test_no_term_is_defined_twice() -> None:
    terms = [term for names, _, _ in rows() for term in names]
    assert len(terms) > 50
    assert sorted(term for term in set(terms) if terms.count(term) > 1) == []


def test_no_term_is_a_word_to_avoid() -> None:
    terms = {term for names, _, _ in rows() for term in names}
    avoided = {word for _, _, words in rows() for word in words}
    assert terms & avoided == set()


def test_every_term_has_a_meaning() -> None:
    assert [names for names, meaning, _ in rows() if not meaning] == []
