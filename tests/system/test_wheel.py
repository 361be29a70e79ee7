"""The wheel holds what git holds, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """A wheel built from a copy of the tracked files, so that leftovers of other builds can't get in."""
    directory = tmp_path_factory.mktemp("wheel")
    source = directory / "source"
    for name in tracked():
        if not name.startswith(("tests/", "docs/", "testvectors/", "benchmarks/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "."]
    done = subprocess.run([*command, "./source"], cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = directory.glob("*.whl")
    return zipfile.Path(path)


def test_the_wheel_holds_exactly_the_tracked_files_of_the_rooms(wheel: zipfile.Path) -> None:
    packed = {
        name
        for name in wheel.root.namelist()
        if not name.split("/")[0].endswith(".dist-info") and not name.endswith("/")
    }
    rooms = {name.split("/", 1)[1] for name in tracked() if name.split("/")[1:2] == ["axemu"]}
    faces = {
        f"axemu/_faces/{name.split('/', 1)[1]}" for name in tracked() if name.split("/")[1:2] == ["axelera"]
    }
    examples = {f"axemu/cli/{name}" for name in tracked() if name.startswith("examples/")}
    assert packed == rooms | faces | examples | {"axemu.pth"}


def test_nothing_lies_where_the_vendor_installs(wheel: zipfile.Path) -> None:
    assert [name for name in wheel.root.namelist() if name.startswith("axelera/")] == []
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert list(scripts) == ["axemu"]


def test_every_room_says_that_it_is_typed(wheel: zipfile.Path) -> None:
    names = [name for name in wheel.root.namelist() if not name.endswith("/")]
    packages = {
        name.rpartition("/")[0]
        for name in names
        if name.count("/") in (2, 4) and name.endswith("/__init__.py")
    }
    rooms = {name for name in packages if name.rpartition("/")[0] in ("axemu", "axemu/_faces/axelera")}
    tops = [name for name in tracked() if re.fullmatch(r"\w+/(axemu|axelera)/\w+/__init__\.py", name)]
    assert len(rooms) == len(tops) > 10
    assert {room for room in rooms if f"{room}/py.typed" not in names} == set()


def test_the_licence_is_in_the_wheel(wheel: zipfile.Path) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in wheel.root.namelist())


def test_all_commands_are_declared(wheel: zipfile.Path) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    (entry_points,) = (name for name in wheel.root.namelist() if name.endswith("entry_points.txt"))
    text = wheel.root.read(entry_points).decode()
    for name, target in scripts.items():
        assert f"{name} = {target}" in text
        module = target.partition(":")[0].replace(".", "/")
        files = {f"{module}.py", f"{module}/__init__.py"}
        assert files & set(wheel.root.namelist()), f"{name} has no module"
