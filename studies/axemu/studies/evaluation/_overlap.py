"""Which pictures the network was calibrated with, found by what is in them and not by their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axelera.compiler.quantisation import digest, digest_of_frame, read_image
from axemu.driver import InvalidArgument
from axemu.driver.bounded import JSON_FILE, in_words, parse_json, read_bounded
from axemu.studies.evaluation._data import Picture
from axemu.studies.evaluation._task import Task


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the report of a compiled model says of its calibration: digests of images, and of what the network got of them.

    `count` is how many samples there were, which may be more than there are digests.
    """

    count: int
    digests: frozenset[str]


def calibration_of(compiled: Path) -> Calibration | None:
    """Return what the report.json beside a model.json says, None if there is no report or it does not say.

    Raises:
        InvalidArgument: the report is damaged.
    """
    report = compiled.parent / "report.json"
    if not report.is_file():
        return None
    try:
        content: Any = parse_json(read_bounded(report, JSON_FILE), JSON_FILE)
        if "calibration" not in content:
            return None
        told = content["calibration"]
        return Calibration(
            int(told["count"]), frozenset((*map(str, told["items"]), *map(str, told["samples"])))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidArgument(
            f"{report}: says nothing sensible of the calibration: {in_words(error)}"
        ) from error


def overlapping(
    calibration: Calibration, pictures: Iterable[Picture], task: Task
) -> Iterator[tuple[Picture, bool]]:
    """Yield each picture and whether the network was calibrated with it: the same pixels, or the same input."""
    for picture in pictures:
        image = read_image(picture.path)
        known = calibration.digests
        yield picture, digest(image) in known or digest_of_frame([task.prepare(image)[0]]) in known
