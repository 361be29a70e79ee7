"""Rows and tables of results, with where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from axemu.driver import AxeleraError
from axemu.studies.deployments._evaluate import Figures, evaluate
from axemu.studies.deployments._points import Point, digest_of
from axemu.studies.deployments._result import Evaluation

NUMBERS = (
    "offered_fps", "fps", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms", "jitter_ms", "late", "busy", "ddr_busy",
    "link_busy", "spread", "watts", "temperature_c",
)  # fmt: skip
COUNTS = ("frames", "dropped", "incomplete", "unfinished")
WORDS = ("digest", "verdict", "bound_by", "refusal")


def row_of(point: Point, figures: Figures) -> dict[str, Any]:
    """Evaluate a point; its row has times of the worst stream, and sums over streams. Values are plain (JSON)."""
    empty: dict[str, Any] = dict.fromkeys((*WORDS, *NUMBERS, *COUNTS)) | {"streams": [], "networks": []}
    row = {"point": point.number, **empty, "verdict": "refused", "refusal": point.refusal}
    if point.deployment is None:
        return row
    try:
        answer = evaluate(point.deployment, figures)
    except AxeleraError as error:
        return row | {"refusal": str(error), "digest": point.deployment.digest}
    return row | measures(answer)


def measures(answer: Evaluation) -> dict[str, Any]:
    """Return the columns of an answer."""
    streams = answer.streams
    worst = max(streams, key=lambda one: one.latency.p99)
    ages = {
        f"{name}_ms": _finite(getattr(worst.latency, name)) for name in ("p50", "p90", "p99", "p999", "max")
    }
    return {
        "digest": answer.digest,
        "verdict": answer.verdict,
        "bound_by": answer.bound_by,
        "refusal": "",
        "offered_fps": sum(one.offered_fps for one in streams),
        "fps": answer.fps,
        **ages,
        "jitter_ms": worst.jitter,
        "late": max(one.late for one in streams),
        "busy": max(one.busy for one in answer.networks),
        "ddr_busy": _busiest(answer.units, ".ddr"),
        "link_busy": _busiest(answer.units, ".link"),
        "spread": answer.spread,
        "watts": answer.watts,
        "temperature_c": answer.temperature,
        **{name: sum(getattr(one, name) for one in streams) for name in COUNTS},
        "streams": [
            {"name": one.name, "fps": one.fps, "p50_ms": _finite(one.latency.p50), "p99_ms": _finite(one.latency.p99),
             "dropped": one.dropped}
            for one in streams
        ],
        "networks": [
            {"name": one.name, "fps": one.fps, "busy": one.busy, "executed_ms": one.executed, "dropped": one.dropped}
            for one in answer.networks
        ],
    }  # fmt: skip


def table_of(points: Sequence[Point], rows: Sequence[Mapping[str, Any]], figures: Figures) -> Any:
    """Return a `pyarrow.Table` of points and their rows; metadata `axemu` has what they rest on, as JSON."""
    import pyarrow as pa  # noqa: PLC0415  of the extra `study`

    paths = list(dict.fromkeys(path for point in points for path in point.changes))
    columns: dict[str, Any] = {"point": pa.array([point.number for point in points], pa.int64())}
    for path in paths:
        columns[path] = _column(pa, [point.changes.get(path) for point in points])
    number, text, count = pa.float64(), pa.string(), pa.int64()
    kinds: dict[str, Any] = (
        dict.fromkeys(NUMBERS, number) | dict.fromkeys(COUNTS, count) | dict.fromkeys(WORDS, text)
    )
    stream = {"name": text, "fps": number, "p50_ms": number, "p99_ms": number, "dropped": count}
    network = {"name": text, "fps": number, "busy": number, "executed_ms": number, "dropped": count}
    kinds["streams"] = pa.list_(pa.field("element", pa.struct(list(stream.items()))))
    kinds["networks"] = pa.list_(pa.field("element", pa.struct(list(network.items()))))
    for name, kind in kinds.items():
        columns[name] = pa.array([row[name] for row in rows], kind)
    origin = {
        "simulated": True,
        "axemu": version("axemu"),
        "sweep": digest_of(points),
        "models": sorted({one.model_version for one in figures.values()}),
        "calibrations": sorted({one.calibration_id for one in figures.values()}),
        "provenance": sorted({one.provenance for one in figures.values()}),
    }
    return pa.table(columns).replace_schema_metadata({"axemu": json.dumps(origin)})


def _column(pa: Any, values: Sequence[Any]) -> Any:
    """Return a column of what was changed: whole numbers, numbers or truths where all are, else text."""
    there = [value for value in values if value is not None]
    for kind, arrow in ((bool, pa.bool_()), (int, pa.int64()), (int | float, pa.float64())):
        if all(isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) for value in there):
            return pa.array(values, arrow)
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _busiest(units: Mapping[str, float], ending: str) -> float:
    return max((part for unit, part in units.items() if unit.endswith(ending)), default=0.0)


def _finite(value: float) -> float | None:
    """A time that does not end is no number in JSON; missing in tables."""
    return value if math.isfinite(value) else None
