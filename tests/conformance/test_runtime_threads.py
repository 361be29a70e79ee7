"""Worker threads, double buffering, cascades and several boards give the results of a single thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import numpy as np
import pytest
from tests._sizes import sample

import axelera.runtime as axr

FRAMES = sample(40, 200)
REPETITIONS = sample(2, 20)


def _codes(seed: int, count: int = FRAMES) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.integers(-128, 128, (1, 10, 16, 4), np.int8) for _ in range(count)]


class Worker:
    """A thread with an instance and buffers of its own, fed and drained through queues."""

    def __init__(self, instance: axr.ModelInstance, model: axr.Model) -> None:
        self.inputs = [np.zeros(info.shape, np.int8) for info in model.inputs()]
        self._instance = instance
        self._outputs = [np.empty(info.shape, np.int8) for info in model.outputs()]
        self._todo: Queue[bool] = Queue()
        self._done: Queue[Any] = Queue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def push(self, frame: Any) -> None:
        self.inputs[0][:] = frame
        self._todo.put(True)

    def pop(self) -> Any:
        result = self._done.get(timeout=60)
        if isinstance(result, Exception):
            raise result
        return result

    def stop(self) -> None:
        self._todo.put(False)
        self._thread.join()

    def _work(self) -> None:
        while self._todo.get():
            try:
                self._instance.run(self.inputs, self._outputs)
            except Exception as error:  # noqa: BLE001  handed to the one who waits
                self._done.put(error)
                return
            self._done.put(self._outputs[0].copy())


def _round_robin(workers: list[Worker], frames: list[Any], delay: int = 0) -> list[Any]:
    """Keep one frame in every worker: prefill, then collect the oldest before giving the next, then drain."""
    results = []
    padded = [*frames, *[np.zeros_like(frames[0])] * (delay * len(workers))]
    for index, frame in enumerate(padded):
        worker = workers[index % len(workers)]
        if index >= len(workers):
            results.append(worker.pop())
        worker.push(frame)
    results += [
        workers[index % len(workers)].pop() for index in range(len(padded) - len(workers), len(padded))
    ]
    return results[delay * len(workers) :]


@pytest.fixture
def frames() -> list[Any]:
    return _codes(2)


@pytest.mark.parametrize("double_buffer", [0, 1])
@pytest.mark.parametrize("workers", [1, 4])
def test_workers_give_what_one_thread_gives(
    driver: str, context: axr.Context, small: Any, frames: list[Any], workers: int, double_buffer: int
) -> None:
    made = small()
    model = context.load_model(made.path)
    expected = [made.expected([frame])[0] for frame in frames]
    for _ in range(REPETITIONS):
        connections = [context.device_connect(None, 1) for _ in range(workers)]
        instances = [
            connection.load_model_instance(model, double_buffer=double_buffer) for connection in connections
        ]
        team = [Worker(instance, model) for instance in instances]
        results = _round_robin(team, frames, delay=2 * double_buffer)
        for worker in team:
            worker.stop()
        for connection in connections:
            connection.release()
        assert np.array_equal(results, expected)


def test_two_models_share_a_board_on_two_cores_each(
    driver: str, context: axr.Context, small: Any, frames: list[Any]
) -> None:
    """A cascade: the second model sees what the first one answered."""
    first, second = small(name="first"), small(name="second")
    models = [context.load_model(made.path) for made in (first, second)]
    expected = []
    for frame in frames:
        (middle,) = first.expected([frame])
        expected.append(second.expected([np.resize(middle, frame.shape)])[0])
    for _ in range(REPETITIONS):
        connections = [context.device_connect(None, 2) for _ in models]
        teams = [
            [Worker(connection.load_model_instance(model), model) for _ in range(2)]
            for connection, model in zip(connections, models, strict=True)
        ]
        middles = _round_robin(teams[0], frames)
        results = _round_robin(teams[1], [np.resize(middle, frames[0].shape) for middle in middles])
        for worker in (*teams[0], *teams[1]):
            worker.stop()
        for connection in connections:
            connection.release()
        assert np.array_equal(results, expected)


def test_two_boards_share_the_frames(emulator: Callable[[str], None], small: Any, frames: list[Any]) -> None:
    emulator("boards = 2")
    made = small()
    with axr.Context() as context:
        devices = context.list_devices()
        assert len(devices) == 2
        model = context.load_model(made.path)
        for _ in range(REPETITIONS):
            connections = [context.device_connect(devices[index % 2].name, 1) for index in range(8)]
            team = [Worker(connection.load_model_instance(model), model) for connection in connections]
            results = _round_robin(team, frames)
            for worker in team:
                worker.stop()
            for connection in connections:
                connection.release()
            assert np.array_equal(results, [made.expected([frame])[0] for frame in frames])


def test_overwriting_an_input_while_its_frame_is_under_way_changes_nothing(small: Any) -> None:
    """The vendor's own example does so: the copy is taken before anything can wait."""
    made = small(driver="function")
    started, go_on = threading.Event(), threading.Event()

    def slow(model: Any, inputs: Any) -> list[Any]:
        started.set()
        assert go_on.wait(60)
        return [np.resize(inputs[0], info.size) for info in model.outputs]

    from axemu.driver import FunctionDriver

    with axr.Context(FunctionDriver(slow)) as context:
        instance = context.device_connect().load_model_instance(context.load_model(made.path))
        inputs, outputs = made.frame(1), made.outputs()
        expected = made.expected(inputs)
        thread = threading.Thread(target=instance.run, args=(inputs, outputs))
        thread.start()
        assert started.wait(60)
        inputs[0][:] = 0
        assert np.all(outputs[0] == 99), "outputs are written last"
        go_on.set()
        thread.join()
    assert np.array_equal(outputs, expected)


