"""The pytest plugin: boards of a chosen driver as fixtures, and markers for what a test needs.

Every name begins with `metis`. Without its fixtures and options nothing happens in a session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from axelera.runtime import Context, DeviceInfo, ModelInstance
    from axemu.driver import Driver
    from axemu.emulator import FaultEvent
    from axemu.testing._clock import Clock
    from axemu.testing._rate import Rate
    from axemu.testing._small import SmallModel

DEFAULT = "emulator"
MARKERS = (
    "metis_boards(count): needs so many boards; emulated ones are plugged in",
    "metis_card: needs a real card",
    "metis_values: needs results that are known: skipped with a model of one's own",
    "metis_faults(*faults, seed=0): what goes wrong on the test's emulated boards, each fault a dict as in a fault plan",
    "metis_time: needs a driver that knows time: emulated boards in virtual time, or a card",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("metis", "Axelera Metis boards (axemu; independent of Axelera AI)")
    group.addoption(
        "--metis-driver",
        metavar="NAME[,NAME]",
        help="driver of the boards: emulator (default), native (a card), function, or one that is registered; "
        "tests run once on each",
    )
    group.addoption(
        "--metis-model",
        metavar="PATH",
        type=Path,
        help="compiled model for metis_model; a card needs one of the vendor's compiler",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which driver was asked for."""
    return f"metis driver: {', '.join(_drivers(config))}" if config.getoption("--metis-driver") else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses a driver once on each."""
    if "metis_driver" in metafunc.fixturenames:
        metafunc.parametrize("metis_driver", _drivers(metafunc.config), scope="session")


def pytest_collection_finish(session: pytest.Session) -> None:
    """End a session whose tests use a driver that cannot be had, before any of them runs."""
    if not any("metis_driver" in getattr(item, "fixturenames", ()) for item in session.items):
        return
    from axemu.driver import AxeleraError, create_driver  # noqa: PLC0415  nothing of it in other sessions

    for name in _drivers(session.config):
        try:
            create_driver(name).close()
        except (AxeleraError, OSError) as error:
            raise pytest.UsageError(f"--metis-driver={name}: {error}") from error


@pytest.fixture(scope="session")
def metis_driver(request: pytest.FixtureRequest) -> str:
    """Name of the driver that tests run on."""
    return str(request.param)


@pytest.fixture
def metis_context(
    metis_driver: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Context]:
    """A context of the driver; emulated boards are this test's alone.

    Which emulated boards there are is configured as always (`axemu.toml`, AXEMU_EMULATOR), or by the marker `metis_boards`.
    """
    from axelera.runtime import Context  # noqa: PLC0415  nothing of it in sessions without boards
    from axemu import faces  # noqa: PLC0415

    faces.check("axelera.runtime")
    if metis_driver != "native":
        monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "metis"))
    driver = _make(metis_driver, request.node)
    try:
        _skip_unfit(request.node, driver, metis_driver)
        with Context(driver) as context:
            yield context
    finally:
        driver.close()


@pytest.fixture
def metis_boards(metis_context: Context) -> list[DeviceInfo]:
    """The boards present, at least one."""
    return metis_context.list_devices()


@pytest.fixture
def metis_model(
    metis_driver: str, metis_context: Context, request: pytest.FixtureRequest, tmp_path: Path
) -> SmallModel:
    """A compiled model: that of `--metis-model`, else a small one whose results are known."""
    from axemu.testing._own import OwnModel  # noqa: PLC0415
    from axemu.testing._small import write_small_model  # noqa: PLC0415

    chosen = request.config.getoption("--metis-model")
    if chosen is not None:
        if request.node.get_closest_marker("metis_values"):
            pytest.skip("the results of a model of one's own are not known (--metis-model)")
        return OwnModel.load(chosen.absolute(), metis_driver, metis_context)
    if _is_card(metis_context._driver):  # noqa: SLF001  the plugin made it
        pytest.skip("a card runs models of the vendor's compiler: give one with --metis-model=PATH")
    directory = tmp_path / "small"
    directory.mkdir()
    return write_small_model(directory, metis_driver)


@pytest.fixture
def metis_instance(metis_context: Context, metis_model: SmallModel) -> Callable[..., ModelInstance]:
    """Load the model onto cores of its own; takes properties of `load_model_instance`, and `device`."""

    def load(device: Any = None, **properties: Any) -> ModelInstance:
        connection = metis_context.device_connect(device, metis_model.batch)
        return connection.load_model_instance(metis_context.load_model(metis_model.path), **properties)

    return load


@pytest.fixture
def metis_faults(metis_context: Context) -> Callable[[], tuple[FaultEvent, ...]]:
    """Say which faults of the marker `metis_faults` have happened, with board, kind, instance and number of the frame."""
    driver = metis_context._driver  # noqa: SLF001  the plugin made it

    def happened() -> tuple[FaultEvent, ...]:
        from axemu.emulator import EmulatorDriver  # noqa: PLC0415

        return driver.faults() if isinstance(driver, EmulatorDriver) else ()

    return happened


@pytest.fixture
def metis_clock(metis_context: Context) -> Clock:
    """The clock of the boards: virtual time on emulated ones, the host's on a card."""
    from axemu.testing._clock import Clock  # noqa: PLC0415

    return Clock(metis_context)


