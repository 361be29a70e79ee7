"""What changed between two answers to the same question."""

from __future__ import annotations

from axemu.driver import InvalidArgument
from axemu.pages import Row
from axemu.studies.questions._answer import Answer

MOST = 30
"""Differences in the table, largest first."""
SMALLEST = 0.005
"""Part by which a number has to change to be told."""


def diff(before: Answer, after: Answer) -> Answer:
    """Return an answer that tells what changed.

    Raises:
        InvalidArgument: they answer different questions.
    """
    if before.question != after.question:
        raise InvalidArgument(
            f"one answers {before.question!r}, the other {after.question!r}; nothing to compare"
        )
    asked = [
        f"{name} {before.options.get(name)} -> {value}"
        for name, value in after.options.items()
        if before.options.get(name) != value
    ]
    old = {_key(row): row for row in before.rows}
    found: list[Row] = []
    for row in after.rows:
        for name, value in row.items():
            was = old.get(_key(row), {}).get(name)
            if not isinstance(value, float) or not isinstance(was, float | int) or value == was:
                continue
            change = value / was - 1 if was else float("inf")
            if abs(change) >= SMALLEST:
                found.append(
                    {
                        "row": _key(row),
                        "column": name,
                        "before": float(was),
                        "after": value,
                        "change %": 100 * change,
                    }
                )
    found.sort(key=lambda one: -abs(one["change %"]))
    alone = len({_key(row) for row in after.rows} ^ set(old))
    many = f"{len(found)} numbers differ by {SMALLEST:.1%} or more" + (
        f"; {alone} rows are in one only" if alone else ""
    )
    why = [f"Asked: {', '.join(asked) or 'the same'}.", f"Before: {before.answer}", f"After: {after.answer}"]
    if before.stamp != after.stamp:
        why.append(f"Before, {before.stamp}.")
    return Answer(f"{many}.", found[:MOST], why, after.stamp, question="diff")


def _key(row: Row) -> str:
    """Return what tells a row from others: its words, truths and whole numbers before the first other number."""
    parts = []
    for value in row.values():
        if isinstance(value, float):
            break
        parts.append(str(value))
    return " ".join(parts)
