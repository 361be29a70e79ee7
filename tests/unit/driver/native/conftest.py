"""A card that misbehaves on purpose: a small library, built from `card.c`."""

from __future__ import annotations

import ctypes
import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests._once import made_once

from axemu.capi import include_directory
from axemu.driver import TensorInfo
from axemu.model import MemoryPool, model_json


@pytest.fixture(scope="session")
def card(c_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library's file."""
    source = Path(__file__).with_name("card.c")
    command = [
        *shlex.split(c_compiler),
        "-shared",
        "-fPIC",
        "-pthread",
        f"-I{include_directory()}",
        str(source),
    ]

    def build(directory: Path) -> None:
        subprocess.run([*command, "-o", str(directory / "libcard.so")], check=True)

    return made_once(tmp_path_factory, "card", build) / "libcard.so"


@pytest.fixture
def misbehave(card: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Say what the library does wrong, as words of `card.c`; it is the one that the native driver finds."""
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", str(card))
    monkeypatch.delenv("MISBEHAVE", raising=False)
    ctypes.CDLL(str(card)).misbehave_forget()
    return lambda words: monkeypatch.setenv("MISBEHAVE", words)


@pytest.fixture
def trace(card: Path) -> Callable[[], list[str]]:
    """What was made (+) and destroyed (-), in order."""
    function = ctypes.CDLL(str(card)).misbehave_trace
    function.restype = ctypes.c_char_p
    return lambda: function().decode().split()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A compiled model as the library sees it."""
    content = model_json(
        [TensorInfo((1, 10, 16, 4))], [TensorInfo((1, 1, 1, 64))], [MemoryPool("l2", 4096, "l2")]
    )
    directory = tmp_path / "compiled"
    directory.mkdir()
    (directory / "model.json").write_text(json.dumps(content))
    return directory
