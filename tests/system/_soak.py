"""Frames through boards that fail, by processes that are killed: each result is to arrive once, and right.

    nice python -m tests.system._soak --frames 1000000

Workers share the boards; each has a thread and a core of every board. A frame is known by its number, which its input is made
from, so a result that is stale or another frame's is wrong. A worker marks in a ledger, shared by all, what it has; after its death
the next one goes on there. What fails is met as an application would: run the frame again, or refresh the board, connect and
load again.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import axelera.runtime as axr
from axemu.driver import holders
from axemu.emulator import EmulatorDriver, parse_options
from axemu.testing import SmallModel, write_small_model

COSTLY = {"board-lost": 0.05, "firmware-hang": 0.05, "process-killed": 0.01}
"""Faults that cost all processes some time, and their part of all."""
CHEAP: dict[str, dict[str, Any]] = {
    "dma-timeout": {},
    "corrupted-output": {},
    "link-drop": {"seconds": 0.01},
    "slow-link": {"percent": 25, "frames": 20},
    "thermal-ramp": {"peak": 108, "seconds": 30, "frames": 60},
}
"""The others, which share the rest."""
LOADS = (
    {"kind": "ddr-exhausted", "rate": 0.05},
    {"kind": "firmware-refused", "version": "1.2", "minimum": "1.3", "rate": 0.05},
)
WARM = 2000
"""Frames of a process after which its memory should grow no more."""


def plan(rate: float, seed: int) -> dict[str, Any]:
    """Return a fault plan of which some fault befalls a frame with a chance of `rate`."""
    left = rate * (1 - sum(COSTLY.values())) / len(CHEAP)
    frames = [{"kind": kind, "rate": rate * part} for kind, part in COSTLY.items()]
    frames += [{"kind": kind, "rate": left, **rest} for kind, rest in CHEAP.items()]
    return {"seed": seed, "faults": [*frames, *LOADS]}


@dataclass
class Worker:
    """A process: a thread and a core of each board."""

    small: SmallModel
    ledger: npt.NDArray[np.uint8]
    boards: int
    place: int
    workers: int
    driver: EmulatorDriver
    context: axr.Context
    met: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)

    def work(self, board: int) -> None:
        """Run this thread's frames, from the first that is not in the ledger."""
        stride = self.workers * self.boards
        first = self.place * self.boards + board
        own = self.ledger[first::stride]
        instance: axr.ModelInstance | None = None
        for number in range(int(np.count_nonzero(own)), len(own)):
            frame = first + number * stride
            inputs, outputs = self.small.frame(frame), self.small.outputs()
            while not self.wrong:
                try:
                    instance = instance or self.loaded(board)
                    instance.run(inputs, outputs)
                except axr.AxeleraError as error:
                    if isinstance(error, axr.ConnectionError) and instance is not None:
                        instance.connection.release()
                        instance = None
                    self.meet(board, error)
                    continue
                if np.array_equal(outputs[0], self.small.expected(inputs)[0]):
                    own[number] += 1
                    break
                self.check_damaged(board, frame)
            self.frames[board] += 1
        if instance is not None:
            instance.connection.release()

    def warm_up(self) -> None:
        """Let everything be made that is made once."""
        instance = self.loaded(0)
        inputs, outputs = self.small.frame(0), self.small.outputs()
        with suppress(axr.AxeleraError):
            instance.run(inputs, outputs)
            if not np.array_equal(outputs[0], self.small.expected(inputs)[0]):
                self.check_damaged(0, 0)
        instance.connection.release()

    def loaded(self, board: int) -> axr.ModelInstance:
        """Connect and load, however often it takes."""
        while True:
            try:
                connection = self.context.device_connect(board)
                return connection.load_model_instance(self.context.load_model(self.small.path))
            except axr.AxeleraError as error:
                self.meet(board, error)

    def meet(self, board: int, error: axr.AxeleraError) -> None:
        """Do what an application does about an error."""
        self.met[type(error).__name__] += 1
        if isinstance(error, axr.DeviceInUse | axr.Pending):
            time.sleep(0.001)
        elif isinstance(error, axr.ConnectionError):
            self.context.configure_device(board, device_firmware=1)
        elif not isinstance(error, axr.UnknownError | axr.IncompatibleDevice):
            self.wrong.append(f"undocumented: {error!r}")

    def check_damaged(self, board: int, frame: int) -> None:
        """Refuse a wrong result, unless it is one that the plan damaged."""
        self.met[f"damaged {board}"] += 1
        name = self.context.list_devices()[board].name
        planned = sum(
            (event.board, event.kind) == (name, "corrupted-output") for event in self.driver.faults()
        )
        if self.met[f"damaged {board}"] != planned:
            self.wrong.append(f"frame {frame} on {name} is wrong, and only {planned} are damaged")


