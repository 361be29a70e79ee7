"""Points of a sweep: a deployment, and what is changed in it."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from axemu.driver import AxeleraError, InvalidArgument
from axemu.studies.deployments._read import deployment_from
from axemu.studies.deployments._spec import Deployment

Value = str | int | float | bool | None
Range = tuple[float, float]
MOST_POINTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """One deployment of a sweep; `refusal` says why there is none, where a combination cannot be."""

    number: int
    changes: Mapping[str, Value]
    deployment: Deployment | None
    refusal: str = ""


def changed(base: Deployment, changes: Mapping[str, Value]) -> Deployment:
    """Return a deployment with some fields changed.

    Args:
        base: the deployment.
        changes: values by dotted path: `boards.0.clock`, `networks.detector.cores`, `streams.0.count`, `seconds`. Members of
            a list go by number, networks and streams by name as well.

    Raises:
        InvalidArgument: there is no such field, or the result cannot be.
    """
    content = base.to_dict()
    for path, value in changes.items():
        _set(content, path, value)
    return deployment_from(content, "with " + ", ".join(f"{path} {value}" for path, value in changes.items()))


def listed(base: Deployment, rows: Iterable[Mapping[str, Value]]) -> tuple[Point, ...]:
    """Return a point for each of some changes.

    Raises:
        InvalidArgument: a path is wrong. A combination that cannot be is a point with a refusal.
    """
    points = []
    for number, row in enumerate(rows):
        if number >= MOST_POINTS:
            raise InvalidArgument(f"sweep: more than {MOST_POINTS} points")
        content = base.to_dict()
        for path, value in row.items():
            _set(content, path, value)
        try:
            points.append(Point(number, dict(row), changed(base, row)))
        except AxeleraError as error:
            points.append(Point(number, dict(row), None, str(error)))
    if not points:
        raise InvalidArgument("sweep: no points")
    return tuple(points)


def grid(base: Deployment, axes: Mapping[str, Sequence[Value]]) -> tuple[Point, ...]:
    """Return all combinations of values, the last axis fastest."""
    if math.prod(len(values) for values in axes.values()) > MOST_POINTS:
        raise InvalidArgument(f"sweep: more than {MOST_POINTS} points")
    rows = (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))
    return listed(base, rows)


def drawn(
    base: Deployment, axes: Mapping[str, Sequence[Value] | Range], count: int, seed: int = 0
) -> tuple[Point, ...]:
    """Return points drawn at random: of a pair of two floats any number between, of other sequences any member."""
    generator = np.random.default_rng(seed)
    return listed(base, _between(axes, generator.random((_count(count), len(axes)))))


def latin_hypercube(
    base: Deployment, axes: Mapping[str, Sequence[Value] | Range], count: int, seed: int = 0
) -> tuple[Point, ...]:
    """Return points that have each of `count` equal parts of every axis once; values as for `drawn`."""
    from scipy.stats import qmc  # noqa: PLC0415  slow to import

    sampler = qmc.LatinHypercube(len(axes), rng=np.random.default_rng(seed))
    return listed(base, _between(axes, sampler.random(_count(count))))


def digest_of(points: Sequence[Point]) -> str:
    """Return what tells one sweep from another."""
    content = hashlib.sha256()
    for point in points:
        content.update(f"{point.deployment.digest if point.deployment else point.refusal}\n".encode())
    return content.hexdigest()[:16]


def _count(count: int) -> int:
    if not 1 <= count <= MOST_POINTS:
        raise InvalidArgument(f"count {count} is outside 1 to {MOST_POINTS}")
    return count


def _between(axes: Mapping[str, Sequence[Value] | Range], places: Any) -> Iterable[dict[str, Value]]:
    for row in places:
        yield {
            path: _at(values, float(place)) for (path, values), place in zip(axes.items(), row, strict=True)
        }


def _at(values: Sequence[Value] | Range, place: float) -> Value:
    if isinstance(values, tuple) and len(values) == 2 and all(isinstance(one, float) for one in values):
        low, high = values
        return low + (high - low) * place  # type: ignore[operator]
    return values[min(int(place * len(values)), len(values) - 1)]


def _set(content: Any, path: str, value: Value) -> None:
    *parents, last = path.split(".")
    inside = content
    for part in parents:
        inside = _member(inside, part, path)
    if isinstance(inside, dict) and last in inside:
        inside[last] = value
    elif isinstance(inside, list | tuple):
        raise InvalidArgument(f"path {path}: {last} is a member of a list; name one of its fields")
    else:
        known = ", ".join(inside) if isinstance(inside, dict) else "nothing"
        raise InvalidArgument(f"path {path}: no field {last}; there are {known}")


def _member(inside: Any, part: str, path: str) -> Any:
    if isinstance(inside, dict) and part in inside:
        return inside[part]
    if isinstance(inside, list | tuple):
        if part.isdecimal() and int(part) < len(inside):
            return inside[int(part)]
        for one in inside:
            if isinstance(one, dict) and part in (
                one.get("name"),
                one.get("name") or one.get("model") or one.get("network"),
            ):
                return one
    raise InvalidArgument(f"path {path}: there is no {part}")
