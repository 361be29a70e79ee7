"""Building `libaxruntime.so` from the sources in this package."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from axemu.driver import Scratch
from axemu.driver.native import LIBRARY

_FLAGS = ("-std=gnu11", "-O2", "-g", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-pthread")
_PKG_CONFIG = """prefix=${{pcfiledir}}/../..
includedir=${{prefix}}/include
libdir=${{prefix}}/lib

Name: axruntime
Description: C interface of Axelera Metis boards, on emulated boards (independent of Axelera AI)
Version: {version}
Cflags: -I${{includedir}}
Libs: -L${{libdir}} -laxruntime
"""


def include_directory() -> Path:
    """Return the directory for a compiler's -I: it holds `axruntime/axruntime.h` and `axruntime/axruntime.hpp`."""
    return Path(__file__).parent / "include"


def find_compiler() -> str | None:
    """Return the command of a C compiler: CC, else cc, gcc or clang; None where there is none."""
    if chosen := os.environ.get("CC"):
        return chosen
    return next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)


def build_library(directory: Path, compiler: str | None = None, flags: Sequence[str] = ()) -> Path:
    """Build the library into `directory`, with headers and a file for pkg-config; returns the library's path.

    Args:
        directory: gets `include/axruntime`, `lib/libaxruntime.so` and `lib/pkgconfig/axruntime.pc`.
        compiler: the command of a C compiler; None: `find_compiler`.
        flags: further flags, such as `-fsanitize=thread`.

    Raises:
        OSError: there is no compiler, it fails (the message holds what it said), or `directory` cannot be written.
    """
    command = compiler or find_compiler()
    if command is None:
        raise OSError(
            "no C compiler found: install gcc or clang (Debian: build-essential), or name one in CC"
        )
    version = metadata.version("axemu")
    directory.mkdir(parents=True, exist_ok=True)
    with Scratch(".axruntime-", directory) as scratch:
        library = scratch / LIBRARY
        _compile([*shlex.split(command), *_FLAGS, *flags, *_definitions(version)], library)
        target = directory / "lib" / LIBRARY
        (directory / "lib" / "pkgconfig").mkdir(parents=True, exist_ok=True)
        (directory / "include" / "axruntime").mkdir(parents=True, exist_ok=True)
        for header in (include_directory() / "axruntime").glob("*.h*"):
            _place(header, directory / "include" / "axruntime" / header.name, scratch)
        text = scratch / "axruntime.pc"
        text.write_text(_PKG_CONFIG.format(version=version), encoding="utf-8")
        text.replace(directory / "lib" / "pkgconfig" / "axruntime.pc")
        library.replace(target)
    return target


def _place(source: Path, target: Path, scratch: Path) -> None:
    shutil.copyfile(source, scratch / source.name)
    (scratch / source.name).replace(target)


def _definitions(version: str) -> tuple[str, ...]:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return (f"-DAXEMU_PYTHON={quoted(sys.executable)}", f"-DAXEMU_VERSION={quoted(version)}")


def _compile(command: Sequence[str], library: Path) -> None:
    sources = sorted((Path(__file__).parent / "source").glob("*.c"))
    arguments = [
        *command,
        f"-I{include_directory()}",
        "-shared",
        f"-Wl,-soname,{LIBRARY}",
        "-o",
        str(library),
        *map(str, sources),
    ]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    except OSError as error:
        raise OSError(f"the C compiler {command[0]!r} cannot be run: {error}; name another one") from error
    if done.returncode:
        raise OSError(f"{shlex.join(arguments)} failed:\n{done.stderr.strip() or done.stdout.strip()}")
