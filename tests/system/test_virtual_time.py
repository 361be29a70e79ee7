"""Virtual time of whole programs: the figures follow from the program, not from the host it ran on."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests._sizes import sample

from axelera.runtime import Context, ModelInstance
from axemu.emulator import EmulatorDriver, after, last_call, parse_options, report

FRAMES = sample(100, 1000)
pytestmark = pytest.mark.usefixtures("own_boards")


@contextmanager
def busy_host(processes: int) -> Iterator[None]:
    """Keep processors busy with something else."""
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in load:
            process.kill()
            process.wait()


def new_driver() -> EmulatorDriver:
    return EmulatorDriver(parse_options({}, "test"))


def one_thread_over(count: int, model: Path) -> dict[str, object]:
    driver = new_driver()
    with Context(driver) as context:
        loaded = context.load_model(model)
        instances = [context.device_connect().load_model_instance(loaded) for _ in range(count)]
        for index in range(FRAMES):
            frame(instances[index % count])
        return report(driver.recording())


def a_thread_for_each_of(count: int, model: Path) -> dict[str, object]:
    driver = new_driver()
    with Context(driver) as context:
        loaded = context.load_model(model)
        instances = [context.device_connect().load_model_instance(loaded) for _ in range(count)]
        threads = [threading.Thread(target=repeat, args=(instance, FRAMES)) for instance in instances]
        join(threads)
        return report(driver.recording())


def cascade(model: Path) -> dict[str, object]:
    """Two stages joined by a queue; the second says what it waits for."""
    driver = new_driver()
    with Context(driver) as context:
        loaded = context.load_model(model)
        first, second = (context.device_connect().load_model_instance(loaded) for _ in range(2))
        found: queue.Queue[object] = queue.Queue()

        def stage_one() -> None:
            for _ in range(FRAMES):
                frame(first)
                found.put(last_call())
            found.put("end")

        def stage_two() -> None:
            while (token := found.get()) != "end":
                after(token)  # type: ignore[arg-type]
                frame(second)

        join([threading.Thread(target=stage_one), threading.Thread(target=stage_two)])
        return report(driver.recording())


def collect_before_submit(model: Path) -> dict[str, object]:
    """A worker per core; each submits its next frame only when the collector has seen its last one."""
    driver = new_driver()
    with Context(driver) as context:
        loaded = context.load_model(model)
        instances = [context.device_connect().load_model_instance(loaded) for _ in range(3)]
        go: list[queue.Queue[object]] = [queue.Queue() for _ in instances]
        done: list[queue.Queue[object]] = [queue.Queue() for _ in instances]

        def worker(index: int) -> None:
            while (token := go[index].get()) != "end":
                after(token)  # type: ignore[arg-type]
                frame(instances[index])
                done[index].put(last_call())

        threads = [threading.Thread(target=worker, args=(index,)) for index in range(2)]
        for thread in threads:
            thread.start()
        token: object = None
        for _ in range(FRAMES // 4):
            for one in go[:2]:
                one.put(token)
            for one in done[:2]:
                after(one.get(timeout=60))  # type: ignore[arg-type]
            frame(instances[2])
            token = last_call()
        for one in go[:2]:
            one.put("end")
        for thread in threads:
            thread.join()
        return report(driver.recording())


def clock_change(model: Path) -> dict[str, object]:
    driver = new_driver()
    with Context(driver) as context:
        loaded = context.load_model(model)
        instances = [context.device_connect().load_model_instance(loaded) for _ in range(2)]
        join([threading.Thread(target=repeat, args=(one, FRAMES)) for one in instances])
        context.configure_device(0, clock_profile=400)
        join([threading.Thread(target=repeat, args=(one, FRAMES)) for one in instances])
        return report(driver.recording())


def frame(instance: ModelInstance) -> None:
    instance.run([np.zeros((1, 10, 64, 1), np.int8)], [np.empty((1, 1, 1, 64), np.int8)])


def repeat(instance: ModelInstance, count: int) -> None:
    for _ in range(count):
        frame(instance)


def join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fps(document: dict[str, object]) -> float:
    instances = document["instances"]
    assert isinstance(instances, list)
    return float(sum(one["frames"] for one in instances)) / float(str(document["elapsed"]))


def test_one_thread_over_four_instances_is_one_core_and_four_threads_are_four(digits_1: Path) -> None:
    one_core = fps(one_thread_over(1, digits_1))
    assert fps(one_thread_over(4, digits_1)) == pytest.approx(one_core, rel=0.02)
    assert fps(a_thread_for_each_of(4, digits_1)) == pytest.approx(4 * one_core, rel=0.05)


PROGRAMS: list[Callable[[Path], dict[str, object]]] = [
    lambda model: one_thread_over(4, model),
    lambda model: a_thread_for_each_of(4, model),
    cascade,
    collect_before_submit,
    clock_change,
]


@pytest.mark.parametrize(
    "program", PROGRAMS, ids=["one thread", "four threads", "cascade", "collect", "clock change"]
)
def test_the_figures_are_the_same_on_an_idle_and_on_a_loaded_host(
    program: Callable[[Path], dict[str, object]], digits_1: Path
) -> None:
    idle = program(digits_1)
    with busy_host(3):
        loaded = program(digits_1)
    assert json.dumps(loaded, sort_keys=True) == json.dumps(idle, sort_keys=True)


def test_a_declared_cascade_is_slower_in_latency_than_an_undeclared_one_claims(digits_1: Path) -> None:
    """Each second-stage frame starts after its first stage, so the whole ends one stage later."""
    declared = cascade(digits_1)
    free = a_thread_for_each_of(2, digits_1)
    assert declared["declared_dependencies"] == FRAMES
    assert free["declared_dependencies"] == 0
    assert float(str(declared["elapsed"])) > float(str(free["elapsed"]))


def test_half_the_clock_costs_what_the_chip_alone_takes_again(digits_1: Path) -> None:
    driver = new_driver()
    with Context(driver) as context:
        instance = context.device_connect().load_model_instance(context.load_model(digits_1))
        repeat(instance, 10)
        fast = instance.counters().device_time
        context.configure_device(0, clock_profile=400)
        repeat(instance, 10)
        mean = instance.counters().device_time
    # All but the frame's way from and to DDR.
    assert mean == pytest.approx(1.5 * fast, rel=1e-3)
    assert mean < 1.5 * fast


@pytest.mark.full
@pytest.mark.parametrize(
    ("host", "cores", "mhz"), [("embedded-arm", 1, 800), ("embedded-arm", 2, 800), ("desktop", 2, 100)]
)
def test_realtime_keeps_the_predicted_rate_within_two_percent_for_ten_seconds(
    host: str, cores: int, mhz: int, digits_1: Path
) -> None:
    """By the wall clock, with numerics off, at rates up to 2000 frames a second. Needs an idle machine."""
    predicted, _ = measured("virtual", host, cores, mhz, digits_1, 500)
    assert predicted <= 2000
    _, by_the_wall = measured("realtime", host, cores, mhz, digits_1, round(10 * predicted / cores))
    assert by_the_wall == pytest.approx(predicted, rel=0.02)


def measured(pace: str, host: str, cores: int, mhz: int, model: Path, calls: int) -> tuple[float, float]:
    """Run a thread per core; return frames per second of the simulated clock and of the wall clock."""
    board = {"configuration": {"clock_profile": mhz}}
    options = parse_options({"pace": pace, "compute": "off", "boards": [board], "host": host}, "test")
    driver = EmulatorDriver(options)
    with Context(driver) as context:
        loaded = context.load_model(model)
        instances = [context.device_connect().load_model_instance(loaded) for _ in range(cores)]
        start = time.monotonic()
        join([threading.Thread(target=repeat, args=(one, calls)) for one in instances])
        wall = time.monotonic() - start
        rate = fps(report(driver.recording()))
    driver.close()
    return rate, cores * calls / wall
