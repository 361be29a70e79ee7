"""Names of classes, as enumerations: members by label, values by class number.

The labels in `labels/` are names of data sets: ImageNet's as torchvision writes them (see NOTICE), COCO's and
DOTA's.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from axemu.driver import InvalidArgument, path_errors
from axemu.driver.bounded import Bounds, read_bounded

Classes = type[enum.IntEnum]
_FILE = Bounds(1 << 20, 1 << 16)
KNOWN_CLASSES = {"CocoClasses": "coco", "ImagenetClasses": "imagenet", "DotaClasses": "dota"}


@cache
def known_classes(name: str) -> Classes:
    """Return `CocoClasses`, `ImagenetClasses` or `DotaClasses`.

    Raises:
        KeyError: it is none of these.
    """
    labels = resources.files(__package__) / "labels" / f"{KNOWN_CLASSES[name]}.txt"
    return classes_of(name, _lines(labels.read_text(encoding="utf-8")))


def classes_of(title: str, labels: Mapping[int, str] | Sequence[str]) -> Classes:
    """Return an enumeration of labels; a label that comes again gets its number behind it (ours).

    A label that is no word can be had as one as well, with underscores: `CocoClasses.traffic_light` is "traffic light" (ours).

    Raises:
        ValueError: a label is empty.
    """
    if not 0 < len(labels) <= _FILE.values:
        raise ValueError(f"{len(labels)} labels; expected 1 to {_FILE.values}")
    numbered = labels.items() if isinstance(labels, Mapping) else enumerate(labels)
    members: dict[str, int] = {}
    for number, label in numbered:
        if not label:
            raise ValueError(f"class {number} has no name")
        members[label if label not in members else f"{label} {number}"] = number
    for label, number in [*members.items()]:  # the same member by another name
        if (word := re.sub(r"\W+", "_", label).strip("_")).isidentifier():
            members.setdefault(word, number)
    return enum.IntEnum(title, members)  # type: ignore[return-value]


def load_classes(path: str | os.PathLike[str]) -> Classes:
    """Read an enumeration of classes: a label per line (.txt, .names), or YAML whose `names` is a list or maps numbers.

    Raises:
        InvalidArgument: the file is missing, too large, or something else.
    """
    path = Path(path)
    with path_errors(InvalidArgument, path):
        try:
            content = read_bounded(path, _FILE)
            labels = (
                _of_yaml(content) if path.suffix in (".yaml", ".yml") else _lines(content.decode("utf-8-sig"))
            )
            return classes_of(path.stem, labels)
        except ValueError as error:
            raise InvalidArgument(f"{path}: {error}") from error


def _lines(text: str) -> list[str]:
    """Return the lines; empty ones at the end are none, before it they would shift the numbers of the others."""
    return [line.strip() for line in text.rstrip().splitlines()]


def _of_yaml(content: bytes) -> Mapping[int, str] | Sequence[str]:
    from axemu.driver.bounded_yaml import YAML_FILE, parse_yaml  # noqa: PLC0415  few label files are YAML

    whole = parse_yaml(content, YAML_FILE)
    names = whole.get("names") if isinstance(whole, dict) else None
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return names
    if isinstance(names, dict) and all(
        isinstance(number, int) and isinstance(name, str) for number, name in names.items()
    ):
        return names
    raise ValueError("expected a key `names`: a list of labels, or labels by number")
