"""`axemu info`: what is installed, which driver a program would get, and where each setting comes from."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from axemu.driver import AxeleraError, create_driver, driver_names, other_owners, selection

PACKAGES = ("numpy", "numba", "simpy", "onnx", "onnxruntime", "perfetto")
FEATURES = ("avx2", "avx512bw", "avx512_vnni", "avx_vnni", "asimddp", "i8mm")


def gather() -> dict[str, Any]:
    """Return all that is known, as JSON values; see docs/reference/json.md."""
    chosen = selection()
    found: dict[str, Any] = {
        "version": metadata.version("axemu"),
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "packages": {name: _version(name) for name in PACKAGES},
        "cpu": {"threads": os.cpu_count(), "features": _features()},
        "other_owners": [
            {"module": owner.module, "distribution": owner.distribution, "location": str(owner.location)}
            for owner in other_owners()
        ],
        "drivers": list(driver_names()),
        "driver": {"name": chosen.driver, "source": chosen.source, "problem": None, "about": []},
        "boards": [],
    }
    try:
        driver = create_driver(chosen.driver)
    except (AxeleraError, OSError) as error:
        found["driver"]["problem"] = str(error)
        return found
    try:
        found["driver"]["about"] = list(driver.about)
        found["boards"] = [
            {
                "name": device.name,
                "board": device.board_controller_board_type,
                "type": device.board_type.name,
                "memory_bytes": device.max_memory,
                "cores": device.subdevice_count,
                "in_use_by": device.in_use_by if device.in_use else None,
            }
            for device in driver.list_devices()
        ]
    finally:
        driver.close()
    return found


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield what `gather` found as text."""
    yield f"axemu {found['version']} (independent of Axelera AI; every time and rate is simulated)"
    yield f"python {found['python']['version']} at {found['python']['executable']}"
    yield "packages: " + ", ".join(
        f"{name} {version or '(not installed)'}" for name, version in found["packages"].items()
    )
    cpu = found["cpu"]
    yield f"CPU: {cpu['threads']} threads, features {' '.join(cpu['features']) or 'none of ' + ', '.join(FEATURES)}"
    for owner in found["other_owners"]:
        yield (
            f"{owner['module']} outside `axemu run` is that of {owner['distribution']} (in {owner['location']}); nothing "
            "of it is touched"
        )
    yield f"drivers: {', '.join(found['drivers'])}"
    driver = found["driver"]
    yield f"selected driver: {driver['name']} (from {driver['source']})"
    if driver["problem"] is not None:
        yield f"which cannot be used: {driver['problem']}"
    yield from driver["about"]
    for index, board in enumerate(found["boards"]):
        held = f", in use: {board['in_use_by']}" if board["in_use_by"] else ""
        yield (
            f"board {index}: {board['name']}, {board['board']}, {board['type']}, {board['memory_bytes'] >> 20} MiB, "
            f"{board['cores']} cores{held}"
        )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _features() -> list[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    flags = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "").split()
    return [feature for feature in FEATURES if feature in flags]
