"""Searches: which deployments are best, of those that answer within a latency."""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from axemu.driver import AxeleraError, InvalidArgument
from axemu.studies.deployments._evaluate import evaluate
from axemu.studies.deployments._points import Value, changed
from axemu.studies.deployments._result import Evaluation
from axemu.studies.deployments._service import keys_of, services
from axemu.studies.deployments._spec import Deployment

Measure = Callable[[Deployment, Evaluation], float]

MEASURES: dict[str, Measure] = {
    "fps": lambda _, answer: answer.fps,
    "p99": lambda _, answer: answer.p99,
    "cameras": lambda deployment, _: float(sum(one.count for one in deployment.streams)),
    "boards": lambda deployment, _: float(sum(one.count for one in deployment.boards)),
    "cores": lambda deployment, _: float(sum(len(cores) for _, _, cores in deployment.placements())),
    "watts": lambda _, answer: answer.watts,
    "temperature": lambda _, answer: answer.temperature,
}
"""What can be sought: results per second, the worst stream's 99th percentile in ms, numbers of cameras, boards and cores, W, °C."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A measure that should be large or small."""

    measure: str
    direction: Literal["max", "min"]

    def __post_init__(self) -> None:
        """Refuse what cannot be sought."""
        if self.measure not in MEASURES or self.direction not in ("max", "min"):
            known = ", ".join(MEASURES)
            raise InvalidArgument(f"goal {self.measure} {self.direction}: expected max or min of {known}")


@dataclass(frozen=True, slots=True)
class Trial:
    """A deployment that was tried: what was changed, and its measures (infinite where it cannot be)."""

    changes: Mapping[str, Value]
    measures: Mapping[str, float]
    feasible: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was tried, what of it is feasible, and the front: the feasible that no other beats in all goals.

    `exhaustive` tells whether every combination was tried.
    """

    tried: tuple[Trial, ...]
    feasible: tuple[Trial, ...]
    front: tuple[Trial, ...]
    exhaustive: bool


def search(
    base: Deployment,
    space: Mapping[str, Sequence[Value]],
    goals: Sequence[Goal],
    *,
    latency: float,
    trials: int = 200,
    seed: int = 0,
) -> Found:
    """Look for the best deployments that keep up, drop nothing, and have 99 % of each stream's frames back in time.

    Where there are no more combinations than trials, all are tried; otherwise Optuna chooses.

    Args:
        base: the deployment that is changed.
        space: values by dotted path (see `changed`).
        goals: what should be large or small.
        latency: ms within which 99 % of each stream's frames are wanted.
        trials: how many may be tried.
        seed: of the choice.

    Raises:
        AxeleraError: there is nothing to vary or to seek, a path leads nowhere, or a model cannot be read.
    """
    if not goals or not space or not all(space.values()):
        raise InvalidArgument("search: give at least one goal, and values for at least one field")
    if not latency > 0:
        raise InvalidArgument(f"search: latency {latency} ms, expected more than 0")
    known: dict[tuple[Value, ...], Trial] = {}

    def tried(changes: Mapping[str, Value]) -> Trial:
        key = tuple(changes.values())
        if key not in known:
            known[key] = _try(base, changes, latency)
        return known[key]

    exhaustive = math.prod(map(len, space.values())) <= trials
    if exhaustive:
        for values in itertools.product(*space.values()):
            tried(dict(zip(space, values, strict=True)))
    else:
        _optimise(space, goals, latency, trials, seed, tried)
    every = tuple(known.values())
    feasible = tuple(one for one in every if one.feasible)
    front = tuple(one for one in feasible if not any(_beats(other, one, goals) for other in feasible))
    return Found(every, feasible, front, exhaustive)


def _try(base: Deployment, changes: Mapping[str, Value], latency: float) -> Trial:
    refused = Trial(changes, dict.fromkeys(MEASURES, math.inf), feasible=False, verdict="refused")
    try:
        deployment = changed(base, changes)
    except AxeleraError as error:
        if str(error).startswith("path "):
            raise
        return refused
    figures = services(keys_of(deployment))
    try:
        answer = evaluate(deployment, figures)
    except AxeleraError:
        return refused
    measures = {name: measure(deployment, answer) for name, measure in MEASURES.items()}
    return Trial(changes, measures, answer.within(latency), answer.verdict)


def _beats(one: Trial, other: Trial, goals: Sequence[Goal]) -> bool:
    pairs = [
        (one.measures[goal.measure], other.measures[goal.measure])
        if goal.direction == "max"
        else (-one.measures[goal.measure], -other.measures[goal.measure])
        for goal in goals
    ]
    return all(mine >= yours for mine, yours in pairs) and any(mine > yours for mine, yours in pairs)


def _optimise(
    space: Mapping[str, Sequence[Value]],
    goals: Sequence[Goal],
    latency: float,
    trials: int,
    seed: int,
    tried: Callable[[Mapping[str, Value]], Trial],
) -> None:
    import optuna  # noqa: PLC0415  of the extra `study`

    with _quiet(optuna):
        sampler = optuna.samplers.TPESampler(
            seed=seed, constraints_func=lambda trial: (trial.user_attrs["over"],), multivariate=False
        )
        directions: Any = ["maximize" if goal.direction == "max" else "minimize" for goal in goals]
        study = optuna.create_study(directions=directions, sampler=sampler)
        for _ in range(trials):
            asked = study.ask()
            found = tried(
                {path: asked.suggest_categorical(path, list(values)) for path, values in space.items()}
            )
            # How far it is from feasible, the more the later its frames are.
            over = 0.0 if found.feasible else 1 + min(1e6, max(0.0, found.measures["p99"] / latency))
            asked.set_user_attr("over", over)
            values = [found.measures[goal.measure] for goal in goals]
            if all(map(math.isfinite, values)):
                study.tell(asked, values)
            else:
                study.tell(asked, state=optuna.trial.TrialState.FAIL)


@contextlib.contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Keep Optuna's log, and its warnings of experimental arguments, to itself."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            optuna.logging.set_verbosity(level)
