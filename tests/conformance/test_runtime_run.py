"""`ModelInstance.run`: what it takes, what it refuses, and when it reads and writes."""

from __future__ import annotations

import json
import logging
import mmap
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import axelera.runtime as axr


@pytest.fixture
def made(small: Any) -> Any:
    return small()


@pytest.fixture
def instance(driver: str, context: axr.Context, made: Any) -> axr.ModelInstance:
    return context.device_connect().load_model_instance(context.load_model(made.path))


# -- buffers (§1.6, §0.4) ---------------------------------------------------------------------------------------------


def test_run_returns_nothing_and_writes_in_place(instance: axr.ModelInstance, made: Any) -> None:
    inputs, outputs = made.frame(1), made.outputs()
    buffer = outputs[0]
    assert instance.run(inputs, outputs) is None
    assert outputs[0] is buffer
    assert np.array_equal(outputs, made.expected(inputs))


@pytest.mark.parametrize("shape", [(1, 10, 16, 4), (640,), (10, 64), (2, 2, 2, 2, 40)])
def test_only_the_bytes_of_a_buffer_matter(
    instance: axr.ModelInstance, made: Any, shape: tuple[int, ...]
) -> None:
    inputs = made.frame(1)
    outputs = [np.empty(64, np.int8)]
    instance.run([inputs[0].reshape(shape)], outputs)
    assert np.array_equal(outputs[0], made.expected(inputs)[0].reshape(-1))


def test_views_of_other_types_are_fine(instance: axr.ModelInstance, made: Any) -> None:
    """Language-model code passes flat int8 views in and out."""
    inputs = made.frame(1)
    out = np.empty(16, np.float32)
    instance.run([inputs[0].view(np.uint8).view(np.int8).reshape(-1)], [out.view(np.int8)])
    assert np.array_equal(out.view(np.int8), made.expected(inputs)[0].reshape(-1))


def test_tuples_serve_as_lists(instance: axr.ModelInstance, made: Any) -> None:
    inputs, outputs = made.frame(1), made.outputs()
    instance.run(tuple(inputs), tuple(outputs))
    assert np.array_equal(outputs, made.expected(inputs))


def test_buffers_may_be_reused_or_fresh_at_every_call(instance: axr.ModelInstance, made: Any) -> None:
    reused = made.outputs()
    for seed in range(5):
        inputs, fresh = made.frame(seed), made.outputs()
        instance.run(inputs, reused)
        instance.run(inputs, fresh)
        assert np.array_equal(reused, made.expected(inputs))
        assert np.array_equal(fresh, made.expected(inputs))


def test_inputs_are_not_changed(instance: axr.ModelInstance, made: Any) -> None:
    inputs = made.frame(1)
    inputs[0].flags.writeable = False
    before = inputs[0].copy()
    instance.run(inputs, made.outputs())
    assert np.array_equal(inputs[0], before)


def test_an_output_may_be_the_input(instance: axr.ModelInstance, made: Any) -> None:
    inputs = made.frame(1)
    expected = made.expected(inputs)[0].reshape(-1)
    shared = inputs[0].reshape(-1)
    instance.run([shared], [shared[:64]])
    assert np.array_equal(shared[:64], expected)


def test_a_batch_takes_one_buffer_with_a_leading_dimension(
    driver: str, context: axr.Context, small: Any
) -> None:
    """Broadcasting one image into the batch buffer, and repeating it, are what programs do."""
    made = small(batch=4)
    instance = context.device_connect(None, 4).load_model_instance(context.load_model(made.path))
    image = made.frame(1)[0][0]
    inputs = [np.empty((4, 10, 16, 4), np.int8)]
    inputs[0][:] = image
    outputs = made.outputs()
    instance.run(inputs, outputs)
    assert np.array_equal(outputs, made.expected([np.repeat(image[np.newaxis], 4, 0)]))


