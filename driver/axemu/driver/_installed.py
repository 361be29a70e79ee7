"""Other distributions in this environment that bring `axelera.runtime` or `axelera.compiler` too."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from axemu import faces

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


def _listed_owners(directory: Path) -> list[Owner]:
    owners = []
    for record in sorted(directory.glob("*.dist-info/RECORD")):
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
    return [
        Owner(str(directory), f"axelera.{module}", directory)
        for module in CONTESTED
        if (package := directory / "axelera" / module).is_dir()
        and package.parent.resolve() not in faces.directories()
    ]
