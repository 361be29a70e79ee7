"""Read the decision records and write their index: `python tools/decisions.py` writes docs/decisions/index.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parents[1] / "docs" / "decisions"
STATUSES = ("proposed", "accepted", "amended by", "replaced by", "withdrawn")

TITLE = re.compile(r"# (?P<number>\d{4}) (?P<title>\S.*)")
LINE = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2}) · "
    rf"(?P<status>{'|'.join(STATUSES)})"
    r"(?: \[(?P<by>\d{4})\]\((?P<target>[\w.-]+)\))?"
    r"(?:: [^·]+)?"
    r"(?: · (?:amends|replaces) \[(?P<older>\d{4})\]\((?P<older_target>[\w.-]+)\))?"
)

INTRODUCTION = """\
# Decisions

One page for every choice that closes off another reasonable one: context, decision, consequences
([0000](0000-record-decisions.md)). The third line of a page is `date · status`. A status is one of
`proposed`, `accepted`, `amended by` or `replaced by` a later record, `withdrawn`; a record that amends or replaces
another says so as well. Nothing but that line changes once a record is accepted.

Up to 0073 each block of ten belongs to a subject: 000x the product, 001x the public API and the seam, 002x numerics and
files, 003x quantisation and lowering, 004x timing and memory plan, 005x the compute core, 006x the zoo, 007x the
compiler's configuration. The numbers missing in a block were never given out; a record on the subject may take one.
From 0074 on numbers follow each other.

This page is written by `python tools/decisions.py`; a test compares.
"""


@dataclass(frozen=True)
class Record:
    """What the first lines of a record say."""

    path: Path
    number: str
    title: str
    date: date
    status: str
    by: str | None
    older: str | None


def read(path: Path) -> Record:
    """Return the head of the record at `path`; raises ValueError that names the file and what was expected."""
    lines = path.read_text(encoding="utf-8").split("\n")
    title = TITLE.fullmatch(lines[0])
    if title is None or title["number"] != path.name[:4]:
        raise ValueError(f"{path.name}: the first line is {lines[0]!r}, expected '# {path.name[:4]} Title'")
    line = LINE.fullmatch(lines[2]) if len(lines) > 2 and not lines[1] else None
    if line is None or (line["by"] is None) == line["status"].endswith(" by"):
        found = repr(lines[2]) if len(lines) > 2 else "missing"
        raise ValueError(
            f"{path.name}: the third line is {found}, expected 'YYYY-MM-DD · status' with a status out of "
            f"{', '.join(STATUSES)} ('by' with a link to the record)"
        )
    for number, target in ((line["by"], line["target"]), (line["older"], line["older_target"])):
        if number is not None and not ((path.parent / target).is_file() and target.startswith(number)):
            raise ValueError(f"{path.name}: the link to {number} leads to {target}, which is not that record")
    return Record(
        path=path,
        number=title["number"],
        title=title["title"],
        date=date.fromisoformat(line["date"]),
        status=line["status"],
        by=line["by"],
        older=line["older"],
    )


def paths() -> list[Path]:
    """Return the files of all records in the order of their numbers."""
    return sorted(path for path in DIRECTORY.glob("*.md") if path.name != "index.md")


def index() -> str:
    """Return the text of the index page."""
    rows = ["| record | date | status |", "|---|---|---|"]
    for record in map(read, paths()):
        status = record.status if record.by is None else f"{record.status} {record.by}"
        rows.append(f"| [{record.number} {record.title}]({record.path.name}) | {record.date} | {status} |")
    return INTRODUCTION + "\n" + "\n".join(rows) + "\n"


if __name__ == "__main__":
    (DIRECTORY / "index.md").write_text(index(), encoding="utf-8")