WRONG_INPUTS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda x: [x, x], "2 inputs given, the model has 1"),
    (lambda _: [], "0 inputs given, the model has 1"),
    (lambda x: x, "inputs are a ndarray; give a list"),
    (lambda _: None, "inputs are a NoneType; give a list"),
    (
        lambda x: [x.view(np.uint8)],
        r"input 0 \(var_input_ifd0\): uint8 of shape .*; expected 640 B of C-contiguous int8",
    ),
    (
        lambda x: [x.astype(np.float32)],
        r"input 0 .*float32 of shape .*may be float32 of its unpadded",
    ),
    (lambda x: [x.astype(np.float64)[:, 1:9, 1:9, :3]], "input 0 .*float64 of shape"),
    (lambda x: [x[:, :9]], r"input 0 .*shape \(1, 9, 16, 4\) has 576 B; expected 640 B"),
    (lambda x: [np.repeat(x, 2, 3)[..., ::2]], "input 0 .*is not C-contiguous"),
    (lambda x: [x.transpose(0, 2, 1, 3)], "input 0 .*is not C-contiguous"),
    (lambda x: [x.astype(">f4")[:, 1:9, 1:9, :3]], "input 0 .*>f4 of shape"),
    (lambda x: [x.view([("a", "i1"), ("b", "i1")])], r"input 0 .*\[\('a', 'i1'\).* of shape"),
    (lambda x: [x.astype(object)], "input 0 .*object of shape"),
    (lambda _: [np.array(3, np.int8)], r"input 0 .*shape \(\) has 1 B; expected 640 B"),
    (lambda _: [np.int8(3)], "input 0 .*is a int8; expected a NumPy array"),
    (lambda x: [np.broadcast_to(x[:, :1], x.shape)], "input 0 .*is not C-contiguous"),
    (lambda x: [x.tolist()], "input 0 .*is a list; expected a NumPy array"),
    (lambda x: [x.tobytes()], "input 0 .*is a bytes; expected a NumPy array"),
    (lambda _: [None], "input 0 .*is a NoneType; expected a NumPy array"),
    (lambda _: [3], "input 0 .*file descriptors need the instance loaded with input_dmabuf=1"),
]


@pytest.mark.parametrize(("change", "message"), WRONG_INPUTS)
def test_unfit_inputs_are_refused_and_named(
    instance: axr.ModelInstance, made: Any, change: Callable[[Any], Any], message: str
) -> None:
    outputs = made.outputs()
    with pytest.raises(axr.InvalidArgument, match=message):
        instance.run(change(made.frame(1)[0]), outputs)
    assert np.all(outputs[0] == 99)


def test_an_unfit_input_of_a_model_with_a_preamble_is_told_what_to_run_first(
    instance: axr.ModelInstance, made: Any
) -> None:
    instance._preamble = "preprocess_graph.onnx"
    with pytest.raises(axr.InvalidArgument, match=r"input 0 .*run preprocess_graph\.onnx first.*HostPart"):
        instance.run([np.zeros((1, 3, 8, 8), np.float32)], made.outputs())


@pytest.mark.parametrize("outputs", [[], [np.zeros((1, 10), np.float32)]])
def test_unfit_outputs_of_a_model_with_a_postamble_are_told_what_makes_them(
    instance: axr.ModelInstance, made: Any, outputs: list[np.ndarray]
) -> None:
    instance._postamble = "postprocess_graph.onnx"
    with pytest.raises(
        axr.InvalidArgument, match=r"output.*ends on the host.*run postprocess_graph\.onnx on.*HostPart"
    ):
        instance.run(made.frame(1), outputs)


def _read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


WRONG_OUTPUTS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda y: [y, y], "2 outputs given, the model has 1"),
    (lambda _: [], "0 outputs given, the model has 1"),
    (lambda y: y, "outputs are a ndarray; give a list"),
    (lambda y: [_read_only(y)], r"output 0 \(output_mmio_var\): the array is read-only"),
    (lambda _: [np.empty((1, 1, 1, 128), np.int8)[..., ::2]], "output 0 .*is not C-contiguous"),
    (lambda y: [y[..., :63]], r"output 0 .*has 63 B; expected 64 B"),
    (lambda _: [np.empty(65, np.int8)], r"output 0 .*has 65 B; expected 64 B"),
    (lambda y: [y.view(np.uint8)], "output 0 .*uint8 of shape"),
    (lambda _: [np.empty((1, 1, 1, 10), np.float32)], "output 0 .*float32"),
    (lambda _: [bytearray(64)], "output 0 .*is a bytearray; expected a NumPy array"),
]


SUBCLASSES: list[Callable[[Any], Any]] = [
    lambda x: x.reshape(16, -1).view(np.matrix),
    lambda x: np.ma.array(x, mask=True, hard_mask=True),
    lambda x: x.view(np.recarray),
]


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("view", SUBCLASSES)
def test_subclasses_of_arrays_are_their_elements(
    instance: axr.ModelInstance, made: Any, view: Callable[[Any], Any]
) -> None:
    """A mask hides elements from NumPy, not from a board."""
    inputs, outputs = made.frame(1), made.outputs()
    instance.run([view(inputs[0])], [view(outputs[0])])
    assert np.array_equal(outputs, made.expected(inputs))


