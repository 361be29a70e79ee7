"""Small compiled models and contexts for the suites that every driver has to pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import axelera.runtime as axr
from axemu.capi import Server
from axemu.driver import create_driver
from axemu.testing import SmallModel, write_small_model

MakeSmall = Callable[..., SmallModel]
MakeContext = Callable[..., axr.Context]


DRIVERS = ("emulator", "function", "native")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a driver on each, or on those that --metis-driver names."""
    if "driver" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--metis-driver", None)
        names = [name for name in DRIVERS if not chosen or name in chosen.split(",")]
        metafunc.parametrize("driver", names, indirect=True)


@pytest.fixture
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The driver that `Context()` gets in this test; `native` reaches emulated boards through the C face."""
    if request.param == "native":
        request.getfixturevalue("native_boards")
    monkeypatch.setenv("AXELERA_DRIVER", request.param)
    return str(request.param)


@pytest.fixture
def native_boards(c_face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Emulated boards, served by this process to whoever uses the library of the C face."""
    address = tmp_path / "server"
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", str(c_face / "lib" / "libaxruntime.so"))
    monkeypatch.setenv("AXEMU_SERVER", str(address))
    with Server(lambda: create_driver("emulator"), address):
        yield


@pytest.fixture(autouse=True)
def _own_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "reservations"))
    monkeypatch.delenv("AXEMU_EMULATOR", raising=False)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Configure the emulated boards, as the inside of a TOML table."""
    return lambda options: monkeypatch.setenv("AXEMU_EMULATOR", options)


@pytest.fixture
def context() -> Iterator[axr.Context]:
    """A context of the default driver, or of `driver` where a test asks for that."""
    with axr.Context() as context:
        yield context


@pytest.fixture
def small(request: pytest.FixtureRequest, tmp_path: Path) -> MakeSmall:
    """Make small compiled models."""
    name = request.getfixturevalue("driver") if "driver" in request.fixturenames else "emulator"

    def make(
        batch: int = 1, l2: int = 4096, name: str = "small", driver: str = name, **changes: Any
    ) -> SmallModel:
        directory = tmp_path / name
        directory.mkdir()
        return write_small_model(directory, driver, batch=batch, l2=l2, changes=changes)

    return make
