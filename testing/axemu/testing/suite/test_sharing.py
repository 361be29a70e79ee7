"""Threads, processes and releases at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.testing import SmallModel

Load = Callable[..., axr.ModelInstance]


def _result(instance: axr.ModelInstance, model: SmallModel, seed: int) -> list[np.ndarray]:
    outputs = model.outputs()
    instance.run(model.frame(seed), outputs)
    return outputs


def test_two_threads_on_one_instance_take_turns(metis_instance: Load, metis_model: SmallModel) -> None:
    instance = metis_instance()
    expected = [_result(instance, metis_model, seed) for seed in range(2)]
    wrong: list[int] = []

    def work(seed: int) -> None:
        results = (_result(instance, metis_model, seed) for _ in range(30))
        wrong.extend(seed for one in results if not all(map(np.array_equal, one, expected[seed])))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def _need_two_instances(context: axr.Context, model: SmallModel) -> None:
    if context.list_devices()[0].subdevice_count < 2 * model.batch:
        pytest.skip("two instances of this model do not fit on a board")


def test_instances_are_delayed_each_for_itself(
    metis_context: axr.Context, metis_instance: Load, metis_model: SmallModel
) -> None:
    _need_two_instances(metis_context, metis_model)
    plain = metis_instance()
    expected = [_result(plain, metis_model, seed) for seed in range(6)]
    plain.connection.release()
    orders = (range(6), range(5, -1, -1))
    results: list[list[list[np.ndarray]]] = [[], []]
    instances = [metis_instance(0, double_buffer=1) for _ in orders]
    for seeds in zip(*orders, strict=True):
        for instance, seed, of_one in zip(instances, seeds, results, strict=True):
            of_one.append(_result(instance, metis_model, seed))
    for order, of_one in zip(orders, results, strict=True):
        for seed, result in zip(order, of_one[2:], strict=False):
            assert all(map(np.array_equal, result, expected[seed]))


def test_inputs_may_be_overwritten_once_the_call_has_returned_and_outputs_are_the_callers(
    metis_instance: Load, metis_model: SmallModel
) -> None:
    instance = metis_instance()
    inputs, first = metis_model.frame(1), metis_model.outputs()
    instance.run(inputs, first)
    kept = [output.copy() for output in first]
    for value in inputs:
        value[...] = 0
    instance.run(inputs, metis_model.outputs())
    assert all(map(np.array_equal, first, kept))


def test_cores_are_exclusive_between_processes(metis_driver: str, metis_context: axr.Context) -> None:
    if metis_driver == "function":
        pytest.skip("another process has other functions")
    (board, *_) = metis_context.list_devices()
    connection = metis_context.device_connect(board, board.subdevice_count)
    code = (
        "import sys, axelera.runtime as axr\n"
        f"with axr.Context({metis_driver!r}) as context:\n"
        "    try:\n"
        f"        context.device_connect({board.name!r}, 1)\n"
        "    except axr.ConnectionError:\n"
        "        sys.exit(7)\n"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, check=False).returncode == 7
    connection.release()
    assert subprocess.run(command, check=False).returncode == 0


def test_a_forked_child_cannot_use_or_end_what_its_parent_owns(
    metis_instance: Load, metis_model: SmallModel
) -> None:
    instance = metis_instance()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            instance.run([], [])
        except axr.ConnectionError:
            instance.release()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    _result(instance, metis_model, 1)


def test_releasing_a_context_while_threads_run_ends_in_documented_errors_only(
    metis_context: axr.Context, metis_instance: Load, metis_model: SmallModel
) -> None:
    _need_two_instances(metis_context, metis_model)
    instances: list[axr.ModelInstance] = [metis_instance() for _ in range(2)]
    unexpected: list[Exception] = []
    running = threading.Barrier(3)

    def work(instance: axr.ModelInstance) -> None:
        _result(instance, metis_model, 1)
        running.wait()
        try:
            while True:
                _result(instance, metis_model, 1)
        except (axr.InvalidArgument, axr.ConnectionError):
            return
        except Exception as error:  # noqa: BLE001  handed to the test
            unexpected.append(error)

    threads = [threading.Thread(target=work, args=(instance,)) for instance in instances]
    for thread in threads:
        thread.start()
    running.wait()
    metis_context.release()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert unexpected == []