def test_inputs_are_copied_before_a_call_waits_for_its_turn(small: Any) -> None:
    made = small(driver="function")
    started, copied, go_on = threading.Event(), threading.Event(), threading.Event()

    def slow(model: Any, inputs: Any) -> list[Any]:
        started.set()
        assert go_on.wait(60)
        return [np.resize(inputs[0], info.size) for info in model.outputs]

    class Outputs(list[Any]):
        """Tells when it is read, which is after the inputs."""

        def __iter__(self) -> Iterator[Any]:
            copied.set()
            return super().__iter__()

    from axemu.driver import FunctionDriver

    with axr.Context(FunctionDriver(slow)) as context:
        instance = context.device_connect().load_model_instance(context.load_model(made.path))
        first = threading.Thread(target=instance.run, args=(made.frame(1), made.outputs()))
        first.start()
        assert started.wait(60)
        inputs, outputs = made.frame(2), made.outputs()
        expected = made.expected(inputs)
        second = threading.Thread(target=instance.run, args=(inputs, Outputs(outputs)))
        second.start()
        assert copied.wait(60)
        inputs[0][:] = 0
        go_on.set()
        first.join()
        second.join()
    assert np.array_equal(outputs, expected)


def test_a_failing_worker_fails_at_its_first_call(driver: str, context: axr.Context, small: Any) -> None:
    made = small()
    model = context.load_model(made.path)
    connection = context.device_connect()
    worker = Worker(connection.load_model_instance(model), model)
    worker.inputs.append(worker.inputs[0])
    worker.push(made.frame(1)[0])
    with pytest.raises(RuntimeError, match="2 inputs given, the model has 1"):
        worker.pop()
    worker.stop()


