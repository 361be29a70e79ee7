"""Calibration for another release of the SDK: what its published rates say beyond those of the release before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from axemu.chip import (
    BOARDS,
    HOST_PARAMETERS,
    HOSTS,
    RELEASES,
    Calibration,
    Figure,
    Provenance,
    load_calibration,
)
from axemu.studies._analytic import Floats
from axemu.studies._calibrate import Progress, calibration_of, load_targets
from axemu.studies._measured import Case, Key, published
from axemu.studies._simulated import simulated_rates
from axemu.studies._target import Target

ROUNDS = 2
"""How often the machine tells how long calls are with the figures so far."""

NOISE = 0.03
"""Relative error of a rate in a table; two tables differ by more where something has changed."""


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls in the host that is fitted, one entry each.

    `time` is what the machine says in seconds with the figures `at`; `wanted` what is to be met; `copied` bytes over the link.
    """

    time: Floats
    wanted: Floats
    copied: Floats
    weight: Floats
    at: Floats


def calibrate_release(
    sdk: str,
    cases: Sequence[Case] | None = None,
    targets: Mapping[Key, Target] | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Fit what the host of a release costs: per call, and per byte that it copies.

    The figures of the chip stay those of the shipped calibration of 1.6. Each network keeps the error that it has there, so
    that only the change between two tables is fitted: a network that is always predicted too slow says nothing about the host.

    Args:
        sdk: the release, one whose tables were measured in another host.
        cases: what to fit, such as published rates and own ones; the shipped cases of the release when None.
        targets: what the cases execute; loaded when None.
        progress: called with a line on each stage.
    """
    base = load_calibration()
    (name,) = RELEASES[sdk].hosts.values()
    cases = published(sdk) if cases is None else cases
    loaded = load_targets(cases, progress) if targets is None else targets
    known = base.details["errors"]
    before = [known.get(_label(case), {"seen": 0.0, "family": 0.0}) for case in cases]
    here = np.array([_host(case, base, sdk) == name for case in cases])
    fitted = np.array([getattr(HOSTS[name], one).value for one in HOST_PARAMETERS])
    trial = _with_host(base, sdk, name, fitted)
    calls = _Calls(*(np.zeros(0),) * 5)
    for turn in range(ROUNDS):
        if progress is not None:
            progress(f"simulating {here.sum()} cases, round {turn + 1} of {ROUNDS}")
        calls = _calls(cases, here, loaded, trial, before, fitted)
        fitted = _rounded(_fit(calls, name, np.ones(len(calls.time), bool)))
        trial = _with_host(base, sdk, name, fitted)
    if progress is not None:
        progress(f"simulating {len(cases)} cases")
    seen = np.log(np.array(simulated_rates(cases, loaded, trial)) / [case.fps for case in cases])
    networks, families = (
        _left_out(calls, name, fitted, here, labels)
        for labels in ([case.model for case in cases], [case.family for case in cases])
    )
    errors = {}
    for kind, change in (("unseen", networks), ("family", families)):
        # What the fit of the chip's figures loses by not having seen a network is what it loses in 1.6.
        lost = [np.log1p(one.get(kind, one["seen"])) - np.log1p(one["seen"]) for one in before]
        errors[kind] = seen + change + np.array(lost)
    figures = {one: figure.value for one, figure in base.figures.items()}
    made = calibration_of(cases, figures, seen, errors["unseen"], errors["family"], loaded.values(), trial)
    details = {**made.details, "base": base.identity}
    return replace(made, figures=base.figures, details=details)


def _label(case: Case) -> str:
    return f"{case.model} {case.board} {case.metric}{'' if case.metric == 'host' else f' {case.cores}'}"


def _host(case: Case, base: Calibration, sdk: str) -> str:
    return replace(base, sdk=sdk).host_of(BOARDS[case.board]).name


def _calls(
    cases: Sequence[Case],
    here: np.ndarray,
    targets: Mapping[Key, Target],
    trial: Calibration,
    before: Sequence[Mapping[str, float]],
    at: Floats,
) -> _Calls:
    chosen = [case for case, counts in zip(cases, here, strict=True) if counts]
    bias = np.array([one["seen"] for one, counts in zip(before, here, strict=True) if counts])
    rates = np.array(simulated_rates(chosen, targets, trial))
    cores = np.array([case.instances * case.compiled_cores for case in chosen])
    measured = np.array([case.fps for case in chosen])
    copied = [targets[case.key].input_bytes + targets[case.key].output_bytes for case in chosen]
    return _Calls(
        cores / rates,
        cores / (measured * (1 + bias)),
        np.array(copied, float),
        np.array([case.weight for case in chosen]),
        at,
    )


def _times(calls: _Calls, host: Floats) -> Floats:
    """Return how long calls are with other figures of the host, which nothing on the board hides."""
    launch, copy = host - calls.at
    times: Floats = calls.time + launch + copy * calls.copied
    return times


def _fit(calls: _Calls, name: str, keep: np.ndarray) -> Floats:
    """Return launch and copy of the host, between their bounds, with no pull towards a prior."""
    from scipy.optimize import least_squares  # noqa: PLC0415  an optional dependency

    bounds = [getattr(HOSTS[name], one) for one in HOST_PARAMETERS]
    unit = np.array([one.high for one in bounds])

    def residuals(scaled: Floats) -> Floats:
        errors = np.log(_times(calls, scaled * unit) / calls.wanted)
        return np.asarray((calls.weight * errors)[keep])

    low = np.array([one.low for one in bounds]) / unit
    start = np.array([one.value for one in bounds]) / unit
    found = least_squares(residuals, start, bounds=(low, np.ones(len(unit))), loss="soft_l1", f_scale=NOISE)
    return np.asarray(found.x * unit)


def _left_out(calls: _Calls, name: str, fitted: Floats, here: np.ndarray, labels: Sequence[str]) -> Floats:
    """Return by how much the log rate of each case changes when the fit of the host has not seen those of its label."""
    inside = np.array([label for label, counts in zip(labels, here, strict=True) if counts])
    change = np.zeros(len(inside))
    for label in sorted(set(inside)):
        left = inside == label
        other = _fit(calls, name, ~left)
        change[left] = np.log(_times(calls, fitted) / _times(calls, other))[left]
    result = np.zeros(len(labels))
    result[here] = change
    return result


def _rounded(host: Floats) -> Floats:
    return np.array([float(f"{value:.4g}") for value in host])


def _with_host(base: Calibration, sdk: str, name: str, host: Floats) -> Calibration:
    """Return a calibration with fitted figures of one host."""
    why = "fitted to the change between the published tables of two releases"
    figures: dict[str, Figure] = {
        one: getattr(HOSTS[name], one).with_value(float(value), why, Provenance.CALIBRATED)
        for one, value in zip(HOST_PARAMETERS, host, strict=True)
    }
    return replace(base, sdk=sdk, hosts={name: figures})
