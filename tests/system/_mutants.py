"""Run as a program: read damaged files; prints a line per kind and one per surprise.

Usage: python _mutants.py FIRST COUNT FOLDER KIND...

A refusal is a documented error, within a second of processor time and 200 MB beyond what the process held before.
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from tests._memory import forget_peak, peak_bytes
from tests.system import _mutant_models, _mutant_texts, _mutant_vendor

from axemu.driver import AxeleraError

SECONDS = 1.0
MEMORY = 200 << 20
MOST_MEMORY = 2 << 30
PATIENCE = 10  # seconds of processor time; a case takes well under one
HANGING = 120  # seconds, for what waits without working
CASES = {**_mutant_models.CASES, **_mutant_texts.CASES, **_mutant_vendor.CASES}


def run(kind: str, first: int, count: int, folder: Path) -> str:
    outcomes: Counter[str] = Counter()
    slowest = largest = slowest_right = largest_right = 0.0
    for seed in range(first, first + count):
        before, began = forget_peak(), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)  # ends the process
        signal.alarm(HANGING)
        try:
            CASES[kind](seed, folder)
            outcome = "right"
        except AxeleraError as error:
            outcome = type(error).__name__
        except Exception as error:  # noqa: BLE001  that is what the program looks for
            outcome = f"SURPRISE {type(error).__name__}"
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(
                f"SURPRISE {kind} seed {seed}: {type(error).__name__}: {str(error)[:300]} ({place.filename}:{place.lineno})"
            )
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        seconds, memory = time.process_time() - began, peak_bytes() - before
        outcomes[outcome] += 1
        if outcome == "right":
            slowest_right, largest_right = max(slowest_right, seconds), max(largest_right, memory)
            continue
        slowest, largest = max(slowest, seconds), max(largest, memory)
        if seed > first and (seconds > SECONDS or memory > MEMORY):  # the first one pays for imports
            print(f"SURPRISE {kind} seed {seed}: {outcome} after {seconds:.2f} s and {memory >> 20} MiB")
    if (peak := peak_bytes()) > MOST_MEMORY:
        print(f"SURPRISE {kind}: {peak} bytes held")
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    return (
        f"{kind}: {told}; refused in at most {slowest:.2f} s, {int(largest) >> 20} MiB; "
        f"right in at most {slowest_right:.2f} s, {int(largest_right) >> 20} MiB"
    )


def main() -> None:
    first, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    for kind in sys.argv[4:]:
        print(run(kind, first, count, folder), flush=True)


if __name__ == "__main__":
    main()
