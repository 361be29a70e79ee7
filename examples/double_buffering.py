"""Double buffering: a frame is copied to the board while the one before it executes.

With `double_buffer=1` call k returns the result of frame k - 2. The first two results mean nothing, and two frames of
zeros at the end push the last two results out.

    python examples/double_buffering.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from tensors import load_images, to_buffer, to_real

from axelera.runtime import Context, ModelInstance

DELAY = 2


def run(
    instance: ModelInstance, frames: list[npt.NDArray[np.int8]], output_shape: tuple[int, ...]
) -> Iterator[npt.NDArray[np.int8]]:
    flush = [np.zeros_like(frames[0])] * DELAY
    for call, frame in enumerate([*frames, *flush]):
        output = np.empty(output_shape, np.int8)
        instance.run([frame], [output])
        if call >= DELAY:
            yield output


def main(model_path: str, images_path: str) -> None:
    images, labels = load_images(images_path)
    with Context() as context:
        model = context.load_model(model_path)
        (input_info,), (output_info,) = model.inputs(), model.outputs()
        connection = context.device_connect(None, 1)
        instance = connection.load_model_instance(model, double_buffer=1)
        frames = [to_buffer(image[np.newaxis], input_info) for image in images]
        results = [to_real(output, output_info) for output in run(instance, frames, output_info.shape)]
    correct = sum(int(result.argmax() == label) for result, label in zip(results, labels, strict=True))
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    main(*sys.argv[1:])
