"""From a program to an executable."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import partial

from axemu.driver import InvalidArgument
from axemu.model.program import Program, validate

from ._cache import CompilationFailed
from ._executable import Executable
from ._library import Library, library
from ._paths import SPECS, available_paths
from ._settings import thread_setting
from ._threads import ThreadBudget, shared_budget

logger = logging.getLogger(__name__)

NUMERICS = ("metis", "exact")
PATHS = ("auto", "reference", *SPECS)


def load(
    program: Program,
    numerics: str = "metis",
    path: str = "auto",
    threads: int | None = None,
    taps: Sequence[str] = (),
    budget: ThreadBudget | None = None,
    *,
    aside: bool = False,
) -> Executable:
    """Make a program ready to run.

    Args:
        program: A complete program (with constants).
        numerics: "metis" or "exact".
        path: "auto" takes the fastest path this CPU has; "reference" the NumPy specification; a name of `PATHS`
            forces that path. The environment variable `AXEMU_COMPUTE` replaces "auto".
        threads: Threads one `run` may use; by default `AXEMU_COMPUTE_RUN_THREADS`, or 1, which is best when several
            instances run at once.
        taps: Names of tensors whose values runners keep (`Runner.taps`).
        budget: Threads that may compute at once; by default one budget for the process, of as many threads as it has
            cores (`AXEMU_COMPUTE_THREADS`).
        aside: Compute in threads of lower priority while the caller's sleeps, so that the application's own threads come
            first, as beside a card. The specification always runs in the caller's thread.

    Returns:
        An executable; call `instance()` for a runner.

    Raises:
        InvalidArgument: An unknown numerics, path or tensor, a path this CPU cannot run, or an environment variable
            that holds no number of threads or seconds.
    """
    if path == "auto":
        path = os.environ.get("AXEMU_COMPUTE", "auto")
    for what, value, known in (("numerics", numerics, NUMERICS), ("path", path, PATHS)):
        if value not in known:
            raise InvalidArgument(f"{what} {value!r} is unknown, expected one of {', '.join(known)}")
    if threads is None:
        threads = thread_setting("AXEMU_COMPUTE_RUN_THREADS", 1)
    if threads < 1:
        raise InvalidArgument(f"threads is {threads}, expected at least 1")
    if unknown := sorted(set(taps) - set(program.tensors)):
        raise InvalidArgument(
            f"program {program.name!r} has no tensor {unknown[0]!r} to tap, expected one of its {len(program.tensors)}"
        )
    reference = partial(_reference, program, numerics, taps)
    if path == "reference":
        return reference()
    from ._assembler import Unsupported  # noqa: PLC0415
    from ._compiled import CompiledExecutable  # noqa: PLC0415

    validate(program)
    kernels = _library(path)
    if kernels is None:
        return reference()
    try:
        return CompiledExecutable(
            program, numerics, kernels, threads, budget or shared_budget(), tuple(dict.fromkeys(taps)), aside
        )
    except Unsupported as reason:
        logger.info("program %r runs by the specification: %s", program.name, reason)
        return reference()


def _reference(program: Program, numerics: str, taps: Sequence[str]) -> Executable:
    from ._reference import ReferenceExecutable  # noqa: PLC0415  the specification is loaded only when it runs

    return ReferenceExecutable(program, numerics, "reference", taps)


def _library(path: str) -> Library | None:
    """Return the kernels of a path; for "auto" those that can be had, or None."""
    available = available_paths()
    if path != "auto":
        if path not in available:
            raise InvalidArgument(
                f"this CPU cannot run path {path!r}, expected one of {', '.join(available)}"
            )
        return library(path)
    for candidate, successor in ((available[0], "portable code"), ("portable", "the specification (slow)")):
        try:
            return library(candidate)
        except CompilationFailed as error:
            logger.warning("path %s cannot be used, %s takes over: %s", candidate, successor, error)
    return None
