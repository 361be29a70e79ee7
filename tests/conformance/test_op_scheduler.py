"""What the vendor says of the scheduler, each with where it says so, on every driver.

Sources: S17 is docs/reference/pipeline-builder/scheduler.md of the vendor's SDK, release 1.7; C17 its page on inference; RN18 the
release notes of 1.8. "Ours" marks what no document says.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.conformance.conftest import MakeSmall

import axelera.runtime as axr
from axelera.runtime import op, scheduler
from axemu.testing import SmallModel

pytestmark = pytest.mark.usefixtures("driver")
FORK = pytest.mark.filterwarnings(
    "ignore:.*fork:DeprecationWarning"
)  # Python 3.12 warns, as threads are about


@pytest.fixture
def model(small: MakeSmall) -> SmallModel:
    return small()


def frames(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    return [rng.random((3, 8, 8), np.float32) for _ in range(count)]


def low_level(model: SmallModel, images: list[np.ndarray]) -> list[np.ndarray]:
    """The documented recipe by hand: quantise, pad, run, depad, dequantise."""
    results = []
    with axr.Context() as context:
        loaded = context.load_model(model.path)
        (taken,), (given,) = loaded.inputs(), loaded.outputs()
        instance = context.device_connect(None, 1).load_model_instance(loaded)
        for image in images:
            codes = np.round(image[np.newaxis].transpose(0, 2, 3, 1) / taken.scale + taken.zero_point)
            buffer = np.pad(
                codes.clip(-128, 127).astype(np.int8), taken.padding, constant_values=taken.zero_point
            )
            output = np.empty(given.shape, np.int8)
            instance.run([buffer], [output])
            inner = output[tuple(slice(low, -high or None) for low, high in given.padding)]
            results.append((inner.astype(np.float32) - given.zero_point) * np.float32(given.scale))
    return [result.reshape(1, -1) for result in results]


def test_a_call_batch_and_stream_give_the_bits_of_the_low_level_path(model: SmallModel) -> None:
    images = frames(9)
    expected = low_level(model, images)
    loaded = op.load(model.path)
    ways = {
        "call": [loaded(image) for image in images],
        "optimized": [loaded.optimized()(image) for image in images],
        "batch of a list": loaded.batch(images),
        "batch of an array": loaded.batch(np.stack(images)),
        "stream": [result for _, result in loaded.stream(images)],
        "stream of one": [result for _, result in loaded.stream(images, max_in_flight=1)],
    }
    for way, results in ways.items():
        assert len(results) == len(expected), way
        for result, wanted in zip(results, expected, strict=True):
            assert result.dtype == np.float32
            np.testing.assert_array_equal(result, wanted, err_msg=way)


def test_a_model_takes_float_with_or_without_the_batch_axis(model: SmallModel) -> None:
    """C17: a call takes what the source model takes; SEG and Ultralytics pass (1, C, H, W), the demos (C, H, W)."""
    (image,) = frames(1)
    loaded = op.load(model.path)
    without = loaded(image)
    for same in (image[np.newaxis], image.transpose(1, 2, 0), image.astype(np.float64)):
        np.testing.assert_array_equal(loaded(same), without)
    with pytest.raises(
        axr.InvalidArgument, match=r"input 0 of the network: shape \(4, 8, 8\), expected \(1, 3, 8, 8\)"
    ):
        loaded(np.zeros((4, 8, 8), np.float32))
    with pytest.raises(axr.InvalidArgument, match=r"takes 1 inputs .*, 2 given"):
        loaded(image, image)


def test_loading_touches_no_board_and_the_first_call_connects(model: SmallModel) -> None:
    """RN18: the device is connected on first use."""
    with scheduler.create() as own, axr.Context() as context:
        loaded = op.load(model.path)
        assert not own.is_connected
        assert not context.list_devices()[0].in_use
        loaded(*frames(1))
        assert own.is_connected
        assert context.list_devices()[0].in_use


def test_a_pipeline_without_a_model_never_connects() -> None:
    """RN18: a pipeline without op.load never touches it."""
    with scheduler.create() as own:
        pipeline = op.seq(np.negative)
        assert pipeline.batch([1, 2, 3]) == [-1, -2, -3]
        assert list(pipeline.stream([1, 2])) == [(1, -1), (2, -2)]
        assert not own.is_connected


def test_a_scheduler_takes_every_core(model: SmallModel) -> None:
    """S17: no argument means all cores; cores are exclusive."""
    op.load(model.path)(*frames(1))
    with axr.Context() as context, pytest.raises(axr.DeviceInUse):
        context.device_connect(None, 1)
    scheduler.current().close()
    with axr.Context() as context:
        context.device_connect(None, 4)


def test_a_second_live_scheduler_fails_to_connect(model: SmallModel) -> None:
    """S17: a second one fails with `num_sub_devices > available`; from 1.8 on at first use."""
    loaded = op.load(model.path)
    loaded(*frames(1))
    second = scheduler.Scheduler()
    with pytest.raises(axr.DeviceInUse, match=r"num_sub_devices > available.*current\(\)\.close\(\)"):
        second.batch(loaded, [frames(1)])
    second.close()
    loaded(*frames(1))


def test_create_is_current_in_its_block_only_and_closed_at_its_end(model: SmallModel) -> None:
    """S17: `create` makes it current for the block and closes it on exit; `Scheduler()` does neither."""
    loose = scheduler.Scheduler()
    before = scheduler.current()
    with scheduler.create() as own:
        assert scheduler.current() is own
        assert own is not loose
        other: list[object] = []
        thread = threading.Thread(target=lambda: other.append(scheduler.current()))
        thread.start()
        thread.join()
        assert other == [before]  # the calling context only
        op.load(model.path)(*frames(1))
    assert scheduler.current() is before
    with pytest.raises(axr.InvalidArgument, match="was closed"):
        own.batch(op.load(model.path), [frames(2)])
    with axr.Context() as context:
        context.device_connect(None, 4)


def test_create_refuses_while_the_default_owns_the_boards(model: SmallModel) -> None:
    """S17: RuntimeError if the process default owns the devices; remedy `scheduler.current().close()`."""
    op.load(model.path)(*frames(1))
    with pytest.raises(RuntimeError, match=r"scheduler\.current\(\)\.close\(\)"), scheduler.create():
        pass
    scheduler.current().close()
    with scheduler.create():
        op.load(model.path)(*frames(1))


def test_closing_the_default_clears_its_place_and_may_be_repeated(model: SmallModel) -> None:
    """S17: close is idempotent and clears the default slot."""
    first = scheduler.current()
    assert scheduler.current() is first
    op.load(model.path)(*frames(1))
    first.close()
    first.close()
    assert scheduler.current() is not first
    op.load(model.path)(*frames(1))


def test_results_come_in_the_order_of_the_source(model: SmallModel) -> None:
    """S17: results arrive in source order, whatever the parallelism."""
    late = {0, 3, 4}

    def slow(item: tuple[int, np.ndarray]) -> np.ndarray:
        time.sleep(0.05 if item[0] in late else 0)
        return item[1]

    source = list(enumerate(frames(12)))
    pipeline = op.seq(slow, op.load(model.path), lambda result: result)
    streamed = list(pipeline.stream(source))
    assert [frame for frame, _ in streamed] == source
    expected = [op.load(model.path)(image) for _, image in source]
    for (_, result), wanted in zip(streamed, expected, strict=True):
        np.testing.assert_array_equal(result, wanted)


def test_one_in_flight_runs_in_the_calling_thread_and_more_in_workers() -> None:
    """S17: max_in_flight=1 runs operators in the calling thread; more in a pool of workers."""
    pipeline = op.seq(lambda _: threading.get_ident())
    assert {thread for _, thread in pipeline.stream(range(5), max_in_flight=1)} == {threading.get_ident()}
    assert threading.get_ident() not in {thread for _, thread in pipeline.stream(range(5), max_in_flight=2)}


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_no_more_than_max_in_flight_were_read_and_not_yielded(limit: int) -> None:
    """S17: in flight = submitted and not yet yielded."""
    read: list[int] = []

    def source() -> Iterator[int]:
        for number in range(20):
            read.append(number)
            yield number

    for yielded, _ in enumerate(op.seq(lambda number: number).stream(source(), max_in_flight=limit)):
        assert len(read) - yielded <= limit


def test_without_a_limit_as_many_are_in_flight_as_there_are_cores(model: SmallModel) -> None:
    """S17: None is the scheduler's core count."""
    running, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(4)

    def count(image: np.ndarray) -> np.ndarray:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(20)
        with lock:
            running -= 1
        return image

    for _ in op.seq(count, op.load(model.path)).stream(frames(8)):
        pass
    assert most == 4