def test_results_go_where_the_list_pointed_at_the_call(made: Any) -> None:
    """A client may put the next frame's arrays into its list while this one is under way."""
    from axemu.driver import FunctionDriver

    given, later = np.zeros(64, np.int8), np.zeros(64, np.int8)
    outputs = [given]

    def replace(model: Any, inputs: Any) -> list[Any]:
        outputs[0] = later
        return [np.full(64, 7, np.int8)]

    with axr.Context(FunctionDriver(replace)) as context:
        instance = context.device_connect().load_model_instance(context.load_model(made.path))
        instance.run(made.frame(1), outputs)
    assert (given[0], later[0]) == (7, 0)


@pytest.fixture
def two_outputs(made: Any) -> Iterator[Callable[..., axr.ModelInstance]]:
    model = json.loads(made.path.read_text())
    pool = next(pool for pool in model["memory_pools"] if pool["name"] == "ddr_output")
    pool["size"] = 128
    model["outputs"].append({**model["outputs"][0], "name": "output_mmio_var_1", "offset": 64})
    made.path.write_text(json.dumps(model))
    made.path.with_name("manifest.json").unlink()
    with axr.Context("function") as context:
        loaded = context.load_model(made.path)
        connection = context.device_connect()
        yield lambda **properties: connection.load_model_instance(loaded, **properties)


def test_outputs_may_lie_side_by_side(two_outputs: Callable[..., axr.ModelInstance], made: Any) -> None:
    both = np.zeros((2, 64), np.int8)
    inputs = made.frame(1)
    two_outputs().run(inputs, [both[1], both[0]])
    assert np.array_equal(both, [inputs[0].reshape(-1)[:64]] * 2)


@pytest.mark.parametrize("shift", [0, 1, 63])
@pytest.mark.parametrize("order", [1, -1])
def test_outputs_that_would_overwrite_each_other_are_refused(
    two_outputs: Callable[..., axr.ModelInstance], made: Any, shift: int, order: int
) -> None:
    both = np.full(128, 99, np.int8)
    outputs = [both[:64], both[shift : shift + 64]][::order]
    with pytest.raises(
        axr.InvalidArgument, match=r"output \d .*: shares memory with .*output \d .*buffer of its own"
    ):
        two_outputs().run(made.frame(1), outputs)
    assert np.all(both == 99)


@pytest.mark.parametrize(("change", "message"), WRONG_OUTPUTS)
def test_unfit_outputs_are_refused_and_named(
    instance: axr.ModelInstance, made: Any, change: Callable[[Any], Any], message: str
) -> None:
    outputs = made.outputs()
    with pytest.raises(axr.InvalidArgument, match=message):
        instance.run(made.frame(1), change(outputs[0]))
    assert np.all(outputs[0] == 99)


def test_a_refused_call_leaves_no_trace(instance: axr.ModelInstance, made: Any) -> None:
    for change, _ in WRONG_INPUTS:
        with pytest.raises(axr.InvalidArgument):
            instance.run(change(made.frame(1)[0]), made.outputs())
    inputs, outputs = made.frame(2), made.outputs()
    instance.run(inputs, outputs)
    assert np.array_equal(outputs, made.expected(inputs))


def test_a_second_flat_input_takes_the_same_bytes(made: Any) -> None:
    model = json.loads(made.path.read_text())
    model["inputs"].append({**model["inputs"][0], "name": "var_input_ifd0_1", "shape": [640]})
    made.path.write_text(json.dumps(model))
    with axr.Context("function") as context:
        loaded = context.load_model(made.path)
        assert [info.shape for info in loaded.inputs()] == [(1, 10, 16, 4), (640,)]
        instance = context.device_connect().load_model_instance(loaded)
        (inputs,) = made.frame(1)
        instance.run([inputs, inputs], made.outputs())
        instance.run([inputs, inputs.reshape(-1)], made.outputs())


# -- float32 inputs (§0.12) -------------------------------------------------------------------------------------------


