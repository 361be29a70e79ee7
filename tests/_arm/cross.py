"""Machine code for Arm (AArch64, Linux), generated on any machine as it would be generated there.

Usage: python -m tests._arm.cross PATH FILE [KERNEL...]

Writes an object file with every kernel of PATH, or with those named. To be run in a process of its own: Numba takes the
target from the process it runs in, so that process is told that it is an Arm one.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from llvmlite import binding

TRIPLE = "aarch64-unknown-linux-gnu"


def aim() -> None:
    """Make LLVM, Numba and the compute core take this process for one on Arm."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    binding.get_process_triple = binding.get_default_triple = lambda: TRIPLE
    platform.machine = lambda: "aarch64"


def main(path: str, file: str, *names: str) -> None:
    """Write the object file."""
    aim()
    from axemu.emulator.compute._build import compile_kernels, every_kernel, prepare

    kernels = [kernel for kernel in every_kernel(prepare(path)) if not names or kernel.name in names]
    Path(file).write_bytes(compile_kernels(path, kernels))


if __name__ == "__main__":
    main(*sys.argv[1:])
