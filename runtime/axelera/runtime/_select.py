"""Device selectors, as command lines and AXELERA_DEVICE_SELECTOR spell them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from axelera.runtime._context import Context
from axemu.driver import DeviceInfo, InvalidArgument


def select_devices(
    selector: str | None = None, devices: Sequence[DeviceInfo] | None = None
) -> list[DeviceInfo]:
    """Return the devices a selector means, in its order.

    Args:
        selector: indices and names with commas between ("0,1", "metis-0:1:0"); None takes AXELERA_DEVICE_SELECTOR,
            and an empty one means every device.
        devices: where to choose from; None lists the devices present.

    Raises:
        InvalidArgument: a part of the selector names no device, or one twice.
    """
    if selector is None:
        selector = os.environ.get("AXELERA_DEVICE_SELECTOR", "")
    if devices is None:
        with Context() as context:
            devices = context.list_devices()
    parts = [part.strip() for part in selector.split(",") if part.strip()]
    if not parts:
        return list(devices)
    chosen = [_select_one(part, devices, selector) for part in parts]
    if len({info.name for info in chosen}) < len(chosen):
        raise InvalidArgument(f"device selector {selector[:200]!r} names a device twice")
    return chosen


def _select_one(part: str, devices: Sequence[DeviceInfo], selector: str) -> DeviceInfo:
    for index, info in enumerate(devices):
        if part == str(index) or part.replace(":", "-") == info.name.replace(":", "-"):
            return info
    present = ", ".join(f"{index} {info.name}" for index, info in enumerate(devices)) or "none"
    raise InvalidArgument(
        f"device selector {selector[:200]!r}: there is no device {part[:100]!r}; present: {present}"
    )
