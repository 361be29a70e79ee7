"""Frames: what goes in, what comes out, and when."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import axelera.runtime as axr
from axemu.testing import SmallModel

Load = Callable[..., axr.ModelInstance]


@pytest.mark.metis_values
def test_results_are_what_the_model_says(metis_instance: Load, metis_model: SmallModel) -> None:
    instance = metis_instance()
    for seed in range(5):
        inputs, outputs = metis_model.frame(seed), metis_model.outputs()
        instance.run(inputs, outputs)
        assert all(map(np.array_equal, outputs, metis_model.expected(inputs)))


def test_the_same_inputs_give_the_same_outputs(metis_instance: Load, metis_model: SmallModel) -> None:
    instance, results = metis_instance(), []
    for seed in (1, 2, 1):
        results.append(metis_model.outputs())
        instance.run(metis_model.frame(seed), results[-1])
    assert all(map(np.array_equal, results[0], results[2]))
    assert not all(map(np.array_equal, results[0], results[1]))


def test_flat_buffers_serve_as_well(metis_instance: Load, metis_model: SmallModel) -> None:
    instance = metis_instance()
    inputs, shaped = metis_model.frame(1), metis_model.outputs()
    flat = [output.reshape(-1).copy() for output in shaped]
    instance.run(inputs, shaped)
    instance.run([value.reshape(-1) for value in inputs], flat)
    assert all(np.array_equal(one.reshape(-1), other) for one, other in zip(shaped, flat, strict=True))


def test_wrong_numbers_and_sizes_are_refused_and_outputs_left_alone(
    metis_instance: Load, metis_model: SmallModel
) -> None:
    instance = metis_instance()
    inputs, outputs = metis_model.frame(1), metis_model.outputs()
    for wrong in ([], [*inputs, inputs[0]], [inputs[0].reshape(-1)[1:], *inputs[1:]]):
        with pytest.raises(axr.InvalidArgument):
            instance.run(wrong, outputs)
    assert all(np.all(output == 99) for output in outputs)
    instance.run(inputs, outputs)


def test_double_buffered_results_come_two_calls_late(metis_instance: Load, metis_model: SmallModel) -> None:
    expected: list[list[np.ndarray]] = []
    results: list[list[np.ndarray]] = []
    for found, properties in ((expected, {}), (results, {"double_buffer": 1})):
        instance = metis_instance(**properties)
        for seed in range(6):
            found.append(metis_model.outputs())
            instance.run(metis_model.frame(seed), found[-1])
        instance.connection.release()
    for one, other in zip(expected[:-2], results[2:], strict=True):
        assert all(map(np.array_equal, one, other))


@pytest.fixture
def shared() -> Iterator[Callable[[np.ndarray], int]]:
    """Put bytes into memory that has a file descriptor."""
    made: list[int] = []

    def share(data: np.ndarray) -> int:
        made.append(os.memfd_create("tensor"))
        os.write(made[-1], data.tobytes())
        return made[-1]

    yield share
    for descriptor in made:
        os.close(descriptor)


def test_dma_bufs_give_what_arrays_give(
    metis_instance: Load, metis_model: SmallModel, shared: Callable[[np.ndarray], int]
) -> None:
    inputs, outputs = metis_model.frame(1), metis_model.outputs()
    plain = metis_instance()
    plain.run(inputs, outputs)
    plain.connection.release()
    descriptors = [shared(output) for output in metis_model.outputs()]
    metis_instance(input_dmabuf=1, output_dmabuf=1).run([shared(value) for value in inputs], descriptors)
    for descriptor, output in zip(descriptors, outputs, strict=True):
        assert os.pread(descriptor, output.nbytes, 0) == output.tobytes()


@pytest.mark.metis_values
def test_float_inputs_of_unpadded_shape_are_quantised_as_documented(
    metis_context: axr.Context, metis_instance: Load, metis_model: SmallModel
) -> None:
    (info,) = metis_context.load_model(metis_model.path).inputs()
    real = np.random.default_rng(5).random(info.unpadded_shape, np.float32)
    codes = np.clip(np.round(real / info.scale + int(info.zero_point)), -128, 127).astype(np.int8)
    padded = np.pad(codes, info.padding, constant_values=max(-128, int(info.zero_point)))
    outputs = metis_model.outputs()
    metis_instance().run([real], outputs)
    assert all(map(np.array_equal, outputs, metis_model.expected([padded])))


def _plain(load: Load, model: SmallModel) -> list[np.ndarray]:
    """Return the result of frame 0 without double buffering."""
    instance, outputs = load(), model.outputs()
    instance.run(model.frame(0), outputs)
    instance.connection.release()
    return outputs


@pytest.mark.parametrize("value", [4, "1", True])
def test_any_true_double_buffer_is_the_same_as_one(
    metis_instance: Load, metis_model: SmallModel, value: object
) -> None:
    expected, outputs = _plain(metis_instance, metis_model), metis_model.outputs()
    instance = metis_instance(double_buffer=value)
    for seed in range(3):
        instance.run(metis_model.frame(seed), outputs)
    assert all(map(np.array_equal, outputs, expected))


def test_a_refused_call_leaves_no_trace(metis_instance: Load, metis_model: SmallModel) -> None:
    expected, outputs = _plain(metis_instance, metis_model), metis_model.outputs()
    instance = metis_instance(double_buffer=1)
    for seed in range(3):
        with pytest.raises(axr.InvalidArgument):
            instance.run([], outputs)
        instance.run(metis_model.frame(seed), outputs)
    assert all(map(np.array_equal, outputs, expected))
