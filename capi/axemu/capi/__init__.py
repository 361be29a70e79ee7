"""The C face: a `libaxruntime.so` of our own with its headers, backed by boards that another process owns.

`build_library` builds it from the sources in this package, `Server` is that process. The library starts one where there
is none, so programs in C and C++ need nothing but the library; see `docs/how-to/run-a-c-program.md`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from axemu.capi._build import build_library, find_compiler, include_directory
from axemu.capi._launch import serve, server_address

if TYPE_CHECKING:
    from axemu.capi._server import Server

__all__ = ["Server", "build_library", "find_compiler", "include_directory", "serve", "server_address"]


def __getattr__(name: str) -> Any:
    """Load the server, which needs the runtime, on first use."""
    if name != "Server":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}._server").Server
