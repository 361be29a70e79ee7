"""Programs in C and C++, written for a card, on emulated boards: plain, and under the sanitisers."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests._once import made_once
from tests._sizes import sample

from axemu.capi import Server, build_library
from axemu.emulator import EmulatorDriver

PROGRAMS = Path(__file__).with_name("_programs")
FLAGS = {
    "plain": (),
    "address": ("-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    "thread": ("-O0", "-fsanitize=thread"),
}
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
CLEAN = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclass(frozen=True)
class Programs:
    """Built programs and the library that they are linked with."""

    directory: Path

    def start(self, name: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.directory / name), *map(str, arguments)],
            env=os.environ | CLEAN | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str, *arguments: object, **environment: str) -> str:
        """Run a program that has to succeed; return what it printed."""
        process = self.start(name, *arguments, **environment)
        said, problem = process.communicate(timeout=120)
        if "unexpected memory mapping" in problem:
            pytest.skip("the thread sanitiser of this compiler does not work on this kernel")
        assert (process.returncode, problem) == (0, ""), said + problem
        return said


def _usable(compiler: str, kind: str, scratch: Path) -> str:
    """Skip where the compilers cannot build this kind; returns the command of the one for C++."""
    (scratch / "probe.c").write_text("int main(void) { return 0; }\n")
    command = [*shlex.split(compiler), *FLAGS[kind], "-o", str(scratch / "probe"), str(scratch / "probe.c")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"{compiler} has no {kind} sanitiser")
    cxx = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    if cxx is None:
        pytest.skip("no C++ compiler on this machine")
    return cxx


def _build(compiler: str, cxx: str, kind: str, directory: Path) -> None:
    flags = FLAGS[kind]
    build_library(directory, compiler, ["-Werror", *flags])
    library = [f"-L{directory / 'lib'}", f"-Wl,-rpath,{directory / 'lib'}", "-laxruntime", "-pthread"]
    for first, source in (
        ([*shlex.split(compiler), "-std=gnu11"], "tour.c"),
        ([*shlex.split(compiler), "-std=gnu11"], "hold.c"),
        ([*shlex.split(compiler), "-std=gnu11"], "storm.c"),
        ([cxx, "-std=c++17"], "team.cpp"),
    ):
        target = ["-o", str(directory / Path(source).stem), str(PROGRAMS / source)]
        subprocess.run([*first, *STRICT, *flags, f"-I{directory / 'include'}", *target, *library], check=True)


@pytest.fixture(scope="module", params=list(FLAGS))
def programs(
    request: pytest.FixtureRequest, c_compiler: str, tmp_path_factory: pytest.TempPathFactory
) -> Programs:
    """The programs, built plainly or with a sanitiser."""
    cxx = _usable(c_compiler, request.param, tmp_path_factory.mktemp("probe"))
    build = partial(_build, c_compiler, cxx, request.param)
    return Programs(made_once(tmp_path_factory, f"c-programs-{request.param}", build))


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.fixture
def held(programs: Programs) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start programs that hold cores; they end with the test."""
    started = []

    def hold(made: Any, cores: int, frames: int = 1, **environment: str) -> subprocess.Popen[str]:
        started.append(programs.start("hold", made.path, cores, frames, **environment))
        return started[-1]

    yield hold
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def driver_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatorDriver]:
    """Emulated boards, served at a path of any length."""
    address = tmp_path / ("a long name " * 12) / "server"
    address.parent.mkdir()
    monkeypatch.setenv("AXEMU_SERVER", str(address))
    driver = EmulatorDriver()
    with Server(lambda: driver, address):
        yield driver


def test_a_c_program_finds_every_function_as_documented(
    programs: Programs, native_boards: None, small: Any
) -> None:
    assert programs.run("tour", small().path) == "ok\n"


@pytest.mark.parametrize("memory", ["memory", "dmabuf"])
def test_four_threads_with_double_buffering_get_what_one_thread_gets(
    programs: Programs, native_boards: None, small: Any, tmp_path: Path, memory: str
) -> None:
    made, frames = small(), sample(25, 2000)
    codes = np.random.default_rng(7).integers(-128, 128, (4 * frames, 640), np.int8)
    (tmp_path / "in").write_bytes(codes.tobytes())
    programs.run("team", made.path, tmp_path / "in", tmp_path / "out", frames, memory)
    results = np.fromfile(tmp_path / "out", np.int8).reshape(-1, 64)
    expected = [made.expected([frame.reshape(1, 10, 16, 4)])[0].reshape(-1) for frame in codes]
    assert np.array_equal(results, expected)


def test_threads_may_destroy_what_others_use(programs: Programs, native_boards: None, small: Any) -> None:
    assert programs.run("storm", small().path, 6, sample(200, 20_000)) == "ok\n"


# -- several processes ------------------------------------------------------------------------------------------------

plainly = pytest.mark.parametrize("programs", ["plain"], indirect=True)


@plainly
def test_processes_have_one_board_and_one_timeline(
    held: Callable[..., subprocess.Popen[str]], driver_behind: EmulatorDriver, small: Any
) -> None:
    made = small()
    first, second = held(made, 2, frames=30), held(made, 2, frames=30)
    assert (_said(first), _said(second)) == ("held\n", "held\n")
    (board,) = driver_behind.list_devices()
    for process in (first, second):
        assert f"process {process.pid} (hold) holds cores" in board.in_use_by
    third = held(made, 1)
    assert re.match(
        r"AXR_ERROR_DEVICE_IN_USE: metis-0:1:0: 1 of its 4 sub-devices asked for, 0 free", _said(third)
    )
    recording = driver_behind.recording()
    assert [frames.count for frames in recording.record.frames.values()] == [30, 30]