@pytest.fixture
def metis_fps() -> Callable[[ModelInstance], Rate]:
    """Say how fast an instance was so far, for assertions such as *at least 200*."""
    from axemu.testing._rate import rate  # noqa: PLC0415

    def measure(instance: ModelInstance) -> Rate:
        found = rate(instance)
        if found is None:
            pytest.skip("this driver knows no time")
        return found

    return measure


def _drivers(config: pytest.Config) -> list[str]:
    names = [name.strip() for name in (config.getoption("--metis-driver") or DEFAULT).split(",")]
    return [name for name in names if name] or [DEFAULT]


def _make(name: str, item: pytest.Item) -> Driver:
    from axemu.driver import FunctionDriver, create_driver  # noqa: PLC0415

    wanted = _boards(item)
    if wanted and name == "function":
        return FunctionDriver(boards=wanted)
    own: dict[str, Any] = {"boards": wanted} if wanted else {}
    if faults := item.get_closest_marker("metis_faults"):
        own["faults"] = {"faults": faults.args, **faults.kwargs}
    if own and name == "emulator":
        from axemu.emulator import EmulatorDriver, load_options, parse_options  # noqa: PLC0415

        parsed = parse_options(own, "markers of the test")
        return EmulatorDriver(load_options()[0].model_copy(update={key: getattr(parsed, key) for key in own}))
    return create_driver(name)


def _boards(item: pytest.Item) -> int:
    marker = item.get_closest_marker("metis_boards")
    return int(marker.args[0]) if marker else 0


def _skip_unfit(item: pytest.Item, driver: Driver, name: str) -> None:
    wanted = max(1, _boards(item))
    present = len(driver.list_devices())
    if present < wanted:
        pytest.skip(f"needs {wanted} boards; driver {name} lists {present}")
    if item.get_closest_marker("metis_card") and not _is_card(driver):
        pytest.skip(f"needs a real card; driver {name} has none")
    if item.get_closest_marker("metis_faults") and name != "emulator":
        pytest.skip(f"needs emulated boards of the test's process; driver {name} has none")
    if item.get_closest_marker("metis_time") and name == "function":
        pytest.skip("needs a driver that knows time; driver function knows none")


def _is_card(driver: Driver) -> bool:
    """Tell whether boards are real: a library of ours, with emulated ones behind it, says so."""
    from axemu.driver import NativeDriver  # noqa: PLC0415

    return isinstance(driver, NativeDriver) and not driver.emulated
