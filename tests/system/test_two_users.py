"""Two users share a place that both can write to: neither can run code of, slow or break the other.

The attacker is a shell as another user; the victim a program of ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests._sizes import sample
from tests.unit.conftest import write_model

from axemu.emulator.compute import _library

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become two other users"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux"),
]

VICTIM, ATTACKER = 1_610_000_001 + os.getpid(), 1_620_000_001 + os.getpid()
READ_ALL = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""For interpreters in a directory of root's; gives nothing to who writes."""

OBJECT_CODE = """
import os, sys
from axemu.emulator.compute import _library
def generate(path, directory):
    print("generated", file=sys.stderr)
    return b"mine"
_library._generate = generate
for os.environ["AXEMU_CACHE_DIR"] in sys.argv[1:]:
    print(_library.object_code("portable")[1])
"""
HOLD = """
import sys
from axemu.driver import holders, reserve
held = reserve("metis-0:1:0", 1)
print(held.cores, len(holders("metis-0:1:0")), flush=True)
sys.stdin.read()
"""
AGREE = """
import pathlib, sys
from axemu.driver import own_directory
print(own_directory(pathlib.Path(sys.argv[1]) / "axemu"))
"""


def become(user: int, *options: str) -> list[str]:
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *options]


def attack(script: str, *arguments: object) -> None:
    command = [*become(ATTACKER), "/bin/sh", "-ec", script, "sh", *map(str, arguments)]
    subprocess.run(command, check=True, env={"PATH": "/usr/bin:/bin"}, cwd="/")


