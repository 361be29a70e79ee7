"""`.axm` archives: deterministic when written, bounded and suspicious when read."""

import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from axemu.driver import InvalidArgument
from axemu.model import load_compiled_model, read_axm, write_axm

Write = Callable[[], Path]
UNICODE_NAMES = pytest.mark.skipif(
    sys.getfilesystemencoding() != "utf-8", reason="no such file can exist: names are ASCII here"
)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "net.axm"


def _zip(
    path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_STORED
) -> None:
    with zipfile.ZipFile(path, "w", compression) as target:
        for name, content in members:
            target.writestr(name, content)


def test_a_model_loads_from_an_archive_as_from_its_directory(write: Write, archive: Path) -> None:
    directory = write()
    write_axm(directory, archive)
    packed, loose = load_compiled_model(archive), load_compiled_model(directory)
    assert (packed.inputs, packed.outputs, packed.name) == (loose.inputs, loose.outputs, "net")


def test_an_archive_of_a_directory_within_a_directory_loads_too(write: Write, archive: Path) -> None:
    directory = write()
    write_axm(directory.parent, archive)
    assert load_compiled_model(archive).batch == 1


def test_the_unpacked_files_go_with_the_model(write: Write, archive: Path) -> None:
    write_axm(write(), archive)
    model = load_compiled_model(archive)
    unpacked = model.directory
    assert (unpacked / "model.json").is_file()
    del model
    assert not unpacked.exists()