def held() -> dict[str, int]:
    """Return what this process holds: descriptors, threads, bytes of memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": sum(1 for _ in Path("/proc/self/task").iterdir()),
        "rss": pages * os.sysconf("SC_PAGE_SIZE"),
    }


def shared(path: Path) -> npt.NDArray[np.uint8]:
    """Return the ledger in a file, which all processes share."""
    with path.open("r+b") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint8)


def run_worker(
    model: str, ledger: str, place: int, workers: int, boards: int, rate: float, seed: int
) -> None:
    """Be a worker; print as JSON what it met and held."""
    options = {"boards": boards, "faults": plan(rate, seed)}
    driver = EmulatorDriver(parse_options(options, "soak"))
    with axr.Context(driver) as context:
        small = SmallModel(Path(model), 1, "emulator")
        worker = Worker(small, shared(Path(ledger)), boards, place, workers, driver, context)
        worker.frames = [0] * boards
        worker.warm_up()
        begin = held()
        threads = [threading.Thread(target=worker.work, args=(board,)) for board in range(boards)]
        for thread in threads:
            thread.start()
        while sum(worker.frames) < WARM and any(thread.is_alive() for thread in threads):
            time.sleep(0.01)
        warm, at = held(), sum(worker.frames)
        for thread in threads:
            thread.join()
        end = held()
    driver.close()
    print(
        json.dumps(
            {
                "wrong": worker.wrong,
                "met": worker.met,
                "frames": sum(worker.frames),
                "warm frames": at,
                "begin": begin,
                "warm": warm,
                "end": end,
            }
        )
    )


def faults_told(directory: Path) -> dict[str, int]:
    """Return how often each kind happened, in the killed processes too: each fault is a line of their logs."""
    text = "".join(path.read_text(encoding="utf-8") for path in directory.glob("*.log"))
    return dict(Counter(re.findall(r": fault ([a-z-]+) befalls", text)).most_common())


def soak(
    directory: Path,
    frames: int,
    rate: float,
    boards: int,
    workers: int,
    kills: int,
    pause: float = 3,
    seed: int = 0,
) -> dict[str, Any]:
    """Run frames, killing a worker every `pause` seconds or so, `kills` times at most; return what came of them."""
    model = directory / "model"
    model.mkdir()
    small = write_small_model(model)
    ledger = directory / "ledger"
    ledger.write_bytes(bytes(frames))
    rng = random.Random(seed)
    starts: Counter[int] = Counter()
    deaths: Counter[str] = Counter()
    said: list[dict[str, Any]] = []
    killed: set[int] = set()

    def start(place: int) -> subprocess.Popen[str]:
        starts[place] += 1
        arguments = [
            small.path,
            ledger,
            place,
            workers,
            boards,
            rate,
            1000 * seed + place + workers * starts[place],
        ]
        command = [sys.executable, "-m", "tests.system._soak", "--worker", *map(str, arguments)]
        with (directory / f"{place}-{starts[place]}.log").open("w") as log:
            return subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )

    running = {place: start(place) for place in range(workers)}
    begin = time.monotonic()
    next_kill = begin + rng.expovariate(1 / pause)
    while running:
        time.sleep(0.05)
        if time.monotonic() > next_kill and len(killed) < kills:
            victim = running[rng.choice(sorted(running))]
            killed.add(victim.pid)
            victim.kill()
            next_kill = time.monotonic() + rng.expovariate(1 / pause)
        for place, process in tuple(running.items()):
            if process.poll() is None:
                continue
            out, _ = process.communicate()
            if process.returncode == -signal.SIGKILL:
                deaths["from outside" if process.pid in killed else "by the plan"] += 1
                running[place] = start(place)
                continue
            del running[place]
            if process.returncode:
                told = (directory / f"{place}-{starts[place]}.log").read_text(encoding="utf-8")
                raise RuntimeError(f"worker {place} ended with {process.returncode}: {told[-2000:]}")
            said.append(json.loads(out))
    counts = np.fromfile(ledger, np.uint8)
    names = [f"metis-0:{2 * board + 1}:0" for board in range(boards)]
    return {
        "frames": frames,
        "lost": int((counts == 0).sum()),
        "duplicated": int((counts > 1).sum()),
        "wrong": [line for one in said for line in one["wrong"]],
        "killed": dict(deaths),
        "met": dict(sum((Counter(one["met"]) for one in said), Counter())),
        "faults": faults_told(directory),
        "cores held": sum(len(holder.cores) for name in names for holder in holders(name)),
        "descriptors": [one["end"]["descriptors"] - one["begin"]["descriptors"] for one in said],
        "threads": [one["end"]["threads"] - one["begin"]["threads"] for one in said],
        "rss": [(one["frames"] - one["warm frames"], one["end"]["rss"] - one["warm"]["rss"]) for one in said],
        "seconds": round(time.monotonic() - begin, 1),
    }


def main(arguments: Sequence[str]) -> None:
    """Soak and print the figures, or be one of the workers."""
    if arguments[:1] == ["--worker"]:
        model, ledger, place, workers, boards, rate, seed = arguments[1:]
        run_worker(model, ledger, int(place), int(workers), int(boards), float(rate), int(seed))
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=0.001)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        os.environ["AXEMU_RUNTIME_DIR"] = f"{directory}/metis"
        print(json.dumps(soak(Path(directory), given.frames, given.rate, 4, 4, given.kills), indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
