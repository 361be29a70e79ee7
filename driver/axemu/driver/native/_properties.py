"""Properties on their way to the library and back: text in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from axemu.driver._errors import InternalError, InvalidArgument
from axemu.driver._types import InstanceOptions
from axemu.driver.native._abi import ffi
from axemu.driver.native._library import Library

_MOST_PROPERTIES = 4096
_APART = ("=", ";", "\0")


def property_text(properties: Mapping[str, str]) -> bytes:
    """Write properties as the library takes them.

    Raises:
        InvalidArgument: a key or a value holds a character that separates them.
    """
    for key, value in properties.items():
        if any(sign in key for sign in _APART) or any(sign in value for sign in _APART[1:]):
            raise InvalidArgument(
                f"Invalid properties: {key[:100]}={value[:100]!r} holds a character that separates properties"
            )
    return ";".join(f"{key}={value}" for key, value in properties.items()).encode("utf-8", "surrogateescape")


def option_text(options: InstanceOptions) -> bytes:
    """Write options of an instance; those at their default are left to the library."""
    values = {option.name: getattr(options, option.name) for option in fields(options)}
    defaults = {option.name: option.default for option in fields(options)}
    return property_text({key: str(int(value)) for key, value in values.items() if value != defaults[key]})


def read_properties(library: Library, properties: Any, what: str) -> dict[str, str]:
    """Read properties that the library returned.

    Raises:
        InternalError: the list makes no sense.
    """
    listed = ffi.new("const char ***")
    count = int(library.functions.axr_list_properties(properties, listed))
    if count > _MOST_PROPERTIES or (count and not listed[0]):
        raise InternalError(f"{what}: the native library says there are {count} properties and gives no list")
    keys = [listed[0][index] for index in range(count)]
    if not all(keys):
        raise InternalError(f"{what}: the native library's list of {count} properties is shorter than that")
    return {
        library.text(key): library.text(library.functions.axr_get_property(properties, key)) for key in keys
    }
