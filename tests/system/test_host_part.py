"""The host's part and a board give together what the compiler's own evaluation of the network gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from axelera import compiler
from axelera.runtime import Context
from axemu.cli import digits
from axemu.host import HostPart, from_buffer, to_buffer

FRAMES = 8


@pytest.mark.usefixtures("own_boards")
@pytest.mark.parametrize("build", ["digits_1", "digits_2", "digits_argmax"])
def test_float_in_float_out_as_the_compiler_evaluates_it(
    build: str, digits_onnx: Path, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(build)
    source = digits_onnx.parent / ("argmax.onnx" if build == "digits_argmax" else "digits.onnx")
    calibration = (image[np.newaxis] for image in digits.calibration_images().images)
    evaluated = compiler.quantize(str(source), calibration, compiler.CompilerConfig())
    images = digits.test_images().images[:FRAMES]
    with Context() as context:
        model = context.load_model(path)
        part = HostPart(model)
        connection = context.device_connect(None, part.batch)
        instance = connection.load_model_instance(model)
        results = [
            part.run(instance, images[first : first + part.batch])[0]
            for first in range(0, FRAMES, part.batch)
        ]
    expected = evaluated(images)
    assert part.has_postamble is (build == "digits_argmax")
    assert np.array_equal(np.concatenate(results).reshape(expected.shape), expected)


@pytest.mark.usefixtures("own_boards")
def test_the_steps_one_by_one_give_the_same(digits_1: Path) -> None:
    image = digits.test_images().images[:1]
    with Context() as context:
        model = context.load_model(digits_1)
        instance = context.device_connect().load_model_instance(model)
        (taken,), (given,) = model.inputs(), model.outputs()
        buffer = np.empty(given.shape, np.int8)
        instance.run([to_buffer(image, taken)], [buffer])
        assert np.array_equal(from_buffer(buffer, given), HostPart(model).run(instance, image)[0])
