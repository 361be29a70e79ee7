"""Virtual time: a function of what each thread called, in which order, and of nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from axelera.runtime import Context, ModelInstance
from axemu.chip import BOARDS, HOSTS
from axemu.driver import InvalidArgument
from axemu.emulator import EmulatorDriver, after, last_call, not_before, parse_options, report
from axemu.emulator._timing import seconds

SHAPE = (1, 4, 4, 64)
MakeModel = Callable[..., Path]
Body = Callable[[], None]


@pytest.fixture
def driver() -> EmulatorDriver:
    return EmulatorDriver(parse_options({}, "test"))


def load(driver: EmulatorDriver, path: Path, count: int, **options: int) -> list[ModelInstance]:
    context = Context(driver)
    model = context.load_model(path)
    return [context.device_connect().load_model_instance(model, **options) for _ in range(count)]


def frame(instance: ModelInstance) -> None:
    instance.run([np.zeros(SHAPE, np.int8)], [np.empty(SHAPE, np.int8)])


def in_threads(*bodies: Body) -> None:
    failures: list[BaseException] = []

    def guarded(body: Body) -> None:
        try:
            body()
        except Exception as error:  # noqa: BLE001  raised below
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def each(instances: Sequence[ModelInstance], count: int) -> list[Body]:
    def body(instance: ModelInstance) -> Body:
        def run() -> None:
            for _ in range(count):
                frame(instance)

        return run

    return [body(instance) for instance in instances]


def fps(driver: EmulatorDriver) -> float:
    record = driver.recording().record
    return sum(frames.count for frames in record.frames.values()) / seconds(record.elapsed)


def one_core(path: Path, calls: int) -> EmulatorDriver:
    """Run some frames on one core of a board of its own."""
    driver = EmulatorDriver(parse_options({"boards": [{"name": "other"}]}, "test"))
    (instance,) = load(driver, path, 1)
    for _ in range(calls):
        frame(instance)
    return driver


def test_one_thread_over_four_instances_gets_the_rate_of_one_core(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    path = make_model()
    instances = load(driver, path, 4)
    for index in range(100):
        frame(instances[index % 4])
    assert fps(driver) == pytest.approx(fps(one_core(path, 100)), rel=0.01)


def test_four_threads_get_the_rate_of_four_cores(driver: EmulatorDriver, make_model: MakeModel) -> None:
    path = make_model()
    instances = load(driver, path, 4)
    in_threads(*each(instances, 100))
    assert fps(driver) == pytest.approx(4 * fps(one_core(path, 100)), rel=0.03)


def test_a_lone_frame_takes_launch_transfers_and_its_work(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    """The closed form: nothing else is on the board."""
    (instance,) = load(driver, make_model(), 1)
    frame(instance)
    counters = instance.counters()
    host = HOSTS["desktop"]
    transfers = 2 * (host.copy_setup.value + 1024 / BOARDS["pcie"].link_bandwidth.value)
    expected = host.launch.value + transfers + counters.device_time
    assert counters.host_time == pytest.approx(expected, rel=1e-6)
    assert counters.elapsed == counters.host_time


def test_figures_do_not_depend_on_how_often_or_when_they_are_asked_for(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    path = make_model()
    (nosy,) = load(driver, path, 1)
    for _ in range(20):
        frame(nosy)
        nosy.counters()
    other = EmulatorDriver(parse_options({"boards": [{"name": "other"}]}, "test"))
    (quiet,) = load(other, path, 1)
    for _ in range(20):
        frame(quiet)
    assert nosy.counters() == quiet.counters()


@pytest.mark.parametrize("order", ["interleaved", "one after the other"])
def test_figures_do_not_depend_on_how_threads_were_scheduled(make_model: MakeModel, order: str) -> None:
    path = make_model()
    scheduled = EmulatorDriver(parse_options({"boards": [{"name": "scheduled"}]}, "test"))
    instances = load(scheduled, path, 2)
    called = [0, 0]

    def body(index: int) -> None:
        # By looking, not by waiting for each other: this is the host's scheduler, not the program.
        for number in range(50):
            while called[1 - index] < number if order == "interleaved" else index and called[0] < 50:
                time.sleep(0)
            frame(instances[index])
            called[index] += 1

    in_threads(partial(body, 0), partial(body, 1))
    free = EmulatorDriver(parse_options({"boards": [{"name": "free"}]}, "test"))
    others = load(free, path, 2)
    in_threads(*each(others, 50))
    assert [one.counters() for one in instances] == [one.counters() for one in others]


def test_a_clock_change_acts_from_the_next_frame_on(driver: EmulatorDriver, make_model: MakeModel) -> None:
    (instance,) = load(driver, make_model(), 1)
    device = driver.list_devices()[0]
    for _ in range(10):
        frame(instance)
    fast = instance.counters().device_time
    driver.configure(device, {"clock_profile": "400"})
    for _ in range(10):
        frame(instance)
    both = instance.counters().device_time
    # Nothing of this model is off the chip, so half the clock is twice the time.
    assert both == pytest.approx((fast + 2 * fast) / 2, rel=1e-9)


def test_an_instance_that_has_not_run_has_empty_counters(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    first, second = load(driver, make_model(), 2)
    frame(first)
    assert first.counters().frames == 1
    third = second.context.device_connect().load_model_instance(second.context.load_model("twice"))
    for instance in (second, third):
        counters = instance.counters()
        assert (counters.frames, counters.elapsed, counters.device_time) == (0, 0, 0)


def test_a_call_that_failed_took_no_time(driver: EmulatorDriver, make_model: MakeModel) -> None:
    (instance,) = load(driver, make_model(), 1)
    frame(instance)
    before = instance.counters()
    with pytest.raises(InvalidArgument):
        instance.run([np.zeros(3, np.int8)], [np.empty(SHAPE, np.int8)])
    assert instance.counters() == before


def test_after_makes_the_second_stage_wait_for_the_first(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    first, second = load(driver, make_model(), 2)
    tokens = []
    for _ in range(10):
        frame(first)
        tokens.append(last_call())

    def stage() -> None:
        for token in tokens:
            after(token)
            frame(second)

    in_threads(stage)
    frames = driver.recording().record.frames
    starts, ends = frames[1].arrival, frames[0].completion
    assert (starts >= ends).all()
    assert report(driver.recording())["declared_dependencies"] == 10


def test_without_after_the_stages_overlap(driver: EmulatorDriver, make_model: MakeModel) -> None:
    first, second = load(driver, make_model(), 2)
    in_threads(*each([first, second], 10))
    frames = driver.recording().record.frames
    assert frames[0].arrival[0] == frames[1].arrival[0] == 0


def test_several_declarations_add_up(driver: EmulatorDriver, make_model: MakeModel) -> None:
    """A collector that waits for two workers before it submits."""
    instances = load(driver, make_model(), 3)
    tokens = []

    def worker(instance: ModelInstance, count: int) -> Body:
        def run() -> None:
            for _ in range(count):
                frame(instance)
            tokens.append(last_call())

        return run

    in_threads(worker(instances[0], 3), worker(instances[1], 9))
    for token in tokens:
        after(token)
    frame(instances[2])
    frames = driver.recording().record.frames
    assert frames[2].arrival[0] >= max(frames[0].completion[-1], frames[1].completion[-1])


def test_a_thread_that_takes_over_an_instance_of_an_ended_one_starts_when_that_ended(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    """As with a new thread pool for every batch of images."""
    instances = load(driver, make_model(), 2)
    for _ in range(3):
        in_threads(*each(instances, 10))
    record = driver.recording().record
    for frames in record.frames.values():
        assert (frames.arrival[1:] >= frames.completion[:-1]).all()
    assert record.declared == 0


def test_after_takes_tokens_only_and_none_means_nothing() -> None:
    after(None)
    with pytest.raises(InvalidArgument, match="last_call"):
        after(3)  # type: ignore[arg-type]


def test_a_call_of_another_context_cannot_be_waited_for(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    path = make_model()
    (instance,) = load(driver, path, 1)
    one_core(path, 1)
    after(last_call())
    with pytest.raises(InvalidArgument, match="another context"):
        frame(instance)
    frame(instance)
    assert instance.counters().frames == 1


def test_not_before_paces_like_a_camera(driver: EmulatorDriver, make_model: MakeModel) -> None:
    (instance,) = load(driver, make_model(), 1)
    for index in range(31):
        not_before(index / 30)
        frame(instance)
    counters = instance.counters()
    spread = HOSTS["desktop"].launch_spread.value
    assert counters.elapsed == pytest.approx(1 + counters.host_time, abs=spread)


def test_not_before_refuses_what_is_no_moment() -> None:
    with pytest.raises(InvalidArgument):
        not_before(float("nan"))


def test_double_buffering_adds_two_frames_of_latency(driver: EmulatorDriver, make_model: MakeModel) -> None:
    (instance,) = load(driver, make_model(), 1, double_buffer=1)
    for _ in range(50):
        frame(instance)
    counters = instance.counters()
    assert counters.extra["latency_p50"] > 2.5 * counters.host_time


def test_a_report_names_the_model_the_calibration_and_what_bound_each_instance(
    driver: EmulatorDriver, make_model: MakeModel
) -> None:
    instances = load(driver, make_model(mvm_slots=10_000_000), 2)
    in_threads(*each(instances, 5))
    document = report(driver.recording())
    assert document["simulated"] is True
    assert document["model_version"]
    assert document["calibration_id"]
    assert document["provenance"] in {"calibrated", "assumed"}
    assert [(one["frames"], one["bound_by"]) for one in document["instances"]] == [
        (5, "matrix array"),
        (5, "matrix array"),
    ]
    shares = document["boards"][0]["utilisation"]
    assert all(0 <= share <= 1 for share in shares.values())
    assert shares["core0"] > 0.9
    inside = document["boards"][0]["core_utilisation"]
    assert inside["core0.array"] > 0.9
    assert sum(share for unit, share in inside.items() if unit.startswith("core0.")) <= 1
