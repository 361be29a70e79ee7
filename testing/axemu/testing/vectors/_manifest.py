"""What vectors must be and give, as it was recorded: checksums, digests, tolerances."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from axemu.driver import InvalidArgument
from axemu.driver.bounded import JSON_FILE, in_words, parse_json, read_bounded
from axemu.model.ops import NUMERICS, NUMERICS_VERSION, Numerics
from axemu.testing.vectors._vector import Kind, Vector, digest

FILE = Path(__file__).with_name("manifest.json")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One vector as it was recorded.

    Attributes:
        kind: operator, pattern or network.
        checksum: sha256 of program and frames.
        tolerance: steps of an output's scale by which a compiler that is right, but another than ours, may differ: one more
            than the two numerics differ by.
        tensors: digests of each tensor that a node writes, in order: of `metis` and of `exact`, or one where they are equal.
    """

    kind: Kind
    checksum: str
    tolerance: int
    tensors: Mapping[str, tuple[str, ...]]

    def digest(self, tensor: str, numerics: Numerics) -> str:
        """Return what a tensor must hold."""
        return self.tensors[tensor][0 if numerics == NUMERICS[0] else -1]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All vectors as they were recorded, and the version of the numerics."""

    numerics_version: int
    entries: Mapping[str, Entry]

    def text(self) -> str:
        """Return the content of manifest.json: a line for each vector."""
        lines = [
            f" {json.dumps(name)}: "
            + json.dumps([e.kind, e.checksum, e.tolerance, {t: list(d) for t, d in e.tensors.items()}])
            for name, e in self.entries.items()
        ]
        head = f'{{"format": {FORMAT}, "numerics_version": {self.numerics_version}, "vectors": {{\n'
        return head + ",\n".join(lines) + "\n}}\n"


def make_manifest(vectors: Iterable[Vector]) -> Manifest:
    """Return what the specification says of vectors."""
    return Manifest(NUMERICS_VERSION, {vector.name: _entry(vector) for vector in vectors})


def load_manifest(path: Path = FILE) -> Manifest:
    """Read a manifest, by default that of this package.

    Raises:
        InvalidArgument: it is damaged, or for other numerics.
    """
    try:
        content: Any = parse_json(read_bounded(path, JSON_FILE), JSON_FILE)
        version = content["numerics_version"]
        entries = {
            name: Entry(kind, checksum, tolerance, {t: tuple(d) for t, d in tensors.items()})
            for name, (kind, checksum, tolerance, tensors) in content["vectors"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"{path}: no manifest of vectors: {in_words(error)}") from error
    if (content["format"], version) != (FORMAT, NUMERICS_VERSION):
        raise InvalidArgument(
            f"{path}: for format {content['format']} and numerics {version}, this SDK has {FORMAT} and {NUMERICS_VERSION}"
        )
    return Manifest(version, entries)


def _entry(vector: Vector) -> Entry:
    metis, exact = (vector.expected(numerics) for numerics in NUMERICS)
    apart = max(
        int(np.abs(metis[name].astype(np.int16) - exact[name]).max(initial=0))
        for name in vector.program.outputs
    )
    tensors = {name: tuple(dict.fromkeys((digest(metis[name]), digest(exact[name])))) for name in metis}
    return Entry(vector.kind, vector.checksum(), apart + 1, tensors)
