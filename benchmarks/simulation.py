"""How fast time is simulated, as simulated seconds per second of this machine.

    python benchmarks/simulation.py

Steady states are found and extrapolated unless a line says "every frame".
"""

from __future__ import annotations

import time
import tracemalloc

from axelera.chip import BOARDS
from axelera.emulator.metis import Board, BoardState, InstanceSpec
from axelera.studies import Scenario, Target, load_target, predict
from axelera.studies._steady import run_loops

SECONDS = 10.0


def report(name: str, wall: float, simulated: float = SECONDS) -> None:
    print(f"{name:58} {wall:7.2f} s for {simulated:g} s: ratio {simulated / wall:8.1f}")


def timed(name: str, scenario: Scenario, target: Target) -> None:
    begin = time.perf_counter()
    predict(scenario, target)
    report(name, time.perf_counter() - begin, scenario.seconds)


def rack(first: Target, second: Target) -> None:
    boards = [Board(BOARDS["m2"]) for _ in range(4)]
    instances = [
        InstanceSpec(
            4 * board + core,
            (first if core < 2 else second).tasks,
            (core,),
            (first if core < 2 else second).input_bytes,
            (first if core < 2 else second).output_bytes,
            True,
            board,
        )
        for board in range(4)
        for core in range(4)
    ]
    begin = time.perf_counter()
    run_loops(boards, BoardState(), instances, SECONDS)
    report("four boards, 16 instances, ResNet-50 and YOLOv5n", time.perf_counter() - begin)


def memory(target: Target) -> None:
    for seconds in (0.5, 1.0, 2.0):
        tracemalloc.start()
        predict(Scenario(target.name, compiled_cores=4, seconds=seconds, every_frame=True), target)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"every frame of {seconds:3.1f} s: peak {peak / 1e6:.1f} MB")


def main() -> None:
    batch, single, detector = (
        load_target("resnet50", 4),
        load_target("resnet50", 1),
        load_target("yolov5n", 1),
    )
    timed("ResNet-50, batch 4", Scenario("resnet50", compiled_cores=4), batch)
    timed("ResNet-50, four one-core instances", Scenario("resnet50"), single)
    timed("ResNet-50, batch 4, every frame", Scenario("resnet50", compiled_cores=4, every_frame=True), batch)
    rack(single, detector)
    memory(batch)


if __name__ == "__main__":
    main()
