"""Directories of the user's own, and temporary ones that do not outlive their process for long."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests._sizes import sample

from axemu.driver import PrivateDirectory, Scratch, own_directory

KILLED = """
import os, pathlib, signal, sys
from axemu.driver import Scratch
scratch = Scratch("axemu-test-", pathlib.Path(sys.argv[1]))
(scratch.path / "file").touch()
print(scratch.path, flush=True)
sys.stdin.readline()
"""


def other_process(place: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a process that holds a scratch directory."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_scratch_directory_goes_with_its_block(tmp_path: Path) -> None:
    with Scratch("axemu-test-", tmp_path) as path:
        (path / "file").touch()
        assert path.stat().st_mode & 0o777 == 0o700
    assert not list(tmp_path.iterdir())


def test_it_goes_with_the_last_reference_and_with_the_process(tmp_path: Path) -> None:
    scratch = Scratch("axemu-test-", tmp_path)
    process, path = other_process(tmp_path)
    del scratch
    assert list(tmp_path.iterdir()) == [path]
    process.communicate("end\n")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    killed, left = other_process(tmp_path)
    living, kept = other_process(tmp_path)
    killed.kill()
    killed.communicate()
    (tmp_path / "axemu-other-").mkdir()
    (tmp_path / "axemu-test-file").touch()
    (tmp_path / "axemu-test-link").symlink_to(tmp_path / "axemu-other-")
    assert left.exists()
    with Scratch("axemu-test-", tmp_path):
        assert not left.exists()
        assert (kept / "file").exists()
        assert {"axemu-other-", "axemu-test-file", "axemu-test-link"} <= {
            path.name for path in tmp_path.iterdir()
        }
    living.send_signal(signal.SIGKILL)
    living.communicate()


def test_a_forked_child_leaves_its_parents_directory(tmp_path: Path) -> None:
    scratch = Scratch("axemu-test-", tmp_path)
    child = os.fork()
    if child == 0:
        scratch.remove()
        os._exit(0)
    os.waitpid(child, 0)
    assert scratch.path.is_dir()


def test_whoever_sweeps_takes_nothing_from_the_living(tmp_path: Path) -> None:
    lost: list[Path] = []

    def work() -> None:
        for _ in range(100):
            with Scratch("axemu-test-", tmp_path) as path:
                if not path.is_dir():
                    lost.append(path)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
def test_the_directory_of_another_user_is_not_swept(tmp_path: Path) -> None:
    left = tmp_path / "axemu-test-left"
    left.mkdir()
    os.chown(left, 12345, 12345)
    with Scratch("axemu-test-", tmp_path):
        assert left.exists()


def test_a_directory_of_ones_own_has_the_name_asked_for(tmp_path: Path) -> None:
    assert own_directory(tmp_path / "name") == own_directory(tmp_path / "name") == tmp_path / "name"
    assert (tmp_path / "name").stat().st_mode & 0o777 == 0o700


def test_where_the_name_is_taken_every_process_finds_the_same_other_one(tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    (tmp_path / "name").chmod(0o777)
    found = own_directory(tmp_path / "name")
    program = "import pathlib, sys; from axemu.driver import own_directory; print(own_directory(pathlib.Path(sys.argv[1]) / 'name'))"
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate()[0].strip() for process in processes} == {str(found)}
    (tmp_path / "name").rmdir()
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == str(found)


def test_a_name_that_is_free_again_is_not_taken_while_another_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "name").mkdir()
    (tmp_path / "name").chmod(0o777)
    found = own_directory(tmp_path / "name")
    (tmp_path / "name").rmdir()
    assert own_directory(tmp_path / "name") == found


def test_a_private_directory_opens_regular_files_of_ones_own_alone(tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    (tmp_path / "open").chmod(0o666)
    (tmp_path / "link").symlink_to(tmp_path / "open")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with PrivateDirectory(tmp_path) as directory:
        for name, flags in (
            ("open", os.O_RDWR),
            ("link", os.O_RDWR),
            ("directory", os.O_RDWR),
            ("pipe", os.O_RDWR),
            ("pipe", os.O_WRONLY),
            ("pipe", os.O_RDONLY),
        ):
            with pytest.raises(PermissionError):
                directory.open(name, flags | os.O_CREAT)
        directory.write("new", b"content")
        assert directory.read("new") == b"content"
        assert directory.read("missing") is None


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    with PrivateDirectory(tmp_path) as directory:
        directory.write("file", b"old")
        with pytest.raises(TypeError):
            directory.write("file", "text")  # type: ignore[arg-type]
        assert directory.read("file") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_age_of_a_file_is_told_in_seconds(tmp_path: Path) -> None:
    with PrivateDirectory(tmp_path) as directory:
        directory.write("file", b"")
        assert 0 <= directory.age("file") < 60
        os.utime(tmp_path / "file", (0, 0))
        assert directory.age("file") > 1e9
        assert directory.age("missing") == math.inf


def test_those_who_look_at_the_same_moment_agree(tmp_path: Path) -> None:
    for number in range(sample(30, 1000)):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "name").mkdir()
        (place / "name").chmod(0o777)
        reader, writer = os.pipe()
        children = [child_that_looks(place / "name", writer) for _ in range(4)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
        found = os.read(reader, 1 << 16).decode().splitlines()
        os.close(reader)
        os.close(writer)
        assert len(found) == 4
        assert len(set(found)) == 1
        assert {path.name for path in place.iterdir()} >= {"name", Path(found[0]).name}


def child_that_looks(path: Path, writer: int) -> int:
    """Fork a child that writes which directory it found."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writer, f"{own_directory(path)}\n".encode())
            status = 0
        finally:
            os._exit(status)
    return child
