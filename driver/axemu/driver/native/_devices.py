"""Boards as the native library lists them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from axemu.driver._errors import ConnectionError, InternalError  # noqa: A004
from axemu.driver._types import BoardType, DeviceInfo
from axemu.driver.native._abi import DEVICES, ROOM, Layout, ffi
from axemu.driver.native._library import Library, read_memory

_MOST_DEVICES = 1024
_MOST_CORES = 64
_MOST_MEMORY = 1 << 48
_LATER = ("flashed_firmware_version", "board_controller_firmware_version", "board_controller_board_type")


class Devices:
    """The boards of a context. Keeps copies of what the library said, since its own list may change any time."""

    def __init__(self, library: Library, context: Any) -> None:
        self._library = library
        self._context = context
        self._lock = threading.Lock()
        self._raw: dict[str, Any] = {}
        self._layouts: tuple[Layout, ...] = DEVICES

    def present(self) -> Sequence[DeviceInfo]:
        """Return the boards.

        Raises:
            AxeleraError: the library's own, or what it returned makes no sense.
        """
        functions = self._library.functions
        array = ffi.new("void **")
        with self._lock:  # the array is the context's, and the next list may replace it
            count = int(functions.axr_list_devices(self._context, array))
            if not count:
                if functions.axr_last_error(self._context):
                    raise self._library.error("listing devices", self._context)
                self._raw = {}
                return []
            if count > _MOST_DEVICES or not array[0]:
                what = "no list" if not array[0] else "more than is possible"
                raise InternalError(f"the native library says there are {count} devices and gives {what}")
            found, layout = self._read(int(ffi.cast("uintptr_t", array[0])), count)
            self._raw = {info.name: raw for info, raw in found}
            # Of one board both layouts may make sense; of several only the right one.
            self._layouts = (layout,) if count > 1 else self._layouts
            return [info for info, _ in found]

    def structure(self, name: str) -> Any:
        """Return the library's description of a board, to be kept while the library reads it.

        Raises:
            ConnectionError: there is no such board.
        """
        if name not in self._raw:
            self.present()
        try:
            return self._raw[name]  # memory of its own: another list may be made meanwhile
        except KeyError:
            present = ", ".join(self._raw) or "none"
            raise ConnectionError(f"no device {name!r}; present: {present}") from None

    def _read(self, address: int, count: int) -> tuple[list[tuple[DeviceInfo, Any]], Layout]:
        for layout in self._layouts:
            content = read_memory(address, count * layout.size)
            if len(content) < count * layout.size:
                continue
            parts = [content[index * layout.size : (index + 1) * layout.size] for index in range(count)]
            infos = [_parse(layout, part) for part in parts]
            names = {info.name for info in infos if info is not None}
            if len(names) == count:
                copies = [ffi.new("char[]", part + bytes(ROOM)) for part in parts]
                return [(info, copy) for info, copy in zip(infos, copies, strict=True) if info], layout
        sizes = " or ".join(str(layout.size) for layout in self._layouts)
        raise InternalError(
            f"the native library {self._library.path} (interface version {self._library.version[:80]!r}) lists {count} devices "
            f"that make no sense as structures of {sizes} B: its axrDeviceInfo is not one this SDK knows"
        )


def _parse(layout: Layout, content: bytes) -> DeviceInfo | None:
    """Read a board; None if a field holds what none can."""
    raw = ffi.from_buffer(f"{layout.structure} *", content)
    fields = ("name", "in_use_by", "firmware_version", *(field for field in _LATER if hasattr(raw, field)))
    texts = {field: _text(bytes(ffi.buffer(getattr(raw, field)))) for field in fields}
    if (
        not texts["name"]
        or None in texts.values()
        or not 1 <= raw.subdevice_count <= _MOST_CORES
        or raw.max_memory > _MOST_MEMORY
    ):
        return None
    known = {kind.value: kind for kind in BoardType}
    return DeviceInfo(
        name=texts["name"],
        in_use_by=texts["in_use_by"] or "",
        firmware_version=texts["firmware_version"] or "",
        flashed_firmware_version=texts.get(_LATER[0]) or "",
        board_controller_firmware_version=texts.get(_LATER[1]) or "",
        board_controller_board_type=texts.get(_LATER[2]) or "",
        subdevice_count=int(raw.subdevice_count),
        max_memory=int(raw.max_memory),
        in_use=bool(raw.in_use),
        board_type=known.get(int(raw.board_type), BoardType.unknown),
        board_revision=int(raw.board_revision),
    )


def _text(content: bytes) -> str | None:
    """Return a text that ends within its field and can be printed."""
    text, end, _ = content.partition(b"\0")
    try:
        said = text.decode("utf-8")
    except UnicodeDecodeError:
        # A long text may have been cut off within a character.
        said = text.decode("utf-8", "ignore")
        if len(text) < len(content) - 1:
            return None
    return said if end and (said.isprintable() or not said) else None
