"""Pictures through both networks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axelera.compiler.quantisation import read_image
from axemu.studies.evaluation._data import Picture
from axemu.studies.evaluation._figures import CONFIDENCE, RESAMPLES, Figure, figures
from axemu.studies.evaluation._journal import Journal
from axemu.studies.evaluation._sides import Side
from axemu.studies.evaluation._task import Task

Counted = Callable[[Iterable[Picture]], Iterator[Picture]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out: metrics, how many pictures they are of, and how many of these a journal had already."""

    figures: tuple[Figure, ...]
    pictures: int
    resumed: int
    confidence: float


def evaluate(
    task: Task,
    pictures: Sequence[Picture],
    int8: Side,
    float_: Side | None = None,
    *,
    journal: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    counted: Counted = iter,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Evaluation:
    """Judge both networks on the same pictures, which are read one by one.

    Args:
        task: what they are judged by.
        pictures: with what is true of them, as the task wants it.
        int8: the compiled network.
        float_: the network it was compiled from; without it nothing is compared.
        journal: a file that records go to; one of an earlier evaluation is gone on with.
        identity: what tells these networks from others, as JSON, for the journal.
        counted: what the pictures go through, to be counted.
        resamples: draws for the intervals.
        confidence: of the intervals.

    Raises:
        InvalidArgument: the journal is of another evaluation, or outputs do not fit the task.
        CalibrationError: an image cannot be read.
    """
    sides = {"int8": int8} | ({} if float_ is None else {"float": float_})
    settings = {**task.settings, "sides": sorted(sides), **(identity or {})}
    with Journal(journal, settings) as kept:
        resumed = sum(picture.name in kept.records for picture in pictures)
        for picture in counted(pictures):
            if picture.name not in kept.records:
                value, known = task.prepare(read_image(picture.path))
                kept.add(
                    picture.name,
                    {name: task.judge(side(value), picture, known) for name, side in sides.items()},
                )
        records = [kept.records[picture.name] for picture in pictures]
    of_sides = {name: task.scores(pictures, [record[name] for record in records]) for name in sides}
    found = figures(
        of_sides["int8"], of_sides.get("float"), len(pictures), resamples=resamples, confidence=confidence
    )
    return Evaluation(tuple(found), len(pictures), resumed, confidence)