def test_the_documented_typical_usage_works(driver: str, context: axr.Context, small: Any) -> None:
    """A DeviceInfo by position, four aipu_cores on one core, float32 inputs of unpadded shape."""
    made = small()
    device = context.list_devices()[0]
    model = context.load_model(made.path)
    connection = context.device_connect(device, 1)
    instance = connection.load_model_instance(model, num_sub_devices=1, aipu_cores=4)
    rng = np.random.default_rng(5)
    inputs = [rng.random(info.unpadded_shape, np.float32) for info in model.inputs()]
    outputs = [np.zeros(info.shape, info.dtype) for info in model.outputs()]
    instance.run(inputs, outputs)
    (info,) = model.inputs()
    codes = np.clip(np.rint(inputs[0].astype(np.float64) / info.scale - 130), -128, 127).astype(np.int8)
    padded = np.pad(codes, [(0, 0), (1, 1), (1, 7), (0, 1)], constant_values=-128)
    assert np.array_equal(outputs, made.expected([padded]))


def test_a_float_input_is_told_once(
    instance: axr.ModelInstance, made: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="axelera.runtime"):
        for _ in range(3):
            instance.run([np.zeros((1, 8, 8, 3), np.float32)], made.outputs())
    (record,) = caplog.records
    assert "float32 of unpadded shape (1, 8, 8, 3) given" in record.getMessage()
    assert "Pass int8 of shape (1, 10, 16, 4)" in record.getMessage()


@pytest.mark.parametrize(
    ("value", "code"),
    [(np.inf, 127), (-np.inf, -128), (1e30, 127), (3e38, 127), (-3e38, -128), (0.0, -128), (1.0, 125)],
)
def test_a_float_input_saturates(instance: axr.ModelInstance, made: Any, value: float, code: int) -> None:
    outputs, inner = made.outputs(), np.full((1, 8, 8, 3), code, np.int8)
    instance.run([np.full((1, 8, 8, 3), value, np.float32)], outputs)
    padded = np.pad(inner, [(0, 0), (1, 1), (1, 7), (0, 1)], constant_values=-128)
    assert np.array_equal(outputs, made.expected([padded]))


def test_not_a_number_is_refused(instance: axr.ModelInstance, made: Any) -> None:
    image = np.zeros((1, 8, 8, 3), np.float32)
    image[0, 3, 4, 1] = np.nan
    with pytest.raises(axr.InvalidArgument, match=r"input 0 \(var_input_ifd0\): holds NaN"):
        instance.run([image], made.outputs())


# -- double buffering (§1.7, §0.2) ------------------------------------------------------------------------------------


@pytest.fixture
def late(driver: str, context: axr.Context, made: Any) -> axr.ModelInstance:
    model = context.load_model(made.path)
    return context.device_connect().load_model_instance(model, double_buffer=True)


def test_call_k_returns_the_result_of_call_k_minus_2(late: axr.ModelInstance, made: Any) -> None:
    frames = [made.frame(seed) for seed in range(8)]
    results = []
    for frame in frames:
        outputs = made.outputs()
        late.run(frame, outputs)
        results.append(outputs)
    for result, frame in zip(results[2:], frames, strict=False):
        assert np.array_equal(result, made.expected(frame))


def test_two_zero_frames_drain_it(late: axr.ModelInstance, made: Any) -> None:
    frame, zero = made.frame(1), [np.zeros((1, 10, 16, 4), np.int8)]
    for inputs in (frame, zero, zero):
        outputs = made.outputs()
        late.run(inputs, outputs)
    assert np.array_equal(outputs, made.expected(frame))


def test_the_first_two_outputs_hold_no_result(late: axr.ModelInstance, made: Any) -> None:
    for _ in range(2):
        inputs, outputs = made.frame(1), made.outputs()
        late.run(inputs, outputs)
        assert np.all(outputs[0] == 0)


def test_the_first_two_outputs_can_be_poisoned(emulator: Any, made: Any) -> None:
    """So that a client that forgets the delay fails loudly."""
    emulator('warmup = "poison"')
    with axr.Context() as context:
        instance = context.device_connect().load_model_instance(
            context.load_model(made.path), double_buffer=1
        )
        for _ in range(2):
            outputs = made.outputs()
            instance.run(made.frame(1), outputs)
            assert set(outputs[0].ravel().tolist()) == {-86}


def test_instances_are_delayed_each_for_itself(driver: str, context: axr.Context, made: Any) -> None:
    model = context.load_model(made.path)
    connection = context.device_connect()
    first, second = (connection.load_model_instance(model, double_buffer=1) for _ in range(2))
    frame, outputs = made.frame(1), made.outputs()
    for instance in (first, second, first, first):
        instance.run(frame, outputs)
    assert np.array_equal(outputs, made.expected(frame))
    second.run(frame, outputs)
    assert np.all(outputs[0] == 0)


