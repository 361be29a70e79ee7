"""How do settings compare?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from axemu.driver import InvalidArgument
from axemu.pages import Chart, Row
from axemu.studies._predict import predict
from axemu.studies._scenario import Prediction, Scenario
from axemu.studies._target import Target, load_target
from axemu.studies.questions._answer import Answer, shown
from axemu.studies.questions._words import stamp_of

MOST = 200
"""Predictions of one comparison."""


def predictions(scenario: Scenario, axes: Mapping[str, Sequence[Any]] | None = None) -> Answer:
    """Predict a scenario for all combinations of values of its fields, side by side.

    Args:
        scenario: what is not varied.
        axes: values by field of `Scenario`; the last changes fastest.

    Raises:
        AxeleraError: there is no such field, no such value, or a model cannot be found, read, or run as asked.
    """
    axes = axes or {}
    known = [one.name for one in fields(Scenario)]
    for name, values in axes.items():
        if name not in known:
            raise InvalidArgument(f"compare: a scenario has no {name}; it has {', '.join(known)}")
        if not values:
            raise InvalidArgument(f"compare: no values for {name}")
    if math.prod(map(len, axes.values())) > MOST:
        raise InvalidArgument(f"compare: more than {MOST} combinations; `axemu study sweep` takes more")
    targets: dict[tuple[str, int | None], Target] = {}
    cases: list[tuple[dict[str, Any], Prediction]] = []
    for values in itertools.product(*axes.values()):
        changes = dict(zip(axes, values, strict=True))
        one = changed(scenario, changes)
        key = str(one.model), one.compiled_cores
        if key not in targets:
            targets[key] = load_target(one.model, one.compiled_cores)
        cases.append((changes, predict(one, targets[key])))
    rows = [row_of(changes, one) for changes, one in cases]
    best = max(range(len(cases)), key=lambda at: cases[at][1].host_fps)
    names = [", ".join(named(*change) for change in changes.items()) or one.board for changes, one in cases]
    return Answer(
        sentence(cases, names, best),
        rows,
        why(cases[best][1], names[best] if len(cases) > 1 else ""),
        stamp_of(cases[best][1]),
        pictures(cases, names),
        "predict",
        {name: value for name, value in asdict(scenario).items() if value is not None and name not in axes}
        | {name: list(values) for name, values in axes.items()},
    )


def named(field: str, value: Any) -> str:
    """Return a value in words: names speak for themselves."""
    return value if isinstance(value, str) else f"{field.replace('_', ' ')} {shown(value)}"


def changed(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """Return a scenario with other values.

    Raises:
        InvalidArgument: a value is of another type, or cannot be.
    """
    try:
        return replace(scenario, **changes)
    except TypeError as error:
        told = ", ".join(f"{name} {value!r}" for name, value in changes.items())
        raise InvalidArgument(f"compare: {told}: {error}") from error


def row_of(changes: Mapping[str, Any], one: Prediction) -> Row:
    """Return the row of a prediction."""
    low, high = one.band
    row: dict[str, Any] = {
        name.replace("_", " "): value if isinstance(value, bool | int | float) else str(value)
        for name, value in changes.items()
    }
    row |= {
        "host FPS": one.host_fps,
        "low": low,
        "high": high,
        "system FPS": one.system_fps,
        "loop ms": one.latency_ms,
        "alone ms": one.lone_latency_ms,
        "bound by": one.bound_by,
    }
    if one.heat is not None:
        row |= {"watts": one.heat.sustained_w, "sustained FPS": one.heat.sustained_fps}
    return row if changes else {"board": one.board, **row}


def sentence(cases: Sequence[tuple[Mapping[str, Any], Prediction]], names: Sequence[str], best: int) -> str:
    """Return the answer in a sentence."""
    one = cases[best][1]
    low, high = one.band
    if len(cases) == 1:
        return f"{one.model} on {names[0]}: {one.host_fps:.0f} frames/s (80 % band {low:.0f} to {high:.0f}), bound by {one.bound_by}."
    worst = min(range(len(cases)), key=lambda at: cases[at][1].host_fps)
    factor = one.host_fps / cases[worst][1].host_fps
    return (
        f"Most with {names[best]}: {one.host_fps:.0f} frames/s (80 % band {low:.0f} to {high:.0f}), {factor:.2f} times those with "
        f"{names[worst]} ({cases[worst][1].host_fps:.0f})."
    )


def why(one: Prediction, name: str) -> tuple[str, ...]:
    """Return what the best is bound by, and what its rate may be held against."""
    call = sum(one.parts_us.values()) or 1.0
    parts = sorted(one.parts_us.items(), key=lambda part: -part[1])[:4]
    told = ", ".join(f"{unit} {time / call:.0%}" for unit, time in parts)
    with_ = f" with {name}" if name else ""
    return (
        f"A call{with_} goes to {told}. Low and high bound 80 % of unseen networks.",
        f"Host FPS is comparable with: {one.comparable}.",
    )


def pictures(
    cases: Sequence[tuple[Mapping[str, Any], Prediction]], names: Sequence[str]
) -> tuple[Chart, ...]:
    """Return rates, and where calls go."""
    calls = [
        {"case": name, "unit": unit, "µs": time}
        for name, (_, one) in zip(names, cases, strict=True)
        for unit, time in sorted(one.parts_us.items(), key=lambda part: -part[1])
        if time > 0
    ]
    where = Chart("Where a call goes", "µs", "case", "unit", "bar", rows=calls)
    if len(cases) == 1:
        return (where,)
    rates = [{"case": name, "host FPS": one.host_fps} for name, (_, one) in zip(names, cases, strict=True)]
    bands = [
        {"case": name, "FPS": low, "to": high, "band": "80 % band"}
        for name, (_, one) in zip(names, cases, strict=True)
        for low, high in [one.band]
    ]
    return (
        Chart("Host FPS", "host FPS", "case", mark="bar", rows=rates),
        Chart("Between which 80 % of unseen networks lie", "FPS", "case", mark="bar", until="to", rows=bands),
        where,
    )
