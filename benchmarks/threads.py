"""Two threads on two cores, quiet and beside a busy process: the compute core and ONNX Runtime, in turn.

    python benchmarks/threads.py                   # three networks, about four minutes
    python benchmarks/threads.py --write           # and put the table into docs/reference/benchmarks.md

The busy process is a loop pinned to core 0; it is stopped where the table says quiet. Nothing of ours is pinned.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator

from _measure import COUNTED, Timings, alternate, machine, milliseconds, ratio, replace_section
from _onnx import session
from networks import BASELINE, PAGE, SETS, frame_runner, prepare

from axemu import zoo
from axemu.emulator.compute import available_paths

LOOP = "import os\nos.sched_setaffinity(0, {0})\nwhile True: pass"
OURS, THEIRS = "ours", "ONNX Runtime"
CONDITIONS = ("quiet", "busy")


@contextlib.contextmanager
def neighbour() -> Iterator[subprocess.Popen[bytes]]:
    """Start the busy process, stopped."""
    process = subprocess.Popen([sys.executable, "-c", LOOP])
    try:
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()


def measure(name: str, path: str, numerics: str, rounds: int) -> dict[str, Timings]:
    """Return the timings of one and two threads of both sides, by condition."""
    prepared = prepare(name, slow=False)
    candidates = {}
    for threads in (1, 2):
        candidates[f"{OURS} {threads}"] = frame_runner(prepared.program, numerics, path, threads)
        candidates[f"{THEIRS} {threads}"] = session(prepared.models[BASELINE], threads, prepared.frame)
    found = {}
    with neighbour() as process:
        for condition in CONDITIONS:
            process.send_signal(signal.SIGCONT if condition == "busy" else signal.SIGSTOP)
            found[condition] = timings = alternate(candidates, rounds)
            line = ", ".join(f"{kind} {milliseconds(timings, kind):.2f} ms" for kind in candidates)
            print(f"{name}, {condition}: {line}", file=sys.stderr)
    return found


def table(results: dict[str, dict[str, Timings]], path: str, numerics: str, rounds: int) -> str:
    """Return the Markdown table."""
    sides = (OURS, THEIRS)
    heads = [f"{side}, {threads} thread{'s' * (threads > 1)} ms" for side in sides for threads in (1, 2)]
    lines = [
        f"Measured on {machine()}; path `{path}`, `{numerics}`, {os.cpu_count()} cores.",
        f"Median of {rounds} alternating turns of {COUNTED} calls back to back; ratios are medians of those of a turn.",
        "",
        "| network | core 0 | "
        + " | ".join(
            [*heads[:2], "**speed-up**", *heads[2:], "speed-up", "**ours / ONNX Runtime, 2 threads**"]
        )
        + " |",
        "|---" * 9 + "|",
    ]
    for name, found in results.items():
        for condition, timings in found.items():
            cells = [zoo.find(name).title, condition]
            for side in sides:
                cells += [f"{milliseconds(timings, f'{side} {threads}'):.2f}" for threads in (1, 2)]
                speed_up = f"{1 / ratio(timings, f'{side} 2', f'{side} 1'):.2f}"
                cells.append(f"**{speed_up}**" if side == OURS else speed_up)
            cells.append(f"**{ratio(timings, f'{OURS} 2', f'{THEIRS} 2'):.2f}**")
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=SETS["networks"], help="names of the zoo")
    parser.add_argument("--path", default=available_paths()[0], choices=available_paths())
    parser.add_argument("--numerics", default="metis", choices=("metis", "exact"))
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    path, numerics, rounds = arguments.path, arguments.numerics, arguments.rounds
    results = {name: measure(name, path, numerics, rounds) for name in arguments.networks}
    text = table(results, path, numerics, rounds)
    print(text)
    if arguments.write:
        replace_section(PAGE, "threads", text)


if __name__ == "__main__":
    main()
