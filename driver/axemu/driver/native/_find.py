"""Where the native library may be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from axemu.driver._installed import other_owners
from axemu.driver.native import LIBRARY, VARIABLE

VENDOR_VARIABLE = "AXELERA_RUNTIME_DIR"
_ASK = (
    "import sys; sys.path.insert(0, sys.argv[1]); import axelera.runtime.configs as c; print(c.runtime_dir)"
)
_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to look: a file, or a name for the loader, or why there is neither."""

    source: str
    name: str | None
    problem: str = ""


def places(argument: str | os.PathLike[str] | None = None) -> Iterator[Place]:
    """Yield where to look, in order; a file that was named by argument or variable stands alone."""
    if argument is not None:
        yield _file("argument", Path(argument))
        return
    if named := os.environ.get(VARIABLE):
        yield _file(f"variable {VARIABLE}", Path(named))
        return
    if directory := os.environ.get(VENDOR_VARIABLE):
        yield from _inside(f"variable {VENDOR_VARIABLE}", Path(directory))
    yield Place("the loader's path", LIBRARY)
    yield from _vendor()


def _file(source: str, path: Path) -> Place:
    if not os.path.isfile(path):  # noqa: PTH113  never raises
        return Place(source, None, f"{path} is no file")
    return Place(source, str(path.absolute()))


def _inside(source: str, directory: Path) -> Iterator[Place]:
    candidates = [directory / part / LIBRARY for part in ("lib", "lib64", ".")]
    found = [path for path in candidates if os.path.isfile(path)]  # noqa: PTH113
    if not found:
        yield Place(source, None, f"no {LIBRARY} in {directory}, its lib or lib64")
    for path in found:
        yield Place(source, str(path.absolute()))


def _vendor() -> Iterator[Place]:
    """Ask the vendor's own package, in a process of its own: it has the name of ours."""
    for owner in other_owners():
        if owner.module != "axelera.runtime":
            continue
        source = f"runtime_dir of {owner.distribution}"
        try:
            done = subprocess.run(
                [sys.executable, "-c", _ASK, str(owner.location)],
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
                env={key: value for key, value in os.environ.items() if key != "AXEMU_FACES"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            yield Place(source, None, f"cannot be asked: {error}")
            continue
        said = done.stdout.strip().splitlines()
        if done.returncode or not said:
            reason = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            yield Place(source, None, f"cannot be asked: {reason}")
        else:
            yield from _inside(source, Path(said[-1]))
