"""Values of emulated instances: results, double buffering, memory, what is refused."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axelera.runtime import Context
from axemu.driver import IncompatibleDevice, InvalidArgument
from axemu.emulator import EmulatorDriver, _execution, parse_options
from axemu.emulator.compute import Runner, ThreadBudget, _threads

SHAPE = (1, 4, 4, 64)
MakeModel = Callable[..., Path]


def context_with(**options: object) -> Context:
    return Context(EmulatorDriver(parse_options(options, "test")))


def frames(count: int, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).integers(-128, 128, (count, *SHAPE), dtype=np.int8))


def doubled(frame: np.ndarray, zero_point: int = 3) -> np.ndarray:
    return np.clip(frame.astype(np.int64) - zero_point - 7, -128, 127).astype(np.int8)


def run_all(
    path: Path, inputs: list[np.ndarray], options: dict[str, object], **load: int
) -> list[np.ndarray]:
    with context_with(**options) as context:
        instance = context.device_connect().load_model_instance(context.load_model(path), **load)
        results = []
        for frame in inputs:
            output = np.empty(frame.shape, np.int8)
            instance.run([frame], [output])
            results.append(output)
        return results


def test_outputs_are_what_the_program_defines(make_model: MakeModel) -> None:
    inputs = frames(5)
    for frame, result in zip(inputs, run_all(make_model(), inputs, {}), strict=True):
        assert np.array_equal(result, doubled(frame))


def test_equal_frames_give_equal_results_and_a_change_of_one_byte_is_seen(make_model: MakeModel) -> None:
    first = frames(1)[0]
    second = first.copy()
    second[0, 3, 3, 63] ^= 1
    results = run_all(make_model(), [first, first, second, first], {})
    assert [np.array_equal(result, doubled(first)) for result in results] == [True, True, False, True]
    assert np.array_equal(results[2], doubled(second))


def test_equal_frames_in_a_row_are_computed_once(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = frames(2)
    computed = []
    original = Runner.run

    def counted(runner: Runner, *arguments: object) -> None:
        computed.append(1)
        original(runner, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Runner, "run", counted)
    run_all(make_model(), [first, first, second, second, first], {})
    assert len(computed) == 3


def test_an_equal_frame_takes_as_long_while_it_hands_out_other_results_than_the_one_before(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = frames(2)
    path, waits = make_model(), []
    monkeypatch.setattr(_execution.time, "sleep", waits.append)
    for load, times in (({"double_buffer": 1}, 2), ({}, 0)):
        waits.clear()
        run_all(path, [first, second, second, second, second, second], {}, **load)
        assert len(waits) == times
        assert all(0 < wait <= _execution.LONGEST_WAIT for wait in waits)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priorities of their own")
def test_values_are_computed_in_a_thread_of_lower_priority_while_the_callers_sleeps(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowered: list[tuple[int, int]] = []
    monkeypatch.setattr(_threads, "_budgets", {})
    monkeypatch.setattr(_threads.os, "setpriority", lambda _, thread, nice: lowered.append((thread, nice)))
    inputs = frames(3)
    for frame, result in zip(inputs, run_all(make_model(), inputs, {}), strict=True):
        assert np.array_equal(result, doubled(frame))
    ((thread, nice),) = lowered
    assert thread != threading.get_native_id()
    assert nice == min(19, os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) + _threads.NICER)


def test_double_buffering_returns_results_two_calls_late(make_model: MakeModel) -> None:
    inputs = frames(6)
    results = run_all(make_model(), inputs, {}, double_buffer=1)
    for frame, result in zip(inputs, results[2:], strict=False):
        assert np.array_equal(result, doubled(frame))


@pytest.mark.parametrize(("warmup", "byte"), [("zero", 0), ("poison", -86)])
def test_warm_up_outputs_are_zero_or_poison(make_model: MakeModel, warmup: str, byte: int) -> None:
    results = run_all(make_model(), frames(3), {"warmup": warmup}, double_buffer=1)
    assert [np.unique(result).tolist() == [byte] for result in results] == [True, True, False]


def test_double_buffered_instances_keep_their_frames_apart(make_model: MakeModel) -> None:
    path = make_model()
    with context_with() as context:
        model = context.load_model(path)
        instances = [
            context.device_connect().load_model_instance(model, double_buffer=True) for _ in range(2)
        ]
        inputs = frames(8)
        results: list[np.ndarray] = []
        for index, frame in enumerate([*inputs, *inputs[:4]]):
            output = np.empty(SHAPE, np.int8)
            instances[index % 2].run([frame], [output])
            results.append(output)
    for frame, result in zip(inputs, results[4:], strict=True):
        assert np.array_equal(result, doubled(frame))


def test_without_computing_outputs_hold_zero_points_and_it_is_said(make_model: MakeModel) -> None:
    with context_with(compute="off") as context:
        instance = context.device_connect().load_model_instance(context.load_model(make_model()))
        output = np.zeros(SHAPE, np.int8)
        instance.run([frames(1)[0]], [output])
        assert np.unique(output).tolist() == [-7]
        assert instance.counters().simulated.endswith("values not computed")


def test_frames_are_split_over_as_many_threads_as_configured(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    original = ThreadBudget.hold

    def hold(budget: ThreadBudget, wanted: int, *rest: Any, **options: Any) -> None:
        asked.append(wanted)
        original(budget, wanted, *rest, **options)

    monkeypatch.setattr(ThreadBudget, "hold", hold)
    monkeypatch.setenv("AXEMU_COMPUTE_RUN_THREADS", "2")
    path, (frame,) = make_model(), frames(1)
    for options in ({"run_threads": 3}, {}):
        (result,) = run_all(path, [frame], options)
        assert np.array_equal(result, doubled(frame))
    assert asked == [3, 2]


def test_a_batch_model_computes_every_frame_of_it(make_model: MakeModel) -> None:
    path = make_model(batch=3)
    batch = np.concatenate(frames(3))
    with context_with() as context:
        connection = context.device_connect(None, 3)
        instance = connection.load_model_instance(context.load_model(path))
        output = np.empty(batch.shape, np.int8)
        instance.run([batch], [output])
    assert np.array_equal(output, doubled(batch))


def test_l2_holds_as_many_instances_as_their_pools_allow(make_model: MakeModel) -> None:
    path = make_model(l2_bytes=(32 * 2**20 - 1_245_184) // 4)
    with context_with() as context:
        model = context.load_model(path)
        connections = [context.device_connect() for _ in range(4)]
        instances = [connection.load_model_instance(model) for connection in connections]
        with pytest.raises(IncompatibleDevice, match=r"model 'twice'.*holds 8077312 B"):
            connections[0].load_model_instance(model)
        instances[2].release()
        connections[0].load_model_instance(model)


def test_ddr_holds_as_many_models_as_the_board_has_memory_for(make_model: MakeModel) -> None:
    path = make_model(ddr_bytes=200 << 20)
    with context_with(boards=[{"memory": "512MiB"}]) as context:
        model = context.load_model(path)
        instances = [context.device_connect().load_model_instance(model) for _ in range(2)]
        connection = context.device_connect()
        with pytest.raises(IncompatibleDevice, match=r"DDR.*model 'twice' holds 209719296 B"):
            connection.load_model_instance(model)
        instances[0].release()
        connection.load_model_instance(model)


def test_a_directory_without_program_names_the_file_and_how_to_recompile(make_model: MakeModel) -> None:
    path = make_model()
    (path.parent / "program.json").unlink()
    with context_with() as context:
        model = context.load_model(path)
        assert model.inputs()[0].shape == SHAPE
        with pytest.raises(IncompatibleDevice, match=r"program\.json.*axcompile"):
            context.device_connect().load_model_instance(model)


def test_a_model_json_of_another_program_is_refused(make_model: MakeModel) -> None:
    path = make_model()
    path.write_text(path.read_text().replace("kernel_function", "kernel_functiom"))
    with (
        context_with() as context,
        pytest.raises((IncompatibleDevice, InvalidArgument), match=r"model\.json"),
    ):
        context.device_connect().load_model_instance(context.load_model(path))


def test_a_refused_load_leaves_the_board_as_it_was(make_model: MakeModel) -> None:
    good, bad = make_model("good", l2_bytes=20 << 20), make_model("bad", l2_bytes=20 << 20)
    (bad.parent / "program.bin").write_bytes(b"damaged")
    with context_with() as context:
        connection = context.device_connect()
        with pytest.raises((IncompatibleDevice, InvalidArgument)):
            connection.load_model_instance(context.load_model(bad))
        connection.load_model_instance(context.load_model(good))
