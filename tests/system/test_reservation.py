"""Processes fight over the four cores of a board while one of them is killed again and again.

Each fighter marks the cores it was given in a file shared by all: a mark that is there already is a core held twice. A
killed fighter cannot wipe its marks, so they are wiped for it once it is dead. At the end every core must be free.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests._sizes import sample

from axemu.driver import holders, reserve

BOARD = "metis-0:1:0"

FIGHTER = """
import json, os, random, sys, time
from axemu.driver import DeviceInUse, reserve

marks, seed, pid = sys.argv[1], int(sys.argv[2]), os.getpid()
rng = random.Random(seed)
file = os.open(marks, os.O_RDWR)
won = refused = 0
while not os.path.exists(marks + ".stop"):
    try:
        held = reserve("metis-0:1:0", rng.randint(1, 4))
    except DeviceInUse as error:
        assert "holds core" in str(error), error
        refused += 1
        time.sleep(rng.random() * 0.002)
        continue
    for core in held.cores:
        before = int(os.pread(file, 8, core * 8) or 0)
        if before not in (0, pid):
            print(json.dumps({"twice": [core, before, pid]}), flush=True)
            sys.exit(1)
        os.pwrite(file, b"%8d" % pid, core * 8)
    won += 1
    if won == 1:
        print("fighting", flush=True)
    time.sleep(rng.random() * 0.004)
    for core in held.cores:
        if int(os.pread(file, 8, core * 8)) != pid:
            print(json.dumps({"overwritten": [core, pid]}), flush=True)
            sys.exit(1)
        os.pwrite(file, b"%8d" % 0, core * 8)
    held.release()
print(json.dumps({"won": won, "refused": refused}), flush=True)
"""


class Fight:
    """Two fighters, of whom the second is killed and replaced."""

    def __init__(self, directory: Path) -> None:
        self.marks = directory / "marks"
        self.marks.write_bytes(b"%8d" % 0 * 4)
        self.started = 0

    def fighter(self) -> subprocess.Popen[str]:
        self.started += 1
        command = [sys.executable, "-c", FIGHTER, str(self.marks), str(self.started)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def kill(self, victim: subprocess.Popen[str]) -> int:
        """Kill a fighter; return how many cores it held just then."""
        victim.send_signal(signal.SIGSTOP)
        while Path(f"/proc/{victim.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0] != "T":
            time.sleep(0.0002)
        # Wiped before the death frees the cores, else the other one may take them in between.
        file = os.open(self.marks, os.O_RDWR)
        held = [core for core in range(4) if int(os.pread(file, 8, core * 8)) == victim.pid]
        for core in held:
            os.pwrite(file, b"%8d" % 0, core * 8)
        os.close(file)
        victim.kill()
        victim.communicate()
        return len(held)

    def end(self, fighter: subprocess.Popen[str]) -> dict[str, int]:
        Path(f"{self.marks}.stop").touch()
        output, _ = fighter.communicate(timeout=60)
        result: dict[str, int] = json.loads(output.splitlines()[-1])
        return result


@pytest.fixture
def fight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fight:
    monkeypatch.setenv("AXEMU_RUNTIME_DIR", str(tmp_path / "axemu"))
    return Fight(tmp_path)


def test_no_core_is_held_twice_and_none_is_lost(fight: Fight) -> None:
    rng = random.Random(2026)
    survivor, victim = fight.fighter(), fight.fighter()
    deadline = time.monotonic() + sample(5, 60)
    kills = robbed = 0
    while time.monotonic() < deadline or kills < 5 or robbed == 0:  # a kill that robs nobody tests nothing
        assert victim.stdout is not None
        assert victim.stdout.readline() == "fighting\n"
        time.sleep(rng.uniform(0, 0.1))
        assert (survivor.poll(), victim.poll()) == (None, None), "a fighter found a core held twice"
        robbed += fight.kill(victim)
        kills += 1
        victim = fight.fighter()
    assert victim.stdout is not None
    assert victim.stdout.readline() == "fighting\n"
    results = [fight.end(survivor), fight.end(victim)]
    assert min(result["won"] for result in results) > 0
    assert holders(BOARD) == ()
    assert reserve(BOARD, 4).cores == (0, 1, 2, 3)
    print(f"{kills} kills, {robbed} cores freed by them, survivor won {results[0]['won']} times")
