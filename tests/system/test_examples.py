"""Every example runs, on the network and the images of the demo."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from axemu.cli._examples import find

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))


def run(example: str, *arguments: Path) -> str:
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout


def correct(output: str) -> int:
    match = re.match(r"(\d+) of 600 correct", output)
    assert match is not None, output
    return int(match[1])


@pytest.mark.usefixtures("own_boards")
@pytest.mark.parametrize(
    "example",
    ["quick_start.py", "by_hand.py", "worker_threads.py", "double_buffering.py", "stream.py"],
)
def test_examples_on_one_board_read_the_digits(example: str, digits_1: Path, digits_images: Path) -> None:
    assert correct(run(example, digits_1, digits_images)) >= 590


@pytest.mark.usefixtures("own_boards")
def test_round_robin_uses_all_boards(
    digits_1: Path, digits_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", "boards = 2")
    output = run("round_robin.py", digits_1, digits_images)
    assert correct(output) >= 590
    assert output.endswith("on 2 boards\n")


@pytest.mark.usefixtures("own_boards")
def test_cascade_looks_twice_at_some(digits_2: Path, digits_images: Path) -> None:
    output = run("cascade.py", digits_2, digits_2, digits_images)
    assert correct(output) >= 590
    assert 1 <= int(re.findall(r"(\d+) of them", output)[0]) <= 60


@pytest.mark.usefixtures("own_boards")
def test_cascade_answers_an_odd_number_of_images(digits_2: Path, digits_images: Path, tmp_path: Path) -> None:
    with np.load(digits_images) as test:
        np.savez(tmp_path / "one.npz", images=test["images"][:1], labels=test["labels"][:1])
    assert run("cascade.py", digits_2, digits_2, tmp_path / "one.npz").startswith("1 of 1 correct")


@pytest.mark.usefixtures("own_boards")
def test_what_is_done_by_hand_includes_the_postamble(digits_argmax: Path, digits_images: Path) -> None:
    assert correct(run("by_hand.py", digits_argmax, digits_images)) >= 590


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_examples_import_the_runtime_and_nothing_of_ours_but_the_hosts_part(path: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    ours = {name for name in names if name.startswith(("axelera", "axemu"))}
    assert "axelera.runtime" in ours
    assert ours <= {"axelera.runtime", "axemu.host"}
    assert path.stem != "by_hand" or "axemu.host" not in ours


MODELS = (
    "axemu demo",
    "axemu demo --cores 2 --output build/digits/2",
    "axdownloadmodel yolo11s-coco-onnx",
    "axdownloadmodel resnet50-imagenet-onnx",
)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_an_example_says_first_how_to_make_its_model_and_then_how_to_run_it(path: Path) -> None:
    (example,) = (one for one in find() if one.name == path.stem)
    model, run = example.commands
    assert model in MODELS
    assert f"python examples/{path.name} build/" in run
    assert example.title.endswith(".")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_without_arguments_an_example_says_how_it_is_used(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert path.name in done.stderr


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_examples_are_linked_from_the_readme(path: Path) -> None:
    assert f"examples/{path.name}" in (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
