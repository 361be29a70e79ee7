"""A model whose last operators run on the host: the compiler put them into an ONNX file beside model.json.

`tensors.Postamble` hands the board's outputs to it.

    python examples/postamble.py MODEL/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys

import numpy as np
from tensors import Postamble, load_images, to_buffer

from axelera.runtime import Context


def main(model_path: str, images_path: str) -> None:
    images, labels = load_images(images_path)
    with Context() as context:
        model = context.load_model(model_path)
        if not model.postamble_graph:
            raise SystemExit(f"{model_path} has no postamble; its outputs are the network's")
        finish = Postamble(model_path, model)
        instance = context.device_connect().load_model_instance(model)
        buffers = [np.empty(info.shape, np.int8) for info in model.outputs()]
        correct = 0
        for image, label in zip(images, labels, strict=True):
            instance.run([to_buffer(image[np.newaxis], model.inputs()[0])], buffers)
            answer = finish(buffers)[0]
            correct += int(answer.reshape(-1)[0] == label if answer.size == 1 else answer.argmax() == label)
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    main(*sys.argv[1:])
