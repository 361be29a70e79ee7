"""A model whose last operators run on the host: the compiler put them into an ONNX file beside model.json.

The board's outputs are cut, dequantised and transposed to NCHW, and go into ONNX Runtime by position.

    python examples/postamble.py MODEL/model.json build/digits/test.npz
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tensors import load_images, to_buffer, to_real

from axelera.runtime import Context


def main(model_path: str, images_path: str) -> None:
    images, labels = load_images(images_path)
    with Context() as context:
        model = context.load_model(model_path)
        if not model.postamble_graph:
            raise SystemExit(f"{model_path} has no postamble; its outputs are the network's")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        graph = Path(model_path).parent / model.postamble_graph
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        inputs = session.get_inputs()

        infos = model.outputs()
        instance = context.device_connect().load_model_instance(model)
        buffers = [np.empty(info.shape, np.int8) for info in infos]
        correct = 0
        for image, label in zip(images, labels, strict=True):
            instance.run([to_buffer(image[np.newaxis], model.inputs()[0])], buffers)
            real = [
                to_real(buffer, info).transpose(0, 3, 1, 2)
                for buffer, info in zip(buffers, infos, strict=True)
            ]
            feed = {
                tensor.name: value.reshape([size if isinstance(size, int) else -1 for size in tensor.shape])
                for tensor, value in zip(inputs, real, strict=True)
            }
            answer = np.asarray(session.run(None, feed)[0])
            correct += int(answer.reshape(-1)[0] == label if answer.size == 1 else answer.argmax() == label)
    print(f"{correct} of {len(labels)} correct")


if __name__ == "__main__":
    main(*sys.argv[1:])
