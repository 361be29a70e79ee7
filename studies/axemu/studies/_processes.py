"""Many independent calculations, side by side on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")

WORTH = 16
"""Calculations that are worth a process, which takes two seconds to start."""

BATCHES = 4
"""Batches for each process, so that none is left waiting for long."""


def in_processes(
    function: Callable[..., Result], calls: Sequence[tuple[Any, ...]], worth: int = WORTH
) -> list[Result]:
    """Return what `function` returns for each tuple of arguments, in their order.

    Results do not depend on how many processes there are.

    Args:
        function: a function of a module.
        calls: arguments, one tuple for each call.
        worth: a further process is started for as many calls; fewer than twice that are made here.
    """
    import joblib  # noqa: PLC0415  of the extra `study`

    jobs = max(1, min(os.cpu_count() or 1, len(calls) // worth))
    # What the calls of a batch have in common travels once.
    together = joblib.Parallel(
        n_jobs=jobs, batch_size=max(1, len(calls) // (BATCHES * jobs)), pre_dispatch="all"
    )
    return list(together(joblib.delayed(function)(*arguments) for arguments in calls))
