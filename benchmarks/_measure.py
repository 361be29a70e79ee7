"""Alternating measurements: what is compared runs in turn, so that a busy machine slows all of it alike."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np

REST = 0.04
"""Seconds before each turn: ONNX Runtime's threads go on spinning for 25 ms after a run, on the core that the next
candidate's second thread needs."""
SETTLING, COUNTED = 0.03, 3
"""A turn: seconds of calls back to back that wake threads and fill caches, then the calls whose median counts."""

Timings = Mapping[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"]


def alternate(candidates: Mapping[str, Callable[[], object]], rounds: int, rest: float = REST) -> Timings:
    """Return seconds per call, one value per round, in which every candidate has a turn; a round before is not counted.

    `rest` is for candidates with threads of their own.
    """
    seconds = {name: np.empty(rounds) for name in candidates}
    for index in range(-1, rounds):
        for name, call in candidates.items():
            time.sleep(rest)
            settled = time.perf_counter() + SETTLING
            while time.perf_counter() < settled:
                call()
            turn = np.median([_seconds(call) for _ in range(COUNTED)])
            if index >= 0:
                seconds[name][index] = turn
    return seconds


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ratio(timings: Timings, name: str, baseline: str) -> float:
    """Return the median over the rounds of time / time of the baseline in the same round."""
    return float(np.median(timings[name] / timings[baseline]))


def milliseconds(timings: Timings, name: str) -> float:
    """Return the median in ms."""
    return float(np.median(timings[name])) * 1e3


def machine() -> str:
    """Return CPU and versions in a line."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        fields = {
            line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in text.splitlines()
        }
        cpu = f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']})"
    except (OSError, KeyError):
        cpu = platform.processor()
    packages = ("numpy", "numba", "llvmlite", "onnxruntime")
    return f"{cpu}; Python {platform.python_version()}, " + ", ".join(
        f"{name} {version(name)}" for name in packages
    )


def replace_section(page: Path, name: str, text: str) -> None:
    """Replace what stands between the markers of a section of a Markdown page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise SystemExit(f"{page} has no section between {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")
