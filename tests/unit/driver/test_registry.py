"""Drivers are found by name: built in, or registered by another distribution."""

from collections.abc import Sequence
from importlib import metadata

import pytest

from axemu.driver import FunctionDriver, InvalidArgument, create_driver, driver_names


def test_the_built_in_names_are_listed_first() -> None:
    assert driver_names()[:3] == ("emulator", "native", "function")


def test_a_driver_is_made_anew_at_every_call() -> None:
    first, second = create_driver("function"), create_driver("function")
    assert isinstance(first, FunctionDriver)
    assert first is not second


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        InvalidArgument, match=r"unknown driver 'metis'; known drivers: emulator, native, function"
    ):
        create_driver("metis")


def test_native_without_its_library_raises_the_documented_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_NATIVE_LIBRARY", "/nowhere.so")
    with pytest.raises(OSError, match=r"native Axelera runtime library .* cannot be loaded"):
        create_driver("native")


class _Registered:
    def __init__(self, *points: metadata.EntryPoint) -> None:
        self._points = points

    def __call__(self, *, group: str, name: str | None = None) -> Sequence[metadata.EntryPoint]:
        assert group == "axemu.driver"
        return [point for point in self._points if name in (None, point.name)]


def _register(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    point = metadata.EntryPoint(name, value, "axemu.driver")
    monkeypatch.setattr(metadata, "entry_points", _Registered(point))


def test_an_entry_point_adds_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    _register(monkeypatch, "mine", "axemu.driver:FunctionDriver")
    assert isinstance(create_driver("mine"), FunctionDriver)
    assert driver_names() == ("emulator", "native", "function", "mine")


def test_an_entry_point_cannot_replace_a_built_in_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    _register(monkeypatch, "function", "builtins:dict")
    assert isinstance(create_driver("function"), FunctionDriver)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nowhere_at_all:Driver", "its entry point nowhere_at_all:Driver does not load"),
        ("axemu.driver:Missing", "its entry point axemu.driver:Missing does not load"),
        ("builtins:dict", "its factory returned dict"),
    ],
)
def test_a_bad_entry_point_is_named(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    _register(monkeypatch, "bad", value)
    with pytest.raises(InvalidArgument, match=f"driver 'bad': {message}"):
        create_driver("bad")
