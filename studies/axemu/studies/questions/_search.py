"""Which combination of values is best within a latency?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from axemu.driver import InvalidArgument
from axemu.pages import Chart, Row
from axemu.studies.deployments import (
    Found,
    Goal,
    Trial,
    Value,
    changed,
    evaluate,
    milliseconds,
    read_deployment,
)
from axemu.studies.deployments import search as look
from axemu.studies.questions._answer import Answer, question
from axemu.studies.questions._words import stamp_of

MOST = 40
"""Rows of the table: the front, then the other feasible ones, the best first."""
SHOWN = ("fps", "p99", "watts")
"""Measures that are shown whatever is sought."""
COUNTS = ("cameras", "boards", "cores")
HEADS = {"fps": "results per s", "p99": "p99 ms", "watts": "W", "temperature": "°C"}


@question
def search(
    file: str,
    vary: Mapping[str, Sequence[Value]],
    *,
    most: Sequence[str] = (),
    least: Sequence[str] = (),
    within: float = 100.0,
    trials: int = 200,
    seed: int = 0,
) -> Answer:
    """Look for the best values of a deployment's fields, of those that answer 99 % of frames in time.

    Args:
        file: describes the deployment.
        vary: values by dotted path.
        most: measures that should be large, and
        least: small; the first of all decides between equals.
        within: ms in which 99 % of each stream's frames are wanted.
        trials: how many combinations may be tried.
        seed: of the choice where that is not all of them.

    Raises:
        AxeleraError: nothing is sought or varied, a path leads nowhere, or no combination can be.
    """
    base = read_deployment(file)
    goals = [*(Goal(one, "max") for one in most), *(Goal(one, "min") for one in least)]
    found = look(base, vary, goals, latency=within, trials=trials, seed=seed)
    ranked = sorted(found.feasible, key=lambda one: (one not in found.front, *order(one, goals)))
    possible = [one for one in found.tried if one.verdict != "refused"]
    if not possible:
        raise InvalidArgument(
            f"search {file}: none of {len(found.tried)} combinations can be; `axemu study deployment` says why one cannot"
        )
    closest = ranked[0] if ranked else min(possible, key=lambda one: one.measures["p99"])
    columns = tuple(dict.fromkeys([*(goal.measure for goal in goals), *SHOWN]))
    names = short_names(vary, {*(HEADS.get(one, one) for one in columns), "verdict", "best"})
    rows = [row_of(one, one in found.front, names, columns) for one in (ranked or [closest])[:MOST]]
    x, y = (HEADS.get(one, one) for one in [*(goal.measure for goal in goals), "p99", "fps"][:2])
    charts = (Chart("What is feasible", x, y, "best", mark="point"),) if len(ranked) > 1 else ()
    one = evaluate(changed(base, closest.changes))
    why = (account(found, len(rows)), one.headline)
    return Answer(headline(found, goals, within, closest), rows, why, stamp_of(one), charts)


def order(one: Trial, goals: Iterable[Goal]) -> tuple[float, ...]:
    """Return what sorts the best first."""
    return tuple(one.measures[goal.measure] * (-1 if goal.direction == "max" else 1) for goal in goals)


def short_names(paths: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Return the shortest ends of dotted paths that tell them from each other and from other columns."""
    ends = {path: [path.split(".", at)[-1] for at in range(path.count("."), -1, -1)] for path in paths}
    many = Counter(end for each in ends.values() for end in each)
    return {
        path: next((end for end in each if many[end] == 1 and end not in taken), path)
        for path, each in ends.items()
    }


def row_of(one: Trial, best: bool, names: Mapping[str, str], columns: Iterable[str]) -> Row:
    """Return a row of the table."""
    changes = {names[path]: value for path, value in one.changes.items()}
    measures = {
        HEADS.get(name, name): int(one.measures[name]) if name in COUNTS else one.measures[name]
        for name in columns
    }
    return {**changes, **measures, "verdict": one.verdict, "best": best}


def headline(found: Found, goals: Sequence[Goal], within: float, closest: Trial) -> str:
    """Return the answer."""
    values = ", ".join(f"{path} {value}" for path, value in closest.changes.items())
    asked = f"99 % of each stream's frames within {within:g} ms"
    if not found.feasible:
        return (
            f"None of {len(found.tried)} combinations answers {asked}; closest is {values} with "
            f"{milliseconds(closest.measures['p99'])}, {closest.verdict}."
        )
    measures = ", ".join(f"{closest.measures[goal.measure]:.4g} {goal.measure}" for goal in goals)
    others = len(found.front) - 1
    rest = f" {others} more cannot be told better or worse than it in all that is sought." if others else ""
    return f"Best is {values}: {measures}, {asked}.{rest}"


def account(found: Found, shown: int) -> str:
    """Return how the answer came about."""
    refused = sum(one.verdict == "refused" for one in found.tried)
    how = "all there are" if found.exhaustive else "chosen by Optuna"
    cannot = f", {refused} cannot be" if refused else ""
    rest = f" The table shows {shown}." if shown < len(found.feasible) else ""
    return f"{len(found.tried)} combinations were tried, {how}; {len(found.feasible)} are feasible{cannot}.{rest}"
