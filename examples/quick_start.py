"""The smallest program: one core, one frame at a time.

python examples/quick_start.py build/digits/1/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys

import numpy as np
from tensors import load_images, to_buffer, to_real

from axelera.runtime import Context


def main(model_path: str, images_path: str) -> None:
    images, labels = load_images(images_path)
    with Context() as context:
        model = context.load_model(model_path)
        (input_info,), (output_info,) = model.inputs(), model.outputs()
        connection = context.device_connect(None, num_sub_devices=1)
        instance = connection.load_model_instance(model)

        output = np.empty(output_info.shape, np.int8)
        correct = 0
        for image, label in zip(images, labels, strict=True):
            instance.run([to_buffer(image[np.newaxis], input_info)], [output])
            correct += int(to_real(output, output_info).argmax() == label)
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    main(*sys.argv[1:])
