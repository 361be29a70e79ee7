"""How fast time is simulated: seconds of board time per second of this machine.

    python benchmarks/simulation.py
    python benchmarks/simulation.py --compiled build/resnet50/1     # also cold starts with a compiled network
    python benchmarks/simulation.py --write                         # and put the table into docs/reference/benchmarks.md

Steady states are found and extrapolated unless a line says "every frame". Times are processor time, which on a machine
with nothing else to do is what the clock on the wall shows, since all of this runs on one core.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from _measure import machine, replace_section

from axemu.chip import BOARDS
from axemu.emulator.metis import Board, BoardState, InstanceSpec
from axemu.studies import Scenario, Target, load_target, predict
from axemu.studies._steady import run_loops

PAGE = Path(__file__).parents[1] / "docs/reference/benchmarks.md"
SECONDS = 10.0
Row = tuple[str, float]


def spent(call: Callable[[], object]) -> float:
    """Return the processor time of this process and its children, in seconds."""
    begin = _used()
    call()
    return _used() - begin


def _used() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def rack(first: Target, second: Target) -> None:
    boards = [Board(BOARDS["m2"]) for _ in range(4)]
    instances = []
    for number in range(16):
        target = first if number % 4 < 2 else second
        copies = (target.input_bytes, target.output_bytes)
        instances.append(
            InstanceSpec(number, target.core, (number % 4,), *copies, double_buffer=True, board=number // 4)
        )
    run_loops(boards, BoardState(), instances, SECONDS)


def rows() -> Iterator[Row]:
    batch, single = load_target("resnet50", 4), load_target("resnet50", 1)
    detector = load_target("yolov5n", 1)
    for what, target, cores in (("batch 4", batch, 4), ("four one-core instances", single, 1)):
        for how, every in (("", False), (", every frame", True)):
            asked = Scenario("resnet50", compiled_cores=cores, every_frame=every, seconds=SECONDS)
            yield f"ResNet-50, {what}{how}", spent(lambda asked=asked, target=target: predict(asked, target))
    name = "four boards, 16 one-core instances of ResNet-50 and YOLOv5n"
    yield name, spent(lambda: rack(single, detector))


def cold(directory: Path) -> Iterator[Row]:
    for name, module, arguments in (
        ("`axemu predict`", "axemu", ["predict", str(directory)]),
        (
            "`axrunmodel`, every call through the API",
            "axrunmodel",
            [str(directory), "--seconds", str(SECONDS)],
        ),
    ):
        code = f"from axemu.cli.{module} import main; main()"
        command = [sys.executable, "-P", "-c", code, *arguments]
        run = lambda command=command: subprocess.run(command, check=True, capture_output=True)  # noqa: E731
        run()
        target = load_target(directory)
        yield (
            f"{name} of {target.name} compiled for {target.batch} core{'s'[: target.batch - 1]}, new process",
            min(spent(run) for _ in range(3)),
        )


def peaks(target: Target) -> Iterator[tuple[float, float]]:
    for seconds in (1.0, 2.0, 4.0):
        tracemalloc.start()
        predict(Scenario(target.name, compiled_cores=4, seconds=seconds, every_frame=True), target)
        yield seconds, tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compiled", type=Path, help="directory of a compiled network")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    arguments = parser.parse_args()
    lines = [
        f"Measured on {machine()}. {SECONDS:g} s of board time each.",
        "",
        "| what | processor time s | simulated s per s |",
        "|---|---|---|",
    ]
    found = [*rows(), *(cold(arguments.compiled) if arguments.compiled else ())]
    lines += [f"| {name} | {seconds:.2f} | **{SECONDS / seconds:.0f}** |" for name, seconds in found]
    kept = ", ".join(
        f"{peak * 1e3:.0f} kB for {seconds:g} s" for seconds, peak in peaks(load_target("resnet50", 4))
    )
    lines += ["", f"Peak memory of simulating every frame: {kept}."]
    print("\n".join(lines))
    if arguments.write:
        replace_section(PAGE, "simulation", "\n".join(lines))


if __name__ == "__main__":
    main()