def test_a_refused_archive_leaves_nothing_behind(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    _zip(archive, ("model.json", b"{}"))
    with pytest.raises(InvalidArgument):
        load_compiled_model(archive)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_equal_directories_give_identical_archives(write: Write, archive: Path, tmp_path: Path) -> None:
    directory = write()
    write_axm(directory, archive)
    first = archive.read_bytes()
    for path in directory.iterdir():
        os.utime(path, (1e9, 1e9))
        path.chmod(0o600)
    assert write_axm(directory, tmp_path / "again.axm").read_bytes() == first


def test_members_are_stored_not_compressed(write: Write, archive: Path) -> None:
    write_axm(write(), archive)
    with zipfile.ZipFile(archive) as packed:
        assert {member.compress_type for member in packed.infolist()} == {zipfile.ZIP_STORED}
        assert packed.namelist() == ["manifest.json", "model.json"]


def test_what_is_packed_is_unpacked_byte_for_byte(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "b.bin").write_bytes(bytes(range(256)) * 9000)
    (tmp_path / "in" / "a").write_bytes(b"")
    (tmp_path / "out").mkdir()
    read_axm(write_axm(tmp_path / "in", archive), tmp_path / "out")
    assert (tmp_path / "out" / "sub" / "b.bin").read_bytes() == bytes(range(256)) * 9000
    assert (tmp_path / "out" / "a").read_bytes() == b""


def test_links_are_not_packed(write: Write, archive: Path) -> None:
    directory = write()
    (directory / "link").symlink_to("/etc/passwd")
    with pytest.raises(InvalidArgument, match="link: not a regular file"):
        write_axm(directory, archive)
    assert not archive.exists()


@pytest.mark.parametrize("name", ["back\\slash", "c:drive", "/".join("abcdefghi")])
def test_names_that_could_not_be_unpacked_are_not_packed(tmp_path: Path, archive: Path, name: str) -> None:
    path = tmp_path / "in" / name
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(InvalidArgument, match="rename it"):
        write_axm(tmp_path / "in", archive)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("réseau 網.onnx", marks=UNICODE_NAMES),
        "a b",
        "x" * 200,
        "-",
        "quo'te\"",
        "new\nline",
    ],
)
def test_names_of_any_other_kind_survive(tmp_path: Path, archive: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(b"x")
    (tmp_path / "out").mkdir()
    read_axm(write_axm(tmp_path / "in", archive), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_an_empty_directory_is_not_packed(tmp_path: Path, archive: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidArgument, match="holds 0 files"):
        write_axm(tmp_path / "empty", archive)


def _link() -> zipfile.ZipInfo:
    member = zipfile.ZipInfo("link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../escape", "leads out of the archive"),
        ("a/../../escape", "leads out of the archive"),
        ("/absolute", "leads out of the archive"),
        ("C:/drive", "leads out of the archive"),
        ("back\\slash", "leads out of the archive"),
        (_link(), "is not a regular file"),
        ("a/" * 8 + "b", "more than 8 directories deep"),
        ("a/" * 1500 + "b", "more than 8 directories deep"),
    ],
)
def test_members_that_reach_outside_are_refused_and_nothing_is_written(
    archive: Path, tmp_path: Path, member: str | zipfile.ZipInfo, message: str
) -> None:
    _zip(archive, ("model.json", b"{}"), (member, b"x"))
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidArgument, match=message):
        read_axm(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert not (tmp_path / "escape").exists()


def test_a_member_without_a_name_is_refused(archive: Path, tmp_path: Path) -> None:
    _zip(archive, ("QQ", b"x"))
    archive.write_bytes(archive.read_bytes().replace(b"QQ", b"\0Q"))
    with pytest.raises(InvalidArgument, match="member '' has a name that leads out of the archive"):
        read_axm(archive, tmp_path)


def test_compressed_members_are_refused(archive: Path, tmp_path: Path) -> None:
    _zip(archive, ("bomb", b"0" * 10_000_000), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(InvalidArgument, match="'bomb' is compressed"):
        read_axm(archive, tmp_path)


def test_doubled_members_are_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        _zip(archive, ("a", b"1"), ("a", b"2"))
    with pytest.raises(InvalidArgument, match="two members have the same name"):
        read_axm(archive, tmp_path)


def test_members_that_share_their_bytes_cannot_claim_more_than_the_archive_holds(
    archive: Path, tmp_path: Path
) -> None:
    _zip(archive, *((f"{index}", b"x" * 1000) for index in range(9)))
    content = archive.read_bytes()
    archive.write_bytes(content[9_300:])  # the directory, with the first members' bytes gone
    with pytest.raises(InvalidArgument):
        read_axm(archive, tmp_path)


def test_too_many_members_are_refused(archive: Path, tmp_path: Path) -> None:
    _zip(archive, *((f"{index}", b"") for index in range(1025)))
    with pytest.raises(InvalidArgument, match="1025 members"):
        read_axm(archive, tmp_path)


def test_a_list_of_members_is_not_read_before_its_size_is_checked(archive: Path, tmp_path: Path) -> None:
    _zip(archive, *((f"{index:04}" + "x" * 4000, b"") for index in range(1000)))
    with pytest.raises(InvalidArgument, match="list of members is larger than 2097152 B"):
        read_axm(archive, tmp_path)


def test_a_named_pipe_is_no_archive(archive: Path, tmp_path: Path) -> None:
    os.mkfifo(archive)
    with pytest.raises(InvalidArgument, match=r"net\.axm"):
        read_axm(archive, tmp_path)


def test_an_archive_may_be_read_by_whoever_may_read_new_files(write: Write, archive: Path) -> None:
    new = archive.with_name("new")
    new.touch()
    assert write_axm(write(), archive).stat().st_mode == new.stat().st_mode


UNPACKED_IN_A_PARENT = """
import os, sys
from axemu.model import load_compiled_model
model = load_compiled_model(sys.argv[1])
if os.fork() == 0:
    del model
    sys.exit()
os.wait()
print((model.directory / "model.json").is_file())
"""


def test_the_end_of_a_forked_child_leaves_its_parents_unpacked_files(write: Write, archive: Path) -> None:
    write_axm(write(), archive)
    code = [sys.executable, "-c", UNPACKED_IN_A_PARENT, str(archive)]
    assert subprocess.run(code, capture_output=True, text=True, check=True).stdout == "True\n"


def test_a_file_that_is_also_a_directory_is_refused(archive: Path, tmp_path: Path) -> None:
    _zip(archive, ("a", b"1"), ("a/b", b"2"))
    with pytest.raises(InvalidArgument, match="cannot be unpacked"):
        read_axm(archive, tmp_path / "out")


def test_damage_anywhere_is_a_clear_error_or_does_not_reach_the_files(
    write: Write, archive: Path, tmp_path: Path
) -> None:
    directory = write()
    whole = write_axm(directory, archive).read_bytes()
    files = {path.name: path.read_bytes() for path in directory.iterdir()}
    refusals = []
    for position in range(0, len(whole), 41):
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        out = tmp_path / f"out{position}"
        out.mkdir()
        try:
            read_axm(archive, out)
        except InvalidArgument as error:
            refusals.append(str(error))
        else:
            assert {path.read_bytes() for path in out.iterdir()} == set(files.values())
    assert len(refusals) > 10
    assert [message for message in refusals if str(archive) not in message] == []


def test_every_truncation_is_a_clear_error(write: Write, archive: Path, tmp_path: Path) -> None:
    whole = write_axm(write(), archive).read_bytes()
    for length in range(0, len(whole), 53):
        archive.write_bytes(whole[:length])
        with pytest.raises(InvalidArgument, match=r"not an \.axm archive, or damaged"):
            read_axm(archive, tmp_path)
