"""No kernel reads or writes outside what it was given: every operator, with every width, between pages nobody may touch."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests._sizes import FULL, sample
from tests.conformance._compute import EVERY_PATH

from axemu.emulator.compute._paths import SPECS

WIDTHS = range(1, 71)
PROGRAMS = sample(10, 1500)
ROOT = Path(__file__).resolve().parents[2]
NUMERICS = ("metis", "exact")


def chosen_widths(path: str) -> list[int]:
    """Return every width, or by default one that fills its blocks and one that does not."""
    if FULL:
        return list(WIDTHS)
    rng = random.Random(path)
    return [rng.choice(range(16, 71, 16)), rng.choice([width for width in WIDTHS if width % 16])]


@cache
def counts(path: str) -> dict[str, Any]:
    """Run the cases of a path between guard pages; a signal that ends them fails with the name of the case."""
    command = [sys.executable, "-m", "tests.conformance._guarded", path, "11", str(PROGRAMS)]
    done = subprocess.run(
        [*command, *map(str, chosen_widths(path))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines() or ["nothing"]
    if done.returncode < 0:
        pytest.fail(f"{signal.Signals(-done.returncode).name} in {lines[-1]}")
    assert done.returncode == 0, done.stderr
    wrong = [f"{lines[place - 1]}: {line}" for place, line in enumerate(lines) if line.startswith("wrong")]
    assert not wrong, wrong[:5]
    result: dict[str, Any] = json.loads(lines[-1])
    return result


@EVERY_PATH
def test_kernels_stay_inside_the_memory_they_are_given(path: str) -> None:
    found = counts(path)
    print(f"{path}: {found['cases']} programs, {found['runs']} runs between guard pages")
    assert found["differing"] == 0


@EVERY_PATH
def test_the_cases_between_guard_pages_use_every_kernel(path: str) -> None:
    assert set(counts(path)["kernels"]) >= reachable(path)


def reachable(path: str) -> set[str]:
    """Return the kernels that programs can come to; panels are whole blocks of sixteen channels."""
    spec = SPECS[path]
    names = {
        "border",
        "copy",
        "lut",
        "lut_by_channel",
        "max_pool",
        "over_pixels",
        "reshape",
        "resize_nearest",
    }
    for numerics in NUMERICS:
        kinds = ["add", "affine", "avg_pool", "depthwise", "matmul", "mul", "resize_linear", "softmax", "sub"]
        dense = "conv_pairs" if spec.paired else "conv"
        step = 16 // spec.lanes
        kinds += [f"{dense}_{vectors}" for vectors in range(step, spec.panel_vectors + 1, step)]
        if spec.lanes == 16:
            kinds.append("depthwise_half")
        if spec.matrix:
            kinds += [f"matrix_{vectors}" for vectors in range(1, 5)]
        for kind in kinds:
            name, _, vectors = kind.rpartition("_") if kind[-1].isdigit() else (kind, "", "")
            names.add(f"{name}_{numerics}" + (f"_{vectors}" if vectors else ""))
    return names
