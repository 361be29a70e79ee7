"""What CI, hooks and templates are made of fits together."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").iterdir())


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def load(path: Path) -> Any:
    return yaml.safe_load(text(path))


def test_every_linter_has_exactly_one_version() -> None:
    wanted = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]["optional-dependencies"]["lint"]
    pinned = [line for line in text(ROOT / "constraints.txt").splitlines() if line and line[0] != "#"]
    assert all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in pinned)
    assert [line.partition("==")[0] for line in pinned] == sorted(
        (re.split(r"[<>=]", name)[0] for name in wanted), key=str.lower
    )


def test_hooks_use_the_linters_of_the_checkout() -> None:
    (repository,) = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert all(hook["entry"].startswith(".venv/bin/") for hook in repository["hooks"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_bounded_jobs_without_secrets(path: Path) -> None:
    assert "secrets." not in text(path)
    for name, job in load(path)["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 30, name


def test_a_hosted_runner_runs_what_is_run_here() -> None:
    steps = load(ROOT / ".github" / "workflows" / "check.yml")["jobs"]["check"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert os.access(ROOT / ".ci" / "elsewhere", os.X_OK)


def test_the_tests_end_the_output_of_the_check() -> None:
    steps = re.findall(r"^step ([\w-]+)$", text(ROOT / ".ci" / "run"), re.MULTILINE)
    assert steps[-1] == "test"
    assert set(steps) <= set(targets())


def targets() -> list[str]:
    return re.findall(r"^([\w-]+):", text(ROOT / "Makefile"), re.MULTILINE)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "docs/how-to/change-something.md"])
def test_targets_that_a_page_names_exist(page: str) -> None:
    named = set(re.findall(r"`make ([a-z-]+)`", text(ROOT / page)))
    assert named - set(targets()) == set()


def test_every_target_is_explained_by_make_help() -> None:
    explained = re.findall(r'@echo "make ([\w-]+)', text(ROOT / "Makefile"))
    assert sorted(explained) == sorted(set(targets()) - {"help"})


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_for_issues_can_be_read(path: Path) -> None:
    form = load(path)
    if path.name != "config.yml":
        assert {"name", "description", "body"} <= set(form)
        assert all(part["type"] == "textarea" and part["id"] for part in form["body"])


def test_the_container_sets_up_what_contributors_set_up() -> None:
    container = json.loads(text(ROOT / ".devcontainer" / "devcontainer.json"))
    assert container["postCreateCommand"] == "make develop"


def test_an_entry_of_the_changelog_is_one_line() -> None:
    lines = text(ROOT / "CHANGELOG.md").partition("\n## ")[2].splitlines()
    assert [line for line in lines[1:] if line and not line.startswith(("- ", "#")) and line[-1] != ":"] == []
