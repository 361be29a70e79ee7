"""From a program to an executable."""

from __future__ import annotations

import os
from collections.abc import Sequence

from axelera.driver import InvalidArgument
from axelera.model.program import Program

from ._executable import Executable

NUMERICS = ("metis", "exact")
PATHS = ("auto", "reference", "avx512vnni", "avxvnni", "avx512bw", "avx2", "portable")


def load(
    program: Program, numerics: str = "metis", path: str = "auto", threads: int = 1, taps: Sequence[str] = ()
) -> Executable:
    """Make a program ready to run.

    Args:
        program: A complete program (with constants).
        numerics: "metis" or "exact".
        path: "auto" takes the fastest path this CPU has; "reference" the NumPy specification; a name of `PATHS`
            forces that path. The environment variable `AXEMU_COMPUTE` replaces "auto".
        threads: Threads one `run` may use; 1 is best when several instances run at once.
        taps: Names of tensors whose values runners keep (`Runner.taps`).

    Returns:
        An executable; call `instance()` for a runner.

    Raises:
        InvalidArgument: An unknown numerics, path or tensor, or a path this CPU cannot run.
    """
    if path == "auto":
        path = os.environ.get("AXEMU_COMPUTE", "auto")
    for what, value, known in (("numerics", numerics, NUMERICS), ("path", path, PATHS)):
        if value not in known:
            raise InvalidArgument(f"{what} {value!r} is unknown, expected one of {', '.join(known)}")
    if threads < 1:
        raise InvalidArgument(f"threads is {threads}, expected at least 1")
    if unknown := sorted(set(taps) - set(program.tensors)):
        raise InvalidArgument(
            f"program {program.name!r} has no tensor {unknown[0]!r} to tap, expected one of its {len(program.tensors)}"
        )
    from ._reference import ReferenceExecutable  # noqa: PLC0415  the specification is loaded only when it runs

    return ReferenceExecutable(program, numerics, "reference", taps)
