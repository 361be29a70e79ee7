"""Presets are files that a user can list and read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from axelera.compiler.config import models, preset_names

ONE_LINER = (
    "from importlib.resources import files; "
    "print(*sorted(f.name for f in files('axelera.compiler.config.models').iterdir() if f.name.endswith('.toml')))"
)


def test_the_one_liner_of_the_guide_lists_them() -> None:
    done = subprocess.run([sys.executable, "-c", ONE_LINER], check=True, capture_output=True, text=True)
    assert tuple(done.stdout.split()) == preset_names()


def test_the_package_is_a_directory_on_disk() -> None:
    assert set(preset_names()) <= {path.name for path in Path(models.__path__[0]).iterdir()}
