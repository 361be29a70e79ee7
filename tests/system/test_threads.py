"""Threads, double buffering, cascades and several boards give the results of a single thread, bit for bit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests._sizes import sample

from axelera.runtime import Context, Model, ModelInstance
from axemu.emulator import EmulatorDriver, parse_options

FRAMES = sample(40, 200)
REPETITIONS = range(sample(2, 20))
Arrays = list[np.ndarray]
Load = Callable[[Path], list[ModelInstance]]

pytestmark = pytest.mark.usefixtures("own_boards")


def context(boards: int = 1) -> Context:
    return Context(EmulatorDriver(parse_options({"boards": boards}, "test")))


def frames(model: Model, seed: int, count: int = FRAMES) -> Arrays:
    (info,) = model.inputs()
    return list(np.random.default_rng(seed).integers(-128, 128, (count, *info.shape), dtype=np.int8))


def output_of(instance: ModelInstance, model: Model, frame: np.ndarray) -> np.ndarray:
    output = np.empty(model.outputs()[0].shape, np.int8)
    instance.run([frame], [output])
    return output


@pytest.fixture(scope="module")
def reference() -> dict[tuple[str, int], Arrays]:
    return {}


def single_threaded(path: Path, seed: int, known: dict[tuple[str, int], Arrays]) -> Arrays:
    """Return the results of one thread on one core, computed once per model and seed."""
    key = (str(path), seed)
    if key not in known:
        with context() as owner:
            model = owner.load_model(path)
            instance = owner.device_connect(None, model.inputs()[0].shape[0]).load_model_instance(model)
            known[key] = [output_of(instance, model, frame) for frame in frames(model, seed)]
    return known[key]


def prefill_and_drain(instances: Sequence[ModelInstance], model: Model, inputs: Arrays) -> Arrays:
    """Give frames in turn to a thread per instance, which reuses its input array while a result is outstanding."""
    todo: list[queue.Queue[np.ndarray | None]] = [queue.Queue() for _ in instances]
    done: list[queue.Queue[np.ndarray]] = [queue.Queue() for _ in instances]

    def work(index: int) -> None:
        buffer = np.empty(model.inputs()[0].shape, np.int8)
        while (frame := todo[index].get()) is not None:
            buffer[:] = frame
            output = output_of(instances[index], model, buffer)
            buffer[:] = 0
            done[index].put(output)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(instances))]
    for thread in threads:
        thread.start()
    results: Arrays = []
    for index, frame in enumerate(inputs):
        if index >= len(instances):
            results.append(done[index % len(instances)].get(timeout=60))
        todo[index % len(instances)].put(frame)
    for index in range(max(0, len(inputs) - len(instances)), len(inputs)):
        results.append(done[index % len(instances)].get(timeout=60))
    for worker in todo:
        worker.put(None)
    for thread in threads:
        thread.join()
    return results


def assert_same(found: Arrays, expected: Arrays) -> None:
    assert len(found) == len(expected)
    assert all(map(np.array_equal, found, expected))


@pytest.mark.parametrize("repetition", REPETITIONS)
def test_workers_with_prefill_and_drain(
    repetition: int, digits_1: Path, reference: dict[tuple[str, int], Arrays]
) -> None:
    with context() as owner:
        model = owner.load_model(digits_1)
        instances = [owner.device_connect().load_model_instance(model) for _ in range(4)]
        found = prefill_and_drain(instances, model, frames(model, repetition))
    assert_same(found, single_threaded(digits_1, repetition, reference))


@pytest.mark.parametrize("repetition", REPETITIONS)
def test_double_buffered_workers_drop_two_results_and_flush_two(
    repetition: int, digits_1: Path, reference: dict[tuple[str, int], Arrays]
) -> None:
    workers = 4
    with context() as owner:
        model = owner.load_model(digits_1)
        instances = [
            owner.device_connect().load_model_instance(model, double_buffer=1) for _ in range(workers)
        ]
        inputs = frames(model, repetition)
        flush = [np.zeros_like(inputs[0])] * (2 * workers)
        found = prefill_and_drain(instances, model, [*inputs, *flush])[2 * workers :]
    assert_same(found, single_threaded(digits_1, repetition, reference))


@pytest.mark.parametrize("repetition", REPETITIONS)
def test_two_models_on_two_cores_each(
    repetition: int, digits_2: Path, reference: dict[tuple[str, int], Arrays]
) -> None:
    with context() as owner, ThreadPoolExecutor(2) as pool:
        models = [owner.load_model(digits_2) for _ in range(2)]
        jobs = []
        for index, model in enumerate(models):
            instance = owner.device_connect(None, 2).load_model_instance(
                model, aipu_cores=2, num_sub_devices=2
            )
            inputs = frames(model, repetition + index)
            jobs.append(
                pool.submit(
                    lambda run, all_: [run(one) for one in all_], partial(output_of, instance, model), inputs
                )
            )
        found = [job.result(timeout=120) for job in jobs]
    for index, results in enumerate(found):
        assert_same(results, single_threaded(digits_2, repetition + index, reference))


@pytest.mark.parametrize("repetition", REPETITIONS)
def test_two_boards(repetition: int, digits_1: Path, reference: dict[tuple[str, int], Arrays]) -> None:
    with context(boards=2) as owner:
        model = owner.load_model(digits_1)
        instances = [owner.device_connect(index % 2).load_model_instance(model) for index in range(8)]
        found = prefill_and_drain(instances, model, frames(model, repetition))
    assert_same(found, single_threaded(digits_1, repetition, reference))


def test_a_batch_of_two_computes_each_frame_as_if_alone(
    digits_1: Path, digits_2: Path, reference: dict[tuple[str, int], Arrays]
) -> None:
    singles = single_threaded(digits_1, 0, reference)
    with context() as owner:
        one, two = owner.load_model(digits_1), owner.load_model(digits_2)
        inputs = frames(one, 0)
        instance = owner.device_connect(None, 2).load_model_instance(two)
        pairs = [
            output_of(instance, two, np.concatenate(inputs[start : start + 2]))
            for start in range(0, FRAMES, 2)
        ]
    assert_same([frame[np.newaxis] for pair in pairs for frame in pair], singles)
