"""The properties of `Context.configure_device`, checked the same way for every emulated board."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from axemu.driver._errors import InvalidArgument, InvalidConfiguration, NotImplemented  # noqa: A004
from axemu.driver._properties import as_integer

_PER_CORE = re.compile(r"(clock_profile|mvm_utilisation)_core_([0-9]{1,4})")


def check_configuration(
    properties: Mapping[str, str], device: str, cores: int, clocks: Sequence[int]
) -> dict[str, int]:
    """Check every property of one `configure_device` call before any is applied.

    Args:
        properties: names and values as text.
        device: the board's name, for messages.
        cores: how many cores the board has.
        clocks: valid clock frequencies in MHz.

    Returns:
        The values: `clock_profile` and `clock_profile_core_N` in MHz, `mvm_utilisation_core_N` in percent,
        `device_firmware` as 0 or 1.

    Raises:
        InvalidConfiguration: a name nobody knows, a core the board lacks, or a value out of range.
        NotImplemented: a property of other releases that this board cannot change.
    """
    return {key: _check(key, value, device, cores, clocks) for key, value in properties.items()}


def _check(key: str, value: str, device: str, cores: int, clocks: Sequence[int]) -> int:
    if key == "ddr_size":
        raise NotImplemented(  # noqa: F901  the documented error, not the built-in constant
            f"{device}: property ddr_size can't be changed while programs run; emulated boards take their memory size "
            "from the configuration file"
        )
    try:
        number = as_integer(key, value)
    except InvalidArgument as error:
        raise InvalidConfiguration(f"{device}: {error}") from error
    per_core = _PER_CORE.fullmatch(key)
    if per_core and int(per_core[2]) >= cores:
        raise InvalidConfiguration(f"{device}: property {key}: the board has cores 0 to {cores - 1}")
    kind = per_core[1] if per_core else key
    if kind == "clock_profile":
        if number not in clocks:
            valid = ", ".join(str(clock) for clock in clocks)
            raise InvalidConfiguration(f"{device}: property {key}={value}: valid clocks are {valid} MHz")
    elif per_core:
        if not 1 <= number <= 100:
            raise InvalidConfiguration(f"{device}: property {key}={value}: give a percentage from 1 to 100")
    elif key == "device_firmware":
        if number not in (0, 1):
            raise InvalidConfiguration(f"{device}: property {key}={value}: give 1 to load the firmware, or 0")
    else:
        raise InvalidConfiguration(
            f"{device}: unknown property {key[:100]}; known are clock_profile, clock_profile_core_0 to {cores - 1}, "
            f"mvm_utilisation_core_0 to {cores - 1} and device_firmware"
        )
    return number
