"""The sample application's CI files do what they say: their commands run here, on a copy of the sample."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "ci"
ACTION = ROOT / ".github" / "actions" / "setup" / "action.yml"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def github_commands() -> list[str]:
    (job,) = load(SAMPLE / "github-actions.yml")["jobs"].values()
    return [line for step in job["steps"] for line in step.get("run", "").splitlines()]


def gitlab_commands() -> list[str]:
    (job,) = load(SAMPLE / "gitlab-ci.yml").values()
    return [*job["before_script"], *job["script"]]


def is_installation(command: str) -> bool:
    return command.startswith("pip install ")


@pytest.mark.usefixtures("own_boards")
def test_the_commands_of_the_workflow_run_on_the_sample(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "app", ignore=shutil.ignore_patterns("build", "__pycache__"))
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    for command in github_commands():
        if not is_installation(command):
            done = subprocess.run(
                ["bash", "-e", "-c", command],
                cwd=tmp_path / "app",
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "output").read_text() == f"version={importlib.metadata.version('axemu')}\n"
    (job,) = load(SAMPLE / "github-actions.yml")["jobs"].values()
    kept = job["steps"][-1]["with"]["path"].split()
    assert [name for name in kept if not (tmp_path / "app" / name).is_file()] == []


def test_what_is_installed_is_all_that_the_sample_needs() -> None:
    (command,) = filter(is_installation, github_commands())
    assert shlex.split(command) == ["pip", "install", "axemu", "pytest"]
    source = (SAMPLE / "application.py").read_text() + (SAMPLE / "test_application.py").read_text()
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE)) - set(sys.stdlib_module_names)
    assert imported - {"__future__"} == {"axelera", "axemu", "numpy", "pytest", "application"}


def test_gitlab_runs_the_same_commands() -> None:
    def of_both(commands: list[str]) -> list[str]:
        return [command for command in commands if "GITHUB_OUTPUT" not in command]

    assert of_both(gitlab_commands()) == of_both(github_commands())


def test_both_keep_the_machine_code_where_the_emulator_looks_for_it() -> None:
    (job,) = load(SAMPLE / "github-actions.yml")["jobs"].values()
    (cache,) = (step for step in job["steps"] if "cache@" in step.get("uses", ""))
    assert job["env"]["AXEMU_CACHE_DIR"] == "${{ github.workspace }}/" + cache["with"]["path"]
    (gitlab,) = load(SAMPLE / "gitlab-ci.yml").values()
    assert gitlab["variables"]["AXEMU_CACHE_DIR"] == "$CI_PROJECT_DIR/" + gitlab["cache"]["paths"][0]


def test_the_page_shows_both_files_as_they_are() -> None:
    page = (ROOT / "docs" / "how-to" / "run-in-ci.md").read_text(encoding="utf-8")
    for name in ("github-actions.yml", "gitlab-ci.yml"):
        assert f"```yaml\n{(SAMPLE / name).read_text(encoding='utf-8')}```" in page


def test_the_action_uses_the_inputs_it_declares_and_names_a_shell_for_every_command() -> None:
    action = load(ACTION)
    used = set(re.findall(r"inputs\.(\w+)", ACTION.read_text(encoding="utf-8")))
    assert used == set(action["inputs"])
    steps = action["runs"]["steps"]
    assert all(step["shell"] == "bash" for step in steps if "run" in step)
    # What comes from outside reaches a shell as a variable, never as text of the command.
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    assert all(step.get("run") or step.get("uses") for step in steps)
