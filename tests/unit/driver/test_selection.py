"""The driver is chosen by argument, environment, configuration file, default, in that order; the choice says whence."""

from pathlib import Path

import pytest

from axemu.driver import InvalidConfiguration, Selection, selection


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def _user_file(here: Path, content: str) -> Path:
    path = here / "config" / "axemu" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def test_without_any_wish_it_is_the_emulator(here: Path) -> None:
    assert selection() == Selection("emulator", "default")


def test_a_user_file_chooses(here: Path) -> None:
    path = _user_file(here, 'driver = "native"')
    assert selection() == Selection("native", f"configuration file {path}")


def test_a_file_in_the_current_directory_beats_the_users(here: Path) -> None:
    _user_file(here, 'driver = "native"')
    (here / "axemu.toml").write_text('driver = "function"')
    assert selection() == Selection("function", f"configuration file {here / 'axemu.toml'}")


def test_a_file_that_does_not_speak_of_drivers_leaves_the_choice_to_the_next(here: Path) -> None:
    path = _user_file(here, 'driver = "native"')
    (here / "axemu.toml").write_text("[other]\nkey = 1")
    assert selection().source == f"configuration file {path}"


def test_the_file_named_by_the_environment_stands_alone(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "axemu.toml").write_text('driver = "function"')
    (here / "named.toml").write_text("")
    monkeypatch.setenv("AXEMU_CONFIG", str(here / "named.toml"))
    assert selection() == Selection("emulator", "default")


def test_the_environment_beats_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "axemu.toml").write_text('driver = "function"')
    monkeypatch.setenv("AXELERA_DRIVER", "native")
    assert selection() == Selection("native", "environment variable AXELERA_DRIVER")


def test_the_argument_beats_everything(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXELERA_DRIVER", "native")
    assert selection("function") == Selection("function", "argument")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"driver = ", "not a TOML file"),
        (b"\xff\xfe", "not a TOML file"),
        (b"driver = " + b"[" * 100_000, "not a TOML file"),
        (b"driver = 3", "key 'driver' is 3"),
        (b'driver = ""', "key 'driver' is ''"),
        (b"#" * (1 << 20) + b"#", "larger than 1048576 B"),
    ],
)
def test_a_damaged_file_is_named(here: Path, content: bytes, message: str) -> None:
    (here / "axemu.toml").write_bytes(content)
    with pytest.raises(InvalidConfiguration, match=message) as caught:
        selection()
    assert str(here / "axemu.toml") in str(caught.value)


def test_a_missing_named_file_is_an_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_CONFIG", "/nowhere/axemu.toml")
    with pytest.raises(InvalidConfiguration, match=r"AXEMU_CONFIG names /nowhere/axemu\.toml"):
        selection()


def test_without_a_current_directory_there_is_no_file_in_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "gone").mkdir()
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()
    assert selection() == Selection("emulator", "default")
