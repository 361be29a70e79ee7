"""Faults of emulated boards look the same directly and through the native binding and the C face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.testing import SmallModel

Emulator = Callable[[str], None]
MakeSmall = Callable[..., SmallModel]


@pytest.fixture
def boards(driver: str) -> str:
    """The driver, unless there is no emulated board behind it."""
    if driver == "function":
        pytest.skip("a board that is a function has no faults")
    return driver


def load(context: axr.Context, small: SmallModel, device: int = 0) -> axr.ModelInstance:
    return context.device_connect(device).load_model_instance(context.load_model(small.path))


def run(instance: axr.ModelInstance, small: SmallModel) -> bool:
    outputs = small.outputs()
    instance.run(small.frame(1), outputs)
    return all(map(np.array_equal, outputs, small.expected(small.frame(1))))


def test_a_lost_board_is_a_connection_error_until_it_is_refreshed(
    boards: str, emulator: Emulator, small: MakeSmall
) -> None:
    emulator('boards = 2, faults = [{ kind = "board-lost", at = 2, board = "metis-0:1:0" }]')
    model = small()
    with axr.Context() as context:
        lost, other = load(context, model, 0), load(context, model, 1)
        assert run(lost, model)
        for _ in range(2):
            with pytest.raises(axr.ConnectionError, match="metis-0:1:0: the device is lost"):
                run(lost, model)
        assert context.list_devices()[0].board_type is axr.BoardType.unknown
        assert run(other, model)
        assert context.configure_device(0, device_firmware=1)
        with pytest.raises(axr.ConnectionError, match="connect again"):
            run(lost, model)
        lost.connection.release()
        assert run(load(context, model, 0), model)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ('kind = "dma-timeout", at = 1', axr.UnknownError, "timed out"),
        ('kind = "firmware-hang", at = 1', axr.ConnectionError, "firmware does not answer"),
        ('kind = "ddr-exhausted"', axr.IncompatibleDevice, "Failed to write module binary to device memory"),
        ('kind = "model-refused"', axr.IncompatibleDevice, r"Unsupported model version: 4\.0, expected at least 5\.0"),
        ('kind = "firmware-refused", version = "1.2", minimum = "1.3"', axr.IncompatibleDevice, "expected at least 1.3"),
    ],
)  # fmt: skip
def test_each_fault_is_its_documented_exception(
    boards: str, emulator: Emulator, small: MakeSmall, fault: str, error: type[Exception], words: str
) -> None:
    emulator(f"faults = [{{ {fault} }}]")
    model = small()
    with axr.Context() as context, pytest.raises(error, match=words) as caught:
        run(load(context, model), model)
    assert type(caught.value) is error


def test_a_stuck_configuration_is_pending(boards: str, emulator: Emulator) -> None:
    emulator('faults = [{ kind = "configure-stuck", at = 1 }]')
    with axr.Context() as context:
        assert context.configure_device(0, clock_profile=400) is False
        assert not any(context.device_ready(0) for _ in range(20))
        with pytest.raises(axr.Pending):
            context.device_connect(0)
        assert context.configure_device(0, device_firmware=1)
        assert context.device_ready(0)
