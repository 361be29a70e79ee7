"""The emulator's options: one TOML file or one environment variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from axemu.driver import InvalidConfiguration
from axemu.emulator import EmulatorDriver, load_options, parse_options

GIB = 1 << 30


def test_without_configuration_there_is_one_pcie_card_in_virtual_time() -> None:
    options, sources = load_options()
    assert sources == ()
    assert (options.pace, options.numerics, options.computes) == ("virtual", "metis", True)
    (device,) = EmulatorDriver(options).list_devices()
    assert (device.name, device.board_type.name, device.max_memory) == ("metis-0:1:0", "pcie", 4 * GIB)


def test_file_names_number_type_and_memory_of_boards(tmp_path: Path) -> None:
    (tmp_path / "axemu.toml").write_text(
        """
        [emulator]
        pace = "realtime"
        numerics = "exact"
        [[emulator.boards]]
        type = "m2"
        memory = "512MiB"
        name = "bench"
        [[emulator.boards]]
        count = 2
        """
    )
    options, sources = load_options()
    assert sources == (f"configuration file {tmp_path / 'axemu.toml'}",)
    assert (options.pace, options.numerics) == ("realtime", "exact")
    found = [
        (info.name, info.board_type.name, info.max_memory) for info in EmulatorDriver(options).list_devices()
    ]
    assert found == [
        ("bench", "m2", 512 << 20),
        ("metis-0:3:0", "pcie", 4 * GIB),
        ("metis-0:5:0", "pcie", 4 * GIB),
    ]


def test_environment_variable_replaces_keys_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "axemu.toml").write_text('[emulator]\npace = "realtime"\nnumerics = "exact"\n')
    monkeypatch.setenv("AXEMU_EMULATOR", 'boards = 2, pace = "virtual"')
    options, sources = load_options()
    assert (options.pace, options.numerics, options.boards[0].count) == ("virtual", "exact", 2)
    assert [source.split()[0] for source in sources] == ["configuration", "environment"]


@pytest.mark.parametrize(
    ("boards", "types"),
    [(0, []), (2, ["pcie", "pcie"]), ("m2", ["m2"]), (["m2", {"type": "pcie-16g"}], ["m2", "pcie-16g"])],
)
def test_boards_are_a_number_a_type_or_a_list(boards: object, types: list[str]) -> None:
    driver = EmulatorDriver(parse_options({"boards": boards}, "test"))
    assert [info.board_controller_board_type for info in driver.list_devices()] == types


def test_a_card_with_four_chips_is_four_devices() -> None:
    driver = EmulatorDriver(parse_options({"boards": ["pcie-x4"]}, "test"))
    assert [info.name for info in driver.list_devices()] == [f"metis-0:{number}:0" for number in (1, 3, 5, 7)]


def test_report_variables_name_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_REPORT", "r.json")
    monkeypatch.setenv("AXEMU_TRACE", "t.pftrace")
    options, _ = load_options()
    assert (options.report, options.trace) == ("r.json", "t.pftrace")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"pase": "virtual"}, ("pase", "known keys", "pace")),
        ({"pace": "fast"}, ("pace", "'virtual'", "'realtime'")),
        ({"boards": ["metis"]}, ("boards.0.type", "'metis'", "pcie", "m2")),
        ({"boards": [{"type": "m2", "memory": "lots"}]}, ("memory", "'lots'", "4GiB")),
        ({"boards": 1000}, ("boards", "64")),
        ({"boards": True}, ("boards",)),
        ({"ambient": 200}, ("ambient", "70")),
        ({"sdk": "1.7"}, ("sdk", "1.6, 1.8")),
        ({"cooling": "ice"}, ("cooling", "fan, heatsink, fanless")),
        ({"cooling": -1.0}, ("cooling", "K/W")),
        ({"host": "mainframe"}, ("host", "'mainframe'", "desktop")),
        ({"configure_polls": "3"}, ("configure_polls",)),
        ({"run_threads": 0}, ("run_threads", "greater than or equal to 1")),
    ],
)
def test_a_bad_option_is_refused_with_key_and_choice(
    values: dict[str, object], words: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        parse_options(values, "file a.toml")
    for word in ("file a.toml", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "boards =",
        "pace = virtual",
        "}\nboards = 2\nx = {",
        "[emulator]",
        "boards = " + "[" * 5000,
        "boards = " + "{a = " * 5000,
        "a." * 5000 + "b = 1",
        "boards = 0x" + "f" * 5000,
        "ambient = " + "9" * 5000,
        'report = "a\\u0000b"',
        "a = 1, " * 9000 + "b = 1",
    ],
)
def test_a_bad_environment_variable_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_EMULATOR", text)
    with pytest.raises(InvalidConfiguration, match="AXEMU_EMULATOR") as caught:
        load_options()
    assert len(str(caught.value)) < 2000


def test_two_boards_of_one_name_are_refused() -> None:
    options = parse_options({"boards": [{"name": "a"}, {"name": "a"}]}, "test")
    with pytest.raises(InvalidConfiguration, match="two boards are called a"):
        EmulatorDriver(options)


def test_there_is_a_limit_to_the_number_of_devices() -> None:
    options = parse_options({"boards": [{"type": "pcie-x4", "count": 17}]}, "test")
    with pytest.raises(InvalidConfiguration, match="64 devices"):
        EmulatorDriver(options)


def test_a_calibration_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match=r"nowhere\.json"):
        EmulatorDriver(parse_options({"calibration": "nowhere.json"}, "test"))


def test_of_thousands_of_unknown_keys_twenty_are_told() -> None:
    with pytest.raises(InvalidConfiguration, match="and 9980 more") as caught:
        parse_options({f"key{number}": 1 for number in range(10_000)}, "test")
    assert len(str(caught.value)) < 4000


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"figures": {"a": {"value": 1' + "0" * 400 + "}}}", "\udcff", "9" * 5000]
)
def test_a_calibration_that_hurts_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(InvalidConfiguration, match=r"calibration\.json"):
        EmulatorDriver(parse_options({"calibration": str(path)}, "test"))