class Victim:
    """Programs of the victim, who has neither a home nor an entry in the list of users."""

    def __init__(self, shared: Path, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "AXEMU_COMPUTE": "reference",
            "TMPDIR": str(shared),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def start(self, program: str, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*become(VICTIM, *READ_ALL), sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.directory,
        )

    def run(self, program: str, *arguments: object) -> tuple[str, str]:
        process = self.start(program, *arguments)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        return output.strip(), errors


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users can enter, as those of pytest are not."""
    directory = Path(tempfile.mkdtemp(prefix="axemu-two-users-", dir="/tmp"))
    directory.chmod(0o711)
    yield directory
    for left in (directory, *directory.parent.glob(f"axemu-{VICTIM}*")):
        shutil.rmtree(left, ignore_errors=True)


@pytest.fixture
def shared(place: Path) -> Path:
    directory = place / "shared"
    directory.mkdir()
    directory.chmod(0o1777)
    return directory


@pytest.fixture
def victim(shared: Path, place: Path) -> Victim:
    directory = place / "victim"
    directory.mkdir()
    (directory / "thesis").write_text("precious")
    for path in (directory, directory / "thesis"):
        os.chown(path, VICTIM, VICTIM)
    return Victim(shared, directory)


PLANTED = 'mkdir "$1"; cp "$2" "$1/$3.o"; echo no > "$1/$3.failed"; chmod 755 "$1"'
ATTACKS = {
    "code": PLANTED,
    "code in an open directory": f'{PLANTED}; chmod 777 "$1"',
    "code behind a link": 'set -- "$1" "$2" "$3" "$4"; mkdir "$1.d"; ln -s "$1.d" "$1"; cp "$2" "$1/$3.o"',
    "a failure": 'mkdir "$1"; echo no > "$1/$3.failed"',
    "a lock held for ever": 'mkdir "$1"; touch "$1/$3.lock"; chmod -R a+rwX "$1"',
    "a pipe for a lock": 'mkdir "$1"; mkfifo -m 666 "$1/$3.lock"; chmod 777 "$1"',
    "a link for a lock": 'mkdir "$1"; ln -s "$4/thesis" "$1/$3.lock"; chmod 777 "$1"',
    "a link to the victim": 'ln -s "$4" "$1"',
    "a file": 'touch "$1"',
    "a pipe": 'mkfifo -m 666 "$1"',
    "a directory nobody enters": 'mkdir -m 0 "$1"',
}


def test_nobody_elses_code_runs_and_nobody_waits(shared: Path, victim: Victim, place: Path) -> None:
    evil = place / "evil"
    evil.write_bytes(hashlib.sha256(b"evil").digest() + b"evil")
    name = f"kernels-portable-{_library.key('portable')}"
    caches = [shared / str(number) for number in range(len(ATTACKS))]
    for cache, script in zip(caches, ATTACKS.values(), strict=True):
        attack(script, cache, evil, name, victim.directory)
    output, errors = victim.run(OBJECT_CODE, *caches)
    assert dict(zip(ATTACKS, output.splitlines(), strict=True)) == dict.fromkeys(ATTACKS, "b'mine'")
    assert errors.count("no cache directory can be used (tried ") == len(ATTACKS)
    assert (victim.directory / "thesis").read_text() == "precious"
    assert [path.name for path in victim.directory.iterdir()] == ["thesis"]


def test_who_cannot_use_the_cache_of_another_compiles_once(shared: Path, victim: Victim) -> None:
    attack('mkdir -m 700 "$1"', shared / "cache")
    attack('for n in 1 2 3 4; do mkdir -m 777 "$1.own-$n"; done', shared / f"axemu-cache-{VICTIM}")
    attack('mkdir -m 777 "$1"', shared / f"axemu-cache-{VICTIM}")
    made = [victim.run(OBJECT_CODE, shared / "cache")[1].count("generated\n") for _ in range(2)]
    assert made == [1, 0]
    assert len([path for path in shared.iterdir() if path.stat().st_uid == VICTIM]) == 1


def test_two_who_share_a_cache_directory_each_have_their_code(shared: Path, victim: Victim) -> None:
    victim.run(OBJECT_CODE, shared / "cache")
    attack('! ls "$1" 2>/dev/null && ! touch "$1/x" 2>/dev/null', shared / "cache")
    assert "generated\n" not in victim.run(OBJECT_CODE, shared / "cache")[1]


def test_processes_agree_on_a_directory_whose_name_somebody_took(shared: Path, victim: Victim) -> None:
    attack('mkdir -m 777 "$1"', shared / "axemu")
    for _ in range(sample(2, 20)):
        found = {process.communicate()[0].strip() for process in together(victim, AGREE, shared)}
        assert len(found) == 1
        attack('rmdir "$1" 2>/dev/null || mkdir -m 777 "$1"', shared / "axemu")
        assert {victim.run(AGREE, shared)[0]} == found
        shutil.rmtree(found.pop())
        attack('test -e "$1" || mkdir -m 777 "$1"', shared / "axemu")


def together(victim: Victim, program: str, *arguments: object) -> Sequence[subprocess.Popen[str]]:
    return [victim.start(program, *arguments) for _ in range(4)]


def test_cores_are_reserved_although_somebody_took_the_directory(shared: Path, victim: Victim) -> None:
    attack('mkdir -m 777 "$1"; mkfifo -m 666 "$1/metis-0_1_0.lock"', f"/tmp/axemu-{VICTIM}")  # noqa: S108
    holding = []
    try:
        for number in range(4):
            holding.append(process := victim.start(HOLD))
            assert process.stdout is not None
            assert process.stdout.readline() == f"({number},) {number + 1}\n"
        assert "process" in victim.start(HOLD).communicate()[1]
    finally:
        for process in holding:
            process.communicate()


RUN = """
import sys
import numpy as np
from axelera.runtime import Context
with Context() as context:
    model = context.load_model(sys.argv[1])
    instance = context.device_connect().load_model_instance(model)
    instance.run(*([np.zeros(one.shape, np.int8) for one in side] for side in (model.inputs(), model.outputs())))
    print(context.list_devices()[0].in_use)
"""


def test_a_user_without_a_home_and_a_name_runs_a_model(shared: Path, victim: Victim, place: Path) -> None:
    model = write_model(place / "model")
    assert victim.run(RUN, model)[0] == "True"
    assert [path.name for path in victim.directory.iterdir()] == ["thesis"]


def test_a_directory_for_reservations_that_both_name_serves_one_and_is_said_to(
    shared: Path, victim: Victim
) -> None:
    victim.environment["AXEMU_RUNTIME_DIR"] = str(shared / "run")
    attack('mkdir -m 700 "$1"', shared / "run")
    first = victim.start(HOLD)
    assert first.stdout is not None
    assert first.stdout.readline() == "(0,) 1\n"
    output, errors = victim.run(HOLD)
    assert output == "(1,) 2"
    assert f"{shared / 'run'} is somebody else's" in errors
    first.communicate()


def test_a_lock_is_nothing_that_another_user_can_hold(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXEMU_CACHE_DIR", str(place))
    monkeypatch.setattr(_library, "_generate", lambda *_: b"mine")
    lock = place / f"kernels-portable-{_library.key('portable')}.lock"
    lock.touch(0o644)
    _library.object_code("portable")
    with pytest.raises(subprocess.CalledProcessError):
        attack('exec 9< "$1"', lock)