def test_two_threads_on_one_instance_take_turns(driver: str, context: axr.Context, small: Any) -> None:
    made = small()
    instance = context.device_connect().load_model_instance(context.load_model(made.path))
    wrong = []

    def work(seed: int) -> None:
        for frame in _codes(seed, sample(50, 500)):
            outputs = made.outputs()
            instance.run([frame], outputs)
            if not np.array_equal(outputs, made.expected([frame])):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_release_waits_for_the_frame_under_way(small: Any) -> None:
    made = small(driver="function")
    started, go_on = threading.Event(), threading.Event()

    def slow(model: Any, inputs: Any) -> list[Any]:
        started.set()
        assert go_on.wait(60)
        return [np.resize(inputs[0], info.size) for info in model.outputs]

    from axemu.driver import FunctionDriver

    with axr.Context(FunctionDriver(slow)) as context:
        instance = context.device_connect(None, 4).load_model_instance(context.load_model(made.path))
        inputs, outputs = made.frame(1), made.outputs()
        frame = threading.Thread(target=instance.run, args=(inputs, outputs))
        frame.start()
        assert started.wait(60)
        release = threading.Thread(target=context.release)
        release.start()
        release.join(0.05)
        assert release.is_alive()
        go_on.set()
        frame.join(60)
        release.join(60)
        assert np.array_equal(outputs, made.expected(inputs))
        with pytest.raises(axr.InvalidArgument, match="ModelInstance was released"):
            instance.run(inputs, outputs)


@pytest.mark.parametrize("what", ["instance", "connection", "context"])
def test_a_signal_handler_may_release_at_any_step_of_a_frame(driver: str, small: Any, what: str) -> None:
    """The frame ends with its result or a documented error, and nothing waits for ever."""
    made = small()
    inputs = made.frame(1)
    expected = made.expected(inputs)
    step = 0
    while True:
        context = axr.Context()
        connection = context.device_connect(None, 4)
        instance = connection.load_model_instance(context.load_model(made.path))
        parts = {"instance": instance, "connection": connection, "context": context}
        countdown = iter(range(step, -1, -1))

        def interrupt(*_: Any, part: axr.Object = parts[what], countdown: Iterator[int] = countdown) -> None:
            if next(countdown) == 0:
                sys.setprofile(None)
                part.release()

        outputs = made.outputs()
        sys.setprofile(interrupt)
        try:
            instance.run(inputs, outputs)
        except (axr.InvalidArgument, axr.ConnectionError):  # released before the driver began
            assert np.all(outputs[0] == 99)
        else:
            assert np.array_equal(outputs, expected)
        finally:
            sys.setprofile(None)
        context.release()
        if next(countdown, None) is not None:
            break  # the frame has fewer steps
        step += sample(5, 1)
    assert step > 20


def test_an_interrupt_at_any_step_of_a_frame_leaves_the_instance_usable(
    driver: str, context: axr.Context, small: Any
) -> None:
    made = small()
    instance = context.device_connect(None, 4).load_model_instance(context.load_model(made.path))
    inputs = made.frame(1)
    for step in range(0, 1000, sample(3, 1)):
        calls = iter(range(step, -1, -1))

        def interrupt(frame: Any, event: str, _: Any, calls: Iterator[int] = calls) -> None:
            if event == "call" and next(calls, None) == 0:
                raise KeyboardInterrupt

        outputs = made.outputs()
        sys.setprofile(interrupt)
        try:
            instance.run(inputs, outputs)
        except KeyboardInterrupt:
            done = False
        else:
            done = True
        finally:
            sys.setprofile(None)
        other = threading.Thread(target=instance.run, args=(inputs, outputs))
        other.start()
        other.join(60)
        assert np.array_equal(outputs, made.expected(inputs)), step
        if done:
            break
    assert step > 5


def test_a_frame_within_a_frame_of_the_same_instance_is_refused(small: Any) -> None:
    """A signal handler may try; the two would share the board's buffers."""
    from axemu.driver import FunctionDriver

    made = small(driver="function")
    inputs, outputs, inner = made.frame(1), made.outputs(), made.outputs()

    def again(model: Any, given: Any) -> list[Any]:
        with pytest.raises(axr.InvalidArgument, match=r"run\(\) was called from within its own run\(\)"):
            instance.run(inputs, inner)
        return [np.resize(given[0], info.size) for info in model.outputs]

    with axr.Context(FunctionDriver(again)) as context:
        instance = context.device_connect().load_model_instance(context.load_model(made.path))
        for _ in range(2):
            instance.run(inputs, outputs)
    assert np.array_equal(outputs, made.expected(inputs))
    assert np.all(inner[0] == 99)
