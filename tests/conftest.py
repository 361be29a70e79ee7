"""Fixtures and settings shared by all suites."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests._once import made_once

from axemu.capi import build_library, find_compiler

FULL = os.environ.get("AXEMU_FULL") == "1"

settings.register_profile(
    "quick", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "full", settings.get_profile("quick"), max_examples=1000, suppress_health_check=list(HealthCheck)
)
settings.load_profile("full" if FULL else "quick")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the large counts unless they were asked for."""
    if FULL:
        return
    skip = pytest.mark.skip(reason="full counts run with AXEMU_FULL=1 (make test-full)")
    for item in items:
        if item.get_closest_marker("full"):
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _many_descriptors() -> None:
    """A process keeps the reservation file of each board open, and tests have boards of their own by the hundred."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))


@pytest.fixture(scope="session", autouse=True)
def _own_machine_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep core reservations and configuration of the machine's user out of the tests, and theirs out of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path_factory.mktemp("reservations")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        # Nothing that is printed is cut or wrapped: paths of any length stay in one piece.
        patch.setenv("COLUMNS", "1000")
        for name in (
            "AXELERA_DRIVER",
            "AXELERA_DEVICE_SELECTOR",
            "AXELERA_RUNTIME_DIR",
            "AXEMU_CONFIG",
            "AXEMU_NATIVE_LIBRARY",
            "AXEMU_SDK",
            "AXEMU_SERVER",
        ):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def _no_scheduler_is_left() -> Iterator[None]:
    """Give up the boards that a pipeline of the operator layer took: its scheduler would keep them for the whole process."""
    yield
    if (scheduler := sys.modules.get("axelera.runtime.scheduler")) is not None:
        scheduler.current().close()


@pytest.fixture(scope="session")
def c_compiler() -> str:
    """The command of a C compiler."""
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no C compiler on this machine: install gcc or clang, or name one in CC")
    return compiler


@pytest.fixture(scope="session")
def c_face(c_compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory with the C face, built from the sources: `lib/libaxruntime.so`, `include/axruntime/axruntime.h`."""
    return made_once(tmp_path_factory, "c-face", lambda directory: build_library(directory, c_compiler))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Directory with real networks, photos and measured figures that are not part of the repository."""
    root = Path(os.environ.get("AXEMU_MATERIAL", Path(__file__).resolve().parents[2] / "shared"))
    if not (root / "material" / "models").is_dir():
        pytest.skip(f"no material at {root}: set AXEMU_MATERIAL to a directory that holds material/models")
    return root


@pytest.fixture(scope="session")
def material(shared_dir: Path) -> Path:
    """Real networks (`models/`) and photos (`images/`)."""
    return shared_dir / "material"
