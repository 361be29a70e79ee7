"""The answer to a question: a line, a table, and why."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import wraps
from math import inf
from pathlib import Path
from typing import Any, ParamSpec

from axemu.driver import InvalidArgument, path_errors
from axemu.driver.bounded import JSON_FILE, parse_json, read_bounded
from axemu.pages import Chart, Row

Cell = str | int | float | bool | None
NEVER = "never"
"""How a time that does not end is written: JSON has no infinity."""
Given = ParamSpec("Given")
FORMAT = 1
"""Version of saved answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question is answered with. All figures are simulated.

    Args:
        answer: the answer in a sentence or two.
        rows: the table; all rows have the same columns, in order.
        why: paragraphs.
        stamp: what the figures rest on.
        charts: pictures of the table.
        question: the name of the question, and
        options: what was asked, by parameter; both filled in by `question`.
    """

    answer: str
    rows: Sequence[Row]
    why: Sequence[str]
    stamp: str
    charts: Sequence[Chart] = ()
    question: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def text(self, width: int = 80) -> str:
        """Return it for a terminal of so many columns."""
        parts = [fold(self.answer, width), "", table(self.rows), ""]
        parts += [fold(one, width) for one in self.why]
        return "\n".join([*parts, fold(self.stamp, width)])

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        rows = [{name: NEVER if cell == inf else cell for name, cell in row.items()} for row in self.rows]
        return {"format": FORMAT, **asdict(self), "rows": rows}

    def save(self, path: Path) -> None:
        """Write it, to be compared with another by `diff`.

        Raises:
            OSError: the file cannot be written.
        """
        from axemu.model import replacing  # noqa: PLC0415

        with replacing(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")


def question(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Let answers of a function say what was asked."""
    signature = inspect.signature(function)

    @wraps(function)
    def asked(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        answer = function(*args, **kwargs)
        return replace(answer, question=function.__name__.replace("_", "-"), options=dict(bound.arguments))

    return asked


def load(path: Path) -> Answer:
    """Read what `Answer.save` wrote.

    Raises:
        InvalidArgument: the file cannot be read, or is something else.
    """
    with path_errors(InvalidArgument, f"answer {path}"):
        try:
            answer = _from_dict(parse_json(read_bounded(path, JSON_FILE), JSON_FILE))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidArgument(
                f"answer {path}: not a file that `axemu study … --save` wrote: {error}"
            ) from error
    return answer


def _from_dict(content: dict[str, Any]) -> Answer:
    if content.pop("format") != FORMAT:
        raise ValueError("written by another version")
    content["charts"] = [Chart(**one) for one in content["charts"]]
    content["rows"] = [
        {name: inf if cell == NEVER else cell for name, cell in row.items()} for row in content["rows"]
    ]
    answer = Answer(**content)
    _check(answer)
    return answer


def _check(answer: Answer) -> None:
    """Raise ValueError if an answer that was read cannot be one."""
    texts = (answer.answer, answer.stamp, answer.question, *answer.why)
    if not isinstance(answer.why, list) or not all(isinstance(one, str) for one in texts):
        raise ValueError("a text is none")
    if not isinstance(answer.options, dict):
        raise ValueError("the options are no table")  # noqa: TRY004
    cells = [cell for row in answer.rows for cell in row.values()]
    if not all(isinstance(cell, Cell) for cell in cells):
        raise ValueError("a cell is no text, number or truth")
    if any(abs(cell) >= 1 << 1000 for cell in cells if isinstance(cell, int)):
        raise ValueError("a number is too large")
    if any(list(row) != list(answer.rows[0]) for row in answer.rows):
        raise ValueError("rows have different columns")


def fold(words: str, width: int) -> str:
    """Return a paragraph folded to a width."""
    return textwrap.fill(words, width, break_on_hyphens=False, break_long_words=False)


def table(rows: Sequence[Row]) -> str:
    """Return rows as aligned text: numbers to the right, column names on as many lines as they have words."""
    if not rows:
        return "(nothing)"
    names = list(rows[0])
    cells = {name: [shown(row[name]) for row in rows] for name in names}
    heads = {name: name.split() for name in names}
    height = max(map(len, heads.values()))
    lines = [[] for _ in range(height + len(rows))]  # type: list[list[str]]
    for name in names:
        head = [""] * (height - len(heads[name])) + heads[name]
        column = [*head, *cells[name]]
        wide = max(map(len, column))
        number = all(isinstance(row[name], int | float | None) or row[name] == NEVER for row in rows)
        for line, cell in zip(lines, column, strict=True):
            line.append(cell.rjust(wide) if number else cell.ljust(wide))
    return "\n".join("  ".join(line).rstrip() for line in lines)


def shown(value: Cell) -> str:
    """Return a cell for people: four digits of numbers at most."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if value == inf:
        return NEVER
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