def test_a_refused_call_does_not_count(late: axr.ModelInstance, made: Any) -> None:
    frame = made.frame(1)
    for _ in range(2):
        late.run(frame, made.outputs())
    with pytest.raises(axr.InvalidArgument):
        late.run([frame[0][:, :1]], made.outputs())
    outputs = made.outputs()
    late.run(frame, outputs)
    assert np.array_equal(outputs, made.expected(frame))


# -- dma-bufs (§1.8) --------------------------------------------------------------------------------------------------


@pytest.fixture
def memory() -> Iterator[Callable[[int], int]]:
    made: list[int] = []

    def make(size: int) -> int:
        made.append(os.memfd_create("buffer"))
        os.ftruncate(made[-1], size)
        return made[-1]

    yield make
    for descriptor in made:
        os.close(descriptor)


@pytest.fixture
def buffered(driver: str, context: axr.Context, made: Any) -> axr.ModelInstance:
    model = context.load_model(made.path)
    return context.device_connect().load_model_instance(model, input_dmabuf=1, output_dmabuf=1)


@pytest.mark.parametrize("extra", [0, 1, 5000])
def test_any_mappable_descriptor_of_sufficient_size_serves(
    buffered: axr.ModelInstance, made: Any, memory: Callable[[int], int], extra: int
) -> None:
    source, target = memory(640 + extra), memory(64 + extra)
    for seed in range(3):
        inputs = made.frame(seed)
        os.pwrite(source, inputs[0].tobytes(), 0)
        buffered.run([source], [target])
        assert os.pread(target, 64, 0) == made.expected(inputs)[0].tobytes()
    assert os.pread(target, extra, 64) == bytes(extra)


def test_a_shared_mapping_sees_the_result(
    buffered: axr.ModelInstance, made: Any, memory: Callable[[int], int]
) -> None:
    source, target = memory(640), memory(64)
    inputs = made.frame(1)
    with mmap.mmap(source, 640) as sent, mmap.mmap(target, 64) as received:
        sent[:] = inputs[0].tobytes()
        buffered.run([source], [target])
        assert received[:] == made.expected(inputs)[0].tobytes()


def test_only_one_side_may_be_a_descriptor(
    driver: str, context: axr.Context, made: Any, memory: Callable[[int], int]
) -> None:
    model = context.load_model(made.path)
    connection = context.device_connect()
    inputs, outputs, source, target = made.frame(1), made.outputs(), memory(640), memory(64)
    os.pwrite(source, inputs[0].tobytes(), 0)
    connection.load_model_instance(model, input_dmabuf=True).run([source], outputs)
    connection.load_model_instance(model, output_dmabuf=True).run(inputs, [target])
    assert np.array_equal(outputs, made.expected(inputs))
    assert os.pread(target, 64, 0) == outputs[0].tobytes()


def test_a_descriptor_with_too_little_behind_it_is_refused(
    buffered: axr.ModelInstance, made: Any, memory: Callable[[int], int]
) -> None:
    with pytest.raises(
        axr.InvalidArgument, match=r"input 0 \(var_input_ifd0\): descriptor \d+ has 639 B .* 640 B are needed"
    ):
        buffered.run([memory(639)], [memory(64)])
    with pytest.raises(axr.InvalidArgument, match=r"output 0 \(output_mmio_var\): descriptor \d+ has 63 B"):
        buffered.run([memory(640)], [memory(63)])


@pytest.mark.parametrize("value", [-1, 10_000, 1 << 70])
def test_a_closed_descriptor_is_refused(
    buffered: axr.ModelInstance, memory: Callable[[int], int], value: int
) -> None:
    with pytest.raises(axr.InvalidArgument, match=r"input 0 .*cannot be mapped to be read"):
        buffered.run([value], [memory(64)])


@pytest.mark.parametrize("value", [True, 1.0, None, "3", np.zeros(640, np.int8)])
def test_what_is_no_descriptor_is_refused(
    buffered: axr.ModelInstance, memory: Callable[[int], int], value: Any
) -> None:
    with pytest.raises(axr.InvalidArgument, match=r"input 0 .*loaded to take file descriptors"):
        buffered.run([value], [memory(64)])


