"""Answers to questions about throughput and latency."""

from __future__ import annotations

from typing import Annotated, Any

from axemu.cli._answers._answer import Answer, key


class ChartAnswer(Answer):
    """What a page draws of the table."""

    title: Annotated[str, key("above the picture")]
    x: Annotated[str, key("column along the horizontal axis")]
    y: Annotated[str, key("column along the vertical axis")]
    colour: Annotated[str | None, key("column that tells lines or bars apart")]
    mark: Annotated[str, key("`line`, `bar`, `area` or `point`")]
    limit: Annotated[float | None, key("a line across, at this height")]
    until: Annotated[str | None, key("column in which bars end that begin at `x`")]
    size: Annotated[str | None, key("column that tells how large points are")]
    curve: Annotated[list[dict[str, Any]], key("rows of a dashed line")]
    logarithmic: Annotated[bool, key("both axes are")]
    rows: Annotated[list[dict[str, Any]] | None, key("what is drawn; null is the table")]
    note: Annotated[str, key("what has to be known to read it")]


class StudyAnswer(Answer):
    """`axemu study QUESTION`, `axemu study search` and `axemu study diff`; `--save` writes the same. All figures are simulated."""

    format: Annotated[int, key("version of these keys")]
    answer: Annotated[str, key("a sentence or two")]
    rows: Annotated[
        list[dict[str, str | int | float | bool | None]],
        key("the table: cells by column; all rows have the same columns, and `never` is a time without end"),
    ]
    why: Annotated[list[str], key("paragraphs")]
    stamp: Annotated[str, key("what the figures rest on")]
    charts: Annotated[list[ChartAnswer], key("pictures of the table")]
    question: Annotated[str, key("name of the question")]
    options: Annotated[dict[str, Any], key("what was asked, by parameter")]