def test_leaving_the_loop_stops_reading() -> None:
    """C17: breaking out of the loop stops reading."""
    read: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            read.append(number)
            yield number

    for number, _ in op.seq(lambda number: number).stream(source(), max_in_flight=3):
        if number == 5:
            break
    time.sleep(0.05)
    assert len(read) <= 6 + 3


def test_an_error_of_a_frame_comes_in_its_place(model: SmallModel) -> None:
    """Ours: no document says where."""

    def fail(image: Any) -> Any:
        if image is None:
            raise ZeroDivisionError("the fourth frame")
        return image

    got = []
    with pytest.raises(ZeroDivisionError, match="the fourth frame"):
        got.extend(op.seq(fail, op.load(model.path)).stream([*frames(3), None, *frames(2)]))
    assert len(got) <= 3  # list.extend keeps what came before
    results = op.seq(fail, op.load(model.path)).stream([*frames(3), None, *frames(2)])
    for _ in range(3):
        next(results)
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_an_error_of_the_source_comes_after_the_frames_before_it() -> None:
    """Ours."""

    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("camera unplugged")

    results = op.seq(lambda number: number).stream(source())
    assert [next(results), next(results)] == [(1, 1), (2, 2)]
    with pytest.raises(OSError, match="unplugged"):
        next(results)


