"""Drivers by name: those of this SDK, and those that other distributions register."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from axemu.driver._driver import Driver
from axemu.driver._errors import InvalidArgument
from axemu.driver._notes import note

ENTRY_POINT_GROUP = "axemu.driver"

BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "emulator": "axemu.emulator:EmulatorDriver",
        "native": "axemu.driver.native:NativeDriver",
        "function": "axemu.driver._function:FunctionDriver",
    }
)
"""Name of a driver to `module:attribute` of its class or factory, imported when it is asked for."""


def driver_names() -> tuple[str, ...]:
    """Return the names `create_driver` knows: the built-in ones, then those of other distributions."""
    from importlib import metadata  # noqa: PLC0415  slow to import, and rarely needed

    others = {point.name for point in metadata.entry_points(group=ENTRY_POINT_GROUP)} - BUILT_IN.keys()
    return (*BUILT_IN, *sorted(others))


def create_driver(name: str) -> Driver:
    """Make a new driver by name.

    Raises:
        InvalidArgument: nobody registered `name`, or what is registered is no driver.
        OSError: the driver needs something this machine lacks (the native library of a real card).
    """
    note("context")
    made = _factory(name)()
    if not isinstance(made, Driver):
        raise InvalidArgument(
            f"driver {name!r}: its factory returned {type(made).__name__}, not an axemu.driver.Driver"
        )
    return made


def _factory(name: str) -> Callable[[], object]:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        factory: Callable[[], object] = getattr(importlib.import_module(module), attribute)
        return factory
    from importlib import metadata  # noqa: PLC0415  slow to import, and rarely needed

    for point in metadata.entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            loaded: Callable[[], object] = point.load()
        except (ImportError, AttributeError) as error:
            raise InvalidArgument(
                f"driver {name!r}: its entry point {point.value} does not load: {error}"
            ) from error
        return loaded
    raise InvalidArgument(f"unknown driver {name!r}; known drivers: {', '.join(driver_names())}")
