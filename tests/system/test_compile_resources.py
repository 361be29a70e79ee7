"""What a compile costs: within the time and the memory that are promised on two cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = 100
SECONDS = 120
MEMORY = 4_000_000_000  # bytes

WORKER = """
import json, sys, time
from pathlib import Path
start = time.perf_counter()
import numpy as np
from PIL import Image
from tests._memory import peak_bytes
from axelera import compiler
from axemu import zoo
from axelera.compiler import CompilerConfig
images, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

def photos():
    for path in sorted(Path(images).rglob("*.jpg"))[:count]:
        with Image.open(path) as image:
            yield np.asarray(image.convert("RGB").resize((224, 224)), np.float32).transpose(2, 0, 1)[None] / 255

def noise():
    generator = np.random.default_rng(0)
    for _ in range(count):
        yield generator.random((1, 3, 224, 224), np.float32)

seen = 0
def counted(frames):
    global seen
    for frame in frames:
        seen += 1
        yield frame

config = CompilerConfig(resources_used=0.25)
quantised = compiler.quantize(zoo.find("resnet50").build(), counted(photos() if images else noise()), config)
compiler.compile(quantised, config, target)
print(json.dumps({"samples": seen, "seconds": time.perf_counter() - start, "busy": time.process_time(),
    "peak": peak_bytes()}))
"""


def images() -> str:
    """The directory of photos, or nothing where there are none."""
    root = Path(os.environ.get("AXEMU_MATERIAL", ROOT.parent / "shared"))
    folder = root / "material" / "images" / "imagenet100_jpg"
    return str(folder) if folder.is_dir() else ""


@pytest.mark.full
@pytest.mark.timeout(600)
def test_resnet50_with_a_hundred_images(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    run = [sys.executable, "-W", "ignore", "-c", WORKER, images(), str(tmp_path / "out"), str(SAMPLES)]
    done = subprocess.run(
        ["taskset", "--cpu-list", ",".join(map(str, cores)), *run],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    cost = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{cost['seconds']:.1f} s ({cost['busy']:.1f} s of processor time), {cost['peak'] / 1e6:.0f} MB, "
        f"calibrated with {'photos' if images() else 'random numbers'}"
    )
    assert (tmp_path / "out" / "model.json").is_file()
    assert cost["samples"] == SAMPLES
    assert cost["seconds"] < SECONDS
    assert cost["peak"] < MEMORY
