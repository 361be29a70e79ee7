"""The fit of a release's host, against rates made with a host that is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from axemu.chip import HOSTS, Provenance, load_calibration
from axemu.studies import Case, Target, calibrate_release, load_targets, published
from axemu.studies._simulated import simulated_rate

pytestmark = pytest.mark.slow

NETWORKS = ("squeezenet1_1", "resnet10t", "resnet18", "mobilenet_v2")
CASES = [case for case in published("1.8") if case.model in NETWORKS]


@pytest.fixture(scope="module")
def targets() -> dict[Any, Target]:
    return load_targets(CASES)


def made(targets: dict[Any, Target], launch: float, copy: float) -> list[Case]:
    """Cases as if published from a host of known figures, each network with the error it has in 1.6."""
    base = load_calibration()
    known = HOSTS["desktop-2024"]
    host = {
        "launch": known.launch.with_value(launch, "test", Provenance.ASSUMED),
        "copy": known.copy.with_value(copy, "test", Provenance.ASSUMED),
    }
    truth = replace(base, sdk="1.8", hosts={"desktop-2024": host})
    seen = {case: base.details["errors"][f"{case.model} {case.board} host"]["seen"] for case in CASES}
    return [
        replace(case, fps=simulated_rate(case, targets[case.key], truth) / (1 + seen[case])) for case in CASES
    ]


def test_launch_and_cost_per_byte_are_found_again(targets: dict[Any, Target]) -> None:
    found = calibrate_release("1.8", made(targets, 200e-6, 50e-12), targets)
    host = found.hosts["desktop-2024"]
    assert host["launch"].value == pytest.approx(200e-6, abs=3e-6)
    assert host["copy"].value == pytest.approx(50e-12, abs=10e-12)
    assert (found.sdk, found.figures) == ("1.8", load_calibration().figures)
    assert host["launch"].provenance is Provenance.CALIBRATED


def test_errors_are_those_of_1_6_where_only_the_host_changed(targets: dict[Any, Target]) -> None:
    found = calibrate_release("1.8", made(targets, 230e-6, 10e-12), targets)
    for name, error in found.details["errors"].items():
        before = load_calibration().details["errors"][name]
        assert error["seen"] == pytest.approx(before["seen"], abs=0.01)
        assert error["family"] == pytest.approx(before["family"], abs=0.02)
