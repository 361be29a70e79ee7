"""The committed golden vectors: made by this specification, changed only with a version."""

from __future__ import annotations

import hashlib
import json
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axemu.model.ops import NUMERICS, NUMERICS_VERSION, OPERATORS, execute_node
from axemu.model.program import Node, Tensor

ROOT = Path(__file__).resolve().parents[2] / "testvectors"
NAMES = sorted(path.stem for path in (ROOT / "vectors").glob("*.json"))


def load(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    document = json.loads((ROOT / "vectors" / f"{name}.json").read_text())
    blob = (ROOT / "vectors" / f"{name}.bin").read_bytes()
    arrays = {
        row["key"]: np.frombuffer(
            blob, np.dtype(row["dtype"]).newbyteorder("<"), int(np.prod(row["shape"])), row["offset"]
        ).reshape(row["shape"])
        for row in document["arrays"]
    }
    return document, arrays


def tensor(document: dict[str, Any]) -> Tensor:
    return Tensor(document["name"], tuple(document["shape"]), document["scale"], document["zero_point"])


@pytest.mark.parametrize("name", NAMES)
def test_the_specification_gives_the_committed_outputs(name: str) -> None:
    document, arrays = load(name)
    attributes = {key: tuple(v) if isinstance(v, list) else v for key, v in document["attributes"].items()}
    inputs = tuple(tensor(entry) for entry in document["inputs"])
    node = Node(document["op"], name, tuple(t.name for t in inputs), "y", attributes)
    constants = {key.removeprefix("constant:"): v for key, v in arrays.items() if key.startswith("constant:")}
    values = tuple(arrays[f"input:{t.name}"] for t in inputs)
    for numerics in NUMERICS:
        result = execute_node(node, inputs, tensor(document["output"]), values, constants, numerics)
        np.testing.assert_array_equal(result, arrays[f"output:{numerics}"])


def test_every_operator_has_a_vector() -> None:
    assert {load(name)[0]["op"] for name in NAMES} == set(OPERATORS)


def test_generating_again_gives_the_same_bytes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "generate.py"))["generate"](tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*")}
    committed = {
        path.relative_to(ROOT): path.read_bytes()
        for path in (*ROOT.glob("vectors/*"), ROOT / "manifest.json")
    }
    assert made.keys() == committed.keys()
    assert [str(name) for name in made if made[name] != committed[name]] == []


def manifest_without(names: set[str]) -> bytes:
    """Return the manifest as it was before some vectors were added."""
    manifest = json.loads((ROOT / "manifest.json").read_text())
    manifest["files"] = {
        file: digest for file, digest in manifest["files"].items() if file.partition(".")[0] not in names
    }
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()


def test_vectors_change_only_with_the_version_of_the_numerics_and_others_may_be_added() -> None:
    history = json.loads((ROOT / "history.json").read_text())
    additions = runpy.run_path(str(ROOT / "generate.py"))["ADDED"]
    assert json.loads((ROOT / "manifest.json").read_text())["numerics_version"] == NUMERICS_VERSION
    later: set[str] = set()
    for line in (*reversed(additions), str(NUMERICS_VERSION)):
        assert history[line] == hashlib.sha256(manifest_without(later)).hexdigest(), (
            f"the vectors of {line} differ from those committed: bump NUMERICS_VERSION and add a line to history.json"
        )
        later |= set(additions.get(line, ()))
    assert later <= set(NAMES)
    assert list(history) == [*map(str, range(1, NUMERICS_VERSION + 1)), *additions]


def test_the_manifest_covers_every_file_by_its_hash() -> None:
    files = json.loads((ROOT / "manifest.json").read_text())["files"]
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (ROOT / "vectors").iterdir()}
    assert files == found


def test_vectors_stay_small() -> None:
    assert sum(path.stat().st_size for path in ROOT.rglob("*.*")) < 2_000_000
