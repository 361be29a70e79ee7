"""The smallest program: one core, one frame at a time.

`axemu.host` makes the board's buffers of an image, and scores of the board's buffers.

    axemu demo
    python examples/quick_start.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys

import numpy as np

from axelera.runtime import Context
from axemu.host import HostPart


def main(model_path: str, images_path: str) -> None:
    with np.load(images_path) as test:
        images, labels = test["images"], test["labels"]
    with Context() as context:
        model = context.load_model(model_path)
        part = HostPart(model, model_path)
        connection = context.device_connect(None, num_sub_devices=1)
        instance = connection.load_model_instance(model)

        buffers = part.outputs()
        correct = 0
        for image, label in zip(images, labels, strict=True):
            instance.run(part.inputs(image), buffers)
            (scores,) = part.results(buffers)
            correct += int(scores.argmax() == label)
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
