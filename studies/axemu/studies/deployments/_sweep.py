"""Sweeps: the same question for thousands of deployments, on all cores or on a cluster, that go on after a kill."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from axemu.driver import InvalidArgument
from axemu.driver.bounded import JSON_TEXT, parse_json
from axemu.studies.deployments._evaluate import Figures
from axemu.studies.deployments._points import Point, digest_of
from axemu.studies.deployments._service import ServiceKey, keys_of, services
from axemu.studies.deployments._tables import row_of, table_of

BATCH = 16
"""Points that a process takes at once."""
SLICE = 8
"""Batches for each process between two looks at what has come back."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is: points done, of how many, and seconds to go by the pace so far."""

    done: int
    total: int
    seconds_left: float


def sweep(
    points: Sequence[Point],
    engine: str = "joblib",
    *,
    path: Path | None = None,
    told: Callable[[Progress], None] | None = None,
) -> Any:
    """Evaluate points; the table does not depend on who does it and in which order.

    Args:
        points: what is evaluated (`grid`, `listed`, `drawn`, `latin_hypercube`).
        engine: `serial`; `joblib` (all cores) or `joblib:N` (so many processes); `dask:ADDRESS`, a scheduler that is there;
            `ray` or `ray:ADDRESS`. The last two need their packages, and this SDK where their workers run.
        path: a Parquet file for the table. Results are kept beside it as they come (`PATH.part`), and a sweep that was
            killed goes on from there when it is called again.
        told: called with the progress.

    Returns:
        A `pyarrow.Table`, one row for each point in order; its metadata tell where it comes from.

    Raises:
        AxeleraError: a model cannot be read, an engine is unknown, or `PATH.part` belongs to another sweep or to other models.
    """
    figures = _figures(points)
    with _kept(_identity(points, figures), path) as (rows, keep):
        todo = [point for point in points if point.number not in rows]
        began, before = time.monotonic(), len(rows)
        with _engine(engine) as (run, width):
            size = BATCH * SLICE * width
            for start in range(0, len(todo), size):
                part = todo[start : start + size]
                batches = [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
                for found in run(batches, figures):
                    keep(found)
                if told is not None:
                    pace = (time.monotonic() - began) / (len(rows) - before)
                    told(Progress(len(rows), len(points), pace * (len(points) - len(rows))))
        table = table_of(points, [rows[point.number] for point in points], figures)
    if path is not None:
        _write(table, path)
        _part_of(path).unlink()
    return table


def evaluate_batch(batch: Sequence[Point], figures: Figures) -> list[Row]:
    """Evaluate some points; what a worker does."""
    return [row_of(point, figures) for point in batch]


def _figures(points: Sequence[Point]) -> Figures:
    """Return all service figures: workers need no models."""
    keys: dict[ServiceKey, None] = {}
    for point in points:
        if point.deployment is not None:
            keys.update(dict.fromkeys(keys_of(point.deployment)))
    return services(keys)


Run = Callable[[list[list[Point]], Figures], Iterator[list[Row]]]


@contextlib.contextmanager
def _engine(engine: str) -> Iterator[tuple[Run, int]]:
    """Yield a function that evaluates batches, and how many processes it has."""
    name, _, rest = engine.partition(":")
    if name == "serial" and not rest:
        yield (lambda batches, figures: (evaluate_batch(batch, figures) for batch in batches)), 1
        return
    import joblib  # noqa: PLC0415  of the extra `study`

    def run(batches: list[list[Point]], figures: Figures) -> Iterator[list[Row]]:
        yield from joblib.Parallel()(
            joblib.delayed(evaluate_batch)(batch, _needed(batch, figures)) for batch in batches
        )

    if name == "joblib" and (not rest or (rest.isdecimal() and int(rest))):
        jobs = int(rest or os.cpu_count() or 1)
        with joblib.parallel_config("loky", n_jobs=jobs):
            yield run, jobs
    elif name == "dask" and rest:
        with _dask(rest) as jobs, joblib.parallel_config("dask"):
            yield run, jobs
    elif name == "ray":
        with _ray(rest) as jobs, joblib.parallel_config("ray"):
            yield run, jobs
    else:
        raise InvalidArgument(
            f"engine {engine!r} is unknown; known are serial, joblib, joblib:N, dask:ADDRESS, ray, ray:ADDRESS"
        )


def _needed(batch: Sequence[Point], figures: Figures) -> Figures:
    keys = {key for point in batch if point.deployment for key in keys_of(point.deployment)}
    return {key: figures[key] for key in figures if key in keys}


@contextlib.contextmanager
def _dask(address: str) -> Iterator[int]:
    distributed = _imported("distributed", "dask", "axemu[cluster]")
    try:
        client = distributed.Client(address, timeout=10, set_as_default=True)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"engine dask: no scheduler answers at {address}: {error}") from error
    with client:
        yield max(1, sum(client.nthreads().values()))


@contextlib.contextmanager
def _ray(address: str) -> Iterator[int]:
    ray = _imported("ray", "ray", "ray")
    _imported("ray.util.joblib", "ray", "ray").register_ray()
    ray.init(address=address or None, ignore_reinit_error=True)
    yield max(1, int(ray.cluster_resources().get("CPU", 1)))


def _imported(module: str, engine: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InvalidArgument(f"engine {engine}: not installed; pip install '{package}'") from error


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


@contextlib.contextmanager
def _kept(identity: str, path: Path | None) -> Iterator[tuple[dict[int, Row], Callable[[list[Row]], None]]]:
    """Yield the rows that are there already, and a function that keeps more; on disk if there is a path."""
    rows: dict[int, Row] = {}
    if path is None:
        yield rows, lambda found: rows.update((row["point"], row) for row in found)
        return
    head = json.dumps({"sweep": identity}).encode() + b"\n"
    good = _read(_part_of(path), head, rows)
    with _part_of(path).open("ab") as file:
        file.truncate(good)  # the line that a kill cut short
        if not good:
            file.write(head)

        def keep(found: list[Row]) -> None:
            for row in found:
                file.write(json.dumps(row).encode() + b"\n")
                rows[row["point"]] = row
            file.flush()
            os.fsync(file.fileno())

        yield rows, keep


def _identity(points: Sequence[Point], figures: Figures) -> str:
    """Return what rows depend on, in sixteen digits: points, what networks were then, and the version of this SDK."""
    content = (digest_of(points), version("axemu"), *sorted(map(repr, figures.items())))
    return hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]


def _read(part: Path, head: bytes, rows: dict[int, Row]) -> int:
    """Collect what was kept; return how many bytes of the file are whole."""
    if not part.exists():
        return 0
    with part.open("rb") as file:
        first = file.readline(len(head))
        if first != head:
            if head.startswith(first):  # a kill came early
                return 0
            raise InvalidArgument(
                f"{part} belongs to another sweep, or what its figures rest on has changed; remove it or give another path"
            )
        good = len(head)
        while (line := file.readline(JSON_TEXT.size + 1)).endswith(b"\n") or len(line) > JSON_TEXT.size:
            try:
                row = parse_json(line, JSON_TEXT)
                rows[row["point"]] = row
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidArgument(
                    f"{part} is not the beginning of a sweep: {error}; remove it"
                ) from error
            good += len(line)
    return good


def _write(table: Any, path: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    from axemu.model import replacing  # noqa: PLC0415

    with replacing(path) as temporary:
        pq.write_table(table, temporary)
