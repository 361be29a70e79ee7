"""Streams of the operator layer against worker threads written by hand: frames per second by the wall clock.

    python benchmarks/streams.py MODEL... [--write]

Both do the same work on the same frames: quantise, run on four emulated cores, dequantise, postamble. By hand is a thread and an instance
per core, frames handed out in turn and collected in order, as in examples/worker_threads.py. They run in turn, several times over; the
ratio of a turn counts. Results are compared, bit for bit.
"""

from __future__ import annotations

import argparse
import queue
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from _measure import machine, replace_section

from axelera.runtime import Context, op, scheduler
from axemu.host import HostPart

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"
CORES = 4


class Worker:
    """A thread with an instance of its own."""

    def __init__(self, context: Context, model: Any, part: HostPart) -> None:
        self._instance = context.device_connect(None, 1).load_model_instance(model)
        self._part = part
        self.frames: queue.Queue[Any] = queue.Queue()
        self.results: queue.Queue[Any] = queue.Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (frame := self.frames.get()) is not None:
            self.results.put(self._part.run(self._instance, frame))

    def stop(self) -> None:
        self.frames.put(None)
        self._thread.join()


def now() -> np.ndarray:
    return np.array((time.perf_counter(), time.process_time()))


def by_hand(path: Path, frames: list[Any]) -> tuple[np.ndarray, list[Any]]:
    """Return seconds by the wall and of processor time, and the results."""
    with Context() as context:
        model = context.load_model(path)
        part = HostPart(model)
        workers = [Worker(context, model, part) for _ in range(CORES)]
        for worker in workers:  # fills caches
            worker.frames.put(frames[0])
            worker.results.get()
        start = now()
        results = []
        for index, frame in enumerate(frames):
            worker = workers[index % CORES]
            if index >= CORES:
                results.append(worker.results.get())
            worker.frames.put(frame)
        results += [workers[index % CORES].results.get() for index in range(len(frames) - CORES, len(frames))]
        seconds = now() - start
        for worker in workers:
            worker.stop()
    return seconds, [result[0] for result in results]


def streamed(path: Path, frames: list[Any]) -> tuple[np.ndarray, list[Any]]:
    with scheduler.create():
        loaded = op.load(path)
        list(loaded.stream([frames[0]] * CORES))
        start = now()
        results = [result for _, result in loaded.stream(frames)]
        seconds = now() - start
    return seconds, [result[0] if isinstance(result, tuple) else result for result in results]


def measure(path: Path, count: int, rounds: int) -> str:
    """Return a row of the table."""
    with Context() as context:
        (shape,) = HostPart(context.load_model(path)).input_shapes
    rng = np.random.default_rng(0)
    frames = [rng.random(shape, np.float32) for _ in range(count)]
    times = np.empty((rounds, 2, 2))
    for index in range(-1, rounds):
        ways = [by_hand, streamed][:: 1 if index % 2 else -1]
        found = {way: way(path, frames) for way in ways}
        for one, other in zip(found[by_hand][1], found[streamed][1], strict=True):
            if not np.array_equal(one.reshape(-1), other.reshape(-1)):
                raise SystemExit(f"{path}: results differ")
        if index >= 0:
            times[index] = found[by_hand][0], found[streamed][0]
    hand, stream = count / np.median(times[:, :, 0], axis=0)
    wall, work = np.median(times[:, 0] / times[:, 1], axis=0)
    print(
        f"{path}: by hand {hand:.1f}, stream {stream:.1f} frames/s, ratio {wall:.3f}, per processor second {work:.3f}"
    )
    return f"| {path.stem} | {hand:.1f} | {stream:.1f} | **{wall:.2f}** | **{work:.2f}** |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, help=".axm archives of one core")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--write", action="store_true", help="write the table into docs/reference/benchmarks.md"
    )
    given = parser.parse_args()
    rows = [measure(path, given.frames, given.rounds) for path in given.models]
    table = [
        f"Measured on {machine()}.",
        f"Median of {given.rounds} alternating turns of {given.frames} frames; the ratio is the median of those of a turn.",
        "",
        "| network | by hand, frames/s | stream, frames/s | **stream / by hand** | **the same per second of processor time** |",
        "|---|---|---|---|---|",
        *rows,
    ]
    if given.write:
        replace_section(PAGE, "streams", "\n".join(table))


if __name__ == "__main__":
    main()
