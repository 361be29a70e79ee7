"""A plan of faults: each is the documented exception or the right effect, and what it does not concern goes on."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import axelera.runtime as axr
from axemu.chip import BOARDS
from axemu.driver import InvalidConfiguration, reservation_directory
from axemu.emulator import EmulatorDriver, FaultEvent, load_options, parse_options, report, text
from axemu.emulator.faults import Health, flip
from axemu.emulator.faults._heat import throttled, triangle
from axemu.emulator.faults._plan import DmaTimeout, LinkDrop
from axemu.emulator.faults._trigger import Trigger
from axemu.testing import SmallModel, write_small_model

Fault = dict[str, Any]


@pytest.fixture
def small(tmp_path: Path) -> SmallModel:
    directory = tmp_path / "small"
    directory.mkdir()
    return write_small_model(directory)


@dataclass(frozen=True)
class Bench:
    driver: EmulatorDriver
    context: axr.Context
    small: SmallModel

    def load(self, device: Any = 0, **properties: Any) -> axr.ModelInstance:
        connection = self.context.device_connect(device)
        return connection.load_model_instance(self.context.load_model(self.small.path), **properties)

    def right(self, instance: axr.ModelInstance, seed: int = 1) -> bool:
        outputs = self.small.outputs()
        instance.run(self.small.frame(seed), outputs)
        return all(map(np.array_equal, outputs, self.small.expected(self.small.frame(seed))))

    def failing(self, instance: axr.ModelInstance, count: int) -> list[tuple[int, type[Exception]]]:
        """Run frames and return which fail, from 1, and with what."""
        failed: list[tuple[int, type[Exception]]] = []
        for number in range(1, count + 1):
            try:
                assert self.right(instance, number)
            except axr.AxeleraError as error:
                failed.append((number, type(error)))
        return failed


@contextmanager
def bench(small: SmallModel, *faults: Fault, seed: int = 0, **options: Any) -> Iterator[Bench]:
    driver = EmulatorDriver(parse_options({"faults": {"faults": faults, "seed": seed}, **options}, "test"))
    with axr.Context(driver) as context:
        yield Bench(driver, context, small)
    driver.close()


BOARD_WIDE = ["board-lost", "firmware-hang"]


@pytest.mark.parametrize("kind", BOARD_WIDE)
def test_a_board_that_fails_answers_no_call_any_more(small: SmallModel, kind: str) -> None:
    with bench(small, {"kind": kind, "at": 3}) as on:
        instance = on.load()
        assert on.failing(instance, 5) == [(number, axr.ConnectionError) for number in (3, 4, 5)]
        for call in (
            lambda: on.context.device_connect(0),
            lambda: instance.connection.load_model_instance(on.context.load_model(small.path)),
            lambda: on.context.configure_device(0, clock_profile=800),
            lambda: on.context.device_ready(0),
            lambda: on.context.read_device_configuration(0),
        ):
            with pytest.raises(
                axr.ConnectionError, match=r"metis-0:1:0: the .*refresh it \(axdevice --refresh"
            ):
                call()
        (info,) = on.context.list_devices()
        assert (info.name, info.board_type) == ("metis-0:1:0", axr.BoardType.unknown)


@pytest.mark.parametrize("kind", BOARD_WIDE)
def test_other_boards_go_on_when_one_fails(small: SmallModel, kind: str) -> None:
    with bench(small, {"kind": kind, "at": 2, "board": "metis-0:1:0"}, boards=2) as on:
        instances = [on.load(0), on.load(1)]
        assert on.failing(instances[0], 3) == [(2, axr.ConnectionError), (3, axr.ConnectionError)]
        assert on.failing(instances[1], 5) == []
        assert on.context.device_connect(None).device.name == "metis-0:3:0"


@pytest.mark.parametrize("kind", BOARD_WIDE)
def test_a_board_started_anew_takes_new_connections_and_has_forgotten_the_old_ones(
    small: SmallModel, kind: str
) -> None:
    with bench(small, {"kind": kind, "at": 1}) as on:
        old = on.load()
        on.failing(old, 1)
        assert on.context.configure_device(0, device_firmware=1)
        with pytest.raises(
            axr.ConnectionError, match=r"started anew after this connection was made; connect again"
        ):
            on.right(old)
        old.connection.release()
        assert on.failing(on.load(), 5) == []


def test_when_no_board_answers_all_of_them_are_named(small: SmallModel) -> None:
    with bench(small, {"kind": "board-lost", "at": 1}, boards=2) as on:
        for device in (0, 1):
            on.failing(on.load(device), 1)
        with pytest.raises(
            axr.ConnectionError, match=r"metis-0:1:0: the device is lost.*; metis-0:3:0: the device"
        ) as caught:
            on.context.device_connect(None)
        assert not isinstance(caught.value, axr.DeviceInUse)


def test_loading_the_firmware_of_a_board_that_answers_disturbs_nobody(small: SmallModel) -> None:
    with bench(small) as on:
        instance = on.load()
        assert on.context.configure_device(0, device_firmware=1)
        assert on.right(instance)


def test_a_dma_timeout_costs_one_frame_and_the_connection_goes_on(small: SmallModel) -> None:
    with bench(small, {"kind": "dma-timeout", "at": 3}) as on:
        instance = on.load()
        other = on.load()
        assert on.failing(instance, 6) == [(3, axr.UnknownError)]
        assert on.failing(other, 6) == []
        assert instance.counters().frames == 5


def test_a_failed_frame_leaves_outputs_and_the_order_of_double_buffering_alone(small: SmallModel) -> None:
    with bench(small, {"kind": "dma-timeout", "at": 4}) as on:
        instance = on.load(double_buffer=1)
        results = []
        for seed in (0, 1, 2, 3, 3, 4, 5, 6):
            outputs = small.outputs(fill=77)
            try:
                instance.run(small.frame(seed), outputs)
                results.append(outputs)
            except axr.UnknownError:
                assert (outputs[0] == 77).all()
        assert all(
            np.array_equal(result[0], small.expected(small.frame(seed))[0])
            for seed, result in enumerate(results[2:])
        )


def _elapsed(on: Bench, frames: int = 10) -> float:
    instance = on.load()
    assert on.failing(instance, frames) == []
    return instance.counters().elapsed


@pytest.mark.parametrize("double_buffer", [0, 1])
def test_a_dropped_link_is_late_by_what_it_was_down_for(small: SmallModel, double_buffer: int) -> None:
    times = []
    for faults in ([], [{"kind": "link-drop", "at": 5, "seconds": 0.25}]):
        with bench(small, *faults) as on:
            instance = on.load(double_buffer=double_buffer)
            for seed in range(10):
                instance.run(small.frame(seed), small.outputs())
            times.append(instance.counters().elapsed)
    assert times[1] - times[0] == pytest.approx(0.25, rel=1e-3)


def test_a_slow_link_takes_longer_by_its_share_while_it_is_slow(small: SmallModel) -> None:
    plan = {"kind": "slow-link", "at": 1, "percent": 25, "frames": 4}
    times = []
    for faults in ([], [plan]):
        with bench(small, *faults) as on:
            times.append(_elapsed(on))
    link = sum(info.size for info in (*_infos(small),)) / BOARDS["pcie"].link_bandwidth.value
    assert times[1] - times[0] == pytest.approx(4 * 3 * link, rel=0.01)


def _infos(small: SmallModel) -> Iterator[axr.TensorInfo]:
    with axr.Context("function") as context:
        model = context.load_model(small.path)
        yield from (*model.inputs(), *model.outputs())


def test_corrupted_output_differs_by_so_many_bits_and_later_frames_are_right(small: SmallModel) -> None:
    with bench(small, {"kind": "corrupted-output", "at": 3, "bits": 5}) as on:
        instance = on.load()
        wrong = []
        for seed in (1, 1, 1, 1):
            outputs = small.outputs()
            instance.run(small.frame(seed), outputs)
            difference = outputs[0].view(np.uint8) ^ small.expected(small.frame(seed))[0].view(np.uint8)
            wrong.append(int(np.unpackbits(difference).sum()))
    assert wrong == [0, 0, 5, 0]


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
    st.lists(st.floats(0, 1, exclude_max=True), max_size=50),
)
def test_as_many_bits_are_flipped_as_there_are_places(sizes: list[int], places: list[float]) -> None:
    tensors = [np.zeros(size, np.int8) for size in sizes]
    flip(tensors, places)
    assert sum(int(np.unpackbits(tensor.view(np.uint8)).sum()) for tensor in tensors) == min(
        len(places), 8 * sum(sizes)
    )


def test_a_thermal_ramp_is_measured_and_throttles(small: SmallModel) -> None:
    with bench(small, {"kind": "thermal-ramp", "at": 2, "peak": 106, "seconds": 60, "frames": 101}) as on:
        instance = on.load()
        seen = []
        for _ in range(103):
            assert on.right(instance)
            configuration = on.context.read_device_configuration(0)
            seen.append((round(instance.counters().temperature, 1), configuration["hw_throttling"]))
    assert seen[0] == (25.0, "0")
    assert seen[1] == (45.0, "0")
    assert max(seen) == seen[51] == (106.0, "1")
    assert seen[102] == (25.0, "0")


def test_a_chip_that_gets_too_hot_shuts_down(small: SmallModel) -> None:
    with bench(
        small, {"kind": "thermal-ramp", "at": 1, "start": 100, "peak": 140, "seconds": 9, "frames": 9}
    ) as on:
        failed = on.failing(on.load(), 4)
    assert failed == [(3, axr.ConnectionError), (4, axr.ConnectionError)]  # 100, 110, 120 °C


def test_throttling_follows_the_documented_ladder() -> None:
    temperatures = [94, 104.9, 105, 96, 95, 94, 110, 110, 110, 111, 112, 113, 115, 106, 105, 105, 90]
    caps = [(one.clock_mhz, one.mvm_percent) for one in throttled(iter(temperatures), 1)]
    assert caps[:6] == [(800, 100), (800, 100), (800, 1), (800, 1), (800, 1), (800, 100)]
    assert [clock for clock, _ in caps[6:]] == [700, 600, 500, 400, 300, 200, 200, 200, 300, 400, 500]
    assert [one.clock_mhz for one in throttled(iter([110.0] * 4), 0.5)] == [800, 700, 700, 600]
    assert list(throttled(iter([119.0, 120.0, 30.0]), 1)) == list(throttled(iter([119.0]), 1))


def test_a_ramp_rises_to_its_peak_and_comes_back() -> None:
    assert list(triangle(40, 50, 5)) == [40, 45, 50, 45, 40]
    assert list(triangle(40, 50, 2)) == [40, 40]


def test_an_exhausted_memory_refuses_one_load(small: SmallModel) -> None:
    with bench(small, {"kind": "ddr-exhausted", "at": 2}) as on:
        first = on.load()
        with pytest.raises(axr.IncompatibleDevice, match="Failed to write module binary to device memory"):
            on.load()
        assert on.right(first)
        assert on.right(on.load())


def test_a_model_below_the_runtimes_version_is_refused_with_the_native_text(small: SmallModel) -> None:
    with bench(small, {"kind": "model-refused", "minimum": "5.0"}) as on:
        for _ in range(2):
            with pytest.raises(
                axr.IncompatibleDevice, match=r"Unsupported model version: 4\.0, expected at least 5\.0"
            ):
                on.load()


def test_a_model_of_the_runtimes_version_is_not_refused(small: SmallModel) -> None:
    with bench(small, {"kind": "model-refused", "minimum": "4.0"}) as on:
        assert on.right(on.load())
        assert on.driver.faults() == ()


def test_a_firmware_that_is_too_old_refuses_the_connection_and_leaves_the_cores_free(
    small: SmallModel,
) -> None:
    with bench(small, {"kind": "firmware-refused", "version": "1.2.0", "minimum": "1.3.0", "at": 1}) as on:
        with pytest.raises(
            axr.IncompatibleDevice, match=r"firmware version: 1\.2\.0, expected at least 1\.3\.0"
        ):
            on.context.device_connect(0)
        assert not on.context.list_devices()[0].in_use
        assert on.right(on.load())


def test_a_stuck_configuration_is_pending_until_the_board_is_refreshed_and_what_runs_goes_on(
    small: SmallModel,
) -> None:
    with bench(small, {"kind": "configure-stuck", "at": 1}) as on:
        instance = on.load()
        assert on.context.configure_device(0, clock_profile=400) is False
        assert [on.context.device_ready(0) for _ in range(100)] == [False] * 100
        assert on.right(instance)
        for call in (
            lambda: on.context.device_connect(0),
            lambda: on.context.configure_device(0, clock_profile=600),
        ):
            with pytest.raises(axr.Pending, match="poll device_ready"):
                call()
        assert on.context.configure_device(0, device_firmware=1)
        assert on.context.device_ready(0)
        assert on.context.read_device_configuration(0)["clock_profile"] == "800"
        assert on.right(on.load())


def test_what_happened_is_told_by_driver_log_and_report(
    small: SmallModel, caplog: pytest.LogCaptureFixture
) -> None:
    with bench(small, {"kind": "dma-timeout", "at": 2}, {"kind": "ddr-exhausted", "at": 2}) as on:
        instance = on.load()
        with caplog.at_level(logging.WARNING, "axelera.runtime"):
            on.failing(instance, 3)
            with pytest.raises(axr.IncompatibleDevice):
                on.load()
        assert on.driver.faults() == (
            FaultEvent("metis-0:1:0", "dma-timeout", 2, 0),
            FaultEvent("metis-0:1:0", "ddr-exhausted", 2),
        )
        document = report(on.driver.recording())
    assert caplog.messages == [
        "metis-0:1:0: fault dma-timeout befalls frame 2 of instance 0",
        "metis-0:1:0: fault ddr-exhausted befalls no. 2",
    ]
    assert {"board": "metis-0:1:0", "kind": "dma-timeout", "count": 1} in document["faults"]
    assert "fault dma-timeout on metis-0:1:0: 1 times" in text(document)


def _failures(small: SmallModel, seed: int, rate: float = 0.1) -> list[list[int]]:
    with bench(small, {"kind": "dma-timeout", "rate": rate}, seed=seed) as on:
        return [[number for number, _ in on.failing(on.load(), 200)] for _ in range(3)]


def test_a_plan_befalls_the_same_frames_again_and_others_with_another_seed(small: SmallModel) -> None:
    once = _failures(small, seed=1)
    assert once == _failures(small, seed=1)
    assert once != _failures(small, seed=2)
    assert once[0] != once[1] != once[2]
    assert all(5 <= len(numbers) <= 40 for numbers in once)  # of 200, with a chance of 1 in 10


def test_a_rate_is_met() -> None:
    trigger = Trigger(DmaTimeout(kind="dma-timeout", rate=0.01), "seed")
    assert sum(map(trigger.take, range(1, 100_001))) == pytest.approx(1000, abs=4 * 1000**0.5)
    assert all(map(Trigger(DmaTimeout(kind="dma-timeout", rate=1), "seed").take, range(1, 100)))


def test_a_rate_may_be_as_small_as_a_number_can_be() -> None:
    trigger = Trigger(DmaTimeout(kind="dma-timeout", rate=5e-324), "seed")
    assert not any(map(trigger.take, range(1, 1000)))


def test_a_boards_state_is_locked_while_it_changes() -> None:
    path = reservation_directory() / "locked.health"
    program = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    ends: list[str] = []

    def change(word: int) -> int:
        attempt = subprocess.run(
            [sys.executable, "-c", program, path], stderr=subprocess.PIPE, check=False, text=True
        )
        ends.append(attempt.stderr.splitlines()[-1] if attempt.returncode else "it was not locked")
        return word

    Health("locked")._change(change)
    assert len(ends) == 1
    assert ends[0].startswith("BlockingIOError")


def test_at_means_one_event_of_the_first_instance_unless_another_is_named() -> None:
    assert [n for n in range(1, 10) if Trigger(DmaTimeout(kind="dma-timeout", at=4), "").take(n)][:1] == [4]
    concerned = {
        (at, instance): [number for number in range(3) if LinkDrop(
            kind="link-drop", seconds=1, instance=instance, **({"at": 1} if at else {"rate": 0.5})
        ).concerns(number)]
        for at in (True, False)
        for instance in (None, 1)
    }  # fmt: skip
    assert concerned == {(True, None): [0], (True, 1): [1], (False, None): [0, 1, 2], (False, 1): [1]}


def test_a_plan_may_be_a_list_a_table_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faults.toml").write_text('seed = 7\n[[faults]]\nkind = "board-lost"\nat = 3\n')
    for value in (
        f'"{tmp_path}/faults.toml"',
        '{ seed = 7, faults = [{ kind = "board-lost", at = 3 }] }',
    ):
        monkeypatch.setenv("AXEMU_EMULATOR", f"faults = {value}")
        plan = load_options()[0].faults
        assert (plan.seed, plan.faults[0].kind, plan.faults[0].at) == (7, "board-lost", 3)
    monkeypatch.setenv("AXEMU_EMULATOR", 'faults = [{ kind = "dma-timeout", rate = 0.001 }]')
    assert load_options()[0].faults.faults[0].rate == 0.001


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "no-such", "at": 1}, "board-lost"),
        ({"kind": "board-lost"}, "say which frame: at = 100"),
        ({"kind": "board-lost", "at": 1, "rate": 0.5}, "give at, or rate, not both"),
        ({"kind": "board-lost", "at": 0}, "greater than or equal to 1"),
        ({"kind": "dma-timeout", "rate": 1.5}, "less than or equal to 1"),
        ({"kind": "link-drop", "at": 1}, "seconds: Field required"),
        ({"kind": "slow-link", "at": 1, "percent": 100}, "less than or equal to 99"),
        ({"kind": "model-refused", "minimum": "five"}, "minimum: String should match"),
        ({"kind": "dma-timeout", "at": 1, "when": 2}, "when: there is no such key"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_by_name(fault: Fault, words: str) -> None:
    with pytest.raises(InvalidConfiguration, match="emulator options from test: faults") as caught:
        parse_options({"faults": [fault]}, "test")
    assert words in str(caught.value)


def test_a_fault_of_a_board_that_is_not_there_is_refused() -> None:
    options = parse_options({"faults": [{"kind": "board-lost", "at": 1, "board": "bench"}]}, "test")
    with pytest.raises(InvalidConfiguration, match="names board 'bench'; the boards are metis-0:1:0"):
        EmulatorDriver(options)


def test_a_plan_that_cannot_be_read_names_the_file(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.toml", "No such file"), (tmp_path, "cannot be read|not a")):
        with pytest.raises(InvalidConfiguration, match=f"{path}: .*({words})"):
            parse_options({"faults": str(path)}, "test")
