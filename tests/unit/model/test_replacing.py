"""A file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from axemu.model import replacing


def test_what_is_written_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with replacing(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def write_half(file: Path) -> None:
    with replacing(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(RuntimeError):
        write_half(file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_and_leads_to_the_new_content(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    with replacing(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make links for somebody else")
def test_a_link_of_somebody_else_is_refused(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("precious")
    link.symlink_to(real)
    os.lchown(link, 12345, 12345)
    with pytest.raises(PermissionError, match=r"link of another user.*link'$"), replacing(link):
        pytest.fail("nothing may be written")
    assert real.read_text() == "precious"


def test_nothing_is_written_at_a_name_that_can_be_guessed(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        with replacing(tmp_path / "file") as temporary:
            names.append(temporary)
            temporary.touch()
            assert temporary.parent.stat().st_mode & 0o777 == 0o700
    assert names[0] != names[1]


@pytest.mark.parametrize("place", ["missing/file", "file/inside", "."])
def test_an_error_names_the_file_that_was_asked_for(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    target = tmp_path / place
    with pytest.raises(OSError, match=rf"'{target}'$"), replacing(target) as temporary:
        temporary.write_text("new")


def test_a_device_is_written_to_and_stays() -> None:
    with replacing(Path("/dev/null")) as temporary:
        temporary.write_text("new")
    assert Path("/dev/null").is_char_device()
