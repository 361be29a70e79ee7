"""The paths for Arm: when they are offered, and what their machine code is made of; `make test-arm` runs it."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from llvmlite import binding

from axemu.emulator.compute import _arm, _paths

INSTRUCTIONS = {
    "sdot by element": (0xFFC0F400, 0x4F80E000),
    "sdot": (0xFFE0FC00, 0x4E809400),
    "usdot": (0xFFE0FC00, 0x4E809C00),
    "usmmla": (0xFFE0FC00, 0x4E80AC00),
    "fcvtns": (0xFFFFFC00, 0x4E21A800),
}
"""Bits that tell an instruction, and their values (Arm Architecture Reference Manual, C7)."""


@pytest.mark.parametrize(
    ("capabilities", "more", "flags"),
    [
        (0, 0, ""),
        (1 << 8 | 1 << 20, 0, "atomics asimddp"),
        (1 << 8 | 1 << 20, 1 << 13, "atomics asimddp i8mm"),
        (1 << 13, 1 << 20 | 1 << 8, ""),
    ],
)
def test_linux_tells_its_features_by_the_auxiliary_vector(
    capabilities: int, more: int, flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Getauxval:
        def __call__(self, entry: int) -> int:
            return {16: capabilities, 26: more}[entry]

    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(getauxval=Getauxval()))
    assert _arm.arm_flags() == frozenset(flags.split())


@pytest.mark.parametrize(
    ("known", "flags"),
    [
        ({}, ""),
        ({"FEAT_LSE": 1, "FEAT_DotProd": 1, "FEAT_I8MM": 0}, "atomics asimddp"),
        ({"FEAT_LSE": 1, "FEAT_DotProd": 1, "FEAT_I8MM": 1}, "atomics asimddp i8mm"),
    ],
)
def test_macos_tells_its_features_by_name(
    known: dict[str, int], flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sysctlbyname(name: bytes, value: object, *_: object) -> int:
        feature = name.decode().removeprefix("hw.optional.arm.")
        value._obj.value = known.get(feature, 0)  # type: ignore[attr-defined]
        return 0 if feature in known else -1

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(sysctlbyname=sysctlbyname))
    assert _arm.arm_flags() == frozenset(flags.split())


def test_nothing_is_known_of_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "FreeBSD")
    assert _arm.arm_flags() == frozenset()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="about what x86-64 does not offer")
def test_a_path_for_arm_is_not_offered_elsewhere() -> None:
    assert not {"i8mm", "dotprod"} & set(_paths.available_paths())


@pytest.mark.parametrize(
    ("path", "there", "absent"),
    [
        ("i8mm", {"usmmla", "usdot", "fcvtns"}, {"sdot", "sdot by element"}),
        ("dotprod", {"sdot by element", "sdot", "fcvtns"}, {"usmmla", "usdot"}),
    ],
)
def test_kernels_are_made_of_the_instructions_of_their_path(
    path: str, there: set[str], absent: set[str], tmp_path: Path
) -> None:
    file = tmp_path / "kernels.o"
    root = Path(__file__).resolve().parents[3]
    kernels = ("conv_metis_4", "depthwise_metis")
    command = [sys.executable, "-m", "tests._arm.cross", path, str(file), *kernels]
    subprocess.run(command, cwd=root, check=True)
    sections = binding.ObjectFileRef.from_data(file.read_bytes()).sections()
    code = next(section.data() for section in sections if section.name() == b".text")
    words = np.frombuffer(code, "<u4")
    found = {name for name, (mask, value) in INSTRUCTIONS.items() if np.any(words & mask == value)}
    assert there <= found
    assert not absent & found
