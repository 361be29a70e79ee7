"""Turn tests that the generator of TOSA's conformance suite made into vectors that ours can read.

The tools need an older NumPy than this project, so they and this program run in an environment of their own:

    python -m venv tosa && tosa/bin/pip install tosa-tools==2026.8.0
    tosa/bin/tosa_verif_build_tests --filter '^max_pool2d$' --target-dtype int8 --tensor-dim-range 1,10 --max-batch-size 1 \
        --test-type positive --no-special-tests --dump-const-tensors --seed 7 -o generated      (and so on per operator)
    tosa/bin/python tools/tosa_vectors.py generated tests/conformance/tosa.npz

Expected outputs are those of TOSA's reference model. Inputs, attributes and outputs of all tests go into one archive.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

PER_DIRECTORY = 12
LARGEST = 6_000
"""Bytes of all tensors of a test."""


def graph_of(test: Path, tools: Path, scratch: Path) -> dict[str, Any]:
    """Return the operators and tensors of a serialised test."""
    command = [
        tools / "flatc",
        "-o",
        scratch,
        "--json",
        "--strict-json",
        "--raw-binary",
        tools / "tosa.fbs",
        "--",
        test,
    ]
    subprocess.run(command, check=True)
    content: dict[str, Any] = json.loads((scratch / "test.json").read_text(encoding="utf-8"))
    return dict(content["regions"][0]["blocks"][0])


def vector(folder: Path, tools: Path) -> tuple[dict[str, Any], list[np.ndarray], np.ndarray]:
    """Return operator and attributes of a test, its inputs and the reference model's output."""
    with tempfile.TemporaryDirectory() as scratch:
        graph = graph_of(folder / "test.tosa", tools, Path(scratch))
        model = [tools / "tosa_reference_model", "--test_desc", folder / "desc.json", "--output_dir", scratch]
        subprocess.run(model, check=True, capture_output=True)
        (output,) = (np.load(path) for path in Path(scratch).rglob("*result-*.npy"))
    (operator,) = (one for one in graph["operators"] if one["op"] not in ("CONST", "CONST_SHAPE"))
    inputs = [np.load(folder / f"{name}.npy") for name in operator["inputs"]]
    return {"op": operator["op"], "attributes": operator.get("attribute", {})}, inputs, output


def main(generated: Path, target: Path) -> None:
    """Write the archive."""
    tools = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "bin"
    kept: Counter[str] = Counter()
    index, arrays = [], {}
    for folder in sorted(path.parent for path in generated.rglob("desc.json")):
        size = sum(path.stat().st_size for path in folder.glob("*.npy"))
        if size > LARGEST or kept[folder.parent.name] == PER_DIRECTORY:
            continue
        kept[folder.parent.name] += 1
        what, inputs, output = vector(folder, tools)
        number = len(index)
        arrays |= {f"{number}.{place}": value for place, value in enumerate(inputs)} | {
            f"{number}.out": output
        }
        index.append({"name": folder.name, "inputs": len(inputs), **what})
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("index.json", (2026, 11, 27, 0, 0, 0))
        archive.writestr(entry, json.dumps(index, indent=1), zipfile.ZIP_DEFLATED)
        for name, value in arrays.items():
            content = io.BytesIO()
            np.save(content, value)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (2026, 11, 27, 0, 0, 0)),
                content.getvalue(),
                zipfile.ZIP_DEFLATED,
            )
    print(f"{target}: {len(index)} vectors, {dict(kept)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
