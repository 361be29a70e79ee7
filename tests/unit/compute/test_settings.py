"""Numbers in environment variables."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axemu.driver import InvalidArgument
from axemu.emulator.compute import load
from axemu.emulator.compute._settings import MAX_THREADS, seconds_setting, thread_setting
from axemu.model.program import Program

NAME = "AXEMU_TEST_SETTING"
NO_THREADS = (
    "many",
    "²",
    "٣",
    "-1",
    "0",
    "1.5",
    "1e3",
    "0x10",
    "1_0",
    "+2",
    str(MAX_THREADS + 1),
    "9" * 4300,
)
NO_SECONDS = ("abc", "²", "nan", "inf", "1e5", "-1", "0", "0.0", ".", "1_0", "86401", "9" * 4300)


@pytest.mark.parametrize("text", NO_THREADS)
def test_what_is_no_number_of_threads_is_refused_by_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(
        InvalidArgument, match=rf"{NAME} is .*expected a number of threads, 1 to 4096"
    ) as raised:
        thread_setting(NAME, 1)
    assert repr(text)[:40] in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("text", NO_SECONDS)
def test_what_is_no_number_of_seconds_is_refused_by_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    with pytest.raises(InvalidArgument, match=rf"{NAME} is .*expected seconds as a decimal number"):
        seconds_setting(NAME, 1.0)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(NAME, text)
        for setting in (thread_setting, seconds_setting):
            try:
                assert setting(NAME, 1) > 0
            except InvalidArgument as error:
                assert re.search(NAME, str(error))  # noqa: PT017  the value may also be fine


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 240.0), ("0.05", 0.05), (" 30 ", 30.0), (".5", 0.5), ("5.", 5.0)]
)
def test_seconds_are_decimal_numbers(text: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, text)
    assert seconds_setting(NAME, 240.0) == seconds


@pytest.mark.parametrize("variable", ["AXEMU_COMPUTE_THREADS", "AXEMU_COMPUTE_RUN_THREADS"])
def test_loading_refuses_a_bad_number_of_threads(
    variable: str, block: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axemu.emulator.compute._threads._budgets", {})
    monkeypatch.setenv(variable, "²")
    with pytest.raises(InvalidArgument, match=f"{variable} is '²'"):
        load(block)