def test_a_pipe_cannot_be_mapped(buffered: axr.ModelInstance, memory: Callable[[int], int]) -> None:
    read, write = os.pipe()
    with pytest.raises(axr.InvalidArgument, match="cannot be mapped"):
        buffered.run([read], [memory(64)])
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("path", ["/", "/dev/null", "/dev/zero", "/dev/urandom"])
def test_what_holds_no_bytes_of_its_own_is_refused(
    buffered: axr.ModelInstance, memory: Callable[[int], int], path: str
) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    with pytest.raises(axr.InvalidArgument, match=r"input 0 .*(cannot be mapped|has 0 B behind it)"):
        buffered.run([descriptor], [memory(64)])
    os.close(descriptor)


def test_a_descriptor_only_for_writing_gives_no_input(
    buffered: axr.ModelInstance, memory: Callable[[int], int]
) -> None:
    write_only = os.open(f"/proc/self/fd/{memory(640)}", os.O_WRONLY)
    with pytest.raises(axr.InvalidArgument, match=r"input 0 .*cannot be mapped to be read"):
        buffered.run([write_only], [memory(64)])
    os.close(write_only)


def test_one_descriptor_may_be_input_and_output(
    buffered: axr.ModelInstance, made: Any, memory: Callable[[int], int]
) -> None:
    both, inputs = memory(640), made.frame(1)
    os.pwrite(both, inputs[0].tobytes(), 0)
    buffered.run([both], [both])
    assert os.pread(both, 64, 0) == made.expected(inputs)[0].tobytes()


def test_one_descriptor_cannot_be_two_outputs(
    two_outputs: Callable[..., axr.ModelInstance], memory: Callable[[int], int]
) -> None:
    target, other = memory(64), memory(64)
    instance = two_outputs(output_dmabuf=1)
    with pytest.raises(axr.InvalidArgument, match=r"output 1 .*shares memory with .*output 0"):
        instance.run([np.zeros(640, np.int8)], [target, target])
    instance.run([np.ones(640, np.int8)], [target, other])
    assert os.pread(target, 64, 0) == os.pread(other, 64, 0) == bytes([1] * 64)


def test_a_read_only_descriptor_takes_no_output(
    buffered: axr.ModelInstance, made: Any, memory: Callable[[int], int]
) -> None:
    target = memory(64)
    read_only = os.open(f"/proc/self/fd/{target}", os.O_RDONLY)
    with pytest.raises(axr.InvalidArgument, match=r"output 0 .*cannot be mapped to be read and written"):
        buffered.run([memory(640)], [read_only])
    os.close(read_only)


def test_descriptors_are_not_kept_open(buffered: axr.ModelInstance, memory: Callable[[int], int]) -> None:
    source, target = memory(640), memory(64)
    buffered.run([source], [target])
    before = {path.name for path in Path("/proc/self/fd").iterdir()}
    for _ in range(20):
        buffered.run([source], [target])
    # Meanwhile some of what earlier tests dropped may be closed; listing opens one.
    assert len({path.name for path in Path("/proc/self/fd").iterdir()} - before) <= 1


# -- what a driver measured -------------------------------------------------------------------------------------------


def test_counters_count_frames_and_say_where_they_come_from(instance: axr.ModelInstance, made: Any) -> None:
    for _ in range(3):
        instance.run(made.frame(1), made.outputs())
    counters = instance.counters()
    assert counters.frames == 3
    assert counters.simulated


COST = """
import sys, time
import numpy as np
import axelera.runtime as axr
from axemu.driver import FunctionDriver

class Nothing(FunctionDriver):
    def run(self, *arguments): pass

with axr.Context(Nothing()) as context:
    model = context.load_model(sys.argv[1])
    instance = context.device_connect().load_model_instance(model)
    inputs = [np.zeros(info.shape, np.int8) for info in model.inputs()]
    outputs = [np.zeros(info.shape, np.int8) for info in model.outputs()]
    calls = 0
    def count(frame, event, argument):
        global calls
        calls += event in ("call", "c_call")
    instance.run(inputs, outputs)
    sys.setprofile(count)
    instance.run(inputs, outputs)
    sys.setprofile(None)
    print(calls)
"""


def test_a_call_costs_few_steps_beside_the_board(made: Any) -> None:
    """Counted, not timed: about a dozen Python and C calls; benchmarks hold the microseconds."""
    run = subprocess.run(
        [sys.executable, "-c", COST, str(made.path)], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) <= 40
