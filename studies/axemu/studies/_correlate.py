"""Correlation: predictions held against what was published or measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from axemu.chip import DEFAULT_RELEASE, Calibration, load_calibration
from axemu.studies._analytic import Floats
from axemu.studies._calibrate import load_targets
from axemu.studies._measured import Case, Key, core_scaling, gemm, published
from axemu.studies._simulated import simulated_rate
from axemu.studies._target import Target

NAMED = 8
"""Networks named in the plot, those with the largest errors."""


@dataclass(frozen=True, slots=True)
class Point:
    """One case and what the machine says; `error` is predicted by measured, less one."""

    case: Case
    predicted: float

    @property
    def error(self) -> float:
        """Signed relative error; positive means predicted too fast."""
        return self.predicted / self.case.fps - 1


@dataclass(frozen=True, slots=True)
class Summary:
    """How well a group of points was met; errors as fractions."""

    group: str
    count: int
    median: float
    mape: float
    bias: float
    within_10: float
    within_20: float
    spearman: float


def correlate(
    cases: Sequence[Case] | None = None,
    calibration: Calibration | None = None,
    targets: Mapping[Key, Target] | None = None,
) -> list[Point]:
    """Predict every case.

    Args:
        cases: what to predict; all shipped figures of the calibration's release when None.
        calibration: the shipped one when None.
        targets: what the cases execute; loaded when None.
    """
    using = calibration or load_calibration()
    chosen = list(default_cases(using.sdk) if cases is None else cases)
    loaded = load_targets(chosen) if targets is None else targets
    return [Point(case, simulated_rate(case, loaded[case.key], using)) for case in chosen]


def default_cases(sdk: str = DEFAULT_RELEASE) -> list[Case]:
    """Return all shipped figures of a release; microbenchmarks were measured with 1.6."""
    if sdk != DEFAULT_RELEASE:
        return published(sdk)
    return [*published(), *gemm("device"), *gemm("system"), *core_scaling()]


def summarise(points: Sequence[Point], group: str) -> Summary:
    """Summarise a group of points."""
    errors = np.array([point.error for point in points])
    return Summary(
        group=group,
        count=len(points),
        median=float(np.median(np.abs(errors))),
        mape=float(np.mean(np.abs(errors))),
        bias=float(np.mean(errors)),
        within_10=float(np.mean(np.abs(errors) <= 0.1)),
        within_20=float(np.mean(np.abs(errors) <= 0.2)),
        spearman=spearman([point.case.fps for point in points], [point.predicted for point in points]),
    )


def unseen_points(points: Sequence[Point], calibration: Calibration) -> list[Point]:
    """Return what fits that had not seen a network's family said of those points for which the calibration tells it."""
    errors = calibration.details.get("errors", {})
    return [
        Point(point.case, point.case.fps * (1 + known["family"]))
        for point in points
        if point.case.metric == "host"
        and "family" in (known := errors.get(f"{point.case.model} {point.case.board} host", {}))
    ]


