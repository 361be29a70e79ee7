"""Double buffering: a frame is copied to the board while the one before it executes.

With `double_buffer=1` call k returns the result of frame k - 2. The first two results mean nothing, and two frames of
zeros at the end push the last two results out.

    axemu demo
    python examples/double_buffering.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from axelera.runtime import Context, ModelInstance
from axemu.host import HostPart

DELAY = 2


def run(
    instance: ModelInstance, part: HostPart, images: npt.NDArray[np.float32]
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the scores of every image, in order."""
    frames = [part.inputs(image) for image in images]
    flush = [[np.zeros_like(buffer) for buffer in frames[0]]] * DELAY
    for call, frame in enumerate([*frames, *flush]):
        buffers = part.outputs()
        instance.run(frame, buffers)
        if call >= DELAY:
            yield part.results(buffers)[0]


def main(model_path: str, images_path: str) -> None:
    with np.load(images_path) as test:
        images, labels = test["images"], test["labels"]
    with Context() as context:
        model = context.load_model(model_path)
        connection = context.device_connect(None, 1)
        instance = connection.load_model_instance(model, double_buffer=1)
        results = list(run(instance, HostPart(model, model_path), images))
    correct = sum(int(scores.argmax() == label) for scores, label in zip(results, labels, strict=True))
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
