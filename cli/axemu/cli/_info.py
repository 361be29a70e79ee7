"""`axemu info`: what is installed, which driver a program would get, and where each setting comes from."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from axemu.driver import AxeleraError, create_driver, driver_names, other_owners, selection

PACKAGES = ("numpy", "numba", "simpy", "onnx", "onnxruntime", "perfetto")
FEATURES = ("avx2", "avx512bw", "avx512_vnni", "avx_vnni", "asimddp")


def info() -> Iterator[str]:
    """Yield the lines of the report."""
    yield f"axemu {metadata.version('axemu')} (independent of Axelera AI; every time and rate is simulated)"
    yield f"python {platform.python_version()} at {sys.executable}"
    yield "packages: " + ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    yield f"CPU: {os.cpu_count()} threads, features {' '.join(_features()) or 'none of ' + ', '.join(FEATURES)}"
    for owner in other_owners():
        yield (
            f"{owner.module} outside `axemu run` is that of {owner.distribution} (in {owner.location}); nothing of it is "
            "touched"
        )
    yield f"drivers: {', '.join(driver_names())}"
    chosen = selection()
    yield f"selected driver: {chosen.driver} (from {chosen.source})"
    try:
        driver = create_driver(chosen.driver)
    except (AxeleraError, OSError) as error:
        yield f"which cannot be used: {error}"
        return
    try:
        yield from driver.about
        for index, device in enumerate(driver.list_devices()):
            held = f", in use: {device.in_use_by}" if device.in_use else ""
            yield (
                f"board {index}: {device.name}, {device.board_controller_board_type}, {device.board_type.name}, "
                f"{device.max_memory >> 20} MiB, {device.subdevice_count} cores{held}"
            )
    finally:
        driver.close()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _features() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    flags = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "").split()
    return [feature for feature in FEATURES if feature in flags]
