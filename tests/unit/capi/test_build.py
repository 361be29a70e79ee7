"""The library is built from what the package holds, or it is said why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from axemu.capi import build_library, find_compiler, include_directory
from axemu.driver.native._abi import NEEDED


def test_without_a_compiler_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() is None
    with pytest.raises(OSError, match=r"no C compiler found: install gcc or clang"):
        build_library(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_compiler_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"the C compiler '/nowhere/cc' cannot be run"):
        build_library(tmp_path / "out", "/nowhere/cc -m64")


def test_a_failing_compiler_leaves_nothing_but_its_words(tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'internal compiler error' >&2\nexit 1\n")
    compiler.chmod(0o755)
    with pytest.raises(OSError, match=r"-shared.* failed:\ninternal compiler error"):
        build_library(tmp_path / "out", str(compiler))
    assert list((tmp_path / "out").iterdir()) == []


def test_the_environment_names_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "ccache gcc-13")
    assert find_compiler() == "ccache gcc-13"


def test_what_was_built_is_complete(c_face: Path) -> None:
    files = {str(path.relative_to(c_face)) for path in c_face.rglob("*") if path.is_file()}
    assert files == {
        "include/axruntime/axruntime.h",
        "include/axruntime/axruntime.hpp",
        "lib/libaxruntime.so",
        "lib/pkgconfig/axruntime.pc",
    }
    assert "Libs: -L${libdir} -laxruntime" in (c_face / "lib" / "pkgconfig" / "axruntime.pc").read_text()


def test_the_header_declares_every_function_that_the_binding_needs() -> None:
    header = (include_directory() / "axruntime" / "axruntime.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"\b(axr_\w+)\(", header))
    assert set(NEEDED) <= declared
