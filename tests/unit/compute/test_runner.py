"""Runners: buffers, taps, independence, many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests._sizes import sample

from axemu.driver import InvalidArgument
from axemu.emulator.compute import ThreadBudget, available_paths, load
from axemu.model.ops import execute, execute_taps
from axemu.model.program import Program

Frame = np.ndarray[tuple[int, ...], np.dtype[np.int8]]


@pytest.mark.parametrize("path", ["auto", "reference"])
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "got 0 input buffers, expected 1"),
        ([np.zeros(10, np.int8)], "input 'x' of program 'block' is int8 with 10 elements"),
        ([np.zeros(9 * 8 * 24, np.uint8)], "is uint8 with 1728 elements"),
        (
            [np.zeros((9, 8, 48), np.int8)[:, :, ::2]],
            "in strided memory, expected C-contiguous int8 with 1728",
        ),
    ],
)
def test_a_buffer_that_does_not_fit_is_refused(
    block: Program, path: str, inputs: list[Frame], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        load(block, path=path).instance().run(inputs, [np.empty(9 * 8 * 24, np.int8)])


@pytest.mark.parametrize("numerics", ["metis", "exact"])
@pytest.mark.parametrize("path", ["auto", "reference"])
def test_every_tensor_can_be_tapped(block: Program, frame: Frame, numerics: str, path: str) -> None:
    runner = load(block, numerics, path, taps=tuple(block.tensors)).instance()
    output = np.empty(frame.shape, np.int8)
    runner.run([frame], [output])
    wanted = execute_taps(block, {"x": frame}, numerics)  # type: ignore[arg-type]
    for name in block.tensors:
        np.testing.assert_array_equal(runner.taps[name][0], wanted[name], err_msg=name)
    np.testing.assert_array_equal(output, wanted["y"])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_run_aside_gives_the_same_results(block: Program, frame: Frame, threads: int) -> None:
    runners = [
        load(block, threads=threads, budget=ThreadBudget(2), aside=aside).instance()
        for aside in (True, False)
    ]
    for shift in range(20):
        inputs = np.roll(frame, shift, axis=0)
        outputs = [np.empty(frame.shape, np.int8) for _ in runners]
        for runner, output in zip(runners, outputs, strict=True):
            runner.run([inputs], [output])
        np.testing.assert_array_equal(*outputs)


def test_a_tap_does_not_change_results(block: Program, frame: Frame) -> None:
    results = []
    for taps in ((), ("a",), ("c",)):
        output = np.empty(frame.shape, np.int8)
        load(block, taps=taps).instance().run([frame], [output])
        results.append(output)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_runs_do_not_depend_on_earlier_runs(block: Program, frame: Frame) -> None:
    runner = load(block).instance()
    first, other, again = (np.empty(frame.shape, np.int8) for _ in range(3))
    runner.run([frame], [first])
    runner.run([np.flip(frame).copy()], [other])
    runner.run([frame], [again])
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_instances_share_weights_and_not_activations(block: Program) -> None:
    executable = load(block)
    one, two = executable.instance(), executable.instance()
    assert one._arena.ctypes.data != two._arena.ctypes.data  # type: ignore[attr-defined]
    weights = {array.ctypes.data for array in executable.linked.kept}  # type: ignore[attr-defined]
    for runner in (one, two):
        assert weights <= {int(word) for word in runner._words}  # type: ignore[attr-defined]


def test_four_instances_on_four_threads_with_helpers_agree(block: Program) -> None:
    rng = np.random.default_rng(3)
    frames = rng.integers(-128, 128, (8, 9, 8, 24)).astype(np.int8)
    wanted = [execute(block, {"x": frame}, "metis")["y"] for frame in frames]
    executable = load(block, threads=3, budget=ThreadBudget(4))

    def work(worker: int) -> int:
        runner = executable.instance()
        output = np.empty(frames.shape[1:], np.int8)
        wrong = 0
        for index in range(sample(100, 2500)):
            place = (index + worker) % len(frames)
            output[:] = 77
            runner.run([frames[place]], [output])
            wrong += int((output != wanted[place]).any())
        return wrong

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 0


def test_outputs_are_written_where_they_are(block: Program, frame: Frame) -> None:
    memory = np.full((3, *frame.shape), 99, np.int8)
    load(block).instance().run([frame], [memory[1]])
    assert (memory[0] == 99).all()
    assert (memory[2] == 99).all()
    np.testing.assert_array_equal(memory[1], execute(block, {"x": frame}, "metis")["y"])


@pytest.mark.parametrize("numerics", ["metis", "exact"])
@pytest.mark.parametrize("path", available_paths())
def test_channels_that_fill_no_whole_block_are_followed_to_the_last(
    block: Program, frame: Frame, path: str, numerics: str
) -> None:
    # 24 channels are one and a half blocks: three vectors of eight lanes, six of four.
    output = np.empty(frame.shape, np.int8)
    load(block, numerics, path).instance().run([frame], [output])
    np.testing.assert_array_equal(output, execute(block, {"x": frame}, numerics)["y"])  # type: ignore[arg-type]


def test_packed_weights_take_the_place_of_the_constants(block: Program) -> None:
    assert load(block).program.constants == {}