def test_a_worker_finds_its_owner_and_a_pipeline_within_one_runs_at_once(model: SmallModel) -> None:
    """S17: a lent worker thread resolves current() to its owner, which nested pipelines need."""
    inner = op.load(model.path)
    with scheduler.create() as own:
        found: set[scheduler.Scheduler] = set()

        def nested(image: np.ndarray) -> np.ndarray:
            found.add(scheduler.current())
            batch = inner.batch([image, image])
            streamed = [result for _, result in inner.stream([image])]
            np.testing.assert_array_equal(batch[0], batch[1])
            np.testing.assert_array_equal(batch[0], streamed[0])
            return batch[0]

        results = op.seq(nested).batch(frames(8))
        assert found == {own}
        for result, image in zip(results, frames(8), strict=True):
            np.testing.assert_array_equal(result, inner(image))


def test_a_model_stays_on_its_cores_and_another_one_costs_a_switch(small: MakeSmall) -> None:
    """S17: each model stays resident; a batch takes other models' cores only when it is large enough."""
    one, two = op.load(small(name="one").path), op.load(small(name="two").path)
    with scheduler.create() as own:
        one.batch(frames(4))
        assert own.model_switches == 4  # a core each
        one.batch(frames(4))
        one(*frames(1))
        assert own.model_switches == 4
        two(*frames(1))
        assert own.model_switches == 5  # it takes one core,
        one.batch(frames(4))
        assert own.model_switches == 5  # which a short batch leaves to it,
        one.batch(frames(64))
        assert own.model_switches == 6  # and a long one takes back


def test_models_of_a_pipeline_share_the_cores(small: MakeSmall) -> None:
    """C17: None is an equal share; numbers come first, percentages are of what they leave."""
    one, two = op.load(small(name="one").path), op.load(small(name="two").path)
    pipeline = op.par(one, two)
    with scheduler.create() as own:
        for _ in range(3):
            list(op.seq(pipeline).stream(frames(8)))
        assert own.model_switches == 4  # two cores each, and nothing moves


def test_exec_model_fills_the_outputs(model: SmallModel) -> None:
    """S17: model is a path; inputs and outputs are arrays; outputs are filled; the scheduler chooses the core."""
    inputs, outputs = model.frame(3), model.outputs()
    scheduler.current().exec_model(str(model.path), inputs, outputs)
    for got, wanted in zip(outputs, model.expected(inputs), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_threads_may_share_a_scheduler_and_a_model(model: SmallModel) -> None:
    """S17: two threads calling batch on one scheduler with a shared model is safe."""
    loaded, images = op.load(model.path), frames(16)
    expected = low_level(model, images)
    wrong: list[str] = []

    def work(way: Callable[[], list[np.ndarray]]) -> None:
        for result, wanted in zip(way(), expected, strict=True):
            if not np.array_equal(result, wanted):
                wrong.append(str(way))

    ways: list[Callable[[], list[np.ndarray]]] = [
        lambda: loaded.batch(images),
        lambda: [result for _, result in loaded.stream(images)],
        lambda: [loaded(image) for image in images],
    ] * 2
    threads = [threading.Thread(target=work, args=(way,)) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@FORK
def test_a_forked_child_makes_a_scheduler_of_its_own(model: SmallModel) -> None:
    """Ours: the parent's boards are the parent's."""
    loaded, images = op.load(model.path), frames(2)
    scheduler.current().close()
    mine = scheduler.current()
    with mine_held():
        child = os.fork()
        if not child:
            status = 1
            try:
                if scheduler.current() is not mine and len(loaded.batch(images)) == 2:
                    scheduler.current().close()
                    status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
    loaded.batch(images)


def mine_held() -> Any:
    """A lock of the module, held while the process forks."""
    from axelera.runtime.scheduler import _current

    return _current._process._lock


@FORK
def test_the_parents_boards_are_not_the_childs(model: SmallModel) -> None:
    loaded = op.load(model.path)
    with scheduler.create() as own:
        loaded(*frames(1))
        child = os.fork()
        if not child:
            status = 1
            try:
                loaded(*frames(1))
            except axr.ConnectionError:
                own.close()  # releases nothing of the parent's
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        loaded(*frames(1))


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ([np.zeros((8, 8, 3), np.uint8)], "an array of shape"),
        ([3], "one int given"),
        ([[1, 2], [1]], "inputs of 2, 1 frames"),
        ([], "no input given"),
    ],
)
def test_a_batch_takes_lists_of_frames(inputs: list[Any], reason: str) -> None:
    """C17: each argument is one model input, a list of items or an array; one image per argument is rejected."""
    with pytest.raises(axr.InvalidArgument, match=reason):
        op.seq(lambda *values: values).batch(*inputs)


def test_a_model_of_several_cores_is_refused(small: MakeSmall) -> None:
    """C17: an .axm for this layer must be compiled with aipu_cores_used=1."""
    with pytest.raises(axr.InvalidArgument, match="aipu_cores_used=1"):
        op.load(small(batch=2).path)
