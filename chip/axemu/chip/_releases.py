"""Releases of the vendor's SDK for which rates are published, each with a calibration of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One release: the name of its published table, the file of its calibration, and its hosts.

    `hosts` maps hosts that boards are known with (`BoardFigures.host`) to those that this table was measured in.
    """

    name: str
    table: str
    calibration: str
    hosts: Mapping[str, str]


RELEASES: Mapping[str, Release] = {
    one.name: one
    for one in (
        Release("1.6", "v1.6", "calibration.json", {}),
        Release("1.8", "v1.8.0", "calibration-1.8.json", {"desktop": "desktop-2024"}),
    )
}
"""The releases by the name that commands and configuration use."""

DEFAULT_RELEASE = "1.6"
