"""Calibration: which figures make the machine say what was measured, and how well it then does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from axemu.chip import DEFAULT_RELEASE, PARAMETERS, PRIORS, Calibration, Figure, Provenance
from axemu.emulator.metis import MODEL_VERSION
from axemu.studies._analytic import Floats, Table, compiled_replay, evaluate, table_of
from axemu.studies._fit import fit, leave_out
from axemu.studies._measured import Case, Key, core_scaling, gemm, gemm_program, published
from axemu.studies._simulated import simulated_rates
from axemu.studies._target import Target, load_target, target_of

ROUNDS = 2
"""How often the correction by the machine is renewed."""

Progress = Callable[[str], None]


def shipped_cases(sdk: str = DEFAULT_RELEASE) -> list[Case]:
    """Return the cases of a shipped calibration: published tables; of 1.6 also 1x1 convolutions and core scaling."""
    return [*published(), *gemm(), *core_scaling()] if sdk == DEFAULT_RELEASE else published(sdk)


def load_targets(cases: Iterable[Case], progress: Progress | None = None) -> dict[Key, Target]:
    """Load what each case executes, each network once."""
    targets: dict[Key, Target] = {}
    for case in cases:
        if case.key not in targets:
            if progress is not None and case.family != "gemm":
                progress(f"loading {case.model}")
            targets[case.key] = load_case(case)
    return targets


def load_case(case: Case) -> Target:
    """Load what a case executes."""
    if case.family == "gemm":
        columns, inputs, outputs = (int(part) for part in case.model.removeprefix("gemm ").split("x"))
        return target_of(gemm_program(columns, inputs, outputs))
    return load_target(case.model, case.compiled_cores, case.tiling_depth)


def calibrate(
    cases: Sequence[Case] | None = None,
    targets: Mapping[Key, Target] | None = None,
    strength: float = 0.1,
    progress: Progress | None = None,
) -> Calibration:
    """Fit the calibrated figures.

    The closed form is corrected, case by case, by what the machine says with the figures of the round before, so that
    it is the machine that is fitted. Residuals are those of fits that have not seen the network's family.

    Args:
        cases: what to fit; the shipped cases when None.
        targets: what the cases execute; loaded when None.
        strength: weight of the priors.
        progress: called with a line on each stage.
    """
    chosen = list(shipped_cases() if cases is None else cases)
    loaded = load_targets(chosen, progress) if targets is None else targets
    table = table_of(chosen, loaded)
    correction = np.zeros(len(chosen))
    figures = fit(table, correction, strength=strength)
    for turn in range(ROUNDS):
        if progress is not None:
            progress(f"simulating {len(chosen)} cases, round {turn + 1} of {ROUNDS}")
        correction = machine_rates(table, loaded, figures) - np.log(
            evaluate(table, figures, compiled_replay())
        )
        figures = fit(table, correction, strength=strength, start=figures)
    networks = [case.model if case.family != "gemm" else "" for case in chosen]
    if progress is not None:
        progress(f"leaving out each of {len(set(networks) - {''})} networks")
    unseen = leave_out(table, correction, networks)
    families = leave_out(table, correction, [case.family if case.family != "gemm" else "" for case in chosen])
    figures = {name: float(f"{value:.4g}") for name, value in figures.items()}
    seen = machine_rates(table, loaded, figures) - np.log([case.fps for case in chosen])
    return calibration_of(
        chosen, figures, seen, unseen, families, loaded.values(), trial_calibration(figures)
    )


def machine_rates(table: Table, targets: Mapping[Key, Target], figures: Mapping[str, float]) -> Floats:
    """Return the log rate of each case by the machine."""
    trial = trial_calibration(figures)
    return np.log(simulated_rates(table.cases, targets, trial))


def trial_calibration(figures: Mapping[str, float]) -> Calibration:
    """Return a calibration with these figures and no residuals."""
    made = {
        name: Figure(
            figures[name],
            PRIORS[name].unit,
            "fitted to published and measured rates",
            Provenance.CALIBRATED,
            float(min(PRIORS[name].low, figures[name])),
            float(max(PRIORS[name].high, figures[name])),
        )
        for name in PARAMETERS
    }
    return Calibration("trial", MODEL_VERSION, made, {}, {})


def calibration_of(
    cases: Sequence[Case],
    figures: Mapping[str, float],
    seen: Floats,
    unseen: Floats,
    families: Floats,
    targets: Iterable[Target],
    trial: Calibration,
) -> Calibration:
    """Collect figures and residuals, those of fits that have not seen the family; the identity is a digest of figures and cases.

    `details` tells which inferred rules the programs rest on, so that a prediction can tell what was never seen. `trial` has
    the figures.
    """
    hosts = {f"{host}.{name}": one.value for host, own in trial.hosts.items() for name, one in own.items()}
    content = json.dumps(
        [MODEL_VERSION, {**figures, **hosts}, [(c.model, c.board, c.metric, c.fps) for c in cases]],
        sort_keys=True,
    )
    identity = f"{MODEL_VERSION}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    residuals = {}
    for board in sorted({case.board for case in cases}):
        here = np.array([case.board == board and case.metric == "host" for case in cases])
        values = np.abs(families[here & ~np.isnan(families)])
        if values.size:
            residuals[board] = {f"p{q}": round(float(np.quantile(values, q / 100)), 4) for q in (50, 80, 90)}
    details = {
        "cases": len(cases),
        "rules": sorted({code for target in targets for code in target.core.inferred}),
        "errors": {
            f"{case.model} {case.board} {case.metric}{'' if case.metric == 'host' else f' {case.cores}'}": {
                "fps": case.fps,
                "seen": round(float(np.expm1(seen[number])), 4),
                **({} if np.isnan(unseen[number]) else {"unseen": round(float(np.expm1(unseen[number])), 4)}),
                **(
                    {}
                    if np.isnan(families[number])
                    else {"family": round(float(np.expm1(families[number])), 4)}
                ),
            }
            for number, case in enumerate(cases)
            if case.family != "gemm"
        },
    }
    return replace(trial, identity=identity, residuals=residuals, details=details)
