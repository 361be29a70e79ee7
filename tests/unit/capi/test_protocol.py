"""Messages survive their way, and damaged ones are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import axemu.capi
from axemu.capi._protocol import VERSION, DamagedRequestError, Operation, Reader, Writer
from axemu.driver import BoardType
from axemu.driver.native._results import NAMES

TEXT = st.text(max_size=20) | st.just("\udce4")  # also what was no UTF-8


@given(
    small=st.integers(0, (1 << 32) - 1),
    large=st.integers(0, (1 << 64) - 1),
    text=TEXT,
    properties=st.dictionaries(TEXT, TEXT, max_size=4),
)
def test_what_is_written_is_read(small: int, large: int, text: str, properties: dict[str, str]) -> None:
    writer = Writer()
    writer.u32(small)
    writer.properties(properties)
    writer.text(text)
    writer.u64(large)
    reader = Reader(writer.content())
    assert (reader.u32(), reader.properties(), reader.text(), reader.u64()) == (
        small,
        properties,
        text,
        large,
    )


def test_negative_numbers_are_twos_complement() -> None:
    writer = Writer()
    writer.u32(-130)
    assert Reader(writer.content()).u32() == (1 << 32) - 130


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in (Reader.u32, Reader.u64, Reader.text, Reader.properties):
        try:
            read(Reader(content))
        except DamagedRequestError:
            continue


@pytest.mark.parametrize("cut", range(1, 11))
def test_a_message_that_ends_too_early_is_refused(cut: int) -> None:
    writer = Writer()
    writer.text("abcdef")
    with pytest.raises(DamagedRequestError):
        Reader(writer.content()[:-cut]).text()


def test_both_sides_number_alike() -> None:
    room = Path(axemu.capi.__file__).parent
    internal = (room / "source" / "internal.h").read_text(encoding="utf-8")
    header = (room / "include" / "axruntime" / "axruntime.h").read_text(encoding="utf-8")
    assert f"#define PROTOCOL {VERSION}u" in internal
    operations = re.findall(r"\bOP_(\w+)(?: = 1)?[,\n]", internal)
    assert [(name, number) for number, name in enumerate(operations, 1)] == [
        (one.name, one.value) for one in Operation
    ]
    results = re.findall(r"AXR_(?:ERROR_)?(\w+) = (\d+)", header.partition("axrLogLevel {")[0])
    assert [(name, str(number)) for number, name in enumerate(NAMES)] == results
    boards = dict(re.findall(r"AXR_BOARD_TYPE_(?:OMEGA_)?(\w+) = (\d+)", header))
    for kind in (BoardType.pcie, BoardType.m2, BoardType.devboard, BoardType.sbc, BoardType.unknown):
        assert boards[kind.name.upper()] == str(kind.value)
