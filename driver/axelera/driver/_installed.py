"""Other distributions in this environment that bring `axelera.runtime` or `axelera.compiler` too."""

from __future__ import annotations

import functools
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

OWN_DISTRIBUTION = "axemu"
CONTESTED = ("runtime", "compiler")


@dataclass(frozen=True, slots=True)
class Owner:
    """A distribution (name-version, or a directory) that holds files of the package `module` in `location`."""

    distribution: str
    module: str
    location: Path


def other_owners(search_path: list[str] | None = None) -> tuple[Owner, ...]:
    """Return who else in `search_path` (default `sys.path`) owns one of the contested packages.

    Reads the installers' file lists and looks at directories; nothing is imported, so damage cannot spread.
    """
    owners = []
    for entry in dict.fromkeys(sys.path if search_path is None else search_path):
        directory = Path(entry or ".")
        listed = _listed_owners(directory)
        owners += listed
        if not listed:
            owners += _unlisted_owners(directory)
    return tuple(owners)


@functools.cache
def warn_of_other_owners() -> None:
    """Say once per process, through the logger `axelera.runtime`, who else owns one of the contested packages."""
    for owner in other_owners():
        logging.getLogger("axelera.runtime").warning(
            "%s also installs %s (in %s): which of the two is imported depends on the order of installation. Use one "
            "environment for each; see docs/how-to/coexist-with-the-vendor-sdk.md.",
            owner.distribution,
            owner.module,
            owner.location,
        )


def _listed_owners(directory: Path) -> list[Owner]:
    owners = []
    for record in directory.glob("*.dist-info/RECORD"):
        name = record.parent.name.removesuffix(".dist-info")
        if name.partition("-")[0] == OWN_DISTRIBUTION:
            continue
        try:
            content = record.read_bytes()
        except OSError:
            continue
        owners += [
            Owner(name, f"axelera.{module}", directory)
            for module in CONTESTED
            if b"axelera/%b/" % module.encode() in content
        ]
    return owners


def _unlisted_owners(directory: Path) -> list[Owner]:
    """Look for the packages themselves: source trees and editable installs have no file list."""
    own = Path(__file__).resolve().parents[3]
    found = []
    for module in CONTESTED:
        package = directory / "axelera" / module
        if not package.is_dir() or package.resolve().is_relative_to(own) or _is_ours(package):
            continue
        found.append(Owner(str(directory), f"axelera.{module}", directory))
    return found


def _is_ours(package: Path) -> bool:
    loaded = sys.modules.get(f"axelera.{package.name}")
    file = getattr(loaded, "__file__", None)
    beside = Path(__file__).resolve().parent.parent / package.name
    return package.resolve() == beside or (
        file is not None and Path(file).resolve().parent == package.resolve()
    )
