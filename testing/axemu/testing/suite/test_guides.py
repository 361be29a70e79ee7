"""The order of calls that the vendor's guides show: basic, worker threads, double buffering, a cascade, several boards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Queue

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.testing import SmallModel

Load = Callable[..., axr.ModelInstance]
Results = list[list[np.ndarray]]
FRAMES = 24


class Worker:
    """A thread with an instance and buffers of its own, fed and drained through queues."""

    def __init__(self, instance: axr.ModelInstance, model: SmallModel) -> None:
        self._instance = instance
        self._model = model
        self._todo: Queue[list[np.ndarray] | None] = Queue()
        self._done: Queue[list[np.ndarray] | Exception] = Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def push(self, inputs: list[np.ndarray]) -> None:
        self._todo.put(inputs)

    def pop(self) -> list[np.ndarray]:
        result = self._done.get(timeout=120)
        if isinstance(result, Exception):
            raise result
        return result

    def stop(self) -> None:
        self._todo.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (inputs := self._todo.get()) is not None:
            outputs = self._model.outputs()
            try:
                self._instance.run(inputs, outputs)
            except Exception as error:  # noqa: BLE001  handed to the one who waits
                self._done.put(error)
                return
            self._done.put(outputs)


def round_robin(workers: list[Worker], frames: Results, delay: int = 0) -> Results:
    """Fill the workers, then take the oldest result before giving the next frame, then drain."""
    padded = frames + [frames[0]] * (delay * len(workers))
    results = []
    for index, frame in enumerate(padded):
        worker = workers[index % len(workers)]
        if index >= len(workers):
            results.append(worker.pop())
        worker.push(frame)
    first = len(padded) - len(workers)
    results += [workers[index % len(workers)].pop() for index in range(first, len(padded))]
    for worker in workers:
        worker.stop()
    return results[delay * len(workers) :]


def alone(load: Load, model: SmallModel, frames: Results) -> Results:
    """Return what one thread on one instance gets."""
    instance, results = load(), []
    for frame in frames:
        results.append(model.outputs())
        instance.run(frame, results[-1])
    instance.release()
    instance.connection.release()
    return results


def same(one: Results, other: Results) -> bool:
    return all(all(map(np.array_equal, *pair)) for pair in zip(one, other, strict=True))


def cores(context: axr.Context, model: SmallModel) -> int:
    return context.list_devices()[0].subdevice_count // model.batch


def test_basic(metis_driver: str, metis_context: axr.Context, metis_model: SmallModel) -> None:
    model = metis_context.load_model(metis_model.path)
    connection = metis_context.device_connect(None, metis_model.batch)
    instance = connection.load_model_instance(
        model, num_sub_devices=metis_model.batch, aipu_cores=metis_model.batch
    )
    inputs = [np.zeros(info.shape, np.int8) for info in model.inputs()]
    outputs = [np.full(info.shape, 99, np.int8) for info in model.outputs()]
    instance.run(inputs, outputs)
    assert not all(np.all(output == 99) for output in outputs)
    instance.release()
    connection.release()


@pytest.mark.parametrize("double_buffer", [0, 1])
def test_worker_threads(
    metis_context: axr.Context, metis_instance: Load, metis_model: SmallModel, double_buffer: int
) -> None:
    frames = [metis_model.frame(seed) for seed in range(FRAMES)]
    expected = alone(metis_instance, metis_model, frames)
    count = cores(metis_context, metis_model)
    workers = [Worker(metis_instance(double_buffer=double_buffer), metis_model) for _ in range(count)]
    assert same(round_robin(workers, frames, 2 * double_buffer), expected)


def test_a_cascade_on_half_the_cores_each(
    metis_context: axr.Context, metis_instance: Load, metis_model: SmallModel
) -> None:
    half = cores(metis_context, metis_model) // 2
    if half < 1:
        pytest.skip("the model takes more than half the cores")
    frames = [metis_model.frame(seed) for seed in range(FRAMES)]

    def between(results: Results) -> Results:
        return [
            [np.resize(result[0], value.shape) for value in frame]
            for result, frame in zip(results, frames, strict=True)
        ]

    expected = alone(metis_instance, metis_model, between(alone(metis_instance, metis_model, frames)))
    teams = [[Worker(metis_instance(), metis_model) for _ in range(half)] for _ in range(2)]
    assert same(round_robin(teams[1], between(round_robin(teams[0], frames))), expected)


@pytest.mark.metis_boards(2)
def test_several_boards(metis_context: axr.Context, metis_instance: Load, metis_model: SmallModel) -> None:
    boards = metis_context.list_devices()
    frames = [metis_model.frame(seed) for seed in range(FRAMES)]
    expected = alone(metis_instance, metis_model, frames)
    count = min(4, 2 * cores(metis_context, metis_model))
    workers = [Worker(metis_instance(boards[index % 2].name), metis_model) for index in range(count)]
    assert same(round_robin(workers, frames), expected)


def test_a_failing_worker_fails_at_its_first_call(metis_instance: Load, metis_model: SmallModel) -> None:
    worker = Worker(metis_instance(), metis_model)
    worker.push([*metis_model.frame(1), metis_model.frame(1)[0]])
    with pytest.raises(axr.InvalidArgument):
        worker.pop()
    worker.stop()
