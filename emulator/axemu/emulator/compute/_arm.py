"""What an Arm CPU (AArch64) has."""

from __future__ import annotations

import ctypes
import platform

AT_HWCAP, AT_HWCAP2 = 16, 26
"""Entries of the auxiliary vector (Linux, `elf.h`)."""
LINUX = {"atomics": (AT_HWCAP, 1 << 8), "asimddp": (AT_HWCAP, 1 << 20), "i8mm": (AT_HWCAP2, 1 << 13)}
"""Bits of the auxiliary vector (Linux, `asm/hwcap.h`)."""
DARWIN = {"atomics": "FEAT_LSE", "asimddp": "FEAT_DotProd", "i8mm": "FEAT_I8MM"}
"""Names below `hw.optional.arm` (Apple, "Determining instruction set characteristics")."""


def arm_flags() -> frozenset[str]:
    """Return those features, by Linux's names, that a path needs and this CPU has.

    Linux is asked by its auxiliary vector: /proc/cpuinfo, as QEMU passes it on, is about the machine that emulates.
    """
    system = platform.system()
    if system == "Linux":
        getauxval = ctypes.CDLL(None).getauxval
        getauxval.argtypes, getauxval.restype = [ctypes.c_ulong], ctypes.c_ulong
        return frozenset(name for name, (entry, bit) in LINUX.items() if getauxval(entry) & bit)
    if system == "Darwin":
        return frozenset(name for name, feature in DARWIN.items() if _sysctl(f"hw.optional.arm.{feature}"))
    return frozenset()


def _sysctl(name: str) -> int:
    """Return a number the kernel of macOS knows; 0 where it does not know the name."""
    value = ctypes.c_int32(0)
    size = ctypes.c_size_t(ctypes.sizeof(value))
    failed = ctypes.CDLL(None).sysctlbyname(
        name.encode(), ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0)
    )
    return 0 if failed else value.value
