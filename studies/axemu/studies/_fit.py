"""Fitting the calibrated figures: bounded, regularised, deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from axemu.chip import PARAMETERS, PRIORS
from axemu.studies._analytic import Floats, Table, compiled_replay, evaluate, parameters_of
from axemu.studies._processes import in_processes

SOFT = 0.15
"""Log errors beyond this count linearly, so that one odd network does not bend the rest."""


def prior_vector() -> Floats:
    """Return the prior values in the order of `PARAMETERS`."""
    return np.array([PRIORS[name].value for name in PARAMETERS])


def fit(
    table: Table,
    correction: Floats,
    keep: npt.NDArray[np.bool_] | None = None,
    strength: float = 0.1,
    start: Mapping[str, float] | None = None,
    steps: int = 40,
) -> dict[str, float]:
    """Fit the figures to the cases of `table`.

    Args:
        table: the cases.
        correction: per case, log of what the machine says by what the closed form says.
        keep: which cases count; all when None.
        strength: weight of the priors, in log units.
        start: where to start; the priors when None.
        steps: evaluations at most.
    """
    from scipy.optimize import least_squares  # noqa: PLC0415  an optional dependency

    used = np.ones(len(table.cases), bool) if keep is None else keep
    observed = np.log([case.fps for case in table.cases])
    weight = np.array([case.weight for case in table.cases])
    prior = np.log(prior_vector())
    low = np.log([PRIORS[name].low for name in PARAMETERS])
    high = np.log([PRIORS[name].high for name in PARAMETERS])
    begin = prior if start is None else np.log([start[name] for name in PARAMETERS])

    replaying = compiled_replay()

    def residuals(vector: Floats) -> Floats:
        rate = np.log(evaluate(table, parameters_of(np.exp(vector)), replaying)) + correction
        errors = (weight * (rate - observed))[used]
        return np.concatenate((errors, strength * (vector - prior)))

    found = least_squares(
        residuals,
        np.clip(begin, low + 1e-3, high - 1e-3),
        bounds=(low, high),
        loss="soft_l1",
        f_scale=SOFT,
        max_nfev=steps,
        diff_step=1e-3,
    )
    return parameters_of(np.exp(found.x))


def leave_out(table: Table, correction: Floats, groups: Sequence[str]) -> Floats:
    """Return the log error of each case when the fit has not seen its group; NaN for cases of group ""."""
    errors = np.full(len(table.cases), np.nan)
    labels = np.array(groups)
    masks = [labels == group for group in sorted(set(groups) - {""})]
    found = in_processes(unseen_errors, [(table, correction, left) for left in masks])
    for left, error in zip(masks, found, strict=True):
        errors[left] = error
    return errors


def unseen_errors(table: Table, correction: Floats, left: npt.NDArray[np.bool_]) -> Floats:
    """Return the log errors of some cases by a fit to all others."""
    figures = fit(table, correction, ~left, steps=20)
    observed = np.log([case.fps for case in table.cases])
    errors: Floats = (np.log(evaluate(table, figures, compiled_replay())) + correction - observed)[left]
    return errors
