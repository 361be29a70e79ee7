"""Boards, their configuration and connections, on a library that does not always do what it should."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable

import pytest

import axelera.runtime as axr
from axemu.driver.native._results import NAMES, error_of, result_of

Misbehave = Callable[[str], None]
Trace = Callable[[], list[str]]


def test_boards_are_described_in_full(misbehave: Misbehave) -> None:
    with axr.Context("native") as context:
        first, second = context.list_devices()
    assert first == axr.DeviceInfo(
        "metis-0:1:0",
        subdevice_count=4,
        max_memory=1 << 32,
        board_type=axr.BoardType.m2,
        firmware_version="v1.6.0",
        board_revision=7,
        flashed_firmware_version="v1.5.9",
    )
    assert second.name == "metis-0:3:0"


def test_the_first_releases_laid_boards_out_without_later_fields(misbehave: Misbehave) -> None:
    misbehave("old-layout")
    with axr.Context("native") as context:
        boards = context.list_devices()
        assert [(board.name, board.board_revision) for board in boards] == [
            ("metis-0:1:0", 7),
            ("metis-0:3:0", 7),
        ]
        assert boards[0].flashed_firmware_version == ""
        assert context.device_connect(1, 2).device.name == "metis-0:3:0"


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ("list-error", axr.AxeleraError, "No target device found in lspci"),
        ("list-null", axr.InternalError, "says there are 3 devices and gives no list"),
        ("list-endless", axr.InternalError, "devices and gives more than is possible"),
        (
            "list-garbage",
            axr.InternalError,
            r"lists 2 devices that make no sense as structures of 1568 or 800 B",
        ),
        ("list-stray", axr.InternalError, r"make no sense as structures of 1568 or 800 B"),
    ],
)
def test_a_list_that_makes_no_sense_is_an_error(
    misbehave: Misbehave, words: str, error: type[Exception], message: str
) -> None:
    misbehave(words)
    with axr.Context("native") as context, pytest.raises(error, match=message):
        context.list_devices()


def test_no_board_is_an_empty_list(misbehave: Misbehave) -> None:
    misbehave("list-empty")
    with axr.Context("native") as context:
        assert context.list_devices() == []
        with pytest.raises(axr.ConnectionError, match="no target device found"):
            context.device_connect()


def test_connecting_passes_cores_and_properties_and_the_librarys_words(misbehave: Misbehave) -> None:
    misbehave("connect-fails")
    with (
        axr.Context("native") as context,
        pytest.raises(axr.DeviceInUse, match=r"^metis-0:3:0: 3 sub-devices, a=1;b=two$"),
    ):
        context.device_connect(1, 3, a=True, b="two")


def test_a_failure_without_an_error_is_an_internal_one(misbehave: Misbehave) -> None:
    misbehave("connect-null")
    with (
        axr.Context("native") as context,
        pytest.raises(
            axr.InternalError, match="connecting to metis-0:1:0: the native library failed and names no"
        ),
    ):
        context.device_connect(0)


@pytest.mark.parametrize("value", ["1;clock=2", "a\0b"])
def test_a_property_cannot_smuggle_another_one_in(misbehave: Misbehave, value: str) -> None:
    with axr.Context("native") as context, pytest.raises(axr.InvalidArgument, match="separates properties"):
        context.device_connect(0, 1, key=value)


def test_properties_that_the_library_refuses_are_its_error(misbehave: Misbehave) -> None:
    misbehave("properties-fail")
    with axr.Context("native") as context, pytest.raises(axr.InvalidArgument, match="Invalid properties: no"):
        context.device_connect(0, 1, key=1)


@pytest.mark.parametrize(
    "code", [code for code, name in enumerate(NAMES) if name not in ("SUCCESS", "PENDING_ERROR")]
)
def test_each_result_is_its_documented_exception_with_the_librarys_words(
    misbehave: Misbehave, code: int
) -> None:
    misbehave(f"configure:{code}")
    with axr.Context("native") as context, pytest.raises(axr.AxeleraError, match=r"^metis-0:1:0$") as caught:
        context.configure_device(0, clock_profile=600)
    names = {
        "RUNTIME_ERROR": axr.AxeleraError,
        "VALUE_ERROR": axr.InvalidArgument,
        "INVALID_ARGUMENT": axr.InvalidArgument,
        "CONNECTION_ERROR": axr.ConnectionError,
        "DEVICE_IN_USE": axr.DeviceInUse,
        "INCOMPATIBLE_DEVICE": axr.IncompatibleDevice,
        "INVALID_CONFIGURATION": axr.InvalidConfiguration,
        "NOT_IMPLEMENTED": axr.NotImplemented,
        "INTERNAL_ERROR": axr.InternalError,
        "UNKNOWN_ERROR": axr.UnknownError,
    }
    assert type(caught.value) is names[NAMES[code]]


def test_exceptions_and_results_are_each_others_inverse() -> None:
    for code, name in enumerate(NAMES[1:], 1):
        if name != "VALUE_ERROR":
            assert result_of(error_of(name)("x")) == code
    assert NAMES[result_of(ValueError("x"))] == "VALUE_ERROR"
    assert NAMES[result_of(ZeroDivisionError("x"))] == "INTERNAL_ERROR"


def test_numbers_of_results_are_the_librarys_own_where_it_names_them(misbehave: Misbehave) -> None:
    misbehave("other-numbers configure:1")
    with axr.Context("native") as context, pytest.raises(axr.DeviceInUse):
        context.configure_device(0, clock_profile=600)


def test_without_names_and_texts_the_documented_numbers_hold(misbehave: Misbehave) -> None:
    misbehave("no-names no-text configure:7")
    with (
        axr.Context("native") as context,
        pytest.raises(
            axr.InvalidConfiguration, match=r"configuring metis-0:1:0: .* says nothing \(result 7\)"
        ),
    ):
        context.configure_device(0, clock_profile=600)


def test_a_result_that_nobody_knows_is_an_unknown_error(misbehave: Misbehave) -> None:
    misbehave("configure:77")
    with axr.Context("native") as context, pytest.raises(axr.UnknownError):
        context.configure_device(0, clock_profile=600)


@pytest.mark.parametrize("convention", ["", "ready-is-true"])
def test_a_pending_configuration_is_polled_whatever_the_librarys_way_to_say_ready(
    misbehave: Misbehave, trace: Trace, convention: str
) -> None:
    misbehave(convention)
    with axr.Context("native") as context:
        assert context.device_ready(0) is True
        misbehave(f"{convention} pending")
        assert context.configure_device(0, clock_profile=600, mvm_utilisation_core_0=50) is False
        assert "clock_profile=600;mvm_utilisation_core_0=50" in trace()
        assert [context.device_ready(0) for _ in range(3)] == [False, False, True]


def test_a_board_lost_while_polling_is_an_error(misbehave: Misbehave) -> None:
    with axr.Context("native") as context:
        context.configure_device(0, clock_profile=600)
        misbehave("ready:4")
        with pytest.raises(axr.ConnectionError, match="board lost"):
            context.device_ready(0)


def test_a_configuration_is_read_as_text(misbehave: Misbehave) -> None:
    with axr.Context("native") as context:
        assert context.read_device_configuration(0) == {"clock_profile": "800", "label": ""}


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ("read-fails", axr.NotImplemented, "not on this board"),
        ("keys-null", axr.InternalError, "says there are 2 properties and gives no list"),
        ("keys-short", axr.InternalError, "list of 2 properties is shorter than that"),
        ("keys-endless", axr.InternalError, "properties and gives no list"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_an_error(
    misbehave: Misbehave, words: str, error: type[Exception], message: str
) -> None:
    misbehave(words)
    with axr.Context("native") as context, pytest.raises(error, match=message):
        context.read_device_configuration(0)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (logging.WARNING, ["WARNING", "WARNING", "ERROR"]),
        (logging.INFO, ["INFO", "WARNING", "WARNING", "ERROR"]),
        (1, ["Level 5", "Level 5", "DEBUG", "INFO", "WARNING", "WARNING", "ERROR"]),
    ],
)
def test_the_librarys_messages_are_records_of_the_loggers_level(
    misbehave: Misbehave, caplog: pytest.LogCaptureFixture, level: int, expected: list[str]
) -> None:
    misbehave("talkative")
    with caplog.at_level(level, logger="axelera.runtime"), axr.Context("native"):
        pass
    assert [record.levelname for record in caplog.records] == expected
    assert {record.getMessage() for record in caplog.records} == {"said by the library"}


def test_a_board_stays_described_while_others_list_boards(misbehave: Misbehave) -> None:
    """The library's own list may change with every call; what is handed to it must not."""
    from axemu.driver import NativeDriver

    driver = NativeDriver()
    structure = driver._structure(driver.list_devices()[1])
    for _ in range(100):
        driver.list_devices()
    gc.collect()
    assert b"".join(structure[0:11]) == b"metis-0:3:0"
    driver.close()
