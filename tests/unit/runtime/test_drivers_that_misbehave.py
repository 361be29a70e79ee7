"""Whatever a driver does wrong reaches the application as a documented error."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.driver import Argument, FunctionDriver, Handle, TensorInfo
from axemu.model import model_json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "model.json").write_text(json.dumps(model_json([TensorInfo((1, 8))], [TensorInfo((1, 4))])))
    return tmp_path / "model.json"


def _run(driver: FunctionDriver, path: Path, outputs: list[Any]) -> None:
    with axr.Context(driver) as context:
        instance = context.device_connect().load_model_instance(context.load_model(path))
        instance.run([np.zeros(8, np.int8)], outputs)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), OSError(5, "I/O"), KeyError("y")])
def test_an_undocumented_error_becomes_an_internal_one_and_leaves_outputs_alone(
    path: Path, error: Exception
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    outputs = [np.full(4, 7, np.int8)]
    with pytest.raises(axr.InternalError, match=r"the driver failed.*please report") as caught:
        _run(FunctionDriver(fail), path, outputs)
    assert caught.value.__cause__ is error
    assert outputs[0].tolist() == [7] * 4


@pytest.mark.parametrize(
    "method",
    [
        "list_devices",
        "configure",
        "ready",
        "read_configuration",
        "connect",
        "load",
        "run",
        "counters",
        "release",
    ],
)
def test_whichever_call_fails_the_error_is_a_documented_one(
    path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("x")

    with axr.Context(FunctionDriver()) as context:
        model, connection = context.load_model(path), context.device_connect()
        instance = connection.load_model_instance(model)
        uses = {
            "list_devices": context.list_devices,
            "configure": lambda: context.configure_device(0, clock_profile=800),
            "ready": lambda: context.device_ready(0),
            "read_configuration": lambda: context.read_device_configuration(0),
            "connect": context.device_connect,
            "load": lambda: connection.load_model_instance(model),
            "run": lambda: instance.run([np.zeros(8, np.int8)], [np.zeros(4, np.int8)]),
            "counters": instance.counters,
            "release": instance.release,
        }
        with monkeypatch.context() as patch:
            patch.setattr(FunctionDriver, method, fail)
            with pytest.raises(axr.InternalError, match=r"the driver failed: KeyError\('x'\); please report"):
                uses[method]()


@pytest.mark.parametrize("error", [axr.ConnectionError("gone"), axr.Pending("wait"), MemoryError()])
def test_documented_errors_and_lack_of_memory_pass_as_they_are(path: Path, error: Exception) -> None:
    def fail(*_: Any) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        _run(FunctionDriver(fail), path, [np.zeros(4, np.int8)])
    assert caught.value is error


def test_results_of_the_wrong_size_are_an_internal_error(path: Path) -> None:
    with pytest.raises(axr.InternalError, match="outputs of other sizes"):
        _run(FunctionDriver(lambda *_: [np.zeros(3, np.int8)]), path, [np.zeros(4, np.int8)])


def test_a_driver_that_keeps_its_buffers_cannot_reach_the_users(path: Path) -> None:
    kept: list[Sequence[Argument]] = []

    class Keeps(FunctionDriver):
        def run(self, instance: Handle, inputs: Sequence[Argument], outputs: Sequence[Argument]) -> None:
            kept.extend((inputs, outputs))
            super().run(instance, inputs, outputs)

    source, target = np.arange(8, dtype=np.int8), np.zeros(4, np.int8)
    with axr.Context(Keeps()) as context:
        instance = context.device_connect().load_model_instance(context.load_model(path))
        instance.run([source], [target])
    for arguments in kept:
        arguments[0].data[:] = 99
    assert source.tolist() == list(range(8))
    assert target.tolist() == [0, 1, 2, 3]


def test_a_failing_load_leaves_the_connection_usable(path: Path) -> None:
    class FailsOnce(FunctionDriver):
        failed = False

        def load(self, *arguments: Any) -> Handle:
            if not self.failed:
                self.failed = True
                raise RuntimeError("x")
            return super().load(*arguments)

    with axr.Context(FailsOnce()) as context:
        connection, model = context.device_connect(), context.load_model(path)
        with pytest.raises(axr.InternalError, match=r"loading .*: the driver failed: RuntimeError"):
            connection.load_model_instance(model)
        connection.load_model_instance(model).run([np.zeros(8, np.int8)], [np.zeros(4, np.int8)])


def test_a_context_closes_a_driver_it_made_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[FunctionDriver] = []

    def close(driver: FunctionDriver) -> None:
        closed.append(driver)

    monkeypatch.setattr(FunctionDriver, "close", close)
    given = FunctionDriver()
    for driver in (given, "function"):
        axr.Context(driver).release()
    assert len(closed) == 1
    assert closed[0] is not given


def test_handles_are_released_once_and_instances_before_connections(path: Path) -> None:
    released: list[str] = []

    class Notes(FunctionDriver):
        def release(self, handle: Handle) -> None:
            released.append(type(handle).__name__)
            super().release(handle)

    with axr.Context(Notes()) as context:
        connection = context.device_connect()
        kept = [connection.load_model_instance(context.load_model(path)) for _ in range(2)]
    assert released == ["_Instance", "_Instance", "_Connection"]
    assert kept[0].context is context


def test_a_release_that_fails_frees_the_rest_and_is_reported(path: Path) -> None:
    class Sticky(FunctionDriver):
        def release(self, handle: Handle) -> None:
            super().release(handle)
            if type(handle).__name__ == "_Instance":
                raise axr.ConnectionError("stuck")

    context = axr.Context(Sticky())
    connection = context.device_connect(None, 4)
    kept = [connection.load_model_instance(context.load_model(path)) for _ in range(2)]
    with pytest.raises(axr.ConnectionError, match="stuck"):
        context.release()
    assert axr.Context("function").device_connect(None, 4).num_sub_devices == 4
    assert len(kept) == 2


def test_a_connection_that_arrives_after_the_release_is_given_back(path: Path) -> None:
    class Slow(FunctionDriver):
        def connect(self, *arguments: Any) -> Handle:
            handle = super().connect(*arguments)
            context.release()  # as another thread might, just now
            return handle

    context = axr.Context(Slow())
    with pytest.raises(axr.InvalidArgument, match="Context was released"):
        context.device_connect(None, 4)
    assert axr.Context("function").device_connect(None, 4).num_sub_devices == 4


def test_a_dropped_handle_that_cannot_be_freed_keeps_nothing_else(path: Path) -> None:
    closed = []

    class Sticky(FunctionDriver):
        def release(self, handle: Handle) -> None:
            if type(handle).__name__ == "_Instance":
                raise axr.ConnectionError("stuck")
            super().release(handle)

        def close(self) -> None:
            closed.append(True)
            super().close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("axemu.driver._function.FunctionDriver", Sticky)
        context = axr.Context("function")
    connection = context.device_connect(None, 4)
    connection.load_model_instance(context.load_model(path))
    with pytest.raises(axr.ConnectionError, match="stuck"):
        context.release()
    assert closed == [True]
    assert axr.Context("function").device_connect(None, 4).num_sub_devices == 4
