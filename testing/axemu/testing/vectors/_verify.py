"""Does a driver give what the vectors say, and if not, which tensor differs first?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from axemu.driver import AxeleraError, Driver
from axemu.model.ops import Numerics
from axemu.testing.vectors._board import Board, board
from axemu.testing.vectors._manifest import Entry, Manifest, load_manifest
from axemu.testing.vectors._vector import Int8Array, Vector, digest


@dataclass(frozen=True, slots=True)
class Difference:
    """The first tensor, in the order of the nodes, that does not hold what it must.

    Attributes:
        tensor: its name.
        node: the node that writes it.
        op: that node's operator.
        where: the first value that differs: frame, row, column, channel.
        found: that value.
        expected: what it must be.
        values: how many values of the tensor differ.
        of: how many it has.
        largest: by how much, at most.
    """

    tensor: str
    node: str
    op: str
    where: tuple[int, ...]
    found: int
    expected: int
    values: int
    of: int
    largest: int

    def __str__(self) -> str:
        frame, row, column, channel = self.where
        return (
            f"tensor {self.tensor!r} of node {self.node!r} ({self.op}) differs first at frame {frame}, row {row}, column "
            f"{column}, channel {channel}: {self.found}, expected {self.expected}; {self.values} of {self.of} values, by at "
            f"most {self.largest}"
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one vector.

    Attributes:
        vector: its name.
        problem: what is wrong; empty where nothing is.
        difference: where the values differ, if they do.
        largest: steps by which an output differs, at most, where that is within the tolerance.
    """

    vector: str
    problem: str = ""
    difference: Difference | None = None
    largest: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem

    def __str__(self) -> str:
        return f"{self.vector}: {self.problem or 'equal'}"


def verify(
    driver: Driver, vectors: Iterable[Vector], numerics: Numerics = "metis", manifest: Manifest | None = None
) -> Iterator[Outcome]:
    """Run vectors on a driver that executes programs of this SDK, and yield what became of each.

    Each runs twice: as it is, its operators fused as the driver likes, and with every tensor as an output. The first tensor
    whose digest is not the recorded one is named.

    Args:
        driver: not closed.
        vectors: see `find`.
        numerics: what the driver computes in.
        manifest: by default the package's.
    """
    known = manifest or load_manifest()
    with board(driver) as chosen:
        for vector in vectors:
            yield _outcome(chosen, vector, numerics, known)


def verify_compiled(driver: Driver, vectors: Iterable[Vector], models: Path) -> Iterator[Outcome]:
    """Run vectors that another compiler compiled, `models`/<name>, and compare within the vectors' tolerances.

    Vectors without a directory there are passed over. Only outputs are seen.
    """
    known = load_manifest()
    with board(driver) as chosen:
        for vector in vectors:
            if (models / vector.name).is_dir():
                found = _tried(chosen, vector, models / vector.name)
                yield (
                    found
                    if isinstance(found, Outcome)
                    else within_tolerance(vector, found, known.entries[vector.name])
                )


def within_tolerance(vector: Vector, found: Mapping[str, Int8Array], entry: Entry) -> Outcome:
    """Compare outputs of another implementation with the specification, within the vector's tolerance."""
    expected, largest = vector.expected("metis"), 0
    for name in vector.program.outputs:
        if name not in found:
            return Outcome(vector.name, f"output {name!r} is missing")
        if found[name].shape != expected[name].shape:
            shapes = f"{found[name].shape}, expected {expected[name].shape}"
            return Outcome(vector.name, f"output {name!r} has the shape {shapes}")
        apart = np.abs(found[name].astype(np.int16) - expected[name])
        largest = max(largest, int(apart.max(initial=0)))
        if largest > entry.tolerance:
            difference = locate(vector, name, found[name], expected[name])
            return Outcome(vector.name, f"{difference}; {entry.tolerance} allowed", difference, largest)
    return Outcome(vector.name, largest=largest)


def locate(vector: Vector, tensor: str, found: Int8Array, expected: Int8Array) -> Difference:
    """Say where two values of a tensor, which differ, do so."""
    apart = np.abs(found.astype(np.int16) - expected)
    where = tuple(int(index) for index in np.unravel_index(int((apart > 0).argmax()), apart.shape))
    node = vector.producers()[tensor]
    return Difference(
        tensor, node.name, node.op, where, int(found[where]), int(expected[where]),
        int(np.count_nonzero(apart)), apart.size, int(apart.max()),
    )  # fmt: skip


def _outcome(chosen: Board, vector: Vector, numerics: Numerics, manifest: Manifest) -> Outcome:
    entry = manifest.entries.get(vector.name)
    if entry is None or entry.checksum != vector.checksum():
        return Outcome(
            vector.name, "its program or inputs are not those that were recorded: this build makes others"
        )
    whole = _tried(chosen, vector)
    if isinstance(whole, Outcome):
        return whole
    for part in vector.opened():
        opened = _tried(chosen, part)
        if isinstance(opened, Outcome):
            return opened
        for name, values in opened.items():
            if digest(values) != entry.digest(name, numerics):
                return _differing(vector, entry, numerics, name, values)
    for name in vector.program.outputs:
        if digest(whole[name]) != entry.digest(name, numerics):
            outcome = _differing(vector, entry, numerics, name, whole[name])
            return Outcome(
                vector.name, f"only where operators are fused: {outcome.problem}", outcome.difference
            )
    return Outcome(vector.name)


def _differing(vector: Vector, entry: Entry, numerics: Numerics, tensor: str, found: Int8Array) -> Outcome:
    expected = vector.expected(numerics)[tensor]
    if digest(expected) != entry.digest(tensor, numerics):
        node = vector.producers()[tensor]
        return Outcome(
            vector.name,
            f"tensor {tensor!r} of node {node.name!r} ({node.op}) differs from what was recorded, and so does the "
            "specification of this build: coordinates are not known",
        )
    difference = locate(vector, tensor, found, expected)
    return Outcome(vector.name, str(difference), difference, difference.largest)


def _tried(chosen: Board, vector: Vector, compiled: Path | None = None) -> dict[str, Int8Array] | Outcome:
    try:
        return chosen.run(vector, compiled)
    except AxeleraError as error:
        return Outcome(vector.name, f"does not run: {error}")