@plainly
def test_a_killed_process_gives_its_cores_back(
    held: Callable[..., subprocess.Popen[str]], driver_behind: EmulatorDriver, small: Any
) -> None:
    process = held(small(), 4)
    assert _said(process) == "held\n"
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while driver_behind.list_devices()[0].in_use:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@plainly
def test_the_first_program_starts_the_boards_and_after_the_last_they_end(
    held: Callable[..., subprocess.Popen[str]], small: Any, tmp_path: Path
) -> None:
    made, address = small(), tmp_path / "reservations" / "server"
    first, second = held(made, 2), held(made, 2)
    assert (_said(first), _said(second)) == ("held\n", "held\n")
    other = held(made, 1, AXEMU_EMULATOR="boards = 2")
    assert _said(other).startswith("AXR_ERROR_CONNECTION_ERROR: the boards run in process ")
    for process in (first, second):
        process.communicate("")
    deadline = time.monotonic() + 60
    while address.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (tmp_path / "reservations" / "server.log").read_text() == ""


@plainly
def test_boards_whose_process_was_killed_are_started_anew(
    held: Callable[..., subprocess.Popen[str]], small: Any
) -> None:
    made = small()
    assert _said(held(made, 4)) == "held\n"
    refused = _said(held(made, 1, AXEMU_CONFIG="elsewhere"))
    os.kill(int(re.findall(r"run in process (\d+)", refused)[0]), signal.SIGKILL)
    assert _said(held(made, 4)) == "held\n"


@plainly
def test_without_boards_to_be_had_every_call_says_why(programs: Programs, small: Any, tmp_path: Path) -> None:
    for environment, reason in (
        (
            {"AXEMU_SERVER": str(tmp_path / "nobody")},
            f"no emulated boards are served at {tmp_path}/nobody: No such file",
        ),
        (
            {"AXEMU_PYTHON": "/nowhere/python"},
            "cannot start the emulated boards: /nowhere/python: No such file",
        ),
        ({"AXEMU_PYTHON": "/bin/true"}, "said nothing; set AXEMU_PYTHON to a Python that has axemu"),
    ):
        process = programs.start("hold", small(name=str(len(reason))).path, 1, 1, **environment)
        said, _ = process.communicate(timeout=60)
        assert said.startswith("AXR_ERROR_CONNECTION_ERROR: ")
        assert reason in said


@plainly
def test_a_c_program_runs_under_the_command_with_a_report(
    programs: Programs, small: Any, tmp_path: Path
) -> None:
    made, report = small(), tmp_path / "report.json"
    command = [
        sys.executable,
        "-c",
        "from axemu.cli.axemu import main; main()",
        "run",
        "--report",
        str(report),
    ]
    done = subprocess.run(
        [*command, str(programs.directory / "hold"), str(made.path), "1", "40"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "held\n", "")
    (instance,) = json.loads(report.read_text())["instances"]
    assert (instance["model"], instance["frames"]) == ("small", 40)


@plainly
def test_the_program_on_the_page_runs(
    programs: Programs, native_boards: None, small: Any, c_compiler: str, tmp_path: Path
) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "run-a-c-program.md"
    (block,) = re.findall(r"^```c\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    source, place = tmp_path / "page.c", programs.directory
    source.write_text(block)
    command = [
        *shlex.split(c_compiler),
        *STRICT,
        f"-I{place / 'include'}",
        "-o",
        str(tmp_path / "page"),
        str(source),
    ]
    subprocess.run([*command, f"-L{place / 'lib'}", f"-Wl,-rpath,{place / 'lib'}", "-laxruntime"], check=True)
    done = subprocess.run(
        [str(tmp_path / "page"), str(small().path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "AXR_SUCCESS, first code -1\n")


@plainly
def test_processes_that_die_cost_the_others_nothing(
    programs: Programs, emulator: Callable[[str], None], native_boards: None, small: Any, tmp_path: Path
) -> None:
    """Three processes of four threads on three boards, and one on the fourth that is killed in the middle."""
    emulator("boards = 4")
    made, frames, rounds = small(), sample(40, 1400), sample(2, 60)
    codes = np.random.default_rng(3).integers(-128, 128, (4 * frames, 640), np.int8)
    (tmp_path / "in").write_bytes(codes.tobytes())
    expected = np.concatenate(
        [made.expected([frame.reshape(1, 10, 16, 4)])[0].reshape(1, -1) for frame in codes]
    )
    before = None
    for index in range(rounds):
        victim = programs.start("hold", made.path, 4, 1_000_000)
        teams = [
            programs.start("team", made.path, tmp_path / "in", tmp_path / f"out{team}", frames, "dmabuf")
            for team in range(3)
        ]
        time.sleep(0.02 * (index % 7))
        victim.kill()
        victim.communicate()
        for team, process in enumerate(teams):
            said, problem = process.communicate(timeout=120)
            assert (process.returncode, said, problem) == (0, "", "")
            assert np.array_equal(np.fromfile(tmp_path / f"out{team}", np.int8).reshape(-1, 64), expected)
        held = _settled(before)
        before = before or held


def _settled(before: tuple[int, int] | None) -> tuple[int, int]:
    """Wait until threads and descriptors of the boards' process, which is this one, are as few as before."""
    deadline = time.monotonic() + 20
    while True:
        held = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
        if before is None:
            time.sleep(0.3)
            return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
        if all(now <= then for now, then in zip(held, before, strict=True)):
            return held
        assert time.monotonic() < deadline, (held, before)
        time.sleep(0.01)
