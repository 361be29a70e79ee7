"""Several instances in one process: frames per second of arrangements of instances and threads.

    python benchmarks/instances.py [network] [--write]

Arrangements run in turn, for a while each, several times over. All share one budget of as many threads as the machine
has cores; the results of every frame are compared with the first.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from pathlib import Path

import numpy as np
from _measure import machine, replace_section
from networks import prepare

from axemu import zoo
from axemu.emulator.compute import ThreadBudget, load
from axemu.model.program import Program

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "benchmarks.md"


def frames_per_second(
    program: Program, instances: int, threads: int, cores: int, seconds: float
) -> tuple[float, int]:
    """Return the rate of an arrangement, and how many frames differed from the first."""
    executable = load(program, threads=threads, budget=ThreadBudget(cores))
    rng = np.random.default_rng(1)
    inputs = [rng.integers(-128, 128, program.tensors[name].size).astype(np.int8) for name in program.inputs]

    def outputs() -> list[np.ndarray[tuple[int], np.dtype[np.int8]]]:
        return [np.empty(program.tensors[name].size, np.int8) for name in program.outputs]

    wanted = outputs()
    executable.instance().run(inputs, wanted)
    counts, wrong = [0] * instances, [0] * instances
    deadline = time.perf_counter() + seconds

    def work(index: int) -> None:
        runner, found = executable.instance(), outputs()
        while time.perf_counter() < deadline:
            runner.run(inputs, found)
            counts[index] += 1
            wrong[index] += any((one != other).any() for one, other in zip(found, wanted, strict=True))

    workers = [threading.Thread(target=work, args=(index,)) for index in range(instances)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.perf_counter() - start), sum(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", nargs="?", default="resnet50", help="name of the zoo")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    program = prepare(arguments.network, slow=False).program
    cores = arguments.cores
    arrangements = [(1, 1), (1, cores), (cores, 1), (cores, cores), (4, 1), (4, cores)]
    rates: dict[tuple[int, int], list[float]] = {arrangement: [] for arrangement in arrangements}
    for _ in range(arguments.rounds):
        for arrangement in arrangements:
            rate, wrong = frames_per_second(program, *arrangement, cores, arguments.seconds)
            if wrong:
                sys.exit(f"{wrong} frames differ in arrangement {arrangement}")
            rates[arrangement].append(rate)
    best = max(float(np.median(values)) for values in rates.values())
    lines = [
        f"{zoo.find(arguments.network).title}, `metis`, at most {cores} threads at once, on {machine()}.",
        "",
        "| instances (one Python thread each) | threads per run | frames/s of the host | share of the best |",
        "|---|---|---|---|",
    ]
    for (instances, threads), values in rates.items():
        rate = float(np.median(values))
        lines.append(f"| {instances} | {threads} | {rate:.1f} | {rate / best:.2f} |")
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        replace_section(PAGE, "instances", text)


if __name__ == "__main__":
    main()
