"""Pictures and what is true of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from axelera.compiler.quantisation import image_paths
from axemu.driver import InvalidArgument, path_errors
from axemu.driver.bounded import Bounds, decoded, in_words, parse_json, read_bounded

LABELS = Bounds(64 << 20, 1 << 22)
ANNOTATIONS = Bounds(1 << 30, 1 << 27)
"""The annotations of COCO's 5000 images for validation have 20 MB."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Objects on a picture: corners in its pixels float64 (n, 4), classes int64 (n,), crowds bool (n,)."""

    corners: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    crowd: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))

    def __post_init__(self) -> None:
        """Call nothing a crowd when nobody said so."""
        if len(self.crowd) != len(self.classes):
            object.__setattr__(self, "crowd", np.zeros(len(self.classes), bool))


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file; `name` is its path below the directory it was found in."""

    path: Path
    name: str
    label: int = -1
    boxes: Boxes | None = None


def pictures_in(directory: Path) -> list[Picture]:
    """Return all images below a directory, sorted by name, with nothing known of them.

    Raises:
        CalibrationError: there is no such directory, or no image in it.
    """
    return [Picture(path, str(path.relative_to(directory))) for path in image_paths(directory)]


def labelled_pictures(
    directory: Path, classes: int, names: Sequence[str] = (), labels: Path | None = None
) -> list[Picture]:
    """Return the images below a directory with their classes.

    Args:
        directory: images, by default one directory per class.
        classes: how many the network knows.
        names: their names in the order of the network's outputs; a directory is one of them, or a number. Without
            names and numbers the directories have to be as many as the classes, and are taken in the order of their names.
        labels: a file with a line `image,class` per image instead; images that are not in it are left out.

    Raises:
        InvalidArgument: an image has no class, or one that the network does not know.
    """
    pictures = pictures_in(directory)
    if labels is not None:
        of_file = _labels_in(labels, names)
        pictures = [picture for picture in pictures if picture.name in of_file]
        if len(pictures) < len(of_file):
            missing = sorted(set(of_file) - {picture.name for picture in pictures})
            raise InvalidArgument(
                f"{labels}: {len(missing)} images are not below {directory}: {', '.join(missing[:3])}"
            )
        found = [of_file[picture.name] for picture in pictures]
    else:
        found = _labels_of_directories(directory, pictures, classes, names)
    for picture, label in zip(pictures, found, strict=True):
        if not 0 <= label < classes:
            raise InvalidArgument(f"{picture.path}: class {label}; the network has {classes}, counted from 0")
    return [
        Picture(picture.path, picture.name, label) for picture, label in zip(pictures, found, strict=True)
    ]


def _labels_in(path: Path, names: Sequence[str]) -> dict[str, int]:
    with path_errors(InvalidArgument, f"labels {path}"):
        try:
            rows = list(csv.reader(decoded(read_bounded(path, LABELS)).splitlines()))
        except (ValueError, csv.Error) as error:
            raise InvalidArgument(f"labels {path}: no table of comma-separated values: {error}") from error
    known = {name: number for number, name in enumerate(names)}
    found = {}
    for number, row in enumerate(rows, start=1):
        if not row:
            continue
        label = _label(row[-1].strip(), known) if len(row) == 2 else None
        if label is None:
            raise InvalidArgument(
                f"{path}, line {number}: expected image,class with a number or one of the names, not {','.join(row)[:80]!r}"
            )
        found[row[0].strip()] = label
    return found


def _labels_of_directories(
    directory: Path, pictures: Sequence[Picture], classes: int, names: Sequence[str]
) -> list[int]:
    folders = [picture.path.parent.name for picture in pictures]
    if any(picture.path.parent == directory for picture in pictures):
        raise InvalidArgument(
            f"{directory}: images lie in it and not in a directory per class; say what they show: --labels FILE with a "
            "line image,class per image"
        )
    known = {name: number for number, name in enumerate(names)}
    labels = {folder: _label(folder, known) for folder in sorted(set(folders))}
    unknown = [folder for folder, label in labels.items() if label is None]
    if len(unknown) == len(labels) == classes and not names:
        labels = {folder: number for number, folder in enumerate(labels)}
    elif unknown:
        raise InvalidArgument(
            f"{directory}: {unknown[0]!r} is neither a number nor one of the names of the {classes} classes, and "
            f"{len(labels)} directories tell nothing of their order; give the names (--names FILE, a line per class), or --labels"
        )
    return [label for folder in folders if (label := labels[folder]) is not None]


def _label(text: str, known: Mapping[str, int]) -> int | None:
    return known.get(text, int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None)


def coco_pictures(
    directory: Path, annotations: Path, classes: int | None = None, names: Sequence[str] = ()
) -> tuple[list[Picture], int]:
    """Return the images of a file in COCO's format with their objects, and how many classes there are.

    Args:
        directory: of the images.
        annotations: the file.
        classes: how many the network knows, by default as many as there are names or categories.
        names: of the network's classes in their order, which categories are found by; without names, categories are classes
            in the order of their ids.

    Raises:
        InvalidArgument: the file is damaged, an image is missing, or categories are not the network's classes.
    """
    with path_errors(InvalidArgument, f"annotations {annotations}"):
        try:
            content = parse_json(read_bounded(annotations, ANNOTATIONS), ANNOTATIONS)
            return _coco(directory, content, classes or len(names) or len(content["categories"]), names)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            if isinstance(error, InvalidArgument):
                raise
            raise InvalidArgument(
                f"{annotations}: no annotations in COCO's format: {in_words(error)}"
            ) from error


def _coco(directory: Path, content: Any, count: int, names: Sequence[str]) -> tuple[list[Picture], int]:
    classes = _classes_of(content["categories"], count, names)
    objects: dict[int, list[tuple[list[float], int, bool]]] = {}
    for one in content["annotations"]:
        x, y, width, height = map(float, one["bbox"])
        if not all(map(math.isfinite, (x, y, width, height))):
            raise InvalidArgument(f"annotation {one.get('id')}: a box of {one['bbox']}")
        entry = ([x, y, x + width, y + height], classes[one["category_id"]], bool(one.get("iscrowd", 0)))
        objects.setdefault(one["image_id"], []).append(entry)
    pictures = []
    for one in sorted(content["images"], key=lambda one: str(one["file_name"])):
        path = directory / one["file_name"]
        if not path.is_file() or not path.resolve().is_relative_to(directory.resolve()):
            raise InvalidArgument(f"image {one['file_name']} of the annotations is not in {directory}")
        found = objects.get(one["id"], [])
        boxes = Boxes(
            np.array([corners for corners, _, _ in found], np.float64).reshape(-1, 4),
            np.array([label for _, label, _ in found], np.int64),
            np.array([crowd for _, _, crowd in found], bool),
        )
        pictures.append(Picture(path, str(one["file_name"]), boxes=boxes))
    return pictures, count


def _classes_of(categories: Sequence[Mapping[str, Any]], count: int, names: Sequence[str]) -> dict[int, int]:
    """Return the class of each category's id."""
    if names:
        known = {name: number for number, name in enumerate(names)}
        if strange := sorted({str(one["name"]) for one in categories} - set(known)):
            raise InvalidArgument(
                f"categories {', '.join(strange[:5])} are not among the names of the network's classes"
            )
        return {one["id"]: known[one["name"]] for one in categories}
    if len(categories) != count:
        raise InvalidArgument(
            f"{len(categories)} categories and {count} classes of the network; say which is which: --names FILE, a line per "
            "class in the network's order"
        )
    return {number: place for place, number in enumerate(sorted(one["id"] for one in categories))}