def summaries(points: Sequence[Point]) -> list[Summary]:
    """Summarise per board and kind of measurement, then per family."""
    kinds: dict[str, list[Point]] = {}
    for point in points:
        case = point.case
        if case.family == "gemm":
            kinds.setdefault(f"1x1 layers, {case.metric} FPS", []).append(point)
        elif case.metric == "host":
            kinds.setdefault(f"networks on {case.board}, host FPS", []).append(point)
        else:
            kinds.setdefault(f"{case.model} on {case.board}, {case.metric} FPS", []).append(point)
    families: dict[str, list[Point]] = {}
    for point in points:
        if point.case.family != "gemm" and point.case.metric == "host":
            families.setdefault(f"family {point.case.family}", []).append(point)
    return [summarise(group, name) for name, group in (*kinds.items(), *sorted(families.items()))]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the rank correlation; equal values share their mean rank."""
    if len(first) < 2:
        return 1.0
    a, b = ranks(first), ranks(second)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else 1.0


def ranks(values: Sequence[float]) -> Floats:
    """Return the rank of each value from 1, ties sharing their mean."""
    array = np.asarray(values, float)
    order = np.sort(array)
    left = np.searchsorted(order, array, "left")
    right = np.searchsorted(order, array, "right")
    result: Floats = (left + right + 1) / 2
    return result


def scatter(points: Sequence[Point], path: Path, identity: str, unseen: Sequence[Point] = ()) -> None:
    """Draw predicted against measured rates on logarithmic axes, and the errors below, hollow for `unseen_points`.

    Raises:
        ModuleNotFoundError: matplotlib is not installed; install `axemu[report]`.
    """
    import matplotlib as mpl  # noqa: PLC0415  an optional dependency

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.ticker import StrMethodFormatter  # noqa: PLC0415

    figure, (axes, below) = plt.subplots(
        2, 1, figsize=(8, 9.5), sharex=True, height_ratios=(1, 1), layout="constrained"
    )
    groups: dict[str, list[Point]] = {}
    for point in points:
        kind = "1x1 layers" if point.case.family == "gemm" else f"networks, {point.case.board}"
        groups.setdefault(f"{kind} ({point.case.metric} FPS)", []).append(point)
    for (name, group), marker in zip(groups.items(), cycle("osxv+D"), strict=False):
        measured = [p.case.fps for p in group]
        axes.scatter(measured, [p.predicted for p in group], s=14, marker=marker, label=name)
        below.scatter(measured, [100 * p.error for p in group], s=14, marker=marker)
    if unseen:
        below.scatter(
            [p.case.fps for p in unseen],
            [100 * p.error for p in unseen],
            s=34,
            linewidths=0.7,
            facecolors="none",
            edgecolors="grey",
            zorder=0,
            label="family not seen by the fit",
        )
        below.legend(loc="upper right")
    span = [min(p.case.fps for p in points) / 1.5, max(p.case.fps for p in points) * 1.5]
    for factor, style in ((1.0, "-"), (1.2, ":"), (1 / 1.2, ":")):
        axes.plot(span, [value * factor for value in span], style, color="grey", linewidth=0.8)
    for error, style in ((0, "-"), (20, ":"), (-20, ":")):
        below.axhline(error, linestyle=style, color="grey", linewidth=0.8)
    named = _worst(points)
    for point in named:
        # To the left where the label would leave the picture or run into the next one to the right.
        left = 2 * point.case.fps > span[1] or any(
            abs(other.error - point.error) < 0.025 and 1 < other.case.fps / point.case.fps < 3
            for other in named
        )
        below.annotate(
            point.case.model,
            (point.case.fps, 100 * point.error),
            xytext=(-6 if left else 6, 0),
            textcoords="offset points",
            horizontalalignment="right" if left else "left",
            verticalalignment="center",
            fontsize=7,
        )
    axes.set(xscale="log", yscale="log", ylabel="simulated FPS")
    below.set(xlabel="measured FPS", ylabel="error of the simulation, %")
    axes.set_title(f"simulated by {identity}; dotted: 20 %")
    axes.legend(loc="upper left")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _worst(points: Sequence[Point]) -> list[Point]:
    """Return the points to name: the largest errors, a network once."""
    found: dict[str, Point] = {}
    for point in points:
        name = point.case.model
        if point.case.family != "gemm" and abs(point.error) > abs(
            found.get(name, Point(point.case, point.case.fps)).error
        ):
            found[name] = point
    return sorted(found.values(), key=lambda point: -abs(point.error))[:NAMED]


def to_dict(points: Sequence[Point]) -> dict[str, Any]:
    """Return points and summaries as JSON-ready values."""
    return {
        "points": [
            {
                "model": point.case.model,
                "board": point.case.board,
                "metric": point.case.metric,
                "cores": point.case.cores,
                "measured": point.case.fps,
                "simulated": point.predicted,
                "error": point.error,
                "source": point.case.source,
            }
            for point in points
        ],
        "summaries": [
            {name: getattr(summary, name) for name in Summary.__slots__} for summary in summaries(points)
        ],
    }
