"""The paths: which instructions each needs, and what code is generated for."""

from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from ._arm import arm_flags

TILE_ROWS = 16
"""Rows of a tile register."""
BLOCK_BYTES = 64
"""Bytes of a row: what one matrix instruction multiplies."""


class Operands(Enum):
    """What products are made of; it decides the order of packed weights and the start values of sums."""

    WORDS = "pairs of 16-bit weights, for the even and for the odd bytes of activations"
    BYTES = "four weights of a channel, for stored bytes (q + 128)"
    SIGNED = "four weights of a channel, for values q"
    PAIRS = "eight weights of two channels, for stored bytes of two pixels; depthwise ones as BYTES"


@dataclass(frozen=True, slots=True)
class Way:
    """Instructions by which a path can be had."""

    needs: tuple[str, ...] = ()
    """CPU flags (Linux's names)."""
    features: tuple[str, ...] = ()
    """LLVM's names of what the CPU that code is generated for does not imply."""


@dataclass(frozen=True, slots=True)
class PathSpec:
    """One way of computing; all give the same bits.

    Code is generated for a named CPU with exactly these features, never for "this host", so that one machine makes
    and tests the same machine code as another.
    """

    name: str
    lanes: int
    operands: Operands
    rows: int
    """Pixels of a tile of the dense micro-kernel."""
    depth_rows: int
    """Pixels of a tile of the depthwise micro-kernel."""
    fused: bool
    """Whether there is a fused multiply-add; it is used only where its single rounding is what is meant."""
    cpu: str
    ways: tuple[Way, ...] = ()
    """What it takes; one is enough, and the first that the CPU has counts."""
    permutes: bool = False
    """Whether bytes are permuted across registers (AVX512-VBMI) where the CPU can."""
    paired: bool = False
    """Whether dense products multiply bytes in pairs, with weights packed so that none saturates."""
    panel_vectors: int = 4
    """Vectors of output channels that a tile of the dense micro-kernel has at most."""
    matrix: bool = False
    """Whether there are tile registers (AMX), which the kernel of the operating system has to grant."""


_BW = ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd")
_AVX2 = ("avx2", "fma", "bmi1", "bmi2")

SPECS = {
    spec.name: spec
    for spec in (
        PathSpec(
            "amx",
            16,
            Operands.BYTES,
            6,
            4,
            True,
            "cascadelake",
            (
                Way(
                    (*_AVX2, *_BW, "avx512_vnni", "amx_tile", "amx_int8"),
                    ("+amx-tile", "+amx-int8"),
                ),
            ),
            permutes=True,
            matrix=True,
        ),
        PathSpec(
            "avx512vnni",
            16,
            Operands.BYTES,
            6,
            4,
            True,
            "cascadelake",
            (Way((*_AVX2, *_BW, "avx512_vnni")),),
            permutes=True,
        ),
        PathSpec(
            "avxvnni",
            8,
            Operands.BYTES,
            2,
            1,
            True,
            "haswell",
            (
                Way((*_AVX2, "avx_vnni"), ("+avxvnni",)),
                Way((*_AVX2, *_BW, "avx512_vnni"), ("+avx512vl", "+avx512bw", "+avx512vnni")),
            ),
        ),
        PathSpec("avx512bw", 16, Operands.WORDS, 6, 2, True, "skylake-avx512", (Way((*_AVX2, *_BW)),)),
        PathSpec(
            "avx2",
            8,
            Operands.WORDS,
            4,
            1,
            True,
            "haswell",
            (Way(_AVX2),),
            paired=True,
            panel_vectors=2,
        ),
        PathSpec(
            "i8mm",
            4,
            Operands.PAIRS,
            6,
            4,
            True,
            "generic",
            (Way(("asimddp", "i8mm", "atomics"), ("+dotprod", "+i8mm", "+lse")),),
        ),
        PathSpec(
            "dotprod",
            4,
            Operands.SIGNED,
            5,
            4,
            True,
            "generic",
            (Way(("asimddp", "atomics"), ("+dotprod", "+lse")),),
        ),
        PathSpec(
            "portable",
            4,
            Operands.WORDS,
            2,
            1,
            False,
            "x86-64" if platform.machine() == "x86_64" else "generic",
            (Way(),),
        ),
    )
}
"""From the fastest to the one that runs everywhere; those of x86-64, those of Arm, any CPU's."""


@cache
def cpu_flags() -> frozenset[str]:
    """Return what this CPU has, by Linux's names; none where the operating system does not tell."""
    machine = platform.machine()
    if machine in ("aarch64", "arm64"):
        return arm_flags()
    if machine not in ("x86_64", "AMD64"):
        return frozenset()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "flags":
            return frozenset(value.split())
    return frozenset()


@cache
def available_paths() -> tuple[str, ...]:
    """Return the names of the compiled paths this CPU can run, fastest first."""
    flags = cpu_flags()
    return tuple(
        name
        for name, spec in SPECS.items()
        if any(flags.issuperset(way.needs) for way in spec.ways) and (not spec.matrix or tiles_granted())
    )


ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA = 158, 0x1023, 18
"""x86-64 Linux: the system call, ARCH_REQ_XCOMP_PERM, and the number of the tile registers' state."""


@cache
def tiles_granted() -> bool:
    """Ask Linux for the tile registers, for this process and what it forks; return whether it may use them."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        return False
    call: int = ctypes.CDLL(None).syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA)
    return call == 0


def code_features(spec: PathSpec) -> str:
    """Return LLVM's feature string beyond what the named CPU implies."""
    flags = cpu_flags()
    way = next((way for way in spec.ways if flags.issuperset(way.needs)), spec.ways[-1])
    return ",".join([*way.features, *(["+avx512vbmi"] if permutes_bytes(spec) else [])])


def permutes_bytes(spec: PathSpec) -> bool:
    """Return whether code of a path permutes bytes across registers."""
    return spec.permutes and "avx512vbmi" in cpu_flags()


def core_count() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
